"""Bytes of a log: its header and its frames, written and read. docs/format.md is the same as a document.

Owns the layout. Knows no files: it turns a commit into bytes and bytes into rows for the tail. All integers
are little-endian.

Header, 64 bytes::

    0   8  magic "tracetui"
    8   2  version (1)
    10  2  flags (0)
    12  4  salt, random
    16  8  creation time, milliseconds since the epoch, signed
    24 36  zero
    60  4  CRC32 of bytes 0 … 59

Frame, a head of 24 bytes, then the heads of its changes, then their bodies::

    0   1  sync marker 0xA0 in the high half, flags in the low half: 1 codec, 2 mixed, 4 gap
    1   3  number of changes
    4   4  seq of the first trace (the next free one, if there is none)
    8   4  rev of the first change
    12  4  length of the heads
    16  4  length of the bodies
    20  4  CRC32 of salt, bytes 0 … 19, heads
    24     heads: one msgpack array, one item a change
           bodies: msgpack, end to end, each with its own length and CRC32 in its head;
           with the flag *codec* that as one zlib stream

Without the flag *mixed* every item is the head of a trace; with it every item is ``[code, …head]``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

import msgpack

from tracetui.model.change import Amendment, Completion, NewAnnotation, NewTrace
from tracetui.model.value import pack, unpack
from tracetui.storage.decide import RUN, TRACE, Commit, Entry, TraceCommit

MAGIC = b"tracetui"
VERSION = 1
HEADER = struct.Struct("<8sHHIq36xI")
HEAD = struct.Struct("<B3sIIIII")
HEAD_SIZE = HEAD.size
_UNSEALED = struct.Struct("<IIIII")
"""A head without its CRC; marker and count are one number."""
HEADER_SIZE = HEADER.size
MARKER = 0xA0
CODEC, MIXED, GAP = 1, 2, 4
KNOWN_FLAGS = CODEC | MIXED | GAP
PACKED = 1 << 63
"""An offset of a body from here on is none in the log: it names a frame whose bodies are compressed, and the place
in what they unpack to."""
_UNPACKED_BITS = 24
_LEVEL = 6
MAX_UNPACKED = 64 << 20
"""Bodies of a frame unpack to no more bytes; what would is damaged."""
OPTIONAL_CODE = 64
"""Codes of changes from here on may be skipped by a reader that does not know them."""

OPEN_FLAG, STORE_TIME, UNMERGEABLE = 1, 2, 4
"""Flags of a trace's head: recorded open; its time was set by the store; its metadata takes no merging."""

TraceHead: TypeAlias = tuple[Any, ...]
"""The head of a trace, in the order of docs/format.md; its last two are length and CRC of its body."""
Written: TypeAlias = tuple[bytes, Sequence[TraceHead], int]
"""A frame of traces alone, their heads, and where in it the first body begins; the others follow."""
_UNPACK_ERRORS = (ValueError, TypeError, KeyError, IndexError, msgpack.exceptions.UnpackException)


class BadFrameError(Exception):
    """Bytes that are no frame of this log, or not yet; never leaves the engine."""


class Header(NamedTuple):
    """What the first 64 bytes of a log say."""

    version: int
    salt: int
    created_ms: int

    def pack(self) -> bytes:
        """Return the header's bytes."""
        body = HEADER.pack(MAGIC, self.version, 0, self.salt, self.created_ms, 0)[:-4]
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def unpack(cls, data: bytes) -> Header:
        """Read a header.

        :raises BadFrameError: if it is none.
        """
        if len(data) < HEADER_SIZE:
            raise BadFrameError(f"the file has {len(data)} bytes, a header has {HEADER_SIZE}")
        magic, version, _flags, salt, created_ms, crc = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise BadFrameError("the file does not begin as a log does")
        if crc != zlib.crc32(data[: HEADER_SIZE - 4]):
            raise BadFrameError("the header's checksum does not hold")
        return cls(version, salt, created_ms)

    @property
    def salt_bytes(self) -> bytes:
        """The salt as it enters checksums."""
        return self.salt.to_bytes(4, "little")


# ---- writing ---------------------------------------------------------------------------------------------


