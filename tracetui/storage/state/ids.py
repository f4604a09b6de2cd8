"""From the id of a trace to its row, where an index covers part of a run.

The base holds the 64-bit hashes of its ids in order, with the row of each; a hit is verified against the real
id, so that hashes may meet. What came since is a dict, as it is where there is no index at all.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tracetui.storage.state.columns import BadIndexError, Base


def hash_of(trace_id: str) -> int:
    """Return the 64-bit hash of an id: the first 8 bytes of its BLAKE2b, little-endian."""
    from hashlib import blake2b

    digest = blake2b(trace_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class IdTable:
    """Rows by id; reads like the ``dict`` that stands in its place without a base."""

    def __init__(self, base: Base, ids: Sequence[str]) -> None:
        self._base = base
        self._ids = ids
        self._hashes: Any = None
        self._rows: Any = None
        self._more: dict[str, int] = {}
        self.update = self._more.update

    def __len__(self) -> int:
        return self._base.rows + len(self._more)

    def __setitem__(self, trace_id: str, row: int) -> None:
        self._more[trace_id] = row

    def get(self, trace_id: str, default: Any = None) -> Any:
        """Return the row of an id; costs a binary search where the base may have it."""
        row = self._more.get(trace_id)
        if row is None and self._base.rows:
            row = self._covered(trace_id)
        return default if row is None else row

    def _open(self) -> None:
        if self._hashes is None:
            self._rows = self._base.column("ids.rows", "I")
            self._hashes = self._base.column("ids.hashes", "Q")
            if not len(self._rows) == len(self._hashes) == self._base.rows:
                raise BadIndexError("the table of ids has another length than the run")

    def _covered(self, trace_id: str) -> int | None:
        self._open()
        wanted = hash_of(trace_id)
        at = bisect_left(self._hashes, wanted)
        while at < len(self._hashes) and self._hashes[at] == wanted:
            row = int(self._rows[at])
            if self._ids[row] == trace_id:
                return row
            at += 1
        return None

    def frozen(self) -> IdTable:
        """Return a copy that keeps what is there now."""
        copy = IdTable(self._base, ())
        copy._more.update(self._more)
        return copy

    def pairs(self) -> list[int]:
        """Return ``hash << 32 | row`` of every id, those of the base first and in order."""
        self._open()
        covered = [number << 32 | row for number, row in zip(self._hashes, self._rows, strict=True)]
        return covered + _pairs(self._more)


def _pairs(rows: Mapping[str, int]) -> list[int]:
    return [hash_of(trace_id) << 32 | row for trace_id, row in rows.items()]


def id_sections(table: IdTable | Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Yield the table of ids as two sections of an index; costs a hash a new id, and a sort."""
    pairs = table.pairs() if isinstance(table, IdTable) else _pairs(table)
    pairs.sort()
    yield "ids.hashes", array("Q", [pair >> 32 for pair in pairs]).tobytes()
    yield "ids.rows", array("I", [pair & 0xFFFF_FFFF for pair in pairs]).tobytes()
