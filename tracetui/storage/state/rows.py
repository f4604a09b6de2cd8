"""The rows of one run as they come: columns by row, indices over them, and what was added to a trace later.

Owns what a commit changes, and how that lies in an index; answers no question but for numbers (``Tail`` does). It
may begin with what an index covers (``Base``) instead of nothing. Whoever changes it holds its lock.

Invariants (``tests/storage/invariants.py`` has them as code): all columns are equally long; a child is linked
under its parent exactly once and in seq order; every trace is in one type posting and in one posting per
distinct tag; the time index holds every seq; a waiting trace is a root.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from typing import Any, ClassVar, NamedTuple

from tracetui.model.trace_type import ERROR
from tracetui.storage.backend import NO_TIME
from tracetui.storage.decide import AMENDMENT, ANNOTATION, COMPLETION, TRACE
from tracetui.storage.state.additions import Additions, HeldRefs, MakeRefs
from tracetui.storage.state.change_log import ChangeLog
from tracetui.storage.state.columns import Base, Columns, Numbers, TagSets, Texts
from tracetui.storage.state.gaps import Gaps
from tracetui.storage.state.ids import IdTable
from tracetui.storage.state.links import Links
from tracetui.storage.state.postings import Postings
from tracetui.storage.state.record import RunRecord
from tracetui.storage.state.time_index import TimeIndex

_MODEL_CALL = "LLM"


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


class Rows(Columns):
    """The columns and indices of one run, which grow by commits; see ``RunView`` for what the columns hold."""

    ROOM = "traces"
    CODES: ClassVar = {
        "kinds": "b", "types": "I", "timestamps": "q", "ends": "q", "statuses": "b", "tokens_in": "q",
        "tokens_out": "q", "costs": "d", "mergeable": "b", "added": "i",
    }  # fmt: skip
    kinds: Numbers
    types: Numbers
    timestamps: Numbers
    ends: Numbers
    statuses: Numbers
    tokens_in: Numbers
    tokens_out: Numbers
    costs: Numbers
    mergeable: Numbers
    added: Numbers
    """Number of the last addition, −1 if there is none."""

    def __init__(self, run_id: str, refs: MakeRefs = lambda *_: HeldRefs(), base: Base | None = None) -> None:
        kept: dict[str, Any] = {} if base is None else base.value("run")
        super().__init__(base, kept.get("traces", 0))
        self.lock = threading.RLock()
        self.record = RunRecord(run_id, kept)
        self.links = Links(base, kept)
        # by row, beside the columns
        self.ids: MutableSequence[str] | Texts = [] if base is None else Texts(base, "ids")
        self.refs = refs("traces.refs", base, self._covered)
        self.type_names: list[str] = list(kept.get("type_names", ()))
        self._tags: list[tuple[str, ...]] | TagSets = [] if base is None else TagSets(base)
        # indices
        self._seqs: dict[str, int] | IdTable = {} if base is None else IdTable(base, self.ids)
        self.seq_of: Callable[[str], int | None] = self._seqs.get
        """Return the row of an id: the table's own method, as every commit and every look asks it."""
        self._type_codes = {name: code for code, name in enumerate(self.type_names)}
        self._by_type = Postings("types", base)
        self._by_tag = Postings("tags", base)
        self._by_time = TimeIndex(base)
        self._tag_tuples: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._words: dict[str, str] = {}
        self.seq_gaps = Gaps.unpack(kept.get("seq_gaps", ()))
        self.late = 0
        """Number of traces that are known by id alone: no column has them yet."""
        # what came later
        self.additions = Additions(refs, base, kept.get("additions", 0))
        self.log = ChangeLog(base)
        """Every change, by rev."""

    # ---- what comes --------------------------------------------------------------------------------------

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
        self.kinds.append(kind)
        self.types.append(self._type_code(type_name))
        self.timestamps.append(timestamp)
        self.ends.append(NO_TIME if end_ms is None else end_ms)
        self.statuses.append(status)
        self.tokens_in.append(tokens_in)
        self.tokens_out.append(tokens_out)
        self.costs.append(cost)
        self.added.append(-1)
        self.mergeable.append(mergeable)
        self._tags.append(self._shared(tags) if tags else ())
        self._seqs[trace_id] = seq
        self._by_type.add(type_name, seq)
        for tag in tags:
            self._by_tag.add(tag, seq)
        self._by_time.add(timestamp)
        self.links.add(seq, trace_id, parent, awaited)
        if bereft:
            self.links.bereft.add(seq)
        record = self.record
        if store_set:
            record.last_set_ms = timestamp
        if kind == ERROR:
            record.errors += 1
        if type_name == _MODEL_CALL:
            record.count_usage(tokens_in, tokens_out, cost)
        record.last_ms = max(record.last_ms, timestamp, NO_TIME if end_ms is None else end_ms)
        self.log.add(TRACE, seq)

    def add_traces(self, given: TraceColumns) -> None:
        """Append many traces; the same as ``add_trace`` for each, column by column."""
        if self._is_fixed:
            self.grow()
        first, count = len(self.ids), len(given.ids)
        rows = range(first, first + count)
        self.ids.extend(given.ids)
        self._seqs.update(zip(given.ids, rows, strict=True))
        self.refs.extend(given.refs)
        self.add_columns(
            kinds=given.kinds, types=[*map(self._type_code, given.names)], timestamps=given.timestamps,
            ends=given.ends, statuses=given.statuses, tokens_in=given.tokens_in, tokens_out=given.tokens_out,
            costs=given.costs, mergeable=given.mergeable, added=[-1] * count,
        )  # fmt: skip
        self._by_type.add_all(given.names, first)
        self._tag_all(given.tags, first)
        self._by_time.add_all(given.timestamps)
        self.links.add_all(given.ids, given.parents, first)
        record = self.record
        if given.last_set_ms is not None:
            record.last_set_ms = given.last_set_ms
        record.errors += given.errors
        if _MODEL_CALL in given.names:
            for at, name in enumerate(given.names):
                if name == _MODEL_CALL:
                    record.count_usage(given.tokens_in[at], given.tokens_out[at], given.costs[at])
        record.last_ms = max(record.last_ms, *given.timestamps, *given.ends)
        self.log.add_traces(rows)
        self.late = 0

    def expect(self, traces: Sequence[Sequence[Any]], row: int, set_ms: int | None) -> None:
        """Know the next traces by id alone, the first thing of each, until ``add_traces`` brings them.

        A writer commits one by one and hardly reads: column by column, hundreds together, they cost a third.
        """
        seqs = self._seqs
        for trace in traces:
            seqs[trace[0]] = row
            row += 1
        self.late += len(traces)
        if set_ms is not None:
            self.record.last_set_ms = set_ms

    def _tag_all(self, tags: Sequence[Sequence[str]], first: int) -> None:
        found = list(map(tuple, tags))
        shared: list[Any] = [*map(self._tag_tuples.get, found)]
        if None in shared:
            shared = [
                self._shared(own) if known is None else known
                for own, known in zip(found, shared, strict=True)
            ]
        self._tags.extend(shared)
        self._by_tag.add_sets(found, first)

    def _shared(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        """Return equal tags that are kept once: as a tuple, and each by itself, as it may stand in many tuples."""
        known = self._tag_tuples.get(tags)
        if known is None:
            words = self._words
            known = tuple([words.setdefault(tag, tag) for tag in tags])
            self._tag_tuples[known] = known
        return known

    def _type_code(self, name: str) -> int:
        code = self._type_codes.get(name)
        if code is None:
            code = self._type_codes[name] = len(self.type_names)
            self.type_names.append(name)
        return code

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
        self.record.last_ms = max(self.record.last_ms, end_ms)
        self.log.add(COMPLETION, seq, self._add(seq, tags, tokens_in, tokens_out, cost, ref))

    def add_amendment(
        self, seq: int, tags: tuple[str, ...], tokens_in: int, tokens_out: int, cost: float, ref: Any
    ) -> None:
        """Add tags and metadata to a trace."""
        self.log.add(AMENDMENT, seq, self._add(seq, tags, tokens_in, tokens_out, cost, ref))

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
        number = self.additions.add(self.added[seq], tags, ref)
        self.added[seq] = number
        return number

    def _add_usage(self, seq: int, tokens_in: int, tokens_out: int, cost: float) -> None:
        """Lay usage over a trace's own, where it is known."""
        is_model = self.type_names[self.types[seq]] == _MODEL_CALL
        if is_model:
            self.record.count_usage(self.tokens_in[seq], self.tokens_out[seq], self.costs[seq], -1)
        if tokens_in >= 0:
            self.tokens_in[seq] = tokens_in
        if tokens_out >= 0:
            self.tokens_out[seq] = tokens_out
        if cost == cost:  # noqa: PLR0124 - not NaN
            self.costs[seq] = cost
        if is_model:
            self.record.count_usage(self.tokens_in[seq], self.tokens_out[seq], self.costs[seq])

    def add_annotation(self, seq: int, annotation_id: str, timestamp: int, ref: Any) -> None:
        """Link a note to a trace."""
        self.log.add(ANNOTATION, seq, len(self.log.notes))
        self.log.notes.append((seq, annotation_id, timestamp, ref))

    def change_run(self, values: dict[str, Any]) -> None:
        """Change the run itself; ``values`` as in ``RunPatch``."""
        self.record.change(values)
        self.log.add_run_change(values)

    # ---- its numbers -------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Number of traces."""
        return len(self.ids)

    def next_numbers(self) -> tuple[int, int, int]:
        """Return row, seq and rev that the next trace will get."""
        late, log, gaps = self.late, self.log, self.seq_gaps
        row, change = len(self.ids) + late, len(log) + late
        return row, gaps.number(row) if gaps else row, log.gaps.number(change) if log.gaps else change

    @property
    def next_seq(self) -> int:
        """The seq that the next trace will get."""
        row = len(self.ids) + self.late
        return self.seq_gaps.number(row) if self.seq_gaps else row

    @property
    def next_rev(self) -> int:
        """The rev that the next change will get."""
        return self.log.gaps.number(len(self.log) + self.late)

    @property
    def rev(self) -> int:
        """The rev behind the last change that is in the columns: what a reader has seen."""
        return self.log.rev

    def skip_to(self, seq: int, rev: int) -> None:
        """Leave out numbers that damage took away."""
        with self.lock:
            self.seq_gaps.skip(len(self.ids), seq)
            self.log.gaps.skip(len(self.log), rev)

    def skip_change(self) -> None:
        """Count a change that this version does not know and may pass over."""
        self.log.add_run_change({})

    # ---- becoming a base ---------------------------------------------------------------------------------

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
        yield from self.links.sections()
        yield from self._by_type.sections()
        yield from self._by_tag.sections()
        yield from self._by_time.sections(self.timestamps)
        yield from self.refs.sections()
        yield from self.additions.sections()
        yield from self.log.sections()

    def _kept(self) -> dict[str, Any]:
        return {
            **self.record.kept(), **self.links.kept(), **self.log.kept(), "traces": self.count,
            "type_names": self.type_names, "seq_gaps": self.seq_gaps.pack(), "additions": len(self.additions),
        }  # fmt: skip
