"""The index of a run: a file beside its log with everything that can be derived from the log, ready to be mapped.

Derived and deletable: whoever finds it missing, stale or damaged reads the log instead. It is valid only if it
bears the log's salt, the log is at least as long as what it covers, and the last frame that it covers is the one
that lies there. It is written aside, synced and renamed, so nobody maps half of one; it is never cut or changed
in place, so a mapping never loses its bytes.

Header, 64 bytes, little-endian::

    0   8  magic "tracetix"
    8   2  version (2)
    10  2  flags: 1 if numbers in sections are big-endian
    12  4  the log's salt
    16  8  length of the log that is covered
    24  8  offset of the last frame covered
    32  4  CRC32 of that frame, as its head says it
    36  4  length of the table of contents
    40  4  CRC32 of the table of contents
    44 16  zero
    60  4  CRC32 of bytes 0 … 59

Then the table of contents, a msgpack array with ``[name, packed, offset, length, checksums]`` of each section, and the
sections, each at a multiple of 8: columns of numbers in the machine's own order, or msgpack values (``packed``). The
checksums are one CRC32 for each 64 KiB, so that a look at a few rows verifies little.
``docs/format.md`` lists them.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import msgpack

from tracetui.model.value import pack, unpack
from tracetui.storage.files.atomic import write_all
from tracetui.storage.files.frame import HEAD, HEAD_SIZE
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.storage.state.columns import BadIndexError, Checked
from tracetui.storage.state.snapshot import Section

MAGIC = b"tracetix"
VERSION = 2
HEADER = struct.Struct("<8sHHIQQIII16xI")
HEADER_SIZE = HEADER.size
BIG_ENDIAN = 1 if sys.byteorder == "big" else 0
BLOCK_BYTES = 1 << 16
"""What is verified at once."""
_WRONG = (ValueError, TypeError, KeyError, IndexError, struct.error, msgpack.exceptions.UnpackException)


class Covered(NamedTuple):
    """How far an index reaches: bytes of the log, its last frame there, and that frame's checksum."""

    end: int
    last_frame: int
    last_crc: int


