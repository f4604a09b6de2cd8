"""Figures of every subtree of a run as of a moment, brought up from moment to moment. Pure.

What a step costs: the traces that come or end in it and those above them; the model steps, if contexts are asked
for. Going far (``FAR`` traces at once) costs the run, once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from tracetui.model.trace_type import ERROR
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.rollup import Rollup
from tracetui.tui.view.moments import Moments

FAR = 200
TINY = 1e-9
"""US dollars: what is left of sums from which all was taken back."""


class Column(Sequence[Any]):
    """A column whose values only ended traces have."""

    def __init__(self, base: Sequence[Any], value: Callable[[int], Any]) -> None:
        self._base, self._value = base, value

    def __len__(self) -> int:
        return len(self._base)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self._value(n) for n in range(*at.indices(len(self)))]
        return self._value(at)


class PastFigures:
    """Figures of every subtree as of a moment: the shape of a ``Rollup``, brought up when somebody looks.

    A subtree that goes on later is taken to last until the moment.
    """

    def __init__(self, view: RunView, moments: Moments, whole: Rollup) -> None:
        self._view, self._moments, self.whole = view, moments, whole
        self._count = min(len(whole), len(moments))
        self._by_end = array("i", sorted(self._used(), key=lambda seq: view.ends[seq]))
        self._at = -1
        self._time = NO_TIME
        self._is_there, self._is_used = bytearray(), bytearray()
        self._context: dict[int, int] | None = None
        self.start_ms = whole.start_ms
        self.end_ms = Column(whole.end_ms, lambda seq: min(whole.end_ms[seq], moments.end_ms))
        self.context = Column(whole.context, lambda seq: self._contexts().get(seq, 0))
        names = ("errors", "traces", "tokens_in", "tokens_out", "cost")
        self.errors, self.traces, self.tokens_in, self.tokens_out, self.cost = (
            Column(getattr(whole, name), self._figure(place)) for place, name in enumerate(names)
        )
        self._sums: list[array[Any]] = []
        self.total: list[float] = [0] * len(names)
        """Errors, traces, tokens in and out, cost of the run."""

    def __len__(self) -> int:
        return self._count

    def now(self) -> tuple[float, ...]:
        """Return errors, traces, tokens in and out, and cost of the run."""
        self.bring_up()
        *counted, usd = self.total
        return (*counted, usd if abs(usd) > TINY else 0.0)

    def duration_ms(self, seq: int) -> int:
        """Return the span of a subtree."""
        return max(int(self.end_ms[seq]) - int(self.start_ms[seq]), 0)

    def counts(self, seq: int) -> bool:
        """Whether a trace's own usage is part of the sums."""
        return self.whole.counts(seq)

    def _used(self) -> Iterator[int]:
        marked = (seq for seq, mark in enumerate(self.whole.marks) if mark and seq < self._count)
        return filter(self.whole.counts, marked)

    def _figure(self, place: int) -> Callable[[int], Any]:
        def figure(seq: int) -> Any:
            self.bring_up()
            value = self._sums[place][seq]
            return value if place < 4 or abs(value) > TINY else 0.0

        return figure

    # ---- from moment to moment ---------------------------------------------------------------------------

    def bring_up(self) -> None:
        """Follow the moments to where they are."""
        at, time = self._moments.at, self._moments.time_ms
        if at == self._at:
            return
        before, was = (0, NO_TIME) if self._at < 0 else (self._at, self._time)
        came = self._moments.order[min(at, before) : max(at, before)]
        ends = self._view.ends
        low, high = (
            bisect_right(self._by_end, moment, key=lambda seq: ends[seq]) for moment in sorted((was, time))
        )
        first, self._at, self._time, self._context = self._at < 0, at, time, None
        touched = [*came, *self._by_end[low:high]]
        if first and self._is_near_the_end(at):
            touched = [*self._moments.order[at:], *self._later()]
            self._take_whole()
        elif first or len(touched) > FAR:
            self._make()
            return
        for seq in touched:
            self._settle(seq)

    def _is_near_the_end(self, at: int) -> bool:
        """Whether the figures of the whole run are the nearest that there are."""
        later = len(self._moments) - at
        return later <= FAR and len(self.whole) == len(self._moments) and len(self._later()) <= FAR

    def _later(self) -> array[int]:
        """Return the traces with usage that end after the moment, in the order of their ends; none without times."""
        ends = self._view.ends
        return self._by_end[bisect_right(self._by_end, self._moments.end_ms, key=lambda seq: ends[seq]) :]

    def _take_whole(self) -> None:
        """Take the figures of the whole run, as of its end."""
        count, whole, view = self._count, self.whole, self._view
        columns = whole.errors, whole.traces, whole.tokens_in, whole.tokens_out, whole.cost
        self._sums = [array(code, column) for code, column in zip("qqqqd", columns, strict=True)]
        self._is_there, self._is_used = bytearray(b"\1") * count, bytearray(count)
        for seq in self._by_end:
            self._is_used[seq] = 1
        roots = view.roots()
        self.total = [sum(column[root] for root in roots if root < count) for column in self._sums]

    def _state(self, seq: int) -> tuple[bool, bool]:
        is_there = self._moments.was_there(seq)
        return is_there, is_there and self.whole.counts(seq) and self._moments.had_ended(seq)

    def _own(self, seq: int, there: int, used: int) -> tuple[float, ...]:
        """Return what a trace brings itself, times how much more it is there and used than it was."""
        view = self._view
        cost = view.costs[seq]
        return (
            there * (view.kinds[seq] == ERROR), there, used * max(view.tokens_in[seq], 0),
            used * max(view.tokens_out[seq], 0), used * cost if cost == cost else 0.0,  # noqa: PLR0124 - not NaN
        )  # fmt: skip

    def _settle(self, seq: int) -> None:
        """Let a trace count as it does now, in itself and in all above."""
        if seq >= self._count:
            return
        is_there, is_used = self._state(seq)
        more = self._own(seq, is_there - self._is_there[seq], is_used - self._is_used[seq])
        self._is_there[seq], self._is_used[seq] = is_there, is_used
        if not any(more):
            return
        self.total = [have + own for have, own in zip(self.total, more, strict=True)]
        node = seq
        while node >= 0:
            for column, own in zip(self._sums, more, strict=True):
                column[node] += own
            node = self._view.parents[node]

    def _make(self) -> None:
        """Sum up the whole run; linear, and without recursion."""
        count, parents = self._count, self._view.parents
        self._sums = [array(code, bytes(8 * count)) for code in "qqqqd"]
        self._is_there, self._is_used = bytearray(count), bytearray(count)
        self.total = [0] * len(self._sums)
        for seq in reversed(self._view.forest().seqs):
            if seq >= count or not self._moments.was_there(seq):
                continue
            is_there, is_used = self._state(seq)
            self._is_there[seq], self._is_used[seq] = is_there, is_used
            parent = parents[seq]
            for place, own in enumerate(self._own(seq, is_there, is_used)):
                column = self._sums[place]
                column[seq] += own
                if parent >= 0:
                    column[parent] += column[seq]
                else:
                    self.total[place] += column[seq]

    def _contexts(self) -> dict[int, int]:
        """Return the largest input of one model call by subtree; costs the model calls and those above them."""
        self.bring_up()
        found = self._context
        if found is None:
            found = self._context = {}
            for seq in self._by_end:
                if self._is_used[seq]:
                    node, given = seq, self._view.tokens_in[seq]
                    while node >= 0 and found.get(node, 0) < given:
                        found[node], node = given, self._view.parents[node]
        return found
