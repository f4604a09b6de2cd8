"""A run's columns as of one of its moments: what was there, what had ended, what that came to. Pure.

``Past`` stands where a ``RunView`` stands, so that rows, details and figures tell of the moment without knowing it.
A trace that had not ended is shown as it began: without end, result, usage, and what its completion brought.

What a step costs: the traces that come or end in it and those above them; the errors there were, once they are asked
for; the model steps, if contexts are. Going far (``FAR`` traces at once) costs the run, once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from math import nan
from typing import Any, cast, overload

from tracetui.analysis.rollup import Totals
from tracetui.model.change import Annotation
from tracetui.model.trace import STATUS_NAMES, Trace, decode_body
from tracetui.model.trace_type import ERROR, Custom, TraceType
from tracetui.model.value import Value
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.rollup import Rollup
from tracetui.tui.view.moments import Moments

FAR = 200
TINY = 1e-9
"""US dollars: what is left of sums from which all was taken back."""
_LATE = frozenset({"output", "response", "result", "answer", "tool_calls", "tools_called"})
"""Data of a custom trace that its end brings, whoever recorded it; ``_SAID`` of a model call as well."""
_SAID = frozenset({"text", "content", "message"})
_LATE_METADATA = frozenset({"usage", "cost", "recovered", "outcome"})


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


class Past:
    """The columns of a run as of the moment that ``moments`` is at; what no moment changes is the run's own."""

    def __init__(self, view: RunView, moments: Moments, rollup: Rollup) -> None:
        self.columns, self.moments = view, moments
        self.ids, self.parents, self.timestamps = view.ids, view.parents, view.timestamps
        self.kinds, self.types, self.type_names = view.kinds, view.types, view.type_names
        self.statuses = self._until_ended(view.statuses, 0)
        self.ends = self._until_ended(view.ends, NO_TIME)
        self.tokens_in = self._until_ended(view.tokens_in, -1)
        self.tokens_out = self._until_ended(view.tokens_out, -1)
        self.costs = self._until_ended(view.costs, nan)
        self.first_child = Column(view.first_child, lambda seq: self._there_from(view.first_child[seq]))
        self.next_sibling = Column(view.next_sibling, lambda seq: self._there_from(view.next_sibling[seq]))
        self.figures = PastFigures(view, moments, rollup)
        self._told: dict[str, Any] = {}
        self._told_at = -1

    def __getattr__(self, name: str) -> Any:
        """Take everything else from the run."""
        return getattr(self.columns, name)

    def _until_ended(self, base: Sequence[Any], before: Any) -> Column:
        return Column(base, lambda seq: base[seq] if self.had_ended(seq) else before)

    def told(self, what: str, work_out: Callable[[], Any]) -> Any:
        """Return what was worked out of this moment, else work it out."""
        if self._told_at != self.moments.at:
            self._told, self._told_at = {}, self.moments.at
        if what not in self._told:
            self._told[what] = work_out()
        return self._told[what]

    def forget(self) -> None:
        """Let all be worked out again: there is news of the run."""
        self._told_at = -1

    def totals(self, whole: Totals) -> Totals:
        """Return the figures of the run, which lasts until the moment."""
        self.figures.bring_up()
        _, _, given, out, usd = self.figures.total
        end = max(min(whole.end_ms, self.moments.end_ms), whole.start_ms)
        return Totals(int(given), int(out), usd if abs(usd) > TINY else 0.0, whole.start_ms, end)

    def is_whole(self, seq: int) -> bool:
        """Whether all of a subtree was there, and had ended."""
        whole = self.figures.whole
        is_all_there: bool = self.figures.traces[seq] == whole.traces[seq]
        return is_all_there and whole.end_ms[seq] <= self.moments.end_ms

    def had_ended(self, seq: int) -> bool:
        """Whether a trace was there, and had the end that it has, if any."""
        return bool(self.moments.was_there(seq) and self.moments.had_ended(seq))

    def _there_from(self, seq: int) -> int:
        """Return the first of a trace and the siblings after it that was there, −1 for none."""
        following = self.columns.next_sibling
        while seq >= 0 and not self.moments.was_there(seq):
            seq = following[seq]
        return seq

    def _there(self, seqs: Sequence[int]) -> list[int]:
        return list(filter(self.moments.was_there, seqs))

    def children(self, seq: int) -> list[int]:
        """Return the children of a trace, in seq order."""
        return self._there(self.columns.children(seq))

    def roots(self) -> list[int]:
        """Return the traces without a parent, in seq order."""
        return self._there(self.columns.roots())

    def by_type(self, name: str) -> list[int]:
        """Return the traces of a type name, in seq order; costs all of them, once a moment."""
        found: list[int] = self.told(f"type {name}", lambda: self._there(self.columns.by_type(name)))
        return found

    def by_tag(self, tag: str) -> list[int]:
        """Return the traces that bear a tag, in seq order; costs all of them."""
        return self._there(self.columns.by_tag(tag))

    def rollup(self) -> Rollup:
        """Return the figures of every subtree."""
        return cast("Rollup", self.figures)

    def annotations(self, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes that had been left, all of them where there are no times."""
        found = self.columns.annotations(trace_id)
        if not self.moments.has_times:
            return found
        return [note for note in found if note.timestamp <= self.moments.time_ms]

    def tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags of a trace; those that it began with, until it had ended."""
        return self.columns.tags_of(seq) if self.had_ended(seq) else self.columns.first_tags_of(seq)

    def traces(self, seqs: Sequence[int]) -> list[Trace]:
        """Return the traces of seqs."""
        return [self.trace(seq) for seq in seqs]

    def trace(self, seq: int) -> Trace:
        """Return a trace; one that had not ended as it began.

        :raises TraceTuiError: if it had not ended, and cannot be read.
        """
        trace = self.columns.trace(seq)
        if self.had_ended(seq):
            return trace
        packed = next(iter(self.columns.packed_bodies((seq,))), None)
        known = trace if packed is None else decode_body(trace.kind_code, packed[0])
        kind, metadata = (known.trace_type, known.metadata) if isinstance(known, Trace) else known
        return Trace(
            trace.id, trace.parent_id, trace.timestamp, self.tags_of(seq), status=STATUS_NAMES[0], run_id=trace.run_id,
            seq=seq, parent_missing=trace.parent_missing, trace_type=begun(kind),
            metadata=_begun_metadata(metadata),
        )  # fmt: skip

    def deepest_open(self) -> int:
        """Return the newest trace, or what is nearest above it, that had not ended; −1 if all had."""
        node = self.moments.newest
        while node >= 0 and self.statuses[node]:
            node = self.columns.parents[node]
        return node


def begun(kind: TraceType) -> TraceType:
    """Return what was known of a step when it began: without the fields that come late.

    >>> from tracetui import ToolCall
    >>> begun(ToolCall("bash", {"command": "ls"}, "a b", 12)).result is None
    True
    >>> begun(Custom("LLM", {"input": ["hi"], "output": "ho"})).data
    {'input': ['hi']}
    """
    if isinstance(kind, Custom):
        late = _LATE | _SAID if kind.name == "LLM" else _LATE
        data = kind.data
        if not isinstance(data, dict):
            return kind
        return Custom(kind.name, {name: value for name, value in data.items() if name not in late})
    names = {field.name for field in fields(kind)} & {"result", "duration_ms", "results_count"}
    return replace(kind, **cast("dict[str, Any]", dict.fromkeys(names)))


def _begun_metadata(metadata: Value) -> Value:
    if not isinstance(metadata, dict):
        return metadata
    return {name: value for name, value in metadata.items() if name not in _LATE_METADATA}


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

    def duration_ms(self, seq: int) -> int:
        """Return the span of a subtree."""
        return max(int(self.end_ms[seq]) - int(self.start_ms[seq]), 0)

    def counts(self, seq: int) -> bool:
        """Whether a trace's own usage is part of the sums."""
        return self.whole.counts(seq)

    def _used(self) -> Iterator[int]:
        return (seq for seq in range(self._count) if self.whole.counts(seq))

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
        if first or len(touched) > FAR:
            self._make()
        else:
            for seq in touched:
                self._settle(seq)

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


def as_view(past: Past) -> RunView:
    """Return the past as what it stands for."""
    return cast("RunView", past)
