"""Notes and marks on recordings that were only opened: kept beside their caches, in the user's data folder.

A cache may be thrown away at any time; what a person wrote may not. So a note on an opened recording is written here
first, under the recording's format and the run's id (which importers make from native ids), as the lines of our own
JSON; whoever reads the recording again, for a look or into a store, takes them in.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from tracetui.errors import WriteFailedError
from tracetui.formats.native import annotation_line, read_annotation
from tracetui.formats.record import ImportAnnotation
from tracetui.model.change import Annotation
from tracetui.store.location import user_data_folder

FOLDER = "notes"


def keep(format_name: str, run_id: str, note: Annotation) -> None:
    """Write a note down.

    :raises WriteFailedError: if the user's data folder cannot be written.
    """
    path = _path(format_name, run_id)
    line = (annotation_line(run_id, note) + "\n").encode("utf-8", "surrogatepass")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _append(handle, line)
        finally:
            os.close(handle)
    except OSError as problem:
        raise WriteFailedError(str(path), problem.strerror or str(problem)) from problem


def _append(handle: int, line: bytes) -> None:
    """Write a line at the end, or nothing of it: half a line would take the next note with it."""
    fcntl.flock(handle, fcntl.LOCK_EX)
    size = os.fstat(handle).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(handle, line[written:])
    except OSError:
        os.ftruncate(handle, size)
        raise


def kept(format_name: str, run_id: str) -> Iterator[ImportAnnotation]:
    """Yield the notes of a run, oldest first; a line that cannot be read is passed over, a folder too."""
    with suppress(OSError):
        for line in _path(format_name, run_id).read_bytes().splitlines():
            note = read_annotation(line)
            if note is not None and note.run_id == run_id:
                yield note


def _path(format_name: str, run_id: str) -> Path:
    key = f"{format_name}\0{run_id}".encode("utf-8", "surrogatepass")
    return user_data_folder() / FOLDER / f"{blake2b(key, digest_size=12).hexdigest()}.jsonl"
