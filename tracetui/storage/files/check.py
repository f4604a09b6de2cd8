"""Every problem of a log, with its place."""

from __future__ import annotations

import time

from tracetui.errors import CorruptionError, StorageError
from tracetui.model.run import Damage
from tracetui.storage.files.frame import GAP, HEADER_SIZE, BadFrameError, Frame, bodies_of
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.storage.files.replay import TORN, TORN_AFTER_SECONDS
from tracetui.storage.files.writing import FAILED_SUFFIX


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
            found.extend(bad_bodies(log, piece))
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


def bad_bodies(log: LogFile, frame: Frame) -> list[Damage]:
    """Return the bodies of a frame that are not what was written."""
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
        found.append(Damage(log.path, at, good.offset - at, log.what_is_wrong(at)))
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
