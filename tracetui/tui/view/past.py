"""A run's columns as of one of its moments: what was there, what had ended, what that came to. Pure.

``Past`` stands where a ``RunView`` stands, so that rows, details and figures tell of the moment without knowing it.
A trace that had not ended is shown as it began: without end, result, usage, and what its completion brought.

What a step costs: the figures (``past_figures``), and the errors there were, once they are asked for. Reading all
of it (``past_of``, for counting and for files) costs the run, and is for workers.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from math import nan
from typing import Any, cast

from tracetui.analysis.rollup import Totals
from tracetui.errors import TraceTuiError
from tracetui.model.change import Annotation
from tracetui.model.run import ACTIVE, Run
from tracetui.model.trace import STATUS_NAMES, Trace, decode_body, pack_body
from tracetui.model.trace_type import Custom, TraceType
from tracetui.model.tree import Forest
from tracetui.model.value import Value
from tracetui.storage.backend import NO_TIME, RunView, Stretch
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.rollup import Rollup
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.past_figures import Column, PastFigures

_LATE = frozenset({"output", "response", "result", "answer", "tool_calls", "tools_called"})
"""Data of a custom trace that its end brings, whoever recorded it; ``_SAID`` of a model call as well."""
_SAID = frozenset({"text", "content", "message"})
_LATE_METADATA = frozenset({"usage", "cost", "recovered", "outcome"})


class Past:
    """The columns of a run as of the moment that ``moments`` is at; what no moment changes is the run's own."""

    def __init__(self, view: RunView, moments: Moments, rollup: Rollup) -> None:
        self.columns, self.moments = view, moments
        self.ids, self.parents = view.ids, view.parents
        self.timestamps: Sequence[int] = view.timestamps
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
        _, _, given, out, usd = self.figures.now()
        end = max(min(whole.end_ms, self.moments.end_ms), whole.start_ms)
        return Totals(int(given), int(out), usd, whole.start_ms, end)

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

    @property
    def running(self) -> list[int]:
        """The traces that were there and ended later, in seq order."""
        found: list[int] = self.told("running", self.moments.running)
        return found

    @property
    def run(self) -> Run:
        """The run, which had not ended."""
        run = self.columns.run
        if self.moments.is_last and not self.running:
            return run
        metadata = run.metadata
        if isinstance(metadata, dict):
            metadata = {name: value for name, value in metadata.items() if name != "outcome"}
        errors, traces, given, out, usd = self.figures.now()
        last = min(run.last_ms, self.moments.end_ms)
        return run._replace(
            status=ACTIVE, ended_ms=None, metadata=metadata, traces=int(traces), errors=int(errors),
            tokens_in=int(given), tokens_out=int(out), cost_usd=usd, last_ms=last,
        )  # fmt: skip

    def children(self, seq: int) -> list[int]:
        """Return the children of a trace, in seq order."""
        return self.moments.there(self.columns.children(seq))

    def roots(self) -> list[int]:
        """Return the traces without a parent, in seq order."""
        return self.moments.there(self.columns.roots())

    def by_type(self, name: str) -> list[int]:
        """Return the traces of a type name, in seq order; costs all of them, once a moment."""
        found: list[int] = self.told(f"type {name}", lambda: self.moments.there(self.columns.by_type(name)))
        return found

    def by_tag(self, tag: str) -> list[int]:
        """Return the traces that bear a tag, in seq order; costs all of them."""
        return self.moments.there(self.columns.by_tag(tag))

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

    def packed_bodies(self, seqs: Sequence[int]) -> Iterator[tuple[bytes, ...] | None]:
        """Yield the bodies of traces, each with what was added; of one that had not ended what was known."""
        for seq, packed in zip(seqs, self.columns.packed_bodies(seqs), strict=True):
            yield packed if packed is None or self.had_ended(seq) else self._begun_body(seq, packed)

    def _begun_body(self, seq: int, packed: tuple[bytes, ...]) -> tuple[bytes, ...]:
        try:
            kind, metadata = decode_body(self.kinds[seq], packed[0])
        except (TraceTuiError, *NOT_OURS):
            return packed[:1]
        return (pack_body(begun(kind), _begun_metadata(metadata)),)

    def stretches(self, seqs: Sequence[int]) -> Iterator[Stretch]:
        """Yield the bodies in one piece; costs a look at each."""
        bodies, owners, starts, ends, lost = [], [], [], [], []
        size = 0
        for seq, packed in zip(seqs, self.packed_bodies(seqs), strict=True):
            if packed is None:
                lost.append(seq)
            for body in packed or ():
                bodies.append(body)
                owners.append(seq)
                starts.append(size)
                size += len(body)
                ends.append(size)
        yield Stretch(b"".join(bodies), owners, starts, ends, lost)

    def forest(self, root: int | None = None) -> Forest:
        """Return what was there in pre-order, or what was there of a subtree; linear in it as it is now."""
        whole = self.columns.forest(root)
        seqs, depths, sizes = [], [], []
        left = array("l", [0])
        """By row of the whole forest: how many rows before it were there."""
        for seq in whole.seqs:
            left.append(left[-1] + self.moments.was_there(seq))
        for row, seq in enumerate(whole.seqs):
            if self.moments.was_there(seq):
                seqs.append(seq)
                depths.append(whole.depths[row])
                sizes.append(left[row + whole.sizes[row]] - left[row])
        return Forest(seqs, depths, sizes, self.traces)

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


def past_of(view: RunView, newest: int, *, has_times: bool) -> Past:
    """Return a run as of when a trace had come, for reading all of it; linear, for workers.

    What came later has the moment for its time there, so that the run lasts until then.
    """
    moments = Moments(view, has_times=has_times)
    moments.go_to(newest)
    made = Past(view, moments, view.rollup())
    times, until = view.timestamps, moments.end_ms
    made.timestamps = Column(times, lambda seq: min(times[seq], until))
    return made


def view_of(view: RunView, newest: int, *, has_times: bool) -> RunView:
    """Return a run as of when a trace had come, as it is for −1."""
    return view if newest < 0 else as_view(past_of(view, newest, has_times=has_times))


def as_view(past: Past) -> RunView:
    """Return the past as what it stands for."""
    return cast("RunView", past)
