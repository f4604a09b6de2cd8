"""Files of other tools, read as bytes and given back as import records; and our own files.

An importer is fed bytes and hands out runs, traces and late updates (``record``). It does no I/O, starts no
thread and knows no store: whoever has the file feeds it, whoever has the store commits what comes out.
``registry`` recognises a format by its content and makes the importer.
"""
