"""One log file: creating it, reading its frames forward, finding the next good frame behind damage.

Owns descriptors of a log for reading. Takes no locks and writes nothing but new logs. Bytes before a
validated end never change, so what was read once stays true.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise, starmap
from operator import gt
from typing import Any, cast

from tracetui.errors import CorruptionError, FormatVersionError, UnreachableError
from tracetui.model.run import Damage
from tracetui.storage.backend import Stretch
from tracetui.storage.files.atomic import create_file
from tracetui.storage.files.frame import (
    CODEC,
    HEAD,
    HEAD_SIZE,
    HEADER_SIZE,
    MARKER,
    PACKED,
    VERSION,
    BadFrameError,
    Frame,
    Header,
    bodies_of,
    is_plausible,
    parse,
    place_of,
    unpacked,
)
from tracetui.storage.files.fs import Disk

WINDOW_BYTES = 4 << 20
STRETCH_BYTES = 1 << 20
FIRST_FRAME_BYTES = 1 << 20
_MARKERS = re.compile(b"[\xa0-\xaf]")


class GoneError(Exception):
    """What is known of a log is no more: it was deleted, replaced, or a step was interrupted.

    It never leaves the engine, which opens the run anew.
    """


class LogFile:
    """A log opened for reading; its descriptor lives as long as anybody holds this object.

    Reading at offsets shares no state, so a forked child goes on with the descriptor it inherited.
    """

    def __init__(self, disk: Disk, path: str) -> None:
        self.disk = disk
        self.path = path
        self._fd = self._open()
        self._unpacked: tuple[int, bytes] = (-1, b"")
        """The frame whose bodies were unpacked last, and these."""
        self.damage: tuple[Damage, ...] = ()
        """What is wrong with the header, if its frames can be read all the same."""
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def _open(self) -> int:
        try:
            return self.disk.open_read(self.path)
        except FileNotFoundError:
            raise
        except OSError as problem:
            raise UnreachableError(self.path, problem.strerror or str(problem)) from problem

    def _read_header(self) -> Header:
        data = self.pread(HEADER_SIZE, 0)
        try:
            header = Header.unpack(data)
        except BadFrameError as problem:
            return self._salvaged_header(data, str(problem))
        if header.version > VERSION:
            raise FormatVersionError(self.path, header.version, VERSION)
        return header

    def _salvaged_header(self, data: bytes, reason: str) -> Header:
        """Read a damaged header: its salt, a bit of it flipped perhaps, is right if the first frame says so."""
        if len(data) == HEADER_SIZE:
            salt, created_ms = struct.unpack_from("<Iq", data, 12)
            first = self.pread(FIRST_FRAME_BYTES, HEADER_SIZE)
            for flipped in (0, *(1 << bit for bit in range(32))):
                header = Header(VERSION, salt ^ flipped, created_ms)
                with contextlib.suppress(BadFrameError):
                    parse(first, 0, HEADER_SIZE, header.salt_bytes)
                    self.damage = (Damage(self.path, 0, HEADER_SIZE, reason),)
                    return header
        raise CorruptionError(self.path, 0, reason)

    def pread(self, size: int, offset: int) -> bytes:
        """Read bytes.

        :raises UnreachableError: if the system cannot.
        """
        try:
            if size > WINDOW_BYTES:  # a length that lies costs no more memory than the log has bytes
                size = max(min(size, self.stat().st_size - offset), 0)
            return self.disk.pread(self._fd, size, offset)
        except OSError as problem:
            raise UnreachableError(self.path, problem.strerror or str(problem)) from problem

    @property
    def fd(self) -> int:
        """The descriptor, for who syncs what was written through another one."""
        return self._fd

    def stat(self) -> os.stat_result:
        """Return what is known of the open file."""
        return self.disk.fstat(self._fd)

    def read(self, ref: Any) -> bytes:
        """Return a body, verified by its own checksum.

        :raises CorruptionError: with the body's own offset.
        """
        offset, size, crc = ref
        if (
            offset < PACKED and size <= WINDOW_BYTES
        ):  # as ``bodies_at`` does it: each look at a trace passes here
            try:
                data = self.disk.pread(self._fd, size, offset)
            except OSError as problem:
                raise UnreachableError(self.path, problem.strerror or str(problem)) from problem
        else:
            data = self.bodies_at(size, offset)
        if len(data) != size or zlib.crc32(data) != crc:
            raise CorruptionError(*self.place(ref), "the checksum of a body does not hold")
        return data

    def bodies_at(self, size: int, offset: int) -> bytes:
        """Read bodies that lie end to end from the offset of a reference on; compressed ones are unpacked.

        What was unpacked last is kept: who reads the bodies of a run in order unpacks each frame once.
        """
        if offset < PACKED:
            return self.pread(size, offset)
        frame_at, start = place_of(offset)
        held = self._unpacked
        if held[0] != frame_at:
            held = self._unpacked = frame_at, self._unpack(frame_at)
        return held[1][start : start + size]

    def _unpack(self, frame_at: int) -> bytes:
        head = self.pread(HEAD_SIZE, frame_at)
        if len(head) < HEAD_SIZE:
            return b""
        *_, heads_size, bodies_size, _ = HEAD.unpack(head)
        return unpacked(self.pread(bodies_size, frame_at + HEAD_SIZE + heads_size))

    def read_many(self, refs: Sequence[Any]) -> Iterator[bytes | None]:
        """Yield bodies, verified, None for those that do not hold; neighbours are read together."""
        window, base = b"", 0
        for number, (offset, size, crc) in enumerate(refs):
            if not base <= offset <= offset + size <= base + len(window):
                window, base = self.bodies_at(self._stretch(refs, number), offset), offset
            data = window[offset - base : offset - base + size]
            yield data if len(data) == size and zlib.crc32(data) == crc else None

    def data_of(self, stretch: Stretch) -> bytes:
        """Return the data of a stretch as it lies in the log now."""
        offset, size = cast("tuple[int, int]", stretch.place)
        return self.bodies_at(size, offset)

    def place(self, ref: Any) -> tuple[str, int]:
        """Return path and offset of a body; of a compressed one, that of its frame."""
        offset = int(ref[0])
        return self.path, offset if offset < PACKED else place_of(offset)[0]

    def stretches(self, refs: Sequence[Any], owners: Sequence[int]) -> Iterator[Stretch]:
        """Yield bodies as they lie in the log, verified, each with its owner; in the order of the log."""
        if any(starmap(gt, pairwise(refs))):
            order = sorted(range(len(refs)), key=refs.__getitem__)
            refs, owners = [refs[n] for n in order], [owners[n] for n in order]
        at = 0
        while at < len(refs):
            stop = self._run_of(refs, at, len(refs), STRETCH_BYTES)
            start, (offset, size, _) = refs[at][0], refs[stop - 1]
            yield _verified(
                self.bodies_at(offset + size - start, start), start, refs[at:stop], owners[at:stop]
            )
            at = stop

    def _stretch(self, refs: Sequence[Any], number: int) -> int:
        """Return how much to read at once from a reference on: as far as those after it lie close."""
        offset, size, _ = refs[self._run_of(refs, number, number + 512, WINDOW_BYTES) - 1]
        return int(offset + size - refs[number][0])

    @staticmethod
    def _run_of(refs: Sequence[Any], first: int, stop: int, most: int) -> int:
        """Return the number after the last reference that lies close behind the one before it."""
        start, size, _ = refs[first]
        end = start + size
        for number in range(first + 1, min(stop, len(refs))):
            offset, size, _ = refs[number]
            if not end <= offset <= end + 4096 or offset + size > start + most:
                return number
            end = offset + size
        return min(stop, len(refs))

    def is_whole(self, frame: Frame) -> bool:
        """Return whether all bodies of a frame are there and hold."""
        data, start = self.bodies_of(frame), frame.first_body
        return all(
            at - start + size <= len(data) and zlib.crc32(data[at - start : at - start + size]) == crc
            for at, size, crc in bodies_of(frame)
        )

    def bodies_of(self, frame: Frame) -> bytes:
        """Return the bodies of a frame end to end, unverified."""
        data = self.pread(frame.bodies_size, frame.bodies_start)
        return unpacked(data) if frame.flags & CODEC else data

    def frames(self, start: int, size: int) -> Iterator[Frame]:
        """Yield the frames from an offset on, up to ``size``, until one does not hold or is not all there."""
        salt = self.header.salt_bytes
        window, base = b"", start
        at = start
        while at < size:
            try:
                frame = parse(window, at - base, at, salt)
            except BadFrameError:
                wanted = min(max(WINDOW_BYTES, 2 * (len(window) - (at - base))), size - at)
                if at + wanted <= base + len(window):
                    return
                window, base = self.pread(wanted, at), at
                if not window:
                    return
                continue
            if frame.end > size:
                return
            yield frame
            at = frame.end
            if at - base >= len(window):
                window, base = b"", at

    def find(self, start: int, size: int, next_seq: int, next_rev: int) -> Frame | None:
        """Return the first whole frame at or after an offset whose numbers can follow; None if there is none.

        Everything between is damage. The salt and the numbers keep a log pasted into a payload from being
        taken for frames.
        """
        salt = self.header.salt_bytes
        overlap = 64
        at = start
        while at < size:
            data = self.pread(min(WINDOW_BYTES, size - at), at)
            for found in _MARKERS.finditer(data):
                offset = at + found.start()
                head = data[found.start() : found.start() + overlap]
                if len(head) < overlap:
                    head = self.pread(overlap, offset)
                if is_plausible(head, 0, size - offset, next_seq, next_rev):
                    frame = self._try(offset, head, salt)
                    if frame is not None:
                        return frame
            at += len(data)
            if not data:
                return None
        return None

    def _try(self, offset: int, head: bytes, salt: bytes) -> Frame | None:
        heads_size = int.from_bytes(head[12:16], "little")
        try:
            frame = parse(self.pread(24 + heads_size, offset), 0, offset, salt)
            frame.rows()
        except BadFrameError:
            return None
        return frame

    def what_is_wrong(self, offset: int) -> str:
        """Return why no frame could be read at an offset."""
        first = self.pread(1, offset)
        return "a frame does not hold" if first and first[0] & 0xF0 == MARKER else "no frame begins here"

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            self.disk.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()


def _verified(data: bytes, start: int, refs: Sequence[Any], owners: Sequence[int]) -> Stretch:
    """Return the bodies that hold of a stretch of the log."""
    whole, crc32 = memoryview(data), zlib.crc32
    starts = [offset - start for offset, _, _ in refs]
    ends = [at + size for at, (_, size, _) in zip(starts, refs, strict=True)]
    torn = [
        n for n, (at, end, ref) in enumerate(zip(starts, ends, refs, strict=True))
        if crc32(whole[at:end]) != ref[2] or end > len(data)
    ]  # fmt: skip
    return Stretch(data, owners, starts, ends, [owners[n] for n in torn], (start, ends[-1]))


def create_log(disk: Disk, path: str, header: Header, first_frame: bytes) -> None:
    """Make a log with its first frame, whole or not at all; see ``create_file``."""
    create_file(disk, path, header.pack() + first_frame)