class _Section:
    """A part of an index, and which blocks of it were verified."""

    __slots__ = ("_crcs", "data", "name", "seen")

    def __init__(self, name: str, data: memoryview, size: int, crcs: bytes) -> None:
        self.name = name
        self.data = data
        self._crcs = memoryview(crcs).cast("I")
        self.seen = bytearray(len(self._crcs))
        if len(data) != size or len(self._crcs) != -(-size // BLOCK_BYTES):
            raise ValueError(f"{name} is not all there")

    def holds(self, block: int) -> bool:
        """Whether a block is what was written; told once, since changes of a process's copy come after."""
        if not self.seen[block]:
            start = block * BLOCK_BYTES
            self.seen[block] = zlib.crc32(self.data[start : start + BLOCK_BYTES]) == self._crcs[block]
        return bool(self.seen[block])


def _checksums(data: bytes | memoryview) -> bytes:
    """Return the CRC32 of each block, in the machine's own order as all numbers of an index are."""
    blocks = range(0, len(data), BLOCK_BYTES)
    return array("I", [zlib.crc32(data[at : at + BLOCK_BYTES]) for at in blocks]).tobytes()


class IndexFile:
    """An index that is valid for its log: the ``Base`` of a run's state.

    :raises BadIndexError: from every method, for a section that is not what was written.
    """

    def __init__(self, data: memoryview, salt: int) -> None:
        self.is_bad = False
        self._data = data
        self.covered, toc_size, toc_crc = _header(data, salt)
        toc = data[HEADER_SIZE : HEADER_SIZE + toc_size]
        if zlib.crc32(toc) != toc_crc:
            raise BadIndexError("the checksum of the table of contents does not hold")
        self._sections: dict[str, _Section] = {}
        self._values: dict[str, Any] = {}
        try:
            for name, _, offset, size, crcs in unpack(bytes(toc)):
                self._sections[name] = _Section(name, data[offset : offset + size], size, crcs)
            run = self.value("run")
            self.rows = int(run["traces"])
            self._check_counts(run)
        except _WRONG as problem:
            raise BadIndexError(f"a table of contents that no tracetui wrote: {problem}") from None

    def _check_counts(self, run: Mapping[str, Any]) -> None:
        """Refuse counts that its own columns do not have, before anybody makes room for so many."""
        for name, width, count in (
            ("traces.kinds", 1, run["traces"]), ("changes.codes", 1, run["changes"]), ("additions.before", 4, run["additions"]),
        ):  # fmt: skip
            if len(self._section(name).data) != width * count:
                raise BadIndexError(f"{name} has no {count} rows")

    def _section(self, name: str) -> _Section:
        section = self._sections.get(name)
        if section is None:
            raise self._bad(f"there is no {name}")
        return section

    def _look(self, section: _Section, block: int) -> None:
        """Verify a block of a section, once."""
        if not section.holds(block):
            raise self._bad(f"the checksum of {section.name} does not hold")

    def _whole(self, name: str) -> memoryview:
        """Return the bytes of a section, verified the first time."""
        section = self._section(name)
        for block, seen in enumerate(section.seen):
            if not seen:
                self._look(section, block)
        return section.data

    def numbers(self, name: str, typecode: str) -> Any:
        """Return a column, all of it verified; changing it changes this process's copy alone."""
        self._whole(name)
        return self._cast(name, typecode)

    def column(self, name: str, typecode: str) -> Any:
        """Return a column that is verified where it is touched; the same as ``numbers`` if that was all done."""
        section = self._section(name)
        buffer = self._cast(name, typecode)
        if all(section.seen):
            return buffer
        return Checked(
            buffer, section.seen, BLOCK_BYTES // buffer.itemsize, lambda block: self._look(section, block)
        )

    def _cast(self, name: str, typecode: str) -> Any:
        data = self._section(name).data
        if not data.nbytes:
            return memoryview(array(typecode))
        try:
            return data.cast(typecode)  # type: ignore[call-overload]
        except _WRONG as problem:
            raise self._bad(f"{name} is no column: {problem}") from None

    def verify(self) -> None:
        """Look at every block that nobody touched yet; costs a checksum of the file, once."""
        for name in self._sections:
            self._whole(name)

    def _bad(self, reason: str) -> BadIndexError:
        self.is_bad = True
        return BadIndexError(reason)

    def value(self, name: str) -> Any:
        """Return a packed section, unpacked the first time; not to be changed."""
        if name not in self._values:
            try:
                self._values[name] = unpack(bytes(self._whole(name)))
            except _WRONG as problem:
                raise self._bad(f"{name} cannot be read: {problem}") from None
        return self._values[name]


def _header(data: memoryview, salt: int) -> tuple[Covered, int, int]:
    if len(data) < HEADER_SIZE:
        raise BadIndexError("shorter than a header")
    magic, version, flags, own_salt, end, last, last_crc, toc_size, toc_crc, crc = HEADER.unpack_from(data)
    if magic != MAGIC or crc != zlib.crc32(data[: HEADER_SIZE - 4]):
        raise BadIndexError("no header of an index")
    if version != VERSION or flags != BIG_ENDIAN or own_salt != salt:
        raise BadIndexError("of another version, machine or log")
    return Covered(end, last, last_crc), toc_size, toc_crc


def open_index(disk: Disk, path: str, log: LogFile) -> IndexFile | None:
    """Map the index of a log; None if there is none that is valid. Costs no more for a larger one."""
    try:
        fd = disk.open_read(path)
    except OSError:
        return None
    try:
        size = disk.fstat(fd).st_size
        if size < HEADER_SIZE:
            return None
        index = IndexFile(disk.map_private(fd, size), log.header.salt)
    except (BadIndexError, OSError, ValueError):
        return None
    finally:
        disk.close(fd)
    return index if _is_of(log, index.covered) else None


def _is_of(log: LogFile, covered: Covered) -> bool:
    """Whether the log holds the last frame that is covered, where the index says."""
    if log.stat().st_size < covered.end:
        return False
    head = log.pread(HEAD_SIZE, covered.last_frame)
    if len(head) < HEAD_SIZE:
        return False
    *_, heads_size, bodies_size, crc = HEAD.unpack(head)
    return bool(
        crc == covered.last_crc and covered.last_frame + HEAD_SIZE + heads_size + bodies_size == covered.end
    )


def problems(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield offset, length and reason of every place in an index that is not what was written.

    One of another version, machine or log is sound, and of no use here.
    """
    if len(data) < HEADER_SIZE or zlib.crc32(data[: HEADER_SIZE - 4]) != HEADER.unpack_from(data)[-1]:
        yield 0, min(len(data), HEADER_SIZE), "the header of an index does not hold"
        return
    magic, version, flags, *_, toc_size, toc_crc, _ = HEADER.unpack_from(data)
    if (magic, version, flags) != (MAGIC, VERSION, BIG_ENDIAN):
        return
    toc = data[HEADER_SIZE : HEADER_SIZE + toc_size]
    if len(toc) != toc_size or zlib.crc32(toc) != toc_crc:
        yield HEADER_SIZE, toc_size, "the table of contents of an index does not hold"
        return
    for name, _, offset, size, crcs in unpack(toc):
        yield from _bad_blocks(data[offset : offset + size], name, offset, size, crcs)


def _bad_blocks(
    data: bytes, name: str, offset: int, size: int, crcs: bytes
) -> Iterator[tuple[int, int, str]]:
    """Yield the blocks of a section that do not hold."""
    try:
        section = _Section(name, memoryview(data), size, crcs)
    except ValueError:
        yield offset, size, f"the section {name} of an index is cut"
        return
    for block in range(len(section.seen)):
        if not section.holds(block):
            at = block * BLOCK_BYTES
            yield offset + at, min(size - at, BLOCK_BYTES), f"the section {name} of an index does not hold"


def write_index(disk: Disk, path: str, salt: int, covered: Covered, sections: Iterable[Section]) -> bool:
    """Write an index in place of what was there; False if another process is at it.

    The lock is that of the file aside, which a builder that was killed leaves behind and the next one takes over.

    :raises OSError: if the system cannot; what was there stays.
    """
    aside = path + ".new"
    fd = disk.open_or_create(aside)
    try:
        if not disk.try_lock(fd) or disk.fstat(fd).st_ino != disk.stat(aside).st_ino:
            return False
        disk.truncate(fd, 0)
        write_all(disk, fd, encode_index(salt, covered, sections))
        disk.sync_data(fd)
        disk.rename(aside, path)
    except FileNotFoundError:
        return False  # renamed or deleted by another between our opening and locking it
    except OSError:
        with suppress(OSError):
            disk.truncate(fd, 0)  # which leaves the next one its lock, and a full disk its room
        raise
    finally:
        disk.close(fd)
    return True


def encode_index(salt: int, covered: Covered, sections: Iterable[Section]) -> bytes:
    """Return the bytes of an index."""
    toc: list[list[Any]] = []
    parts: list[bytes] = []
    at = 0
    for name, given in sections:
        is_packed = not isinstance(given, bytes)
        data = pack(given) if is_packed else given
        toc.append([name, is_packed, at, len(data), _checksums(memoryview(data))])
        padding = -len(data) % 8
        parts += (data, bytes(padding))
        at += len(data) + padding
    packed = _table(toc)
    start = _start(len(packed))
    head = HEADER.pack(
        MAGIC, VERSION, BIG_ENDIAN, salt, covered.end, covered.last_frame, covered.last_crc, len(packed),
        zlib.crc32(packed), 0,
    )[:-4]  # fmt: skip
    gap = bytes(start - HEADER_SIZE - len(packed))
    return b"".join((head, zlib.crc32(head).to_bytes(4, "little"), packed, gap, *parts))


def _start(toc_size: int) -> int:
    """Return where sections begin: the first multiple of 8 behind the table of contents."""
    return HEADER_SIZE + toc_size + -(HEADER_SIZE + toc_size) % 8


def _table(toc: list[list[Any]]) -> bytes:
    """Return the table of contents with offsets from the beginning of the file; its own length moves them."""
    size = 0
    while True:
        start = _start(size)
        packed = pack([[name, is_packed, start + at, *rest] for name, is_packed, at, *rest in toc])
        if _start(len(packed)) == start:
            return packed
        size = len(packed)
