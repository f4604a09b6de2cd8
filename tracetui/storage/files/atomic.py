"""Files that are there whole or not at all, whenever a process dies or the power goes."""

from __future__ import annotations

import os

from tracetui.model.clock import now_ms
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.names import ASIDE_PREFIX


def create_file(disk: Disk, path: str, content: bytes) -> None:
    """Make a file: written aside, synced, linked into place, the folder synced.

    :raises FileExistsError: if there is one at that path.
    """
    folder = os.path.dirname(path)  # noqa: PTH120 - paths are plain strings in this package
    aside = _write_aside(disk, folder, content)
    try:
        disk.link(aside, path)
    finally:
        disk.unlink(aside)
    try:
        disk.sync_folder(folder)
    except OSError:
        disk.unlink(path)
        raise


def replace_file(disk: Disk, path: str, content: bytes) -> None:
    """Put a file in the place of another: written aside, synced, renamed, the folder synced.

    :raises OSError: if that fails; what was there is untouched then.
    """
    folder = os.path.dirname(path)  # noqa: PTH120
    aside = _write_aside(disk, folder, content)
    try:
        disk.rename(aside, path)
    except BaseException:
        disk.unlink(aside)
        raise
    disk.sync_folder(folder)


def _write_aside(disk: Disk, folder: str, content: bytes) -> str:
    aside = os.path.join(folder, f"{ASIDE_PREFIX}{os.getpid()}-{os.urandom(6).hex()}")  # noqa: PTH118
    fd = disk.create(aside)
    try:
        try:
            write_all(disk, fd, content)
            disk.sync_data(fd)
        finally:
            disk.close(fd)
    except BaseException:
        disk.unlink(aside)
        raise
    return aside


def create_dated(disk: Disk, stem: str) -> tuple[int, str]:
    """Make a file named by the time, or by the next millisecond that is free; return descriptor and path."""
    stamp = now_ms()
    while True:
        path = f"{stem}-{stamp}"
        try:
            return disk.create(path), path
        except FileExistsError:
            stamp += 1


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write all of the data, however little the system takes at a time.

    :raises OSError: if the system takes nothing any more.
    """
    written = disk.write(fd, data)
    while written < len(data):
        more = disk.write(fd, data[written:])
        if more == 0:
            raise OSError(28, "the system takes no more bytes")
        written += more
