"""Rows by time: those of a half-open range, in (timestamp, row) order.

While timestamps come in order the column itself is the index. From the first that does not on, what an index
covers has its rows in order of time in a section of it, and what came since is a sorted list of
``timestamp << 32 | row``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Any

from sortedcontainers import SortedList

from tracetui.storage.state.columns import BadIndexError, Base

LOWEST = -(2**63)


class TimeIndex:
    """The time index of one run; its column of timestamps is given at every call."""

    __slots__ = ("_base", "_covered", "_is_ordered", "_last", "_late", "_order")

    def __init__(self, base: Base | None = None) -> None:
        self._base = base
        self._covered = 0 if base is None else base.rows
        self._is_ordered = base is None or bool(base.value("time")["ordered"])
        """Whether all timestamps so far came in order."""
        self._last: int = LOWEST if base is None else base.value("time")["last"]
        self._late: SortedList[int] | None = None if self._is_ordered else SortedList()
        """The rows behind the base, once they are not in order; as many of them as were asked for."""
        self._order: Any = None

    def add(self, timestamp: int) -> None:
        """Take note of the timestamp of the next row."""
        if self._late is None:
            if timestamp >= self._last:
                self._last = timestamp
            else:
                self._is_ordered, self._late = False, SortedList()

    def add_all(self, timestamps: Sequence[int]) -> None:
        """Take note of the timestamps of the next rows."""
        if self._late is None:
            if timestamps[0] >= self._last and list(timestamps) == sorted(timestamps):
                self._last = timestamps[-1]
            else:
                self._is_ordered, self._late = False, SortedList()

    def range(self, start_ms: int, end_ms: int, column: Any) -> Sequence[int]:
        """Return the rows with start_ms ≤ timestamp < end_ms; costs what it returns, and a sort of what came since."""
        if self._late is None:
            return range(bisect_left(column, start_ms), bisect_left(column, end_ms))
        late = self._sorted(self._late, column)
        found = late.irange(start_ms << 32, end_ms << 32, (True, False))
        if not self._covered:
            return [packed & 0xFFFF_FFFF for packed in found]
        covered = self._covered_range(column, start_ms, end_ms)
        both = merge((column[row] << 32 | row for row in covered), found)
        return [packed & 0xFFFF_FFFF for packed in both]

    def _sorted(self, late: SortedList[int], column: Any) -> SortedList[int]:
        """Return the rows behind the base in order: those that came since the last look are sorted in now."""
        known = self._covered + len(late)
        if known < len(column):
            late.update(column[row] << 32 | row for row in range(known, len(column)))
        return late

    def _covered_range(self, column: Any, start_ms: int, end_ms: int) -> Sequence[int]:
        assert self._base is not None  # noqa: S101
        if self._order is None:
            self._order = self._base.column("time.order", "I")
            if len(self._order) not in (0, self._covered):
                raise BadIndexError("the order of time has another length than the run")
        order: Any = self._order if len(self._order) else range(self._covered)
        low = bisect_left(order, start_ms, key=column.__getitem__)
        return order[low : bisect_left(order, end_ms, lo=low, key=column.__getitem__)]  # type: ignore[no-any-return]

    def sections(self, column: Any) -> Iterator[tuple[str, Any]]:
        """Yield the index as sections: whether the column is in order, its last time, else the order of rows."""
        order = array("I") if self._is_ordered else array("I", self.range(LOWEST, 2**63, column))
        yield "time", {"ordered": self._is_ordered, "last": self._last}
        yield "time.order", order.tobytes()