def encode(
    commit: Commit, salt: bytes, number: Callable[[int], int] | None = None, start: int = 0
) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Return the frame of a commit, and for each change where its body lies: (offset in the log, length, CRC).

    ``number`` gives the seq of a row, where damage has taken seqs away; ``start`` is the frame's own offset.
    """
    entries = commit.entries
    if number is not None:
        entries = [_numbered(entry, number) for entry in entries]
    mixed = commit.traces != len(entries)
    head_of = _coded_head if mixed else _trace_head
    parts, heads = [b""], []
    for entry in entries:
        body = _body(entry) if mixed else entry.change.body  # type: ignore[union-attr]
        heads.append(head_of(entry, len(body), zlib.crc32(body)))
        parts.append(body)
    bodies_size = sum(map(len, parts))
    parts[0] = seal(
        MIXED if mixed else 0,
        len(entries),
        commit.first_seq,
        commit.first_rev,
        pack(heads),
        bodies_size,
        salt,
    )
    at, refs = start + len(parts[0]), []
    for head in heads:
        size = head[-2]
        refs.append((at, size, head[-1]))
        at += size
    return b"".join(parts), refs


def encode_traces(commit: TraceCommit, salt: bytes) -> Written:
    """Return the frame of traces that plainly fit; the bytes are those of ``encode``."""
    (
        ids, _, _, names, kinds, given, statuses, ends, tags, tokens_in, tokens_out, costs, mergeable, bodies,
    ) = commit.columns  # fmt: skip
    flags = [
        (not status) * OPEN_FLAG + (time is None) * STORE_TIME + (not merges) * UNMERGEABLE
        for status, time, merges in zip(statuses, given, mergeable, strict=True)
    ]
    sizes = [*map(len, bodies)]
    heads = [*zip(
        ids, commit.parents, names, kinds, commit.times, flags, tags, statuses, ends, tokens_in, tokens_out,
        map(_cost, costs), sizes, map(zlib.crc32, bodies), strict=True,
    )]  # fmt: skip
    first = seal(0, len(heads), commit.first_seq, commit.first_rev, pack(heads), sum(sizes), salt)
    return b"".join((first, *bodies)), heads, len(first)


def encode_trace(
    change: NewTrace, time_ms: int, parent: int | str, seq: int, rev: int, salt: bytes
) -> Written:
    """Return the frame of one trace; as ``encode_traces``, because one is worth a way of its own."""
    (
        trace_id, _, _, name, kind, given, status, end_ms, tags, tokens_in, tokens_out, cost, mergeable, body,
    ) = change  # fmt: skip
    flags = (not status) * OPEN_FLAG + (given is None) * STORE_TIME + (not mergeable) * UNMERGEABLE
    size = len(body)
    heads = ((
        trace_id, parent, name, kind, time_ms, flags, tags, status, end_ms, tokens_in, tokens_out,
        cost if cost == cost else None, size, zlib.crc32(body),  # noqa: PLR0124 - NaN is unknown
    ),)  # fmt: skip
    first = seal(0, 1, seq, rev, pack(heads), size, salt)
    return first + body, heads, len(first)


def _numbered(entry: Entry, number: Callable[[int], int]) -> Entry:
    seq = number(entry.seq) if entry.seq >= 0 else -1
    parent = number(entry.parent) if entry.parent >= 0 else -1
    return Entry(entry.code, seq, entry.change, entry.time_ms, parent, entry.awaited, entry.values)


def seal(
    flags: int, count: int, base_seq: int, base_rev: int, heads: bytes, bodies_size: int, salt: bytes
) -> bytes:
    """Return a frame's head and heads, with their checksum."""
    head = _UNSEALED.pack(MARKER | flags | count << 8, base_seq, base_rev, len(heads), bodies_size)
    crc = zlib.crc32(salt + head + heads)
    return head + crc.to_bytes(4, "little") + heads


def _body(entry: Entry) -> bytes:
    return b"" if entry.code == RUN else cast("NewTrace", entry.change).body


def _coded_head(entry: Entry, size: int, crc: int) -> list[Any]:
    """Return the item of a change in a mixed frame."""
    head = _trace_head if entry.code == TRACE else _other_head
    return [entry.code, *head(entry, size, crc)]


def _trace_head(entry: Entry, size: int, crc: int) -> list[Any]:
    _, _, change, time_ms, parent, awaited, _ = entry
    (
        trace_id, _, _, type_name, kind, timestamp, status, end_ms, tags, tokens_in, tokens_out, cost, mergeable, _,
    ) = cast("NewTrace", change)  # fmt: skip
    flags = (
        (OPEN_FLAG if status == 0 else 0)
        | (STORE_TIME if timestamp is None else 0)
        | (0 if mergeable else UNMERGEABLE)
    )
    return [
        trace_id, parent if awaited is None else awaited, type_name, kind, time_ms, flags, tags, status, end_ms,
        tokens_in, tokens_out, cost if cost == cost else None, size, crc,  # noqa: PLR0124 - NaN is unknown
    ]  # fmt: skip


def _cost(cost: float) -> float | None:
    return cost if cost == cost else None  # noqa: PLR0124 - NaN is unknown


def _other_head(entry: Entry, size: int, crc: int) -> list[Any]:
    change = entry.change
    if isinstance(change, Completion):
        head = [entry.seq, change.status, entry.time_ms, *_additions(change)]
    elif isinstance(change, Amendment):
        head = [entry.seq, *_additions(change)]
    elif isinstance(change, NewAnnotation):
        head = [entry.seq, change.id, entry.time_ms]
    else:
        head = [dict(entry.values or {})]
    return [*head, size, crc]


