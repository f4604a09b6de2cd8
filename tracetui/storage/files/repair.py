"""A fresh log in the place of a damaged one, with all that is readable in it; the original is kept beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tracetui.model.run import Damage
from tracetui.storage.files.atomic import create_dated, write_all
from tracetui.storage.files.check import bad_bodies, pieces
from tracetui.storage.files.frame import GAP, Frame, Header, seal
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import WINDOW_BYTES, LogFile
from tracetui.storage.files.names import FAILED_SUFFIX


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: where the original is kept, and the damage that was left out or carried over."""

    run_id: str
    kept_as: str
    damage: tuple[Damage, ...]
    traces: int


def rewrite(disk: Disk, path: str) -> tuple[str, tuple[Damage, ...]]:
    """Copy what is readable of a log to a fresh one in its place; keep the original beside it.

    The fresh log has a new salt. Bodies that do not hold are copied as they are and stay known as damaged.
    Call it with the log's lock held.
    Return the path of the original and the damage found.

    :raises OSError: if the system cannot; the log is left as it is, and nothing beside it.
    """
    log = LogFile(disk, path)
    found = pieces(log, log.stat().st_size)
    header = Header(log.header.version, int.from_bytes(os.urandom(4), "little"), log.header.created_ms)
    fresh = f"{path}.repair-{os.getpid()}"
    disk.unlink(fresh)
    try:
        _write(disk, fresh, log, header, found)
        kept = _copy(disk, log, f"{path}.damaged")
        disk.rename(fresh, path)
    except BaseException:
        disk.unlink(fresh)
        raise
    disk.unlink(path + FAILED_SUFFIX)
    disk.sync_folder(os.path.dirname(path))  # noqa: PTH120
    damage = [*log.damage, *(piece for piece in found if isinstance(piece, Damage))]
    for piece in found:
        if isinstance(piece, Frame):
            damage.extend(bad_bodies(log, piece))
    return kept, tuple(damage)


def _write(disk: Disk, path: str, log: LogFile, header: Header, found: list[Frame | Damage]) -> None:
    """Write the pieces of a log that hold to a new file."""
    fd = disk.create(path)
    try:
        write_all(disk, fd, header.pack())
        after_hole = False
        for piece in found:
            if isinstance(piece, Damage):
                after_hole = True
                continue
            flags = piece.flags | (GAP if after_hole else 0)
            after_hole = False
            rows = len(piece.rows())
            data = seal(
                flags, rows, piece.base_seq, piece.base_rev, piece.heads, piece.bodies_size, header.salt_bytes
            )
            write_all(disk, fd, data + log.pread(piece.bodies_size, piece.bodies_start))
        disk.sync_data(fd)
    finally:
        disk.close(fd)


def _copy(disk: Disk, log: LogFile, stem: str) -> str:
    """Copy a log byte by byte: a second name for it would hide from open handles that it was replaced."""
    fd, kept = create_dated(disk, stem)
    try:
        try:
            at = 0
            while data := log.pread(WINDOW_BYTES, at):
                write_all(disk, fd, data)
                at += len(data)
            disk.sync_data(fd)
        finally:
            disk.close(fd)
    except BaseException:
        disk.unlink(kept)
        raise
    return kept
