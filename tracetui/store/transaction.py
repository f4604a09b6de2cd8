"""A transaction: changes gathered in memory, committed by one append, or forgotten.

Its reads see its own writes over the latest commit. What can be checked is checked at the call, so that the
error stands where the mistake was made; the commit decides again, since others write meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tracetui.errors import (
    ClosedError,
    InvalidTraceError,
    ParentNotFoundError,
    RunClosedError,
    TraceCompletedError,
    TraceExistsError,
    TraceNotFoundError,
)
from tracetui.model.change import AnyChange, NewTrace, amendment, completion, new_trace
from tracetui.model.clock import now_ms
from tracetui.model.draft import TraceDraft
from tracetui.model.run import ACTIVE
from tracetui.model.trace import OK, OPEN, STATUS_NAMES, Trace, decode_body, merge_metadata
from tracetui.model.trace_type import LATE_FIELDS, Custom, TraceType, late_values, with_late
from tracetui.model.value import Value, ValueLike, normalize

if TYPE_CHECKING:
    from tracetui.store.database import Database


class Transaction:
    """All or nothing: use it with ``with``; an exception inside leaves nothing behind.

    >>> import tracetui
    >>> db = tracetui.open("memory://")
    >>> run = db.create_run()
    >>> with db.transaction(run.id) as txn:
    ...     plan = txn.trace_record("plan", {"step": 1})
    ...     step = txn.trace_record_child(plan, "step", {"step": 2})
    ...     txn.get(step).parent_id == plan
    True
    >>> db.run(run.id).traces
    2
    """

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id
        self._changes: list[AnyChange] = []
        self._written: dict[str, Trace] = {}
        self._over = False
        database.run(run_id)

    # ---- the seed's extension ----------------------------------------------------------------------------

    def trace_record(self, name: str, metadata: ValueLike = None) -> str:
        """Record a custom root trace whose data and metadata are both ``metadata``; return its id."""
        return self.record(Custom(name, metadata), metadata=metadata)

    def trace_record_child(self, parent_id: str, name: str, metadata: ValueLike = None) -> str:
        """Record a custom trace below another, as ``trace_record``; return its id."""
        return self.record_child(parent_id, Custom(name, metadata), metadata=metadata)

    # ---- the full forms ----------------------------------------------------------------------------------

    def record(self, trace_type: TraceType, tags: Iterable[str] = (), metadata: ValueLike = None) -> str:
        """Record a root trace; as ``TraceStore.record``."""
        return self._record(TraceDraft(trace_type, tags=tags, metadata=metadata))

    def record_child(
        self, parent_id: str, trace_type: TraceType, tags: Iterable[str] = (), metadata: ValueLike = None
    ) -> str:
        """Record a trace below one of the store or of this transaction; as ``TraceStore.record_child``."""
        return self._record(TraceDraft(trace_type, parent_id=parent_id, tags=tags, metadata=metadata))

    def record_with_options(
        self,
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
        """Record a trace with everything said; as ``TraceStore.record_with_options``."""
        return self._record(
            TraceDraft(
                trace_type, id, parent_id, await_parent, tags, metadata, timestamp, end_ms, status, open
            )
        )

    def _record(self, draft: TraceDraft) -> str:
        self._check_usable()
        change = new_trace(draft)
        status = self._database.run(self._run_id).status
        if status != ACTIVE:
            raise RunClosedError(self._run_id, status)
        if self.get(change.id) is not None:
            raise TraceExistsError(change.id)
        parent = change.parent_id
        missing = parent is not None and self.get(parent) is None
        if missing and not change.await_parent:
            raise ParentNotFoundError(str(parent))
        self._changes.append(change)
        self._written[change.id] = _as_trace(change, self._run_id, missing)
        return change.id

    def complete(
        self,
        trace_id: str,
        *,
        status: str = OK,
        end_ms: int | None = None,
        tags: Iterable[str] = (),
        metadata: ValueLike = None,
        **late_fields: object,
    ) -> None:
        """End an open trace; as ``TraceStore.complete``."""
        self._check_usable()
        tags = tuple(tags)
        change = completion(
            trace_id, status=status, end_ms=end_ms, tags=tags, metadata=metadata, late_fields=late_fields
        )
        trace = self._existing(trace_id)
        if trace.status != OPEN:
            raise TraceCompletedError(trace_id)
        for name in change.late:
            if name not in LATE_FIELDS[trace.kind_code]:
                raise InvalidTraceError(name, f"a {trace.kind.__name__} takes no such field at its end")
        late = late_values(late_fields)
        merged = _amended(trace, tags, metadata, late)
        merged.status, merged.end_ms = status, now_ms() if end_ms is None else end_ms
        self._changes.append(change)
        self._written[trace_id] = merged

    def amend(self, trace_id: str, *, tags: Iterable[str] = (), metadata: ValueLike = None) -> None:
        """Add tags and merge metadata; as ``TraceStore.amend``."""
        self._check_usable()
        tags = tuple(tags)
        change = amendment(trace_id, tags=tags, metadata=metadata)
        merged = _amended(self._existing(trace_id), tags, metadata, {})
        self._changes.append(change)
        self._written[trace_id] = merged

    def get(self, trace_id: str) -> Trace | None:
        """Return a trace as this transaction would leave it, None if there is none of this id."""
        self._check_usable()
        written = self._written.get(trace_id)
        if written is not None:
            return written
        return self._database.backend.get(self._run_id, (trace_id,))[0]

    def _existing(self, trace_id: str) -> Trace:
        trace = self.get(trace_id)
        if trace is None:
            raise TraceNotFoundError(trace_id)
        return trace

    # ---- its end -----------------------------------------------------------------------------------------

    def _check_usable(self) -> None:
        if self._over:
            raise ClosedError(f"this transaction on run {self._run_id!r}")

    def __enter__(self) -> Self:
        self._check_usable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._check_usable()
        self._over = True
        if kind is None and self._changes:
            self._database.commit(self._run_id, self._changes)


def _as_trace(change: NewTrace, run_id: str, missing: bool) -> Trace:
    trace_type, metadata = decode_body(change.kind, change.body)
    return Trace(
        change.id,
        change.parent_id,
        now_ms() if change.timestamp is None else change.timestamp,
        change.tags,
        trace_type=trace_type,
        metadata=metadata,
        status=STATUS_NAMES[change.status],
        end_ms=change.end_ms,
        run_id=run_id,
        parent_missing=missing,
    )


def _amended(trace: Trace, tags: tuple[str, ...], metadata: ValueLike, late: dict[str, Value]) -> Trace:
    """Return the trace with tags, metadata and late fields added, as the store would."""
    own = trace.metadata
    more = None if metadata is None else normalize(metadata, "metadata")
    if more is not None and not (own is None or isinstance(own, dict)):
        raise InvalidTraceError(
            "metadata", "the trace's own metadata is no mapping: nothing can be merged in"
        )
    return Trace(
        trace.id,
        trace.parent_id,
        trace.timestamp,
        (*trace.tags, *tags),
        trace_type=with_late(trace.trace_type, late),
        metadata=merge_metadata(own, more),
        status=trace.status,
        end_ms=trace.end_ms,
        run_id=trace.run_id,
        seq=trace.seq,
        parent_missing=trace.parent_missing,
    )
