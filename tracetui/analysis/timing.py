"""Where the time of a run went: self time, idle gaps, the critical path, slow spots.

The words, by docs/glossary.md:

- A trace is *timed* if it has a duration: a ToolCall's own field, else end − start. Its *span* begins at its
  timestamp and lasts its duration. A *timed leaf* takes time, and no trace below it does.
- *Self time* is duration minus the union of its children's spans. A child that is not timed stands for the timed
  traces below it.
- *Idle gap*: no timed leaf runs for at least max(1 s, 2 % of active time). User input ends a gap; one that ends
  there is *waiting for you*, and no waiting of any length is active time.
- *Critical path*: from the run's end backwards into the child that ends last before the cursor; a child ends when
  its subtree does.
- *Slow spot*: an idle gap that is not waiting, or one of the top 5 % by self time, 100 ms at least.

Runs without times (``meta.time: none``) have durations, and neither gaps nor a path.
Everything is O(n log n) in the traces of a run, without recursion. Times are milliseconds, intervals half-open.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import eq
from typing import overload

from tracetui.analysis.bodies import tool_calls
from tracetui.model.trace_type import CUSTOM
from tracetui.storage.backend import NO_TIME, RunView

TURN = "Turn"
LEAST_GAP_MS, GAP_SHARE = 1000, 0.02
LEAST_SLOW_MS, SLOW_SHARE = 100, 0.05

Interval = tuple[int, int]
Spans = tuple[Sequence[int], Sequence[int]]
"""Starts and ends by seq."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which no timed leaf ran. ``waiting`` for user input; ``before`` is the seq it ends at, −1 none."""

    start_ms: int
    end_ms: int
    waiting: bool
    before: int = -1

    @property
    def duration_ms(self) -> int:
        """How long nothing ran."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the critical path: ``seq`` itself was what the run's end waited for, −1 if nothing ran."""

    seq: int
    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        """How long it was."""
        return self.end_ms - self.start_ms


class Path(Sequence[Stretch]):
    """Stretches as columns, since a long run has as many as traces. Equal to any sequence of the same stretches."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, seqs: Iterable[int] = (), starts: Iterable[int] = (), ends: Iterable[int] = ()
    ) -> None:
        self.seqs, self.starts, self.ends = array("i", seqs), array("q", starts), array("q", ends)
        each = zip(self.seqs, self.starts, self.ends, strict=True)
        self.busy_ms = sum(end - start for seq, start, end in each if seq >= 0)
        """Time in which something ran."""

    def __len__(self) -> int:
        return len(self.seqs)

    @overload
    def __getitem__(self, at: int) -> Stretch: ...
    @overload
    def __getitem__(self, at: slice) -> Path: ...
    def __getitem__(self, at: int | slice) -> Stretch | Path:
        if isinstance(at, slice):
            return Path(self.seqs[at], self.starts[at], self.ends[at])
        return Stretch(self.seqs[at], self.starts[at], self.ends[at])

    def __iter__(self) -> Iterator[Stretch]:
        return map(Stretch, self.seqs, self.starts, self.ends)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of a run went; sequences are by seq, lists in order of time.

    ``durations`` and ``self_ms`` are −1 where a trace is not timed. ``active_ms`` is the run's span without what
    was waited for the user. ``slow`` are the seqs of the top 5 % by self time, slowest first.
    """

    start_ms: int
    end_ms: int
    active_ms: int
    durations: Sequence[int]
    self_ms: Sequence[int]
    gaps: tuple[Gap, ...]
    path: Path
    slow: tuple[int, ...]

    @property
    def idle_ms(self) -> int:
        """Sum of the gaps that are not waiting."""
        return sum(gap.duration_ms for gap in self.gaps if not gap.waiting)

    @property
    def waiting_ms(self) -> int:
        """Time of the span that is not active: what was waited for the user, in gaps of any length."""
        return self.end_ms - self.start_ms - self.active_ms

    @property
    def path_ms(self) -> int:
        """Time on the critical path in which something ran."""
        return self.path.busy_ms


def timing_of(view: RunView) -> Timing:
    """Return where the time of a run went; reads the bodies of tool calls, which keep their durations."""
    durations = durations_of(view)
    above = timed_above(view, durations)
    if not has_times(view):
        own = self_times(view, durations, above, spans_known=False)
        return Timing(0, 0, 0, durations, own, (), Path(), slowest(own))
    own = self_times(view, durations, above)
    start, end = _span(view, durations)
    active, gaps = gaps_of(view, durations, above, (start, end))
    return Timing(
        start, end, active, durations, own, gaps, critical_path(view, durations, above, (start, end)),
        slowest(own),
    )  # fmt: skip


