"""A copy of a log with its bodies compressed, in the log's place: for runs that have ended.

A frame holds the changes of many commits then, and its bodies as one zlib stream; heads stay as they are, so that
all but the bodies is read as before. The copy has a new salt and the old one's time. It is read back and compared
before it is renamed into place; whoever dies on the way leaves the log as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tracetui.errors import CorruptionError
from tracetui.model.run import Damage
from tracetui.model.value import pack
from tracetui.storage.backend import MAX_CHANGES
from tracetui.storage.decide import TRACE
from tracetui.storage.files.atomic import write_all
from tracetui.storage.files.check import check_log, pieces
from tracetui.storage.files.frame import CODEC, GAP, HEADER_SIZE, MIXED, Frame, Header, compressed, seal
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.storage.files.names import FAILED_SUFFIX

BLOCK_BYTES = 1 << 16
"""Bodies are compressed together up to about so many bytes: what a look at one of them costs to unpack."""
COMPRESS_SUFFIX = ".compress-"
_FRAMES_LOOKED_AT = 64


@dataclass(slots=True)
class _Block:
    """Frames that follow each other and become one."""

    flags: int = 0
    base_seq: int = 0
    base_rev: int = 0
    next_seq: int = 0
    next_rev: int = 0
    rows: list[tuple[int, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    size: int = 0

    def takes(self, frame: Frame) -> bool:
        """Whether a frame may become a part of this."""
        return bool(
            self.rows
            and self.size + frame.bodies_size <= BLOCK_BYTES
            and len(self.rows) + frame.count <= MAX_CHANGES
            and not frame.flags & GAP
            and (frame.base_seq, frame.base_rev) == (self.next_seq, self.next_rev)
        )

    def add(self, frame: Frame, bodies: bytes) -> None:
        """Take a frame in."""
        if not self.rows:
            self.flags = frame.flags & GAP
            self.base_seq, self.base_rev = frame.base_seq, frame.base_rev
        rows = list(frame.coded())
        self.rows += rows
        self.bodies.append(bodies)
        self.size += len(bodies)
        self.next_seq = frame.base_seq + sum(code == TRACE for code, _ in rows)
        self.next_rev = frame.base_rev + frame.count

    def sealed(self, salt: bytes) -> bytes:
        """Return the frame that this becomes; bodies that do not get smaller stay as they are."""
        is_mixed = any(code != TRACE for code, _ in self.rows)
        heads = pack([[code, *head] if is_mixed else head for code, head in self.rows])
        bodies = b"".join(self.bodies)
        packed = compressed(bodies)
        flags = self.flags | (MIXED if is_mixed else 0)
        if packed is not None:
            flags, bodies = flags | CODEC, packed
        head = seal(flags, len(self.rows), self.base_seq, self.base_rev, heads, len(bodies), salt)
        return head + bodies


def is_compressed(log: LogFile) -> bool:
    """Whether a log was written by ``compress``: told by its first frames."""
    return any(
        frame.flags & CODEC
        for frame in islice(log.frames(HEADER_SIZE, log.stat().st_size), _FRAMES_LOOKED_AT)
    )


def compressed_frames(log: LogFile, salt: bytes) -> Iterator[bytes]:
    """Yield the frames of the copy; the run's own record, the first, stays alone.

    :raises CorruptionError: if there is any damage: what is not understood is left where it is.
    """
    block = _Block()
    for number, frame in enumerate(pieces(log, log.stat().st_size)):
        if isinstance(frame, Damage):
            raise CorruptionError(log.path, frame.offset, frame.reason)
        if number and (number == 1 or not block.takes(frame)):
            yield block.sealed(salt)
            block = _Block()
        block.add(frame, log.bodies_of(frame))
    if block.rows:
        yield block.sealed(salt)


def compress(disk: Disk, path: str) -> tuple[int, int] | None:
    """Put a compressed copy in the place of a log; return the sizes before and after, None if it gains nothing.

    Call it with the log's lock held.

    :raises CorruptionError: if the log is damaged; it is left as it is.
    :raises OSError: if the system cannot; the log is left as it is.
    """
    if disk.exists(path + FAILED_SUFFIX):
        raise CorruptionError(path, 0, "a sync failed: it is unknown what the disk holds")
    log = LogFile(disk, path)
    if log.damage:
        raise CorruptionError(path, 0, log.damage[0].reason)
    if is_compressed(log):
        return None
    status = log.stat()
    header = Header(log.header.version, int.from_bytes(os.urandom(4), "little"), log.header.created_ms)
    fresh = f"{path}{COMPRESS_SUFFIX}{os.getpid()}"
    disk.unlink(fresh)
    fd = disk.create(fresh)
    try:
        try:
            size = _write(disk, fd, header, compressed_frames(log, header.salt_bytes))
            disk.set_time(fd, status.st_mtime_ns)
            disk.sync_data(fd)
        finally:
            disk.close(fd)
        if size >= status.st_size:
            disk.unlink(fresh)
            return None
        _compare(disk, log, fresh)
        disk.rename(fresh, path)
    except BaseException:
        disk.unlink(fresh)
        raise
    disk.sync_folder(os.path.dirname(path))  # noqa: PTH120
    return status.st_size, size


def compressed_size(log: LogFile) -> tuple[int, int]:
    """Return the bytes that a log has, and would have if it were compressed.

    :raises CorruptionError: if it is damaged.
    """
    size = log.stat().st_size
    if is_compressed(log):
        return size, size
    return size, min(size, HEADER_SIZE + sum(map(len, compressed_frames(log, bytes(4)))))


def _write(disk: Disk, fd: int, header: Header, frames: Iterator[bytes]) -> int:
    data = header.pack()
    size = len(data)
    write_all(disk, fd, data)
    for frame in frames:
        write_all(disk, fd, frame)
        size += len(frame)
    return size


def _compare(disk: Disk, log: LogFile, fresh: str) -> None:
    """Read the copy back: the same changes in the same order, with the same bodies, and nothing that does not hold."""
    damage = check_log(disk, fresh)
    if damage:
        raise CorruptionError(fresh, damage[0].offset, damage[0].reason)
    copy = LogFile(disk, fresh)
    for one, other in zip(_changes(log), _changes(copy), strict=True):
        if one != other:
            raise CorruptionError(fresh, 0, "the copy is not the log")


def _changes(log: LogFile) -> Iterator[tuple[int, Any]]:
    """Yield code and head of every change; a head ends with length and checksum of its body."""
    for frame in log.frames(HEADER_SIZE, log.stat().st_size):
        yield from frame.coded()
