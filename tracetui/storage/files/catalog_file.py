"""The bytes of ``catalog.idx``: what is known of every run of a store, column by column.

The file is derived from the logs: deleting it changes no answer. Whatever is not exactly what this version
writes is refused whole, and whoever reads it does without. docs/format.md is the same as a document.

Header, 24 bytes, little-endian::

    0   8  magic "tracecat"
    8   2  version (2)
    10  2  flags (0)
    12  8  length of the content
    20  4  CRC32 of bytes 0 … 19 and the content

The content is one msgpack array: the boot of the machine that wrote it, the columns of logs, those of runs, metadata,
tables that columns name rows of, and damage by row. Numbers are packed side by side, so that ten thousand of them are
read in one step and need no look at each; what is known of logs is not unpacked for a list of runs.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import msgpack

from tracetui.model.run import RUN_STATUSES, Damage, Owner, Run
from tracetui.model.value import pack
from tracetui.storage.files.fs import Disk
from tracetui.storage.garbage import uncollected

CATALOG_NAME = "catalog.idx"
MAGIC, VERSION = b"tracecat", 2
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
    """What a file says, in its order: newest created first."""

    runs: list[Run]
    boot: str
    """The boot of the machine that wrote it, empty if that is not known."""
    logs: bytes
    """The columns of logs, as they are packed."""

    def entries(self, doubted_ns: int | None = None) -> dict[str, Entry]:
        """Return the entries by the name of their log, for who looks at more than the runs.

        Those of logs that were changed after ``doubted_ns`` have a size that no log has: they are known, not believed.

        :raises BadCatalogError: if what the file says of logs is not what this version writes.
        """
        with _told_as_bad(), uncollected():
            names, sizes, times, inodes, digests = _columns(_unpack(self.logs), _LOGS, len(self.runs))
            _check(len(set(names)) == len(names), "file")
            if doubted_ns is not None:
                sizes = [-1 if time > doubted_ns else size for size, time in zip(sizes, times, strict=True)]
            made = _tuples(Entry, zip(sizes, times, inodes, strict=True), self.runs, digests)
            return dict(zip(names, made, strict=True))


class BadCatalogError(Exception):
    """Content that is no catalog of this version; never leaves the engine."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


class OtherVersionError(BadCatalogError):
    """A catalog of another version: nothing is wrong with it, and it is of no use."""


class _Column(NamedTuple):
    """A column, the types that its values may have, and how they are packed if all are numbers that fit."""

    name: str
    types: frozenset[type]
    packed: Mapping[int, str]
    """What ``array`` calls numbers of so many bytes, the smallest first; none if a column is never packed."""


def _column(name: str, *types: type) -> _Column:
    return _Column(name, frozenset(types), _INTS if int in types else {})


_NONE = type(None)
_ROWS = {1: "B", 2: "H", 4: "I"}
_INTS = {**_ROWS, 8: "q"}
_TABLES = ("status", "tags", "owners")
"""Columns of rows in a table of the different values: most runs share theirs."""
_LOGS = (
    _column("file", str), _column("size", int), _column("mtime_ns", int), _column("inode", int),
    _column("digest", bytes, _NONE),
)  # fmt: skip
_RUNS = (
    _column("id", str), _column("name", str, _NONE), _column("created_ms", int), _column("ended_ms", int, _NONE),
    _column("traces", int), _column("errors", int), _column("tokens_in", int), _column("tokens_out", int),
    _Column("cost_usd", frozenset({float, int}), {8: "d"}), _column("last_ms", int),
    *(_Column(name, frozenset(), _ROWS) for name in _TABLES),
)  # fmt: skip


def encode(entries: Mapping[str, Entry], boot: str = "") -> bytes:
    """Return the file for entries by the name of their log, in the order of the entries."""
    names, known = list(entries), list(entries.values())
    runs = [entry.run for entry in known]
    sizes, times, inodes = ([entry.signature[part] for entry in known] for part in range(3))
    logs: list[Sequence[Any]] = [names, sizes, times, inodes, [entry.digest for entry in known]]
    given: dict[str, Sequence[Any]] = {name: [getattr(run, name) for run in runs] for name in Run._fields}
    tables = {}
    for name in _TABLES:
        tables[name], given[name] = _tabled(given[name])
    tables["owners"] = [[owner.pack() for owner in owners] for owners in tables["owners"]]
    content = pack([
        boot,
        pack(list(map(_encoded, logs, _LOGS))),
        pack([_encoded(given[column.name], column) for column in _RUNS]),
        pack(given["metadata"]),
        list(tables.values()),
        [[row, names[row], _places(run)] for row, run in enumerate(runs) if run.damage],
    ])  # fmt: skip
    head = HEADER.pack(MAGIC, VERSION, 0, len(content), 0)[:-4]
    return head + zlib.crc32(content, zlib.crc32(head)).to_bytes(4, "little") + content


