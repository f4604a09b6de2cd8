"""The bytes of ``catalog.idx``: what is known of every run of a store, column by column.

The file is derived from the logs: deleting it changes no answer. Whatever is not exactly what this version
writes is refused whole, and whoever reads it does without. docs/format.md is the same as a document.

Header, 24 bytes, little-endian::

    0   8  magic "tracecat"
    8   2  version (1)
    10  2  flags (0)
    12  8  length of the content
    20  4  CRC32 of bytes 0 … 19 and the content

The content is one msgpack array: the columns, then metadata, sets of owners, and damage by row.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress, repeat
from typing import Any, NamedTuple, TypeVar

import msgpack

from tracetui.model.run import RUN_STATUSES, Damage, Owner, Run
from tracetui.model.value import pack
from tracetui.storage.files.fs import Disk
from tracetui.storage.garbage import uncollected

CATALOG_NAME = "catalog.idx"
MAGIC, VERSION = b"tracecat", 1
HEADER = struct.Struct("<8sHHQI")
MAX_BYTES = 256 << 20
"""A larger file is not read at all: some 500,000 runs."""

Signature = tuple[int, int, int]
"""Size, modification time in nanoseconds and inode of a log: an entry holds while they do."""


class Entry(NamedTuple):
    """What is known of a run: its log as it was then, the run, and what an upper layer wants to keep with it."""

    signature: Signature
    run: Run
    digest: bytes | None = None


class Rows(NamedTuple):
    """What a file says, column by column, in its order: newest created first."""

    names: Sequence[str]
    signatures: tuple[Sequence[int], Sequence[int], Sequence[int]]
    runs: list[Run]
    digests: Sequence[bytes | None]

    def entries(self) -> dict[str, Entry]:
        """Return the entries by the name of their log, for who looks at more than the runs."""
        made = _tuples(Entry, zip(*self.signatures, strict=True), self.runs, self.digests)
        return dict(zip(self.names, made, strict=True))

    def only(self, wanted: Sequence[bool]) -> Rows:
        """Return the rows that are wanted."""
        sizes, times, inodes = (list(compress(column, wanted)) for column in self.signatures)
        return Rows(
            list(compress(self.names, wanted)),
            (sizes, times, inodes),
            list(compress(self.runs, wanted)),
            list(compress(self.digests, wanted)),
        )


class BadCatalogError(Exception):
    """Content that is no catalog of this version; never leaves the engine."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


class OtherVersionError(BadCatalogError):
    """A catalog of another version: nothing is wrong with it, and it is of no use."""


_NONE = type(None)
_COLUMNS: tuple[tuple[str, frozenset[type]], ...] = (
    ("file", frozenset({str})),
    ("size", frozenset({int})),
    ("mtime_ns", frozenset({int})),
    ("inode", frozenset({int})),
    ("digest", frozenset({bytes, _NONE})),
    ("id", frozenset({str})),
    ("name", frozenset({str, _NONE})),
    ("status", frozenset({str})),
    ("created_ms", frozenset({int})),
    ("ended_ms", frozenset({int, _NONE})),
    ("tags", frozenset({tuple})),
    ("traces", frozenset({int})),
    ("errors", frozenset({int})),
    ("tokens_in", frozenset({int})),
    ("tokens_out", frozenset({int})),
    ("cost_usd", frozenset({float, int})),
    ("last_ms", frozenset({int})),
    ("owners", frozenset({int})),
)
"""Columns in their order, and the types that their values may have; ``owners`` names a row of the sets."""


def encode(entries: Mapping[str, Entry]) -> bytes:
    """Return the file for entries by the name of their log, in the order of the entries."""
    sets: dict[tuple[Owner, ...], int] = {}
    runs = [entry.run for entry in entries.values()]
    columns: list[list[Any]] = [list(entries)]
    columns += [[entry.signature[part] for entry in entries.values()] for part in range(3)]
    columns.append([entry.digest for entry in entries.values()])
    columns += [[getattr(run, name) for run in runs] for name, _ in _COLUMNS[5:-1]]
    columns.append([sets.setdefault(run.owners, len(sets)) for run in runs])
    damage = [
        [row, [[d.offset, d.length, d.reason] for d in run.damage]]
        for row, run in enumerate(runs)
        if run.damage
    ]
    content = pack([
        pack(columns), pack([run.metadata for run in runs]), [[o.pack() for o in owners] for owners in sets], damage,
    ])  # fmt: skip
    head = HEADER.pack(MAGIC, VERSION, 0, len(content), 0)[:-4]
    return head + zlib.crc32(content, zlib.crc32(head)).to_bytes(4, "little") + content


