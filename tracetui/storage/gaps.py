"""Numbers against rows: what damage took from a run keeps its numbers, and columns stay dense."""

from __future__ import annotations

from bisect import bisect_right


class Gaps:
    """Dense rows against numbers with gaps in them: what damage took away keeps its numbers.

    >>> gaps = Gaps()
    >>> gaps.skip(3, 5)
    >>> [gaps.number(row) for row in range(5)], [gaps.row(number) for number in (2, 3, 4, 5, 6)]
    ([0, 1, 2, 5, 6], [2, -1, -1, 3, 4])
    """

    __slots__ = ("_rows", "_shifts")

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._shifts: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._rows)

    def skip(self, row: int, number: int) -> None:
        """Let the rows from ``row`` on bear the numbers from ``number`` on."""
        self._rows.append(row)
        self._shifts.append(number - row)

    def number(self, row: int) -> int:
        """Return the number of a row."""
        at = bisect_right(self._rows, row)
        return row + self._shifts[at - 1] if at else row

    def row(self, number: int) -> int:
        """Return the row of a number, −1 if it fell into a gap."""
        for start, shift in zip(reversed(self._rows), reversed(self._shifts), strict=True):
            if number - shift >= start:
                return number - shift
        return number if not self._rows or number < self._rows[0] else -1

    def row_after(self, number: int) -> int:
        """Return the first row whose number is at least ``number``."""
        for start, shift in zip(reversed(self._rows), reversed(self._shifts), strict=True):
            if number - shift >= start:
                return number - shift
            before = self.number(start - 1) if start else -1
            if number > before:
                return start
        return number
