"""Numbers against rows: what damage took from a run keeps its numbers, and columns stay dense."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class Gaps(list[int]):
    """Dense rows against numbers with gaps in them: what damage took away keeps its numbers.

    The list is of the rows that a gap lies before: empty, and false at no cost, in nearly every run.

    >>> gaps = Gaps()
    >>> gaps.skip(3, 5)
    >>> [gaps.number(row) for row in range(5)], [gaps.row(number) for number in (2, 3, 4, 5, 6)]
    ([0, 1, 2, 5, 6], [2, -1, -1, 3, 4])
    """

    __slots__ = ("_firsts",)

    def __init__(self) -> None:
        super().__init__()
        self._firsts: list[int] = []

    def pack(self) -> list[list[int]]:
        """Return the gaps as plain lists, the form in which an index keeps them."""
        return [[*self], self._firsts] if self else []

    @classmethod
    def unpack(cls, packed: Sequence[Sequence[int]]) -> Gaps:
        """Read what ``pack`` made."""
        gaps = cls()
        for row, number in zip(*packed, strict=True):
            gaps.skip(row, number)
        return gaps

    def skip(self, row: int, number: int) -> None:
        """Let the rows from ``row`` on bear the numbers from ``number`` on."""
        self.append(row)
        self._firsts.append(number)

    def number(self, row: int) -> int:
        """Return the number of a row."""
        if not self:
            return row
        at = bisect_right(self, row) - 1
        return row if at < 0 else self._firsts[at] + row - self[at]

    def row(self, number: int) -> int:
        """Return the row of a number, −1 if it fell into a gap."""
        row, end = self._stretch(number)
        return row if row < end else -1

    def row_after(self, number: int) -> int:
        """Return the first row whose number is at least ``number``."""
        return min(self._stretch(number))

    def _stretch(self, number: int) -> tuple[int, int]:
        """Return the row that a number has if its stretch is long enough, and the row where the next begins."""
        at = bisect_right(self._firsts, number) - 1
        row = number if at < 0 else self[at] + number - self._firsts[at]
        return row, self[at + 1] if at + 1 < len(self) else row + 1