def _additions(change: Completion | Amendment) -> list[Any]:
    return [change.tags, change.tokens_in, change.tokens_out, _cost(change.cost)]


# ---- reading ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Frame:
    """A frame whose head and heads hold; ``offset`` is its place in the log."""

    offset: int
    flags: int
    count: int
    base_seq: int
    base_rev: int
    heads: bytes
    bodies_start: int
    bodies_size: int
    end: int
    """Where the next frame begins."""
    _rows: Sequence[Any] | None = None

    @property
    def first_body(self) -> int:
        """Offset of the first body, as references of bodies have it; those of the others follow without a gap."""
        return PACKED | self.offset << _UNPACKED_BITS if self.flags & CODEC else self.bodies_start

    def rows(self) -> Sequence[Any]:
        """Return the heads of the frame's changes, decoded once.

        :raises BadFrameError: if they are not what a frame holds.
        """
        if self._rows is not None:
            return self._rows
        try:
            rows = unpack(self.heads)
        except _UNPACK_ERRORS as problem:
            raise BadFrameError(f"heads cannot be read: {problem}") from None
        if type(rows) is not list or len(rows) != self.count:
            raise BadFrameError("heads and their number do not agree")
        self._rows = rows
        return rows

    def coded(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield (code, head) of each change."""
        if self.flags & MIXED:
            for row in self.rows():
                if type(row) is not list or not row or type(row[0]) is not int:
                    raise BadFrameError("a change without a code")
                yield row[0], row[1:]
        else:
            for row in self.rows():
                yield TRACE, row


def parse(data: bytes, at: int, offset: int, salt: bytes) -> Frame:
    """Read the frame at ``data[at]``, which lies at ``offset`` in the log; its bodies are not looked at.

    :raises BadFrameError: if there is none, or its heads are not all there.
    """
    if len(data) - at < HEAD_SIZE:
        raise BadFrameError("an unfinished frame")
    first, count, base_seq, base_rev, heads_size, bodies_size, crc = HEAD.unpack_from(data, at)
    if first & 0xF0 != MARKER:
        raise BadFrameError("no frame begins here")
    start = at + HEAD_SIZE
    if len(data) - start < heads_size:
        raise BadFrameError("an unfinished frame")
    heads = data[start : start + heads_size]
    if crc != zlib.crc32(heads, zlib.crc32(data[at : at + 20], zlib.crc32(salt))):
        raise BadFrameError("the checksum of a frame's heads does not hold")
    bodies = offset + HEAD_SIZE + heads_size
    return Frame(
        offset, first & 0x0F, int.from_bytes(count, "little"), base_seq, base_rev, heads, bodies, bodies_size,
        bodies + bodies_size,
    )  # fmt: skip


def is_plausible(data: bytes, at: int, remaining: int, next_seq: int, next_rev: int) -> bool:
    """Return whether a frame may begin at ``data[at]``, judged by its numbers alone, before any CRC."""
    if len(data) - at < HEAD_SIZE:
        return False
    first, count, base_seq, base_rev, heads_size, bodies_size, _ = HEAD.unpack_from(data, at)
    return bool(
        first & 0xF0 == MARKER
        and HEAD_SIZE + heads_size + bodies_size <= remaining
        and next_seq <= base_seq
        and next_rev <= base_rev
        and base_seq <= base_rev
        and 0 < int.from_bytes(count, "little") <= heads_size
    )


def bodies_of(frame: Frame) -> Iterator[tuple[int, int, int]]:
    """Yield the reference (offset, length, CRC) of each change's body."""
    offset = frame.first_body
    for _, head in frame.coded():
        size, crc = body_of(head)
        yield offset, size, crc
        offset += size


def place_of(offset: int) -> tuple[int, int]:
    """Return the offset of the frame that a compressed body is in, and where that begins in what it unpacks to."""
    return (offset & ~PACKED) >> _UNPACKED_BITS, offset & ((1 << _UNPACKED_BITS) - 1)


def compressed(bodies: bytes) -> bytes | None:
    """Return bodies as a frame with the flag *codec* has them, None if that is not shorter or cannot be addressed."""
    if len(bodies) >> _UNPACKED_BITS:
        return None
    packed = zlib.compress(bodies, _LEVEL)
    return packed if len(packed) < len(bodies) else None


def unpacked(bodies: bytes) -> bytes:
    """Return the bodies of a frame with the flag *codec* end to end; as far as they can be had, if they are damaged."""
    stream = zlib.decompressobj()
    try:
        return stream.decompress(bodies, MAX_UNPACKED)
    except zlib.error:
        return b""


def body_of(head: Any) -> tuple[int, int]:
    """Return length and CRC of the body that a head announces.

    :raises BadFrameError: if it announces none.
    """
    if type(head) is not list or len(head) < 3:
        raise BadFrameError("a head that is none")
    size, crc = head[-2], head[-1]
    if type(size) is not int or type(crc) is not int or size < 0:
        raise BadFrameError("a head without a body")
    return size, crc
