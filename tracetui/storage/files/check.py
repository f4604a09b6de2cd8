"""Every problem of a store's files, with its place: of logs, of what is derived from them, of what is left over."""

from __future__ import annotations

import os
import time

from tracetui.errors import CorruptionError, StorageError
from tracetui.model.run import Damage
from tracetui.storage.files import catalog_file
from tracetui.storage.files.frame import CODEC, GAP, HEADER_SIZE, BadFrameError, Frame, bodies_of
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.holdings import strays
from tracetui.storage.files.index import problems
from tracetui.storage.files.log import LogFile
from tracetui.storage.files.names import FAILED_SUFFIX, index_path
from tracetui.storage.files.replay import TORN, TORN_AFTER_SECONDS


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


def check_index(disk: Disk, path: str) -> list[Damage]:
    """Return every problem of the index of a log; none if there is no index. It is derived: no answer depends on it."""
    where = index_path(path)
    try:
        data = disk.read_file(where)
    except OSError:
        return []
    return [Damage(where, offset, size, reason) for offset, size, reason in problems(data)]


def check_catalog(disk: Disk, location: str, folder: str) -> list[Damage]:
    """Return what is wrong with the catalog, which is derived too; one of another version is sound."""
    path = os.path.join(location, catalog_file.CATALOG_NAME)  # noqa: PTH118
    try:
        catalog_file.decode(catalog_file.read(disk, path), folder).entries()
    except OSError:
        return []
    except catalog_file.OtherVersionError:
        return []
    except catalog_file.BadCatalogError as problem:
        return [Damage(path, problem.offset, 0, problem.reason)]
    return []


def check_strays(disk: Disk, location: str, folder: str) -> list[Damage]:
    """Return what processes that died left over, and what was derived of runs that are gone."""
    found = strays(disk, location, folder, time.time())
    return [Damage(path, 0, size, reason) for path, size, reason in found]


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
    """Return the bodies of a frame that are not what was written; compressed ones are so together."""
    if frame.flags & CODEC:
        whole = log.is_whole(frame)
        reason = "compressed bodies do not hold"
        return [] if whole else [Damage(log.path, frame.bodies_start, frame.bodies_size, reason)]
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
        for _ in bodies_of(frame):
            pass
    except BadFrameError:
        return False
    return True


def _next(frame: Frame) -> tuple[int, int]:
    traces = sum(1 for code, _ in frame.coded() if code == 0)
    return frame.base_seq + traces, frame.base_rev + frame.count
