"""The state of one run in memory, as it is asked: traces, subtrees, figures, and what was added to a trace later.

Owns the state of a run that a commit decides on and that queries read; knows nothing of files. It changes
only after the change is safely where it is kept, and whole commits at a time, with its lock held; how it takes
them in is the part of ``Rows``. Where it begins with what an index covers, a reader cannot tell where that ends;
once the index turns out to be damaged, the state that the log alone gives stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tracetui.model.change import Annotation, Change
from tracetui.model.run import Run
from tracetui.model.trace import Trace
from tracetui.model.trace_type import TraceType
from tracetui.model.tree import Forest
from tracetui.model.value import Value
from tracetui.storage.backend import Stretch
from tracetui.storage.state import bodies as reading
from tracetui.storage.state import history
from tracetui.storage.state.additions import HeldRefs, MakeRefs
from tracetui.storage.state.bodies import Bodies
from tracetui.storage.state.columns import BadIndexError, Base, Columns, Numbers, TagSets, Texts
from tracetui.storage.state.heads import Moment
from tracetui.storage.state.rollup import Rollup
from tracetui.storage.state.rows import Rows

if TYPE_CHECKING:
    from tracetui.storage.state.snapshot import Snapshot


class Tail(Rows):
    """The rows of one run, and all that can be asked of them."""

    def __init__(
        self, run_id: str, bodies: Bodies, refs: MakeRefs = lambda *_: HeldRefs(), base: Base | None = None
    ) -> None:
        super().__init__(run_id, refs, base)
        self.bodies = bodies
        self._covered_changes = len(self.log)
        self._rollup: Rollup | None = None
        self._moment: Moment | None = None
        self._stretches = reading.Stretches()
        self.looks = -1 if base is None else 0
        """Heads that were read since there is an index, −1 once all of that is verified."""
        self.make_alone: Callable[[], Tail] | None = None
        """Makes the state anew from the log alone."""
        self._alone: Tail | None = None

    # ---- reading -----------------------------------------------------------------------------------------

    def run(self) -> Run:
        """Return the run as of now."""
        with self.lock:
            return self.record.run(self.count)

    def is_mergeable(self, seq: int) -> bool:
        """Whether metadata can be merged into the trace's own."""
        return bool(self.mergeable[seq])

    def tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags of a trace, added ones included."""
        return self._tags[seq]

    def first_tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags that a trace was recorded with."""
        tags, last = tuple(self._tags[seq]), self.added[seq]
        while last >= 0:
            tags = tags[: len(tags) - len(self.additions.tags(last))]
            last = self.additions.earlier(last)
        return tags

    @property
    def parents(self) -> Numbers:
        """Rows of the parents, −1 for a root."""
        return self.links.parents

    def roots(self) -> list[int]:
        """Return the traces without a parent that is there, in seq order."""
        with self.lock:
            return self.links.roots()

    def by_type(self, name: str) -> Sequence[int]:
        """Return the traces of a type name, in seq order."""
        return self._by_type.rows(name)

    def by_tag(self, tag: str) -> Sequence[int]:
        """Return the traces that bear a tag, in seq order."""
        return self._by_tag.rows(tag)

    def by_time(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Return the traces of a half-open range, in (timestamp, seq) order."""
        with self.lock:
            return self._by_time.range(start_ms, end_ms, self.timestamps)

    def type_counts(self) -> dict[str, int]:
        """Return type name: traces, ordered by name."""
        with self.lock:
            return self._by_type.counts()

    def tag_counts(self) -> dict[str, int]:
        """Return tag: traces, ordered by tag."""
        with self.lock:
            return self._by_tag.counts()

    def trace(self, seq: int) -> Trace:
        """Return the trace of a seq as of now, head and body unread."""
        return self.moment().trace(seq)

    def moment(self) -> Moment:
        """Return where heads are read as of now."""
        held = self._moment
        if held is None or held.changes != len(self.log):
            held = self._moment = Moment(self)
        return held

    def count_look(self) -> None:
        """Note that a head is read, while ``looks`` is not −1: from so many on it pays to verify all of it at once."""
        self.looks += 1
        if self.looks > self._covered >> 5:
            self.looks = -1
            self._unwrap_all()

    def _unwrap_all(self) -> None:
        assert self._base is not None  # noqa: S101 - else nobody counts
        self._base.verify()
        for part in (self, self.links, self.refs, self.additions, self.log, self.ids, self._tags):
            if isinstance(part, (Columns, Texts, TagSets)):
                part.unwrap()

    def alone(self) -> Tail:
        """Return the state that the log alone gives, made once: the index that this began with is damaged.

        :raises BadIndexError: if it began with none.
        """
        if self._alone is None:
            if self.make_alone is None:
                raise BadIndexError("there is nothing to begin with but the index")
            self._alone = self.make_alone()
            self._alone.record.run_id = self.record.run_id
        return self._alone

    def traces_of(self, ids: Iterable[str]) -> list[Trace | None]:
        """Return the trace of each id, None where there is none."""
        with self.lock:
            moment, seq_of = self.moment(), self.seq_of
            return [None if (row := seq_of(trace_id)) is None else moment.read(row) for trace_id in ids]

    def body(self, code: int, where: Any) -> tuple[TraceType, Value]:
        """Read a body with what was added to it: the ``BodySource`` of this run's traces."""
        return reading.merged_body(self.bodies, code, where)

    def packed_bodies(self, seqs: Sequence[int]) -> Iterator[tuple[bytes, ...] | None]:
        """Yield the packed body of each seq and what was added to it, None where it cannot be read."""
        return reading.packed_bodies(self, seqs)

    def stretches(self, seqs: Sequence[int]) -> Iterator[Stretch]:
        """Yield the packed bodies of traces, and what was added to them, as they lie where they are kept."""
        return self._stretches.read(self, seqs)

    def annotations(self, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of all, in the order of commits."""
        seq = None if trace_id is None else self._seqs.get(trace_id, -1)
        with self.lock:
            wanted = [n for n, held in enumerate(self.log.notes) if seq is None or held[0] == seq]
        return [history.annotation(self, number) for number in wanted]

    def changes(self, after_rev: int, limit: int | None = None) -> list[Change]:
        """Return the changes after a rev, in rev order."""
        with self.lock:
            return history.changes(self, after_rev, limit)

    def forest(self, root: int | None = None) -> Forest:
        """Return the whole run in pre-order, or the subtree of one seq."""
        with self.lock:
            if root is not None:
                return self.links.subtree(root, self.moment().traces)
            return self.links.forest(self.moment().traces, self.count, growing=not self.record.is_ended)

    # ---- figures -----------------------------------------------------------------------------------------

    @property
    def is_untrusted(self) -> bool:
        """Whether the index that this began with turned out to be damaged."""
        return self._base is not None and self._base.is_bad

    @property
    def has_base(self) -> bool:
        """Whether this began with an index."""
        return self._base is not None

    def distrust(self) -> None:
        """Let nobody go on with the index that this began with: what it says cannot be."""
        if self._base is not None:
            self._base.is_bad = True

    def trust(self) -> None:
        """Verify all that the index holds, and make the columns quick to read: for those who look at every row.

        :raises BadIndexError: if the index is damaged anywhere.
        """
        if self._base is not None:
            self._base.verify()
            if isinstance(self.ids, Texts):
                self.ids.unwrap()
        self.settle()

    def settle(self, *, growing: bool | None = None) -> None:
        """Make every column quick to read row by row; see ``Columns.settle``."""
        with self.lock:
            growing = not self.record.is_ended if growing is None else growing
            super().settle(growing=growing)
            self.links.settle(growing=growing)

    def rollup(self) -> Rollup:
        """Return the figures of every subtree as of now; costs what came since the last time."""
        with self.lock:
            self.settle()
            held = self._rollup
            if held is None and self._base is not None:
                held = Rollup(self._base, self._covered, self._covered_changes)
            if held is None or not held.bring_up(self, self.count, self.log, self.links.adoptions):
                held = Rollup.of(self, self.count)
                held.adoptions, held.seen = self.links.adoptions, len(self.log)
            held.settle(growing=not self.record.is_ended)
            self._rollup = held
            return held

    def snapshot(self) -> Snapshot:
        """Return a copy of all of this, to be kept as an index."""
        from tracetui.storage.state.snapshot import Snapshot

        with self.lock:
            return Snapshot(self)
