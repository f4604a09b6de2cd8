"""The query language: one syntax tree for the shell, the filter prompt, the panes and links.

Text becomes a tree (``grammar``), a tree becomes text (``printer``), flags and panes are editors of it
(``flags``, ``panes``); a tree and the columns of a run become hits (``plan``, ``execute``), counts
(``facets``) and tables (``pipeline``). Knows no screen, no shell and no file.
"""