def has_times(view: RunView) -> bool:
    """Whether the run's timestamps are times: some recordings have none, and number their steps instead."""
    metadata = view.run.metadata
    return not (isinstance(metadata, dict) and metadata.get("time") == "none")


def durations_of(view: RunView) -> array[int]:
    """Return durations by seq, −1 where there is none (a negative one is none)."""
    found = array("q", [-1]) * view.count
    timestamps = view.timestamps
    for seq, end in enumerate(view.ends[: view.count]):
        if end != NO_TIME and end >= timestamps[seq]:
            found[seq] = end - timestamps[seq]
    for seq, call, _ in tool_calls(view):
        if call.duration_ms is not None and seq < len(found):
            found[seq] = max(call.duration_ms, -1)
    return found


def timed_above(view: RunView, durations: Sequence[int]) -> array[int]:
    """Return by seq the nearest ancestor that is timed, −1 if there is none."""
    count, parents = len(durations), view.parents
    above = array("q", [-2]) * count
    for seq in range(count):
        path, node = [], seq
        while node >= 0 and above[node] == -2:
            path.append(node)
            node = parents[node]
        for each in reversed(path):
            parent = parents[each]
            timed = parent < 0 or durations[parent] >= 0
            above[each] = parent if timed else above[parent]
    return above


def _below(durations: Sequence[int], above: Sequence[int]) -> dict[int, list[int]]:
    """Return the timed traces right below each timed one, −1 for those below none."""
    found: dict[int, list[int]] = {}
    for seq, duration in enumerate(durations):
        if duration >= 0:
            found.setdefault(above[seq], []).append(seq)
    return found


def self_times(
    view: RunView, durations: Sequence[int], above: Sequence[int], *, spans_known: bool = True
) -> array[int]:
    """Return self times by seq, −1 where a trace is not timed.

    Without ``spans_known`` nobody knows which children ran at the same time: they are taken one after another.
    """
    own = array("q", durations)
    timestamps = view.timestamps
    for parent, children in _below(durations, above).items():
        if parent < 0:
            continue
        if spans_known:
            start = timestamps[parent]
            spans = [(timestamps[seq], timestamps[seq] + durations[seq]) for seq in children]
            covered = sum(b - a for a, b in union(spans, (start, start + durations[parent])))
        else:
            covered = sum(durations[seq] for seq in children)
        own[parent] = max(durations[parent] - covered, 0)
    return own


