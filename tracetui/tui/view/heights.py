"""Heights of many entries of which few were measured: which entry a line is in, and where an entry begins.

All are estimated until they are set. Both questions and a change cost the logarithm of how many there are (a
Fenwick tree: Peter Fenwick, "A new data structure for cumulative frequency tables", 1994).
"""

from __future__ import annotations

from array import array

ESTIMATE = 4


class Heights:
    """Heights of ``count`` entries, each at least one line.

    >>> heights = Heights(3)
    >>> heights.set(1, 10)
    >>> len(heights), heights.top(2), heights.locate(13), heights.locate(14)
    (18, 14, (1, 9), (2, 0))
    """

    def __init__(self, count: int) -> None:
        self._heights = array("i", [ESTIMATE]) * count
        self._sums = array("q", [ESTIMATE * (n & -n) for n in range(count + 1)])
        self._measured = bytearray(count)
        self._total = ESTIMATE * count
        self._top_bit = 1 << (count.bit_length() - 1) if count else 0

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, entry: int) -> int:
        return self._heights[entry]

    def is_measured(self, entry: int) -> bool:
        """Whether its height was set."""
        return bool(self._measured[entry])

    def set(self, entry: int, height: int) -> None:
        """Set the height of an entry."""
        more = height - self._heights[entry]
        self._measured[entry] = 1
        self._heights[entry] = height
        self._total += more
        number, count = entry + 1, len(self._heights)
        while more and number <= count:
            self._sums[number] += more
            number += number & -number

    def extend(self, more: int) -> None:
        """Append entries whose heights are estimated."""
        for number in range(len(self._heights) + 1, len(self._heights) + more + 1):
            total, below = ESTIMATE, number - 1
            while below > number - (number & -number):
                total += self._sums[below]
                below &= below - 1
            self._sums.append(total)
        self._heights.extend([ESTIMATE] * more)
        self._measured.extend(bytes(more))
        self._total += ESTIMATE * more
        count = len(self._heights)
        self._top_bit = 1 << (count.bit_length() - 1) if count else 0

    def forget(self) -> None:
        """Let all be measured anew; until then they keep the heights they had."""
        self._measured = bytearray(len(self._heights))

    def top(self, entry: int) -> int:
        """Return the first line of an entry."""
        total = 0
        while entry > 0:
            total += self._sums[entry]
            entry &= entry - 1
        return total

    def locate(self, line: int) -> tuple[int, int]:
        """Return the entry that a line is in, and how far in; the nearest there is for lines beyond."""
        line = min(max(line, 0), max(self._total - 1, 0))
        at, bit, count = 0, self._top_bit, len(self._heights)
        while bit:
            if at + bit <= count and self._sums[at + bit] <= line:
                at += bit
                line -= self._sums[at]
            bit >>= 1
        return at, line
