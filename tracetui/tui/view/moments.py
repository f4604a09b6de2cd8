"""A run as of each of its traces, in the order in which they came: what was there, and what had not ended.

The order is that of timestamps, then of seq, but a trace comes no earlier than what it is below. Runs without times
have their steps for moments. Linear in the run once; a step costs nothing here, and the tree its visible rows.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import gt

from tracetui.storage.backend import NO_TIME, RunView


class Moments:
    """The moments of one run; ``at`` is how many traces there were at the one that is shown."""

    def __init__(self, view: RunView, *, has_times: bool) -> None:
        self.view, self.has_times = view, has_times
        came = arrivals(view, view.timestamps if has_times else range(view.count))
        self.order = array("i", sorted(range(len(came)), key=came.__getitem__))
        self._ranks = array("i", bytes(4 * len(came)))
        for rank, seq in enumerate(self.order):
            self._ranks[seq] = rank
        self._came = came
        self._by_end: array[int] | None = None
        self.at = len(came)
        self.playing = ""
        """How fast the moments go by themselves, "" if they do not."""

    def __len__(self) -> int:
        return len(self.order)

    @property
    def newest(self) -> int:
        """The trace that came last, as of the moment."""
        return self.order[self.at - 1]

    @property
    def time_ms(self) -> int:
        """The moment itself: a time, or a step where there are no times."""
        return self._came[self.newest]

    def came_ms(self, number: int) -> int:
        """Return when the trace after so many others came."""
        return self._came[self.order[number]]

    @property
    def is_last(self) -> bool:
        """Whether nothing came after the moment."""
        return self.at == len(self.order)

    @property
    def end_ms(self) -> int:
        """Up to when what lasts is known: the moment, without times anything."""
        return self.time_ms if self.has_times else 2**63 - 1

    def go_to(self, seq: int) -> None:
        """Show the run as of a trace."""
        self.at = self._ranks[seq] + 1

    def step(self, by: int) -> bool:
        """Go to the next (1) or previous (−1) moment; return whether there is one."""
        if not 1 <= self.at + by <= len(self):
            return False
        self.at += by
        return True

    def was_there(self, seq: int) -> bool:
        """Whether a trace had come; what came after the moments were made had not."""
        return seq < len(self._ranks) and self._ranks[seq] < self.at

    def there(self, seqs: Iterable[int]) -> list[int]:
        """Return those of the traces that had come, in their order."""
        ranks, at, count = self._ranks, self.at, len(self._ranks)
        return [seq for seq in seqs if seq < count and ranks[seq] < at]

    def running(self) -> list[int]:
        """Return the traces that had come and ended later, in seq order; costs what ends later."""
        if not self.has_times:
            return []
        ends = self.view.ends
        if self._by_end is None:
            ended = (seq for seq in range(len(self)) if ends[seq] != NO_TIME)
            self._by_end = array("i", sorted(ended, key=ends.__getitem__))
        later = bisect_right(self._by_end, self.time_ms, key=ends.__getitem__)
        return sorted(self.there(self._by_end[later:]))

    def had_ended(self, seq: int) -> bool:
        """Whether a trace that has an end had it then."""
        end = self.view.ends[seq]
        return not self.has_times or end == NO_TIME or end <= self.time_ms


def arrivals(view: RunView, moments: Sequence[int]) -> array[int]:
    """Return by seq when each trace came: no earlier than what it is below. Without recursion."""
    count, parents = view.count, view.parents
    came = array("q", moments[:count])
    if _is_in_order(came, parents[:count]):
        return came
    for seq in view.forest().seqs:
        parent = parents[seq] if seq < count else -1
        if 0 <= parent < count and came[parent] > came[seq]:
            came[seq] = came[parent]
    return came


def _is_in_order(came: array[int], parents: Sequence[int]) -> bool:
    """Whether nothing came before what it is below, as in most runs; without a step of its own for each trace.

    >>> _is_in_order(array("q", [1, 2, 9]), [-1, 0, 0]), _is_in_order(array("q", [5, 2, 9]), [-1, 0, 0])
    (True, False)
    """
    if max(parents, default=-1) >= len(came):
        return False
    early = compress(count(), map(gt, map(came.__getitem__, parents), came))
    return all(parents[seq] < 0 for seq in early)  # of −1, the last one is asked
