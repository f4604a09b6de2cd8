"""Care for one log: every problem it has, and a fresh copy of what is readable in it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from tracetui.errors import CorruptionError, StorageError
from tracetui.model.run import Damage
from tracetui.storage.files.frame import GAP, HEADER_SIZE, BadFrameError, Frame, Header, bodies_of, seal
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import WINDOW_BYTES, LogFile, create_dated, write_all
from tracetui.storage.files.run import FAILED_SUFFIX, TORN, TORN_AFTER_SECONDS, what_is_wrong


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: where the original is kept, and the damage that was left out or carried over."""

    run_id: str
    kept_as: str
    damage: tuple[Damage, ...]
    traces: int


def check_log(disk: Disk, path: str) -> list[Damage]:
    """Return every problem of a log: holes, a torn tail, bodies that do not hold, a failed sync."""
    found: list[Damage] = []
    if disk.exists(path + FAILED_SUFFIX):
        found.append(Damage(path, 0, 0, "a sync failed: it is unknown what the disk holds"))
    try:
        log = LogFile(disk, path)
    except FileNotFoundError:
        return found
    except CorruptionError as problem:
        return [*found, Damage(path, problem.offset, HEADER_SIZE, problem.reason)]
    except StorageError as problem:
        return [*found, Damage(path, 0, 0, str(problem))]
    found.extend(log.damage)
    for piece in _settled_pieces(log):
        if isinstance(piece, Damage):
            found.append(piece)
        else:
            found.extend(_bad_bodies(log, piece))
    return found


def _settled_pieces(log: LogFile) -> list[Frame | Damage]:
    """Return the pieces of a log; what is unfinished at its end counts once nobody has written for a while."""
    while True:
        status = log.stat()
        found = pieces(log, status.st_size)
        fresh = time.time() - status.st_mtime < TORN_AFTER_SECONDS
        if not (found and isinstance(found[-1], Damage) and found[-1].reason == TORN and fresh):
            return found
        time.sleep(TORN_AFTER_SECONDS / 5)


def _bad_bodies(log: LogFile, frame: Frame) -> list[Damage]:
    found = []
    for offset, size, crc in bodies_of(frame):
        try:
            log.read((offset, size, crc))
        except CorruptionError as problem:
            found.append(Damage(log.path, offset, size, problem.reason))
    return found


def pieces(log: LogFile, size: int) -> list[Frame | Damage]:
    """Return the log as frames that hold and the damage between and behind them."""
    found: list[Frame | Damage] = []
    at, next_seq, next_rev = HEADER_SIZE, 0, 0
    while at < size:
        for frame in log.frames(at, size):
            if frame.base_seq < next_seq or frame.base_rev < next_rev or not _readable(frame):
                break
            if frame.end == size and not log.is_whole(frame):
                found.append(Damage(log.path, at, size - at, TORN))
                return found
            if frame.base_rev > next_rev and not frame.flags & GAP and _is_frame(found):
                lost = frame.base_rev - next_rev
                found.append(Damage(log.path, at, 0, f"{lost} changes are missing before this place"))
            found.append(frame)
            at, next_seq, next_rev = frame.end, *_next(frame)
        if at >= size:
            break
        good = log.find(at + 1, size, next_seq, next_rev)
        if good is None:
            found.append(Damage(log.path, at, size - at, TORN))
            break
        found.append(Damage(log.path, at, good.offset - at, what_is_wrong(log, at)))
        at = good.offset
    return found


def _is_frame(found: list[Frame | Damage]) -> bool:
    return bool(found) and isinstance(found[-1], Frame)


def _readable(frame: Frame) -> bool:
    try:
        frame.rows()
    except BadFrameError:
        return False
    return True


def _next(frame: Frame) -> tuple[int, int]:
    traces = sum(1 for code, _ in frame.coded() if code == 0)
    return frame.base_seq + traces, frame.base_rev + frame.count


def rewrite(disk: Disk, path: str) -> tuple[str, tuple[Damage, ...]]:
    """Copy what is readable of a log to a fresh one in its place; keep the original beside it.

    The fresh log has a new salt. Bodies that do not hold are copied as they are and stay known as damaged.
    Call it with the log's lock held.
    Return the path of the original and the damage found.
    """
    log = LogFile(disk, path)
    found = pieces(log, log.stat().st_size)
    header = Header(log.header.version, int.from_bytes(os.urandom(4), "little"), log.header.created_ms)
    fresh = f"{path}.repair-{os.getpid()}"
    disk.unlink(fresh)
    fd = disk.create(fresh)
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
    kept = _copy(disk, log, f"{path}.damaged")
    disk.rename(fresh, path)
    disk.unlink(path + FAILED_SUFFIX)
    disk.sync_folder(os.path.dirname(path))  # noqa: PTH120
    damage = [*log.damage, *(piece for piece in found if isinstance(piece, Damage))]
    for piece in found:
        if isinstance(piece, Frame):
            damage.extend(_bad_bodies(log, piece))
    return kept, tuple(damage)


def _copy(disk: Disk, log: LogFile, stem: str) -> str:
    """Copy a log byte by byte: a second name for it would hide from open handles that it was replaced."""
    fd, kept = create_dated(disk, stem)
    try:
        at = 0
        while data := log.pread(WINDOW_BYTES, at):
            write_all(disk, fd, data)
            at += len(data)
        disk.sync_data(fd)
    finally:
        disk.close(fd)
    return kept
