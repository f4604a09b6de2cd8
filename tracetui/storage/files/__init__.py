"""The file engine: one append-only log per run is the truth, everything else is derived from it.

The rooms, from the disk up: ``fs`` (system calls), ``names`` (whose file is it), ``atomic`` (files that are there whole
or not at all), ``frame`` (the bytes of a log), ``log`` and ``refs`` (reading one), ``applying`` and ``replay`` (from frames to
the state of a run), ``writing`` (lock, write, sync), ``index`` (the file with what is derived of a run), ``run`` (a commit,
step by step), ``catalog`` and ``catalog_file`` (what is known of all runs), ``check``, ``repair``, ``compress`` and ``holdings``
(care), ``folder`` and ``engine`` (a folder of runs).
"""