def union(spans: Sequence[Interval], within: Interval) -> list[Interval]:
    """Return the union of spans, cut to an interval, in order and without empty ones.

    >>> union([(0, 4), (3, 6), (8, 99)], (1, 10))
    [(1, 6), (8, 10)]
    """
    merged: list[Interval] = []
    for start, end in sorted(spans):
        first, last = max(start, within[0]), min(end, within[1])
        if first >= last:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def slowest(self_ms: Sequence[int]) -> tuple[int, ...]:
    """Return the seqs of the top 5 % by self time that took 100 ms at least, slowest first."""
    timed = sum(own >= 0 for own in self_ms)
    ranked = sorted(
        (seq for seq, own in enumerate(self_ms) if own >= LEAST_SLOW_MS), key=lambda seq: -self_ms[seq]
    )
    return tuple(ranked[: -int(-timed * SLOW_SHARE // 1)])


def _span(view: RunView, durations: Sequence[int]) -> Interval:
    timestamps = view.timestamps[: len(durations)]
    if not len(timestamps):
        return 0, 0
    ends = (moment + max(took, 0) for moment, took in zip(timestamps, durations, strict=True))
    return min(timestamps), max(ends)


# ---- gaps ------------------------------------------------------------------------------------------------


def gaps_of(
    view: RunView, durations: Sequence[int], above: Sequence[int], span: Interval
) -> tuple[int, tuple[Gap, ...]]:
    """Return active time and the idle gaps in order of time; see the head of this module."""
    timestamps = view.timestamps
    leaves = _leaves(durations, above)
    running = union([(timestamps[seq], timestamps[seq] + durations[seq]) for seq in leaves], span)
    silences = _silences(running, span, _inputs(view))
    starting = {timestamps[seq]: seq for seq in reversed(leaves)}
    active = span[1] - span[0] - sum(end - start for start, end, turn in silences if turn >= 0)
    least = max(LEAST_GAP_MS, GAP_SHARE * active)
    return active, tuple(
        Gap(start, end, turn >= 0, turn if turn >= 0 else starting.get(end, -1))
        for start, end, turn in silences
        if end - start >= least
    )


def _leaves(durations: Sequence[int], above: Sequence[int]) -> list[int]:
    """Return the timed traces with none below that takes time: an error of 0 ms does not hide the call it is of."""
    inner: set[int] = set()
    for seq, took in enumerate(durations):
        node = above[seq] if took > 0 else -1
        while node >= 0 and node not in inner:
            inner.add(node)
            node = above[node]
    return [seq for seq, took in enumerate(durations) if took > 0 and seq not in inner]


def _inputs(view: RunView) -> list[tuple[int, int]]:
    """Return (moment, seq) of what the user said, in order of time."""
    turns = [seq for seq in view.by_type(TURN) if seq < view.count and view.kinds[seq] == CUSTOM]
    return sorted((view.timestamps[seq], seq) for seq in turns)


def _silences(
    running: Sequence[Interval], span: Interval, inputs: Sequence[tuple[int, int]]
) -> list[tuple[int, int, int]]:
    """Return (start, end, turn) of what is not covered, cut where the user spoke; turn is −1 where nobody did."""
    found: list[tuple[int, int, int]] = []
    cursor, at = span[0], 0
    for start, end in [*running, (span[1], span[1])]:
        while at < len(inputs) and inputs[at][0] <= start:
            moment, turn = inputs[at]
            if moment > cursor:
                found.append((cursor, moment, turn))
                cursor = moment
            at += 1
        if start > cursor:
            found.append((cursor, start, -1))
        cursor = max(cursor, end)
    return found


# ---- the critical path -----------------------------------------------------------------------------------


def critical_path(view: RunView, durations: Sequence[int], above: Sequence[int], span: Interval) -> Path:
    """Return the critical path in order of time: what the run's end waited for, from its start on.

    Each stretch is a trace's own part; together they cover the run's span, with seq −1 where nothing ran. A child
    ends when the last of its subtree does: a tool often outlives the model message that called it.
    """
    starts, ends = _extents(view, durations, above)
    below = _below(durations, above)
    for children in below.values():
        children.sort(key=lambda seq: (ends[seq], seq))
    seqs, firsts, lasts = array("i"), array("q"), array("q")
    stack = [(-1, span[0])]
    cursor = span[1]
    while stack:
        node, start = stack[-1]
        child = _last_before(below.get(node, []), cursor, start, (starts, ends))
        until = start if child < 0 else ends[child]
        for seq, first, last in _own_part(view, durations, node, (until, cursor)):
            seqs.append(seq)
            firsts.append(first)
            lasts.append(last)
        cursor = min(cursor, until)
        if child < 0:
            stack.pop()
        else:
            stack.append((child, max(starts[child], start)))
    return Path(reversed(seqs), reversed(firsts), reversed(lasts))


def _extents(view: RunView, durations: Sequence[int], above: Sequence[int]) -> Spans:
    """Return starts and ends of the timed subtrees, by seq."""
    starts = array("q", view.timestamps[: len(durations)])
    ends = array("q", map(int.__add__, starts, durations))
    for seq in reversed(view.forest().seqs):
        if seq < len(durations) and durations[seq] >= 0 and (parent := above[seq]) >= 0:
            starts[parent] = min(starts[parent], starts[seq])
            ends[parent] = max(ends[parent], ends[seq])
    return starts, ends


def _last_before(waiting: list[int], cursor: int, start: int, extents: Spans) -> int:
    """Take the child that ends last before the cursor from those that wait, −1 if none is left."""
    starts, ends = extents
    while waiting:
        child = waiting.pop()
        if start < ends[child] <= cursor and starts[child] < ends[child]:
            return child
    return -1


def _own_part(
    view: RunView, durations: Sequence[int], node: int, part: Interval
) -> Sequence[tuple[int, int, int]]:
    """Return (seq, start, end) of where a trace ran, and did not, in a part of its subtree that is no child's, latest first."""
    if part[0] >= part[1]:
        return ()
    if node < 0:
        return ((-1, *part),)
    first = min(max(view.timestamps[node], part[0]), part[1])
    last = max(min(view.timestamps[node] + durations[node], part[1]), first)
    cuts = ((-1, last, part[1]), (node, first, last), (-1, part[0], first))
    return [cut for cut in cuts if cut[1] < cut[2]]
