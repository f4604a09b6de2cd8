"""Committing what an importer hands out, so that doing it again changes nothing.

Owns the rules of repetition: a trace that is there is left as it is, but for an open one whose end is known
by now; tags and metadata are added only where they are missing; what cannot be changed any more is counted.
Must not read files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from typing import TypeVar

from tracetui.errors import (
    BatchTooLargeError,
    RunClosedError,
    RunNotFoundError,
    StoreError,
    TraceCompletedError,
    TraceNotFoundError,
)
from tracetui.formats.record import Batch, ImportAnnotation, ImportRecord, ImportRun, ImportUpdate
from tracetui.model.change import NewAnnotation, amendment, completion, new_traces
from tracetui.model.draft import TraceDraft
from tracetui.model.run import ACTIVE, Run
from tracetui.model.trace import OPEN, Trace
from tracetui.model.trace_type import FIELD_NAMES, LATE_FIELDS
from tracetui.model.value import Value, ValueLike, normalize, pack
from tracetui.store.database import Database

COMMIT_SIZE = 500
"""Traces a commit."""

_Item = TypeVar("_Item")


@dataclass(slots=True)
class Committed:
    """What came of it: new traces, completions and additions, and by reason what was left as it is."""

    traces: int = 0
    updates: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    __hash__ = None  # type: ignore[assignment]


class Committer:
    """Puts batches into one database. Not safe for use from several threads at once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._runs: dict[str, Run] = {}
        self.committed = Committed()

    def commit(self, batch: Batch) -> None:
        """Commit a batch: runs, traces, updates, notes, and at last how the runs ended.

        :raises StoreError: if the store refuses a record for another reason than that it is there.
        """
        for run in batch.runs:
            self._ensure_run(run)
        for run_id, records in groupby(batch.records, attrgetter("run_id")):
            for chunk in _chunks(records, COMMIT_SIZE):
                self._record(run_id, chunk)
        for update in batch.updates:
            self._update(update)
        for note in batch.annotations:
            self._annotate(note)
        for run in batch.runs:
            self._end(run)

    # ---- runs --------------------------------------------------------------------------------------------

    def _ensure_run(self, given: ImportRun) -> None:
        run = self._runs.get(given.id)
        if run is None:
            run = self._find(given.id)
        if run is None:
            run = self._db.restore_run(
                given.id, name=given.name, tags=given.tags, metadata=given.metadata or None,
                created_ms=given.created_ms,
            )  # fmt: skip
        else:
            run = self._describe(run, given)
        self._runs[given.id] = run

    def _find(self, run_id: str) -> Run | None:
        try:
            return self._db.run(run_id)
        except RunNotFoundError:
            return None

    def _describe(self, run: Run, given: ImportRun) -> Run:
        """Bring name, tags and metadata up to date; what the user added meanwhile stays."""
        own = run.metadata if isinstance(run.metadata, dict) else {}
        metadata = {**own, **_plain(given.metadata)}
        tags = (*run.tags, *(tag for tag in given.tags if tag not in run.tags))
        changed = metadata != own or tags != run.tags
        if run.name is None or changed:
            return self._db.update_run(
                run.id, name=run.name or given.name, tags=tags, metadata=metadata or None
            )
        return run

    def _end(self, given: ImportRun) -> None:
        if given.status != ACTIVE and self._runs[given.id].status == ACTIVE:
            self._runs[given.id] = self._db.end_run(given.id, given.status, ended_ms=given.ended_ms)

    # ---- traces ------------------------------------------------------------------------------------------

    def _record(self, run_id: str, records: Sequence[ImportRecord]) -> None:
        changes = new_traces([record.draft for record in records])
        try:
            appended = self._db.commit(run_id, changes, "skip")
        except RunClosedError:
            self._record_into_ended(run_id, records)
            return
        except BatchTooLargeError:
            half = len(records) // 2
            self._record(run_id, records[:half])
            self._record(run_id, records[half:])
            return
        self.committed.traces += appended.traces
        if appended.skipped:
            for record in records:
                if record.draft.id in appended.skipped:
                    self._finish(run_id, record.draft)

    def _record_into_ended(self, run_id: str, records: Sequence[ImportRecord]) -> None:
        """Complete what is there of a run that takes no more traces; count what is not."""
        for record in records:
            if self._get(run_id, str(record.draft.id)) is not None:
                self._finish(run_id, record.draft)
            else:
                self.committed.refused["the run has ended, it takes no more traces"] += 1

    def _finish(self, run_id: str, draft: TraceDraft) -> None:
        """Complete a trace that is there and open, if its end is known by now."""
        stored = self._get(run_id, str(draft.id))
        if stored is None or stored.status != OPEN or draft.open:
            return
        late = _late_fields(draft, stored)
        change = completion(
            stored.id, status=draft.status or "ok", end_ms=draft.end_ms, late_fields=late,
            tags=_missing_tags(stored, draft.tags), metadata=_missing_metadata(stored, draft.metadata),
        )  # fmt: skip
        self._db.commit(run_id, (change,))
        self.committed.updates += 1

    def _get(self, run_id: str, trace_id: str) -> Trace | None:
        return self._db.backend.get(run_id, (trace_id,))[0]

    def _update(self, update: ImportUpdate) -> None:
        stored = self._get(update.run_id, update.trace_id)
        if stored is None:
            self.committed.refused["an update for a trace that is not there"] += 1
        elif update.status is not None and stored.status == OPEN:
            self._complete(stored, update)
        else:
            self._amend(stored, update)

    def _complete(self, stored: Trace, update: ImportUpdate) -> None:
        change = completion(
            stored.id, status=update.status or "ok", end_ms=update.end_ms, late_fields=update.late,
            tags=_missing_tags(stored, update.tags), metadata=_missing_metadata(stored, update.metadata),
        )  # fmt: skip
        try:
            self._db.commit(update.run_id, (change,))
        except TraceCompletedError:
            return
        self.committed.updates += 1

    def _amend(self, stored: Trace, update: ImportUpdate) -> None:
        tags = _missing_tags(stored, update.tags)
        metadata = _missing_metadata(stored, update.metadata)
        if not tags and metadata is None:
            return
        try:
            self._db.commit(update.run_id, (amendment(stored.id, tags=tags, metadata=metadata),))
        except StoreError:
            self.committed.refused["an addition to a trace whose metadata takes none"] += 1
            return
        self.committed.updates += 1

    def take_notes(self, notes: Iterable[ImportAnnotation]) -> None:
        """Add notes that are not there yet, on traces that are."""
        for note in notes:
            if self._get(note.run_id, note.trace_id) is not None:
                self._annotate(note)

    def _annotate(self, note: ImportAnnotation) -> None:
        known = {found.id for found in self._db.backend.annotations(note.run_id, note.trace_id)}
        if note.id in known:
            return
        body = pack([note.note, normalize(note.fields, "fields")])
        try:
            self._db.commit(note.run_id, (NewAnnotation(note.id, note.trace_id, note.timestamp, body),))
        except TraceNotFoundError:
            self.committed.refused["a note on a trace that is not there"] += 1
            return
        self.committed.updates += 1


def _chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _plain(metadata: Mapping[str, ValueLike]) -> dict[str, Value]:
    plain = normalize(metadata, "metadata")
    return plain if isinstance(plain, dict) else {}


def _missing_tags(stored: Trace, tags: Iterable[str]) -> list[str]:
    have = set(stored.tags)
    return [tag for tag in tags if tag not in have]


def _missing_metadata(stored: Trace, metadata: ValueLike) -> dict[str, Value] | None:
    """Return what the stored trace's metadata lacks, None if nothing."""
    if not isinstance(metadata, Mapping):
        return None
    own = stored.metadata if isinstance(stored.metadata, dict) else {}
    missing = {key: value for key, value in _plain(metadata).items() if key not in own or own[key] != value}
    return missing or None


def _late_fields(draft: TraceDraft, stored: Trace) -> dict[str, object]:
    """Return the late fields that the draft has and the stored trace does not."""
    late = LATE_FIELDS[stored.kind_code] & set(FIELD_NAMES[stored.kind_code])
    if type(draft.trace_type) is not stored.kind:
        return {}
    found = {name: getattr(draft.trace_type, name) for name in sorted(late)}
    return {
        name: value
        for name, value in found.items()
        if value is not None and value != getattr(stored.trace_type, name)
    }
