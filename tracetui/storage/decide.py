"""Deciding a commit: whether changes fit the run as it is, and which numbers and times they get.

Pure: reads the state of a run, changes nothing, and is the same for every engine, so that all refuse the
same things with the same words. What could be checked without the state was checked when the changes were
made (``tracetui.model.change``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tracetui.errors import (
    BatchTooLargeError,
    InvalidTraceError,
    ParentNotFoundError,
    RunClosedError,
    TraceCompletedError,
    TraceExistsError,
    TraceNotFoundError,
)
from tracetui.model.change import Amendment, AnyChange, Completion, NewAnnotation, NewTrace, RunPatch
from tracetui.model.run import ACTIVE, ENDED, check_move
from tracetui.model.trace_type import KIND_NAMES, LATE_FIELDS
from tracetui.model.value import Value
from tracetui.storage.backend import MAX_CHANGES, MAX_COMMIT_BYTES, Existing

if TYPE_CHECKING:
    from tracetui.storage.state.tail import Tail

TRACE, COMPLETION, AMENDMENT, ANNOTATION, RUN = range(5)
CHANGE_NAMES = ("trace", "completion", "amendment", "annotation", "run")


class Entry(NamedTuple):
    """A change with what its commit decided: whom it concerns, and when.

    ``seq`` is the trace's row (−1 for the run); ``parent`` the row of its parent (−1: none there) and
    ``awaited`` the id it waits for; ``time_ms`` is a trace's timestamp, a completion's end, a note's time.
    """

    code: int
    seq: int
    change: AnyChange
    time_ms: int = 0
    parent: int = -1
    awaited: str | None = None
    values: Mapping[str, Value] | None = None


class TraceCommit(NamedTuple):
    """What will be written of traces that plainly fit a run: nearly every commit is that, so these cost little.

    ``columns`` are the traces as ``NewTrace`` has them, by field; a parent is a row, the id that is awaited, or −1.
    """

    first_row: int
    first_seq: int
    first_rev: int
    columns: tuple[Sequence[Any], ...]
    times: Sequence[int]
    parents: Sequence[int | str]
    set_ms: int | None
    """The time that the store set, if it set any."""


class Commit(NamedTuple):
    """What will be written: entries in order, numbered densely from ``first_seq`` and ``first_rev``."""

    first_seq: int
    first_rev: int
    entries: list[Entry]
    traces: int
    skipped: frozenset[str]


def decide_trace(tail: Tail, change: AnyChange, now_ms: int) -> tuple[int, int | str] | None:
    """Return time and parent of a trace that plainly fits; of any other change None, as ``decide_traces``."""
    if type(change) is not NewTrace or tail.record.status != ACTIVE or tail.seq_gaps:
        return None
    known = tail.seq_of
    if known(change[0]) is not None:  # by number: half of what their names take
        return None
    parent, time_ms = _other_parent(change[1], known, waits=change[2]), change[5]
    if parent is None:
        return None
    return max(now_ms, tail.record.last_set_ms) if time_ms is None else time_ms, parent


def _other_parent(
    parent_id: str | None, known: Callable[[str], int | None], *, waits: bool
) -> int | str | None:
    """Return a parent that no trace before in the commit is: a row, the id that is awaited, −1; None for none such."""
    if parent_id is None:
        return -1
    row = known(parent_id)
    return row if row is not None else parent_id if waits and parent_id else None


def decide_traces(tail: Tail, changes: Sequence[AnyChange], now_ms: int) -> TraceCommit | None:
    """Return the commit of traces that plainly fit, column by column; None for any other.

    What ``decide`` would refuse, skip, or number around damage is not plain: it is the one that knows the words.
    """
    if not {*map(type, changes)} <= _TRACES or tail.record.status != ACTIVE or tail.seq_gaps or not changes:
        return None
    columns: tuple[Any, ...] = tuple(zip(*cast("Any", changes), strict=True))
    ids, parent_ids, waits, _, _, times, *_ = columns
    _check_sizes(columns[-1], columns[8])
    first_row, first_seq, first_rev = tail.next_numbers()
    own, known = dict(zip(ids, range(first_row, first_row + len(ids)), strict=True)), tail.seq_of
    if len(own) != len(ids) or [*map(known, ids)].count(None) != len(ids):
        return None
    parents: list[Any] = [*map(own.get, parent_ids)]
    for at, parent in enumerate(parents):
        if parent is None or parent >= first_row + at:
            parents[at] = _other_parent(parent_ids[at], known, waits=waits[at])
    if None in parents:
        return None
    set_ms = max(now_ms, tail.record.last_set_ms) if None in times else None
    if set_ms is not None:
        times = [set_ms if time_ms is None else time_ms for time_ms in times]
    return TraceCommit(first_row, first_seq, first_rev, columns, times, parents, set_ms)


def decide(tail: Tail, changes: Sequence[AnyChange], existing: Existing, now_ms: int) -> Commit:
    """Return the commit of these changes to a run in this state.

    :raises StoreError: for the first change that does not fit; nothing of the commit counts then.
    """
    _check_size(changes)
    decision = _Decision(tail, existing, now_ms)
    for change in changes:
        decision.take(change)
    skipped = frozenset(decision.skipped) if decision.skipped else _NONE
    return Commit(tail.next_seq, tail.next_rev, decision.entries, len(decision.made), skipped)


_NONE: frozenset[str] = frozenset()
_TRACES = frozenset({NewTrace})


def _check_size(changes: Sequence[AnyChange]) -> None:
    patches, notes = (RunPatch,), (RunPatch, NewAnnotation)
    _check_sizes(
        [b"" if isinstance(change, patches) else change.body for change in changes],
        [() if isinstance(change, notes) else change.tags for change in changes],
    )


def _check_sizes(bodies: Sequence[bytes], tags: Sequence[tuple[str, ...]]) -> None:
    """Refuse a commit that is too large: about, by the bodies of its changes and what can be long in their heads."""
    if len(bodies) > MAX_CHANGES:
        raise BatchTooLargeError("changes", len(bodies), MAX_CHANGES)
    size = sum(map(len, bodies)) + sum(map(len, chain.from_iterable(tags)))
    if size > MAX_COMMIT_BYTES and len(bodies) > 1:
        raise BatchTooLargeError("bytes", size, MAX_COMMIT_BYTES)


class _Decision:
    """The state of a run with the changes of one commit laid over it."""

    __slots__ = (
        "count", "ended", "entries", "known", "last_set", "made", "new", "now_ms", "skip", "skipped", "status", "tail",
        "unmergeable",
    )  # fmt: skip

    def __init__(self, tail: Tail, existing: Existing, now_ms: int) -> None:
        self.tail = tail
        self.known = tail.seq_of
        self.count = tail.count
        self.skip = existing == "skip"
        self.now_ms = now_ms
        self.entries: list[Entry] = []
        self.new: dict[str, int] = {}
        self.made: list[NewTrace] = []
        self.skipped: list[str] = []
        self.ended: set[int] = set()
        self.unmergeable: set[int] = set()
        self.status = tail.record.status
        self.last_set = tail.record.last_set_ms

    def take(self, change: AnyChange) -> None:
        """Add a change to the commit, or refuse it."""
        if type(change) is NewTrace:
            self.trace(change)
        elif type(change) is Completion:
            self._completion(change)
        elif type(change) is Amendment:
            self._amendment(change)
        elif type(change) is NewAnnotation:
            time_ms = self.now_ms if change.timestamp is None else change.timestamp
            self.entries.append(Entry(ANNOTATION, self._seq_of(change.trace_id), change, time_ms))
        else:
            assert isinstance(change, RunPatch)  # noqa: S101 - the last of the five
            self._run(change)

    def trace(self, change: NewTrace) -> None:
        """Add a trace, or refuse it."""
        trace_id, parent_id, await_parent, _, _, time_ms, *_ = change
        if trace_id in self.new or self.known(trace_id) is not None:
            if not self.skip:
                raise TraceExistsError(trace_id)
            self.skipped.append(trace_id)
            return
        if self.status != ACTIVE:
            raise RunClosedError(self.tail.record.run_id, self.status)
        parent, awaited = -1, None
        if parent_id is not None:
            parent = self._find(parent_id)
            if parent < 0:
                if not await_parent or not parent_id:
                    raise ParentNotFoundError(parent_id)
                awaited = parent_id
        if time_ms is None:
            time_ms = self.last_set = max(self.now_ms, self.last_set)
        made = self.made
        seq = self.new[trace_id] = self.count + len(made)
        made.append(change)
        self.entries.append(Entry(TRACE, seq, change, time_ms, parent, awaited))

    def _find(self, trace_id: str) -> int:
        seq = self.new.get(trace_id)
        if seq is None:
            seq = self.known(trace_id)
        return -1 if seq is None else seq

    def _seq_of(self, trace_id: str) -> int:
        seq = self._find(trace_id)
        if seq < 0:
            raise TraceNotFoundError(trace_id)
        return seq

    def _completion(self, change: Completion) -> None:
        seq = self._seq_of(change.trace_id)
        made = self._made(seq)
        status = self.tail.statuses[seq] if made is None else made.status
        if status != 0 or seq in self.ended:
            raise TraceCompletedError(change.trace_id)
        kind = self.tail.kinds[seq] if made is None else made.kind
        for name in change.late:
            if name not in LATE_FIELDS[kind]:
                raise InvalidTraceError(name, f"a {KIND_NAMES[kind]} takes no such field at its end")
        self._check_mergeable(seq, change.has_metadata, mergeable=change.mergeable)
        self.ended.add(seq)
        end_ms = max(self.now_ms, self.last_set) if change.end_ms is None else change.end_ms
        self.entries.append(Entry(COMPLETION, seq, change, end_ms))

    def _made(self, seq: int) -> NewTrace | None:
        return self.made[seq - self.count] if seq >= self.count else None

    def _amendment(self, change: Amendment) -> None:
        seq = self._seq_of(change.trace_id)
        self._check_mergeable(seq, change.has_metadata, mergeable=True)
        self.entries.append(Entry(AMENDMENT, seq, change))

    def _check_mergeable(self, seq: int, has_metadata: bool, *, mergeable: bool) -> None:
        if not has_metadata:
            return
        made = self._made(seq)
        own = self.tail.is_mergeable(seq) if made is None else made.mergeable
        if not own or seq in self.unmergeable or not mergeable:
            raise InvalidTraceError(
                "metadata", "the trace's own metadata is no mapping: nothing can be merged in"
                if mergeable else "only a mapping can be merged into a trace's metadata"
            )  # fmt: skip

    def _run(self, change: RunPatch) -> None:
        values = dict(change.values)
        wanted = values.get("status")
        if wanted is not None:
            check_move(self.tail.record.run_id, self.status, str(wanted))
            self.status = str(wanted)
            if wanted in ENDED and "ended_ms" not in values and self.tail.record.ended_ms is None:
                values["ended_ms"] = max(self.now_ms, self.last_set)
        self.entries.append(Entry(RUN, -1, change, self.now_ms, values=values))