def decode(data: bytes, folder: str) -> Rows:
    """Return the rows of a file, of logs in ``folder``; some µs a run.

    :raises BadCatalogError: if the file is not what this version writes.
    """
    content = _content(data)
    try:
        with uncollected():
            return _rows(content, folder)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        msgpack.exceptions.UnpackException,
    ) as problem:
        raise BadCatalogError(HEADER.size, f"its content is not that of a catalog: {problem}") from None


def _content(data: bytes) -> memoryview:
    if len(data) < HEADER.size:
        raise BadCatalogError(0, f"the file has {len(data)} bytes, a header has {HEADER.size}")
    magic, version, _flags, size, crc = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BadCatalogError(0, "the file does not begin as a catalog does")
    if version != VERSION:
        raise OtherVersionError(8, f"version {version}, this tracetui reads {VERSION}")
    content = memoryview(data)[HEADER.size :]
    if len(content) != size:
        raise BadCatalogError(12, f"{len(content)} bytes of content, {size} are announced")
    if crc != zlib.crc32(content, zlib.crc32(data[: HEADER.size - 4])):
        raise BadCatalogError(20, "the checksum does not hold")
    return content


def _unpack(data: Any, *, lists: bool = False) -> Any:
    return msgpack.unpackb(data, use_list=lists, strict_map_key=False, unicode_errors="surrogatepass")


def _rows(content: memoryview, folder: str) -> Rows:
    packed, metadata, sets, damage = _unpack(content)
    columns = _unpack(packed)
    found = dict(zip((name for name, _ in _COLUMNS), columns, strict=True))
    count = len(found["file"])
    for name, allowed in _COLUMNS:
        _check(type(found[name]) is tuple and len(found[name]) == count, name)
        _check(set(map(type, found[name])) <= allowed, name)
    _check(len(set(found["file"])) == count, "file")
    _check(set(map(type, chain.from_iterable(found["tags"]))) <= {str}, "tags")
    _check(set(found["status"]) <= set(RUN_STATUSES), "status")
    found["metadata"] = _unpack(metadata, lists=True)
    _check(type(found["metadata"]) is list and len(found["metadata"]) == count, "metadata")
    owners = [tuple(map(_owner, given)) for given in sets]
    _check(all(0 <= row < len(owners) for row in set(found["owners"])), "owners")
    found["owners"] = tuple(map(owners.__getitem__, found["owners"]))
    found["damage"] = _damage(damage, found["file"], folder)
    runs = _tuples(Run, *(found[name] for name in Run._fields))
    return Rows(found["file"], (found["size"], found["mtime_ns"], found["inode"]), runs, found["digest"])


_T = TypeVar("_T")
_new_tuple: Any = tuple.__new__


def _tuples(kind: type[_T], *columns: Iterable[Any]) -> list[_T]:
    """Return a named tuple a row, as its ``_make`` does, without a call of Python's for each."""
    return list(map(_new_tuple, repeat(kind), zip(*columns, strict=True)))


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _owner(packed: Any) -> Owner:
    owner = Owner.unpack(packed)
    _check([type(part) for part in owner.pack()] == [str, str, str, int, str], "owners")
    return owner


def _damage(given: Any, names: Sequence[str], folder: str) -> list[tuple[Damage, ...]]:
    found: list[tuple[Damage, ...]] = [()] * len(names)
    for row, places in given:
        path = os.path.join(folder, names[row])  # noqa: PTH118
        for offset, length, reason in places:
            _check([type(offset), type(length), type(reason)] == [int, int, str], "damage")
        found[row] = tuple(Damage(path, offset, length, reason) for offset, length, reason in places)
    return found


# ---- the file --------------------------------------------------------------------------------------------


def read(disk: Disk, path: str) -> bytes:
    """Return the bytes of a catalog.

    :raises OSError: if it cannot be read, ``FileNotFoundError`` if there is none.
    :raises BadCatalogError: if it is too large to be one.
    """
    size = disk.stat(path).st_size
    if size > MAX_BYTES:
        raise BadCatalogError(0, f"{size} bytes, a catalog has at most {MAX_BYTES}")
    return disk.read_file(path)
