"""The seed's methods by the seed's names, on any engine. Stateless: holds the database and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from tracetui.model.change import (
    Annotation,
    Change,
    NewTrace,
    amendment,
    annotation,
    completion,
    made_trace,
    new_traces,
)
from tracetui.model.draft import TraceDraft
from tracetui.model.trace import OK, Trace
from tracetui.model.trace_type import TraceType
from tracetui.model.tree import TraceTree
from tracetui.model.value import ValueLike
from tracetui.storage.backend import Existing, Index
from tracetui.storage.garbage import uncollected
from tracetui.store.database import Database
from tracetui.store.following import follow_changes, follow_traces

Traces: TypeAlias = list[Trace]
Rows: TypeAlias = list[tuple[int, Trace]]
Annotations: TypeAlias = list[Annotation]


class TraceStore:
    """Records traces into the runs of a database, and reads them by id, type, tag, parent and time.

    Every method takes the id of a run first and raises ``RunNotFoundError`` if there is none of it.
    Answers are in seq order (the order of recording) but for time queries, which are in (timestamp, seq)
    order; what is not there gives an empty list.

    >>> import tracetui
    >>> db = tracetui.open("memory://")
    >>> store, run = TraceStore(db), db.create_run("demo")
    >>> plan = store.record(run.id, tracetui.Thought("look first"), tags=["plan"])
    >>> call = store.record_child(run.id, plan, tracetui.ToolCall("grep", {"pattern": "x"}, result=3))
    >>> [trace.type_name for trace in store.list(run.id)]
    ['Thought', 'ToolCall']
    >>> [(depth, trace.id == call) for depth, trace in store.get_tree(run.id, plan).walk()]
    [(0, False), (1, True)]
    """

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """The database this store records into."""
        return self._database

    # ---- recording ---------------------------------------------------------------------------------------

    def record(
        self, run_id: str, trace_type: TraceType, tags: Iterable[str] = (), metadata: ValueLike = None
    ) -> str:
        """Record a root trace that is finished; return its id.

        :raises InvalidTraceError: naming the field that cannot be stored.
        :raises RunClosedError: if the run is not active.
        """
        return self._record(run_id, made_trace(trace_type, None, None, False, tags, metadata))

    def record_child(
        self,
        run_id: str,
        parent_id: str,
        trace_type: TraceType,
        tags: Iterable[str] = (),
        metadata: ValueLike = None,
    ) -> str:
        """Record a finished trace below another; return its id.

        :raises ParentNotFoundError: if the parent is not a trace of this run; nothing is written.
        """
        return self._record(run_id, made_trace(trace_type, None, parent_id, False, tags, metadata))

    def record_with_options(
        self,
        run_id: str,
        trace_type: TraceType,
        *,
        id: str | None = None,  # noqa: A002 - the public name
        parent_id: str | None = None,
        await_parent: bool = False,
        tags: Iterable[str] = (),
        metadata: ValueLike = None,
        timestamp: int | None = None,
        end_ms: int | None = None,
        status: str | None = None,
        open: bool = False,  # noqa: A002
    ) -> str:
        """Record a trace with everything said; return its id. The options are those of ``TraceDraft``.

        :raises TraceExistsError: if the run has a trace of this id; the first is untouched.
        :raises ParentNotFoundError: if the parent is not there and ``await_parent`` is not set.
        """
        change = made_trace(
            trace_type, id, parent_id, await_parent, tags, metadata, timestamp, end_ms, status, open
        )
        return self._record(run_id, change)

    def _record(self, run_id: str, change: NewTrace) -> str:
        self._database.commit(run_id, (change,))
        return change.id

    def record_many(
        self, run_id: str, drafts: Iterable[TraceDraft], existing: Existing = "error"
    ) -> list[str]:
        """Record drafts in one commit, all or none; return their ids in order.

        With ``existing="skip"`` drafts whose id the run has are left out (their ids are returned too).

        :raises BatchTooLargeError: over 10,000 drafts or 64 MiB.
        """
        listed = list(drafts)
        with uncollected():
            changes = new_traces(listed)
            if changes:
                self._database.commit(run_id, changes, existing)
            else:
                self._database.run(run_id)
        return [change.id for change in changes]

    def complete(
        self,
        run_id: str,
        trace_id: str,
        *,
        status: str = OK,
        end_ms: int | None = None,
        tags: Iterable[str] = (),
        metadata: ValueLike = None,
        **late_fields: object,
    ) -> None:
        """End an open trace, once: status ("ok", "error", "cancelled"), end, and fields known only now.

        Late fields are those of the trace's type that have a default (``result``, ``duration_ms``,
        ``results_count``, ``confidence``, ``reasoning``, ``data``).

        :raises TraceNotFoundError: if there is no such trace.
        :raises TraceCompletedError: if it has ended before.
        :raises InvalidTraceError: for a field that its type lacks.
        """
        change = completion(
            trace_id, status=status, end_ms=end_ms, tags=tags, metadata=metadata, late_fields=late_fields
        )
        self._database.commit(run_id, (change,))

    def amend(
        self, run_id: str, trace_id: str, *, tags: Iterable[str] = (), metadata: ValueLike = None
    ) -> None:
        """Add tags and merge metadata (shallowly), at any time.

        :raises TraceNotFoundError: if there is no such trace.
        :raises InvalidTraceError: if its metadata is neither None nor a dict.
        """
        self._database.commit(run_id, (amendment(trace_id, tags=tags, metadata=metadata),))

    def annotate(self, run_id: str, trace_id: str, note: str = "", **fields: ValueLike) -> str:
        """Link a note to a trace, with any fields (mark, score …); return the annotation's id.

        :raises TraceNotFoundError: if there is no such trace.
        """
        change = annotation(trace_id, note, fields)
        self._database.commit(run_id, (change,))
        return change.id

    # ---- reading -----------------------------------------------------------------------------------------

    def get(self, run_id: str, trace_id: str) -> Trace | None:
        """Return a trace with what completions and amendments added, None if there is none of this id."""
        return self._database.backend.get(run_id, (trace_id,))[0]

    def exists(self, run_id: str, trace_id: str) -> bool:
        """Return whether the run has a trace of this id."""
        return self.get(run_id, trace_id) is not None

    def list(self, run_id: str, limit: int | None = None) -> Traces:
        """Return the run's traces in seq order, the first ``limit`` of them if given."""
        return self._scan(run_id, Index.ALL, limit=limit)

    def count(self, run_id: str) -> int:
        """Return the number of the run's traces."""
        return self._database.run(run_id).traces

    def query_by_type(self, run_id: str, type_name: str) -> Traces:
        """Return the traces of a type name: a class's, or the name of a custom trace."""
        return self._scan(run_id, Index.TYPE, type_name)

    def query_by_tag(self, run_id: str, tag: str) -> Traces:
        """Return the traces that bear a tag, whole and exact."""
        return self._scan(run_id, Index.TAG, tag)

    def query_by_time(self, run_id: str, start_ms: int, end_ms: int) -> Traces:
        """Return the traces with start_ms ≤ timestamp < end_ms; cost follows what is returned."""
        return self._scan(run_id, Index.TIME, lo=start_ms, hi=end_ms) if start_ms < end_ms else []

    def get_children(self, run_id: str, parent_id: str) -> Traces:
        """Return the traces directly below one."""
        return self._scan(run_id, Index.PARENT, parent_id)

    def get_roots(self, run_id: str) -> Traces:
        """Return the traces that have no parent, or whose parent has not come."""
        return self._scan(run_id, Index.ROOTS)

    def _scan(
        self,
        run_id: str,
        index: Index,
        key: str | None = None,
        *,
        lo: int | None = None,
        hi: int | None = None,
        limit: int | None = None,
    ) -> Traces:
        backend = self._database.backend
        page = backend.scan(run_id, index, key, lo=lo, hi=hi, limit=limit)
        found = list(page.items)
        while page.cursor is not None and (limit is None or len(found) < limit):
            rest = None if limit is None else limit - len(found)
            page = backend.scan(run_id, index, key, after=page.cursor, lo=lo, hi=hi, limit=rest)
            found.extend(page.items)
        return found

    def get_tree(self, run_id: str, root_id: str) -> TraceTree | None:
        """Return a trace with all its descendants, None if there is none of this id.

        Linear in the subtree and without recursion, however deep. The shape is that of the moment of the
        call; each trace is read when somebody looks at it.
        """
        view = self._database.view(run_id)
        seq = view.seq_of(root_id)
        return None if seq is None else TraceTree(view.forest(seq))

    def walk(self, run_id: str, start: int = 0, limit: int = 50) -> Rows:
        """Return rows [start, start + limit) of the run's trees in pre-order, as (depth, trace)."""
        start = max(start, 0)
        forest = self._database.view(run_id).forest()
        return forest.rows(start, max(start, min(start + limit, len(forest))))

    def types(self, run_id: str) -> dict[str, int]:
        """Return type name: number of traces, ordered by name."""
        return self._database.backend.counts(run_id, Index.TYPE)

    def tags(self, run_id: str) -> dict[str, int]:
        """Return tag: number of traces that bear it, ordered by tag; given twice to one trace counts once."""
        return self._database.backend.counts(run_id, Index.TAG)

    def annotations(self, run_id: str, trace_id: str | None = None) -> Annotations:
        """Return the notes of a trace, or of the whole run, in the order they were made."""
        return self._database.backend.annotations(run_id, trace_id)

    # ---- following ---------------------------------------------------------------------------------------

    def follow(self, run_id: str, after_seq: int = -1, timeout: float | None = None) -> Iterator[Trace]:
        """Yield the traces after a seq as they are recorded, each once, in seq order.

        Ends when the run has ended and all was yielded, or after ``timeout`` seconds without news.
        """
        return follow_traces(self._database.backend, run_id, after_seq, timeout)

    def changes(self, run_id: str, after_rev: int = -1, timeout: float | None = None) -> Iterator[Change]:
        """Yield all changes after a rev as they are committed; ends as ``follow`` does."""
        return follow_changes(self._database.backend, run_id, after_rev, timeout)
