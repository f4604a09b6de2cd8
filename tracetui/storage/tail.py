"""The state of one run in memory: columns by seq, links, postings, and what was added to a trace later.

Owns the state of a run that a commit decides on and that queries read; knows nothing of files. It changes
only through ``apply``, after the change is safely where it is kept, and whole commits at a time. It may begin
with what an index covers (``Base``) instead of nothing: a reader cannot tell where one ends.

Invariants (``tests/storage/invariants.py`` has them as code): all columns are equally long; a child is linked
under its parent exactly once and in seq order; every trace is in one type posting and in one posting per
distinct tag; the time index holds every seq; a waiting trace is a root.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from tracetui.errors import CorruptionError
from tracetui.model.change import Amendment, Annotation, Change, Completion, NewAnnotation, NewTrace
from tracetui.model.run import ENDED, Damage, Owner, Run
from tracetui.model.trace import STATUS_NAMES, Trace, decode_body
from tracetui.model.trace_type import ERROR, TraceType
from tracetui.model.tree import Forest, build_forest
from tracetui.model.value import Value, unpack
from tracetui.storage.additions import Additions, HeldRefs, MakeRefs
from tracetui.storage.backend import NO_TIME, Index, Page, Stretch
from tracetui.storage.change_log import ChangeLog
from tracetui.storage.columns import BadIndexError, Base, Columns, Numbers, TagSets, Texts
from tracetui.storage.decide import AMENDMENT, ANNOTATION, CHANGE_NAMES, COMPLETION, RUN, TRACE, Commit, Entry
from tracetui.storage.gaps import Gaps
from tracetui.storage.ids import IdTable
from tracetui.storage.postings import Postings, Roots
from tracetui.storage.rollup import Rollup
from tracetui.storage.time_index import TimeIndex

if TYPE_CHECKING:
    from tracetui.storage.snapshot import Snapshot

_MODEL_CALL = "LLM"
_TOGETHER = 512
"""Traces whose bodies are looked up at once."""
NOT_OURS = (ValueError, TypeError, IndexError, KeyError, OverflowError, AssertionError)
"""What content that passed its checksum and is yet none of ours runs into."""


class Bodies(Protocol):
    """Where the bodies of a run lie, by a reference that only it understands."""

    def read(self, ref: Any) -> bytes:
        """Return the bytes of a body.

        :raises CorruptionError: if they are not what was written.
        """
        ...

    def read_many(self, refs: Sequence[Any]) -> Iterable[bytes | None]:
        """Give the bytes of each body, None where they are not what was written."""
        ...

    def stretches(self, refs: Sequence[Any], owners: Sequence[int]) -> Iterator[Stretch]:
        """Give all bodies as they lie together, each with its owner."""
        ...

    def place(self, ref: Any) -> tuple[str, int]:
        """Return path and offset of a body, for messages."""
        ...


class TraceColumns(NamedTuple):
    """Traces that follow each other, by column; ``parents`` are rows, ids that are awaited, or −1."""

    ids: Sequence[str]
    parents: Sequence[Any]
    names: Sequence[str]
    kinds: Sequence[int]
    timestamps: Sequence[int]
    ends: Sequence[int]
    statuses: Sequence[int]
    tags: Sequence[Sequence[str]]
    tokens_in: Sequence[int]
    tokens_out: Sequence[int]
    costs: Sequence[float]
    mergeable: Sequence[bool]
    refs: Sequence[Any]
    last_set_ms: int | None
    """The last time that the store set itself."""
    errors: int
    """How many are Error traces."""


class Tail(Columns):
    """The columns and indices of one run; see ``RunView`` for what the columns hold."""

    ROOM = "traces"
    CODES: ClassVar = {
        "parents": "i", "kinds": "b", "types": "I", "timestamps": "q", "ends": "q", "statuses": "b",
        "tokens_in": "q", "tokens_out": "q", "costs": "d", "first_child": "i", "last_child": "i",
        "next_sibling": "i", "mergeable": "b", "added": "i",
    }  # fmt: skip
    parents: Numbers
    kinds: Numbers
    types: Numbers
    timestamps: Numbers
    ends: Numbers
    statuses: Numbers
    tokens_in: Numbers
    tokens_out: Numbers
    costs: Numbers
    first_child: Numbers
    last_child: Numbers
    next_sibling: Numbers
    mergeable: Numbers
    added: Numbers
    """Number of the last addition, −1 if there is none."""

    def __init__(
        self, run_id: str, bodies: Bodies, refs: MakeRefs = lambda *_: HeldRefs(), base: Base | None = None
    ) -> None:
        kept: dict[str, Any] = {} if base is None else base.value("run")
        super().__init__(base, kept.get("traces", 0))
        self.run_id = run_id
        self.bodies = bodies
        self.lock = threading.RLock()
        # the run
        self.name: str | None = kept.get("name")
        self.status: str = kept.get("status", "active")
        self.created_ms: int = kept.get("created_ms", 0)
        self.ended_ms: int | None = kept.get("ended_ms")
        self.tags: tuple[str, ...] = tuple(kept.get("tags", ()))
        self.metadata: Value = kept.get("metadata")
        self.owners: tuple[Owner, ...] = tuple(Owner.unpack(owner) for owner in kept.get("owners", ()))
        self.damage: tuple[Damage, ...] = ()
        self.last_ms: int = kept.get("last_ms", 0)
        self.errors: int = kept.get("errors", 0)
        self.usage: list[Any] = kept.get("usage", [0, 0, 0.0])
        """Tokens in and out, and cost in US dollars, summed over the traces of type LLM."""
        self.last_set_ms: int = kept.get("last_set_ms", NO_TIME)
        # by row, beside the columns
        self.ids: MutableSequence[str] | Texts = [] if base is None else Texts(base, "ids")
        self.refs = refs("traces.refs", base, self._covered)
        self.type_names: list[str] = list(kept.get("type_names", ()))
        self._tags: list[tuple[str, ...]] | TagSets = [] if base is None else TagSets(base)
        # indices
        self._seqs: dict[str, int] | IdTable = {} if base is None else IdTable(base, self.ids)
        self._roots = Roots(base)
        self._type_codes = {name: code for code, name in enumerate(self.type_names)}
        self._by_type = Postings("types", base)
        self._by_tag = Postings("tags", base)
        self._by_time = TimeIndex(base)
        self._tag_tuples: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._awaiting: dict[int, str] = dict(kept.get("awaiting", ()))
        self._bereft: set[int] = set(kept.get("bereft", ()))
        self._waiters: dict[str, list[int]] = {}
        for waiter, awaited in self._awaiting.items():
            self._waiters.setdefault(awaited, []).append(waiter)
        self.seq_gaps = Gaps.unpack(kept.get("seq_gaps", ()))
        # what came later
        additions = kept.get("additions", 0)
        self._additions = Additions(refs, base, additions)
        self._changes = ChangeLog(base)
        self._covered_changes = len(self._changes)
        self._adoptions = 0
        self._rollup: Rollup | None = None
        self._laid_out: tuple[Any, Any, Any] | None = None
        """Seqs, depths and sizes of the forest when it was last asked for."""

    # ---- applying ----------------------------------------------------------------------------------------

    def apply(self, commit: Commit, refs: Sequence[Any]) -> None:
        """Take over a commit that is kept; ``refs`` say where the body of each entry lies."""
        with self.lock:
            for entry, ref in zip(commit.entries, refs, strict=True):
                if entry.code == TRACE:
                    self._apply_trace(entry, ref)
                elif entry.code == COMPLETION:
                    self._apply_completion(entry, ref)
                elif entry.code == AMENDMENT:
                    self._apply_amendment(entry, ref)
                elif entry.code == ANNOTATION:
                    self._apply_annotation(entry, ref)
                else:
                    self._apply_run(entry)

    def _apply_trace(self, entry: Entry, ref: Any) -> None:
        change = entry.change
        assert type(change) is NewTrace  # noqa: S101 - the code says so
        self.add_trace(
            change.id, entry.parent, entry.awaited, change.type_name, change.kind, entry.time_ms,
            change.timestamp is None, change.status, change.end_ms, change.tags, change.tokens_in,
            change.tokens_out, change.cost, change.mergeable, ref,
        )  # fmt: skip

    def add_trace(
        self,
        trace_id: str,
        parent: int,
        awaited: str | None,
        type_name: str,
        kind: int,
        timestamp: int,
        store_set: bool,
        status: int,
        end_ms: int | None,
        tags: tuple[str, ...],
        tokens_in: int,
        tokens_out: int,
        cost: float,
        mergeable: bool,
        ref: Any,
        *,
        bereft: bool = False,
    ) -> None:
        """Append a trace to all columns and indices; with parent −1 it is a root.

        Such a root may wait for a parent (``awaited``), or have lost one to damage (``bereft``).
        """
        if self._is_fixed:
            self.grow()
        seq = len(self.ids)
        self.ids.append(trace_id)
        self.refs.append(ref)
        self.parents.append(-1)
        self.kinds.append(kind)
        self.types.append(self._type_code(type_name))
        self.timestamps.append(timestamp)
        self.ends.append(NO_TIME if end_ms is None else end_ms)
        self.statuses.append(status)
        self.tokens_in.append(tokens_in)
        self.tokens_out.append(tokens_out)
        self.costs.append(cost)
        self.first_child.append(-1)
        self.last_child.append(-1)
        self.next_sibling.append(-1)
        self.added.append(-1)
        self.mergeable.append(mergeable)
        self._tags.append(self._tag_tuples.setdefault(tags, tags) if tags else ())
        self._seqs[trace_id] = seq
        self._by_type.add(type_name, seq)
        for tag in tags:
            self._by_tag.add(tag, seq)
        self._by_time.add(timestamp, seq, self.timestamps)
        if parent >= 0:
            self._link(parent, seq)
        else:
            self._add_root(seq, awaited)
            if bereft:
                self._bereft.add(seq)
        if self._waiters and trace_id in self._waiters:
            self._adopt(trace_id, seq)
        if store_set:
            self.last_set_ms = timestamp
        if kind == ERROR:
            self.errors += 1
        if type_name == _MODEL_CALL:
            self._count_usage(tokens_in, tokens_out, cost)
        self.last_ms = max(self.last_ms, timestamp, NO_TIME if end_ms is None else end_ms)
        self._changes.add(TRACE, seq)

    def add_traces(self, given: TraceColumns) -> None:
        """Append many traces; the same as ``add_trace`` for each, column by column."""
        if self._is_fixed:
            self.grow()
        first, count = len(self.ids), len(given.ids)
        rows = range(first, first + count)
        none = [-1] * count
        self.ids.extend(given.ids)
        self._seqs.update(zip(given.ids, rows, strict=True))
        for column, values in (
            (self.refs, given.refs), (self.parents, none), (self.kinds, given.kinds),
            (self.timestamps, given.timestamps), (self.ends, given.ends), (self.statuses, given.statuses),
            (self.tokens_in, given.tokens_in), (self.tokens_out, given.tokens_out), (self.costs, given.costs),
            (self.first_child, none), (self.last_child, none), (self.next_sibling, none), (self.added, none),
            (self.mergeable, given.mergeable), (self.types, list(map(self._type_code, given.names))),
        ):  # fmt: skip
            column.extend(values)
        self._by_type.add_all(given.names, first)
        self._tag_all(given.tags, first)
        self._by_time.add_all(given.timestamps, first, self.timestamps)
        self._place_all(given, first)
        if given.last_set_ms is not None:
            self.last_set_ms = given.last_set_ms
        self.errors += given.errors
        if _MODEL_CALL in given.names:
            for at, name in enumerate(given.names):
                if name == _MODEL_CALL:
                    self._count_usage(given.tokens_in[at], given.tokens_out[at], given.costs[at])
        self.last_ms = max(self.last_ms, *given.timestamps, *given.ends)
        self._changes.add_traces(rows)

    def _tag_all(self, tags: Sequence[Sequence[str]], first: int) -> None:
        shared, by_tag = self._tag_tuples, self._by_tag
        found: list[tuple[str, ...]] = []
        for row, given in enumerate(tags, first):
            if given:
                own = tuple(given)
                found.append(shared.setdefault(own, own))
                for tag in own:
                    by_tag.add(tag, row)
            else:
                found.append(())
        self._tags.extend(found)

    def _place_all(self, given: TraceColumns, first: int) -> None:
        """Put traces below their parents, or among the roots, and those below them that waited."""
        for row, (trace_id, parent) in enumerate(zip(given.ids, given.parents, strict=True), first):
            if type(parent) is str:
                self._add_root(row, parent)
            elif parent < 0:
                self._add_root(row, None)
            elif parent < row:
                self._link(parent, row)
            else:
                raise ValueError("a parent after its child")
            if self._waiters and trace_id in self._waiters:
                self._adopt(trace_id, row)

    def _add_root(self, row: int, awaited: str | None) -> None:
        self._roots.add(row)
        if awaited is not None:
            self._awaiting[row] = awaited
            self._waiters.setdefault(awaited, []).append(row)

    def _type_code(self, name: str) -> int:
        code = self._type_codes.get(name)
        if code is None:
            code = self._type_codes[name] = len(self.type_names)
            self.type_names.append(name)
        return code

    def _link(self, parent: int, seq: int) -> None:
        """Put a trace at the end of its parent's children: callers link in seq order."""
        self.parents[seq] = parent
        last = self.last_child[parent]
        if last < 0:
            self.first_child[parent] = seq
        else:
            self.next_sibling[last] = seq
        self.last_child[parent] = seq

    def _adopt(self, trace_id: str, seq: int) -> None:
        """Link the traces that waited for this id, but for those that would close a cycle."""
        above = set()
        node = seq
        while node >= 0:
            above.add(node)
            node = self.parents[node]
        for waiter in self._waiters.pop(trace_id):
            if waiter not in above:
                self._link(seq, waiter)
                self._roots.remove(waiter)
                del self._awaiting[waiter]
                self._adoptions += 1

    def _apply_completion(self, entry: Entry, ref: Any) -> None:
        change = entry.change
        assert type(change) is Completion  # noqa: S101
        self.add_completion(
            entry.seq, change.status, entry.time_ms, change.tags, change.tokens_in, change.tokens_out,
            change.cost, ref,
        )  # fmt: skip

    def add_completion(
        self,
        seq: int,
        status: int,
        end_ms: int,
        tags: tuple[str, ...],
        tokens_in: int,
        tokens_out: int,
        cost: float,
        ref: Any,
    ) -> None:
        """End a trace."""
        self.statuses[seq] = status
        self.ends[seq] = end_ms
        self.last_ms = max(self.last_ms, end_ms)
        self._changes.add(COMPLETION, seq, self._add(seq, tags, tokens_in, tokens_out, cost, ref))

    def _apply_amendment(self, entry: Entry, ref: Any) -> None:
        change = entry.change
        assert type(change) is Amendment  # noqa: S101
        self.add_amendment(entry.seq, change.tags, change.tokens_in, change.tokens_out, change.cost, ref)

    def add_amendment(
        self, seq: int, tags: tuple[str, ...], tokens_in: int, tokens_out: int, cost: float, ref: Any
    ) -> None:
        """Add tags and metadata to a trace."""
        self._changes.add(AMENDMENT, seq, self._add(seq, tags, tokens_in, tokens_out, cost, ref))

    def _add(
        self, seq: int, tags: tuple[str, ...], tokens_in: int, tokens_out: int, cost: float, ref: Any
    ) -> int:
        """Lay tags, usage and a body over a trace; return the number of this addition."""
        if tokens_in >= 0 or tokens_out >= 0 or cost == cost:  # noqa: PLR0124 - not NaN
            self._add_usage(seq, tokens_in, tokens_out, cost)
        if tags:
            self._tags[seq] = (*self._tags[seq], *tags)
            for tag in tags:
                self._by_tag.add(tag, seq)
        number = self._additions.add(self.added[seq], tags, ref)
        self.added[seq] = number
        return number

    def _add_usage(self, seq: int, tokens_in: int, tokens_out: int, cost: float) -> None:
        """Lay usage over a trace's own, where it is known."""
        is_model = self.type_names[self.types[seq]] == _MODEL_CALL
        if is_model:
            self._count_usage(self.tokens_in[seq], self.tokens_out[seq], self.costs[seq], -1)
        if tokens_in >= 0:
            self.tokens_in[seq] = tokens_in
        if tokens_out >= 0:
            self.tokens_out[seq] = tokens_out
        if cost == cost:  # noqa: PLR0124 - not NaN
            self.costs[seq] = cost
        if is_model:
            self._count_usage(self.tokens_in[seq], self.tokens_out[seq], self.costs[seq])

    def _count_usage(self, tokens_in: int, tokens_out: int, cost: float, sign: int = 1) -> None:
        usage = self.usage
        usage[0] += sign * max(tokens_in, 0)
        usage[1] += sign * max(tokens_out, 0)
        if cost == cost:  # noqa: PLR0124 - not NaN
            usage[2] += sign * cost

    def _apply_annotation(self, entry: Entry, ref: Any) -> None:
        change = entry.change
        assert type(change) is NewAnnotation  # noqa: S101
        self.add_annotation(entry.seq, change.id, entry.time_ms, ref)

    def add_annotation(self, seq: int, annotation_id: str, timestamp: int, ref: Any) -> None:
        """Link a note to a trace."""
        self._changes.add(ANNOTATION, seq, len(self._changes.notes))
        self._changes.notes.append((seq, annotation_id, timestamp, ref))

    def _apply_run(self, entry: Entry) -> None:
        self.change_run(dict(entry.values or {}))

    def change_run(self, values: dict[str, Any]) -> None:
        """Change the run itself; ``values`` as in ``RunPatch``."""
        if "name" in values:
            self.name = values["name"]
        if "status" in values:
            self.status = values["status"]
        if "created_ms" in values:
            self.created_ms = values["created_ms"]
            self.last_ms = max(self.last_ms, self.created_ms)
        if values.get("ended_ms") is not None:
            self.ended_ms = values["ended_ms"]
            self.last_ms = max(self.last_ms, values["ended_ms"])
        if "tags" in values:
            self.tags = tuple(values["tags"])
        if "metadata" in values:
            self.metadata = values["metadata"]
        if "owner" in values:
            owner = Owner.unpack(values["owner"])
            if owner not in self.owners:
                self.owners = (*self.owners, owner)
        self._changes.add_run_change(values)

    # ---- reading -----------------------------------------------------------------------------------------

    def seqs(self, index: Index, key: str | None, lo: int | None, hi: int | None) -> Sequence[int]:
        """Return the traces of an index, in its order."""
        if index is Index.ALL:
            return range(self.count)
        if index is Index.ROOTS:
            return self.roots()
        if index is Index.TIME:
            return self.by_time(NO_TIME if lo is None else lo, 2**63 if hi is None else hi)
        if index is Index.TYPE:
            return self.by_type(key or "")
        if index is Index.TAG:
            return self.by_tag(key or "")
        parent = self.seq_of(key or "")
        return () if parent is None else self.children(parent)

    def page(
        self,
        index: Index,
        key: str | None,
        after: tuple[int, int] | None,
        lo: int | None,
        hi: int | None,
        limit: int | None,
    ) -> Page:
        """Return a part of an index: the traces after a cursor, which is (timestamp, seq) of the last one."""
        with self.lock:
            found: Sequence[int] = self.seqs(index, key, lo, hi)
            if after is not None:
                found = self._rest(found, index, after)
            cut = found if limit is None else found[:limit]
            items = [self.trace(seq) for seq in cut]
            if len(cut) == len(found):
                return Page(items, None)
            last = cut[-1] if cut else -1
            return Page(items, (self.timestamps[last] if cut else 0, last))

    def _rest(self, seqs: Sequence[int], index: Index, after: tuple[int, int]) -> Sequence[int]:
        if index is Index.TIME:
            at = bisect_left(seqs, after, key=lambda seq: (self.timestamps[seq], seq))
        else:
            at = bisect_left(seqs, after[1])
        return seqs[at + 1 :] if at < len(seqs) and seqs[at] == after[1] else seqs[at:]

    @property
    def count(self) -> int:
        """Number of traces."""
        return len(self.ids)

    @property
    def next_seq(self) -> int:
        """The seq that the next trace will get."""
        return self.seq_gaps.number(len(self.ids))

    @property
    def rev(self) -> int:
        """The rev that the next change will get."""
        return self._changes.rev

    def skip_to(self, seq: int, rev: int) -> None:
        """Leave out numbers that damage took away."""
        with self.lock:
            self.seq_gaps.skip(len(self.ids), seq)
            self._changes.gaps.skip(len(self._changes), rev)

    def skip_change(self) -> None:
        """Count a change that this version does not know and may pass over."""
        self._changes.add_run_change({})

    def run(self) -> Run:
        """Return the run as of now."""
        with self.lock:
            tokens_in, tokens_out, cost = self.usage
            return Run(
                self.run_id, self.name, self.status, self.created_ms,
                self.ended_ms if self.status in ENDED else None, self.tags, self.metadata, self.owners,
                self.count, self.errors, tokens_in, tokens_out, cost, self.last_ms, self.damage,
            )  # fmt: skip

    def seq_of(self, trace_id: str) -> int | None:
        """Return the seq of an id."""
        return self._seqs.get(trace_id)

    def is_mergeable(self, seq: int) -> bool:
        """Whether metadata can be merged into the trace's own."""
        return bool(self.mergeable[seq])

    def tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags of a trace, added ones included."""
        return self._tags[seq]

    def awaiting(self, seq: int) -> str | None:
        """Return the id of the parent that has not come; "" if the parent was lost to damage."""
        awaited = self._awaiting.get(seq)
        return "" if awaited is None and seq in self._bereft else awaited

    def children(self, seq: int) -> list[int]:
        """Return the children of a trace, in seq order."""
        found = []
        child = self.first_child[seq]
        while child >= 0:
            found.append(child)
            child = self.next_sibling[child]
        return found

    def roots(self) -> list[int]:
        """Return the traces without a parent that is there, in seq order."""
        with self.lock:
            return self._roots.rows()

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
        """Return the trace of a seq, its body unread."""
        awaited = self._awaiting.get(seq)
        parent = self.parents[seq]
        end_ms = self.ends[seq]
        ref = self.refs[seq]
        return Trace(
            self.ids[seq],
            awaited if parent < 0 else self.ids[parent],
            self.timestamps[seq],
            self._tags[seq],
            type_name=self.type_names[self.types[seq]],
            code=self.kinds[seq],
            status=STATUS_NAMES[self.statuses[seq]],
            end_ms=None if end_ms == NO_TIME else end_ms,
            run_id=self.run_id,
            seq=self.seq_gaps.number(seq) if self.seq_gaps else seq,
            parent_missing=awaited is not None or seq in self._bereft,
            source=self,
            where=(ref,) if (last := self.added[seq]) < 0 else (ref, *self._additions.refs_of(last)),
        )

    def traces_of(self, ids: Iterable[str]) -> list[Trace | None]:
        """Return the trace of each id, None where there is none."""
        with self.lock:
            rows = [self.seq_of(trace_id) for trace_id in ids]
            return [None if row is None else self.trace(row) for row in rows]

    def body(self, code: int, where: Any) -> tuple[TraceType, Value]:
        """Read a body with what was added to it: the ``BodySource`` of this run's traces."""
        read = self.bodies.read
        packed = [read(ref) for ref in where]
        try:
            return decode_body(code, packed[0], packed[1:])
        except NOT_OURS as problem:
            raise self._no_body(where[0], problem) from None

    def _unpacked(self, ref: Any) -> tuple[Any, Any]:
        """Return the two parts of an addition's or a note's body."""
        packed = self.bodies.read(ref)
        try:
            first, second = unpack(packed)
        except NOT_OURS as problem:
            raise self._no_body(ref, problem) from None
        return first, second

    def _no_body(self, ref: Any, problem: Exception) -> CorruptionError:
        return CorruptionError(*self.bodies.place(ref), f"a body that no tracetui wrote: {problem}")

    def packed_bodies(self, seqs: Sequence[int]) -> Iterator[tuple[bytes, ...] | None]:
        """Yield the packed body of each seq and what was added to it, None where it cannot be read."""
        for at in range(0, len(seqs), _TOGETHER):
            refs, owners = self._refs_of(part := seqs[at : at + _TOGETHER])
            if len(refs) == len(part):
                yield from (None if packed is None else (packed,) for packed in self.bodies.read_many(refs))
            else:
                yield from self._gathered(part, refs, owners)

    def stretches(self, seqs: Sequence[int]) -> Iterator[Stretch]:
        """Yield the packed bodies of traces, and what was added to them, as they lie where they are kept."""
        return self.bodies.stretches(*self._refs_of(seqs))

    def _refs_of(self, seqs: Sequence[int]) -> tuple[list[Any], list[int]]:
        """Return where the bodies of traces lie, then where what was added to them does; and whose each is."""
        added = self.added
        refs, owners = self.refs.take(seqs), list(seqs)
        for seq in seqs:
            if added[seq] >= 0:
                more = self._additions.refs_of(added[seq])
                refs += more
                owners += [seq] * len(more)
        return refs, owners

    def _gathered(
        self, seqs: Sequence[int], refs: list[Any], owners: list[int]
    ) -> Iterator[tuple[bytes, ...] | None]:
        """Read bodies in the order in which they lie, and put together what belongs to one trace."""
        order = sorted(range(len(refs)), key=refs.__getitem__)
        read = dict(zip(order, self.bodies.read_many([refs[n] for n in order]), strict=True))
        found: dict[int, list[bytes | None]] = {seq: [] for seq in seqs}
        for n, owner in enumerate(owners):
            found[owner].append(read[n])
        for pieces in found.values():
            whole = tuple(piece for piece in pieces if piece is not None)
            yield whole if len(whole) == len(pieces) else None

    def annotations(self, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of all, in the order of commits."""
        seq = None if trace_id is None else self._seqs.get(trace_id, -1)
        with self.lock:
            wanted = [n for n, held in enumerate(self._changes.notes) if seq is None or held[0] == seq]
        return [self._annotation(number) for number in wanted]

    def _annotation(self, number: int) -> Annotation:
        """Return a note; one whose body is damaged says so, and does not keep others from being read."""
        seq, annotation_id, timestamp, ref = self._changes.notes[number]
        try:
            note, fields = self._unpacked(ref)
        except CorruptionError:
            return Annotation(annotation_id, self.ids[seq], "", {}, timestamp, damaged=True)
        return Annotation(annotation_id, self.ids[seq], note, fields, timestamp)

    def changes(self, after_rev: int, limit: int | None = None) -> list[Change]:
        """Return the changes after a rev, in rev order."""
        with self.lock:
            start = self._changes.gaps.row_after(max(after_rev + 1, 0))
            known = len(self._changes)
            end = known if limit is None else min(known, start + limit)
            return [self._change(row) for row in range(start, end)]

    def _change(self, row: int) -> Change:
        log = self._changes
        code, seq, item = log.codes[row], log.rows[row], log.items[row]
        value: Any
        if code == TRACE:
            value = self.trace(seq)
        elif code == ANNOTATION:
            value = self._annotation(item)
        elif code == RUN:
            value = {key: given for key, given in log.run_changes[item].items() if key != "owner"}
        else:
            value = self._addition(code, seq, item)
        number = self.seq_gaps.number(seq) if seq >= 0 else -1
        trace_id = None if seq < 0 else self.ids[seq]
        return Change(log.gaps.number(row), CHANGE_NAMES[code], trace_id, value, number)

    def _addition(self, code: int, seq: int, number: int) -> dict[str, object]:
        """Return what a completion or amendment brought; a trace is completed once, so its columns say how."""
        value: dict[str, object] = {"tags": list(self._additions.tags(number))}
        late: object = {}
        try:
            late, value["metadata"] = self._unpacked(self._additions.ref(number))
        except CorruptionError:
            value |= {"metadata": None, "damaged": True}
        if code == COMPLETION:
            ended = {
                "status": STATUS_NAMES[self.statuses[seq]],
                "end_ms": self.ends[seq],
                "late_fields": late,
            }
            value = {**ended, **value}
        return value

    def forest(self, root: int | None = None) -> Forest:
        """Return the whole run in pre-order, or the subtree of one seq."""
        with self.lock:
            if root is not None:
                return build_forest([root], self.first_child, self.next_sibling, self.trace)
            if self._laid_out is None or len(self._laid_out[0]) != self.count:
                self._laid_out = self._covered_tree() or self._built_tree()
            return Forest(*self._laid_out, self.trace)

    def _covered_tree(self) -> tuple[Any, Any, Any] | None:
        """Return seqs, depths and sizes in pre-order, if the base holds them all."""
        base = self._base
        if base is None or self.count != base.rows:
            return None
        seqs, depths, sizes = (base.numbers(f"tree.{name}", "I") for name in ("seqs", "depths", "sizes"))
        if not len(seqs) == len(depths) == len(sizes) == base.rows:
            raise BadIndexError("the tree has another length than the run")
        return seqs, depths, sizes

    def _built_tree(self) -> tuple[Any, Any, Any]:
        self.settle()
        built = build_forest(self._roots.rows(), self.first_child, self.next_sibling, self.trace)
        return built.seqs, built.depths, built.sizes

    # ---- figures -----------------------------------------------------------------------------------------

    @property
    def is_untrusted(self) -> bool:
        """Whether the index that this began with turned out to be damaged."""
        return self._base is not None and self._base.is_bad

    def trust(self) -> None:
        """Verify all that the index holds, and make the columns quick to read: for those who look at every row.

        :raises BadIndexError: if the index is damaged anywhere.
        """
        if self._base is not None:
            self._base.verify()
        self.settle()

    def settle(self, *, growing: bool | None = None) -> None:
        """Make every column quick to read row by row; see ``Columns.settle``."""
        with self.lock:
            super().settle(growing=self.status not in ENDED if growing is None else growing)

    def rollup(self) -> Rollup:
        """Return the figures of every subtree as of now; costs what came since the last time."""
        with self.lock:
            self.settle()
            held = self._rollup
            if held is None and self._base is not None:
                held = Rollup(self._base, self._covered, self._covered_changes)
            if held is None or not self._brought_up(held):
                held = Rollup.of(self, self.count)
                held.adoptions, held.seen = self._adoptions, len(self._changes)
            held.settle(growing=self.status not in ENDED)
            self._rollup = held
            return held

    def _brought_up(self, held: Rollup) -> bool:
        """Bring figures up to date; False if they have to be made anew."""
        log = self._changes
        if held.adoptions != self._adoptions or self.count - len(held) > max(self.count // 4, 64):
            return False
        news = range(held.seen, len(log))
        touched = {log.rows[change] for change in news if log.codes[change] in (COMPLETION, AMENDMENT)}
        held.seen = len(log)
        return not (touched or self.count > len(held)) or held.take(self, self.count, touched)

    # ---- becoming a base ---------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return a copy of all of this, to be kept as an index."""
        from tracetui.storage.snapshot import Snapshot

        with self.lock:
            return Snapshot(self)

    def frozen(self) -> tuple[Any, Any, Any]:
        """Return copies of the ids, of the table from ids to rows, and of the tags."""
        ids, table, tags = self.ids, self._seqs, self._tags
        return (
            ids.frozen() if isinstance(ids, Texts) else list(ids),
            table.frozen() if isinstance(table, IdTable) else dict(table),
            tags.frozen() if isinstance(tags, TagSets) else list(tags),
        )

    def sections(self) -> Iterator[tuple[str, Any]]:
        """Yield what costs no more than a copy, as the sections of an index: bytes, or values to be packed."""
        yield "run", self._kept()
        yield from super().sections()
        yield from self._by_type.sections()
        yield from self._by_tag.sections()
        yield from self._by_time.sections(self.timestamps)
        yield "roots", array("I", self._roots.rows()).tobytes()
        yield from self.refs.sections()
        yield from self._additions.sections()
        yield from self._changes.sections()

    def _kept(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id, "name": self.name, "status": self.status, "created_ms": self.created_ms,
            "ended_ms": self.ended_ms, "tags": self.tags, "metadata": self.metadata,
            "owners": [owner.pack() for owner in self.owners], "last_ms": self.last_ms, "errors": self.errors,
            "usage": self.usage, "last_set_ms": self.last_set_ms, "traces": self.count,
            "type_names": self.type_names, "awaiting": list(self._awaiting.items()),
            "bereft": list(self._bereft), "seq_gaps": self.seq_gaps.pack(),
            "additions": len(self._additions), **self._changes.kept(),
        }  # fmt: skip