def _places(run: Run) -> list[list[Any]]:
    return [[damage.offset, damage.length, damage.reason] for damage in run.damage]


def _tabled(values: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Return the different values, and the row of each value among them."""
    rows: dict[Any, int] = {}
    numbers = [rows.setdefault(value, len(rows)) for value in values]
    return list(rows), numbers


def _encoded(values: Sequence[Any], column: _Column) -> bytes | Sequence[Any]:
    """Return a column as packed numbers, or as it is if they are none or one does not fit."""
    for kind in column.packed.values() if values else ():
        try:
            return _little(array(kind, values)).tobytes()
        except OverflowError:
            continue
        except TypeError:
            break
    return values


def _little(numbers: array[Any]) -> array[Any]:
    """Turn numbers from the machine's order of bytes to the file's, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


@contextmanager
def _told_as_bad() -> Iterator[None]:
    """Let whatever goes wrong with a content mean that it is none."""
    try:
        yield
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        msgpack.exceptions.UnpackException,
    ) as problem:
        raise BadCatalogError(HEADER.size, f"its content is not that of a catalog: {problem}") from None


def decode(data: bytes, folder: str) -> Rows:
    """Return the rows of a file, of logs in ``folder``; half a µs a run.

    :raises BadCatalogError: if the file is not what this version writes.
    """
    content = _content(data)
    with _told_as_bad(), uncollected():
        return _rows(content, folder)


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
    boot, logs, columns, metadata, tables, damage = _unpack(content)
    _check(type(boot) is str and type(logs) is bytes, "boot or logs")
    kept = _unpack(metadata, lists=True)
    _check(type(kept) is list, "metadata")
    count = len(kept)
    read = _columns(_unpack(columns), _RUNS, count)
    found = {column.name: values for column, values in zip(_RUNS, read, strict=True)}
    for name, table in zip(_TABLES, _checked(*tables), strict=True):
        found[name] = _picked(table, found[name])
    found["metadata"], found["damage"] = kept, _damage(damage, count, folder)
    return Rows(_tuples(Run, *(found[name] for name in Run._fields)), boot, logs)


def _picked(table: Sequence[Any], rows: Sequence[int]) -> Sequence[Any]:
    """Return the values of rows; in one call for all, which takes a third of a call for each."""
    if len(rows) < 2:
        return [table[row] for row in rows]
    values: tuple[Any, ...] = itemgetter(*rows)(table)
    return values


def _columns(given: Any, columns: Sequence[_Column], count: int) -> list[Sequence[Any]]:
    return [_decoded(values, column, count) for values, column in zip(given, columns, strict=True)]


def _checked(statuses: Any, tags: Any, owners: Any) -> tuple[Sequence[Any], ...]:
    """Return the tables that columns name rows of."""
    _check(type(statuses) is tuple and set(statuses) <= set(RUN_STATUSES), "status")
    _check(type(tags) is tuple and set(map(type, tags)) <= {tuple}, "tags")
    _check(set(map(type, chain.from_iterable(tags))) <= {str}, "tags")
    return statuses, tags, [tuple(map(_owner, given)) for given in owners]


def _decoded(given: Any, column: _Column, count: int) -> Sequence[Any]:
    """Return the values of a column; packed numbers need no look at each."""
    values: Sequence[Any] = given
    if column.packed and type(given) is bytes:
        numbers = array(column.packed[len(given) // max(count, 1)])
        numbers.frombytes(given)
        values = _little(numbers)
    else:
        _check(type(given) is tuple and set(map(type, given)) <= column.types, column.name)
    _check(len(values) == count, column.name)
    return values


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


def _damage(given: Any, count: int, folder: str) -> list[tuple[Damage, ...]]:
    found: list[tuple[Damage, ...]] = [()] * count
    for row, name, places in given:
        path = os.path.join(folder, name)  # noqa: PTH118
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
