"""Our own JSON lines: a run's record, then its traces and notes, written and read back without loss.

A line has one key besides its content: ``{"run": {…}}``, ``{"trace": {…}}`` or ``{"annotation": {…}}``. A line
that is a trace's JSON alone, as ``query --format jsonl`` prints, is read too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tracetui.errors import TraceTuiError
from tracetui.formats.record import Batch, ImportAnnotation, ImportRecord, ImportRun
from tracetui.formats.sanitise import UnreadableError, parse_json
from tracetui.model.change import Annotation, annotation, new_trace, run_patch
from tracetui.model.draft import TraceDraft
from tracetui.model.run import ACTIVE, RUN_STATUSES, Run, checked_run_id
from tracetui.model.trace import Trace, checked_time
from tracetui.model.value import checked_name, checked_tags, dumps, from_jsonable, to_jsonable

FORMAT = "tracetui"


def export(run: Run, traces: Iterable[Trace], annotations: Iterable[Annotation]) -> Iterator[str]:
    """Yield the lines of a run, traces in seq order."""
    yield dumps({"run": run.to_json()})
    for trace in traces:
        yield dumps({"trace": trace.to_json()})
    for note in annotations:
        yield annotation_line(run.id, note)


def annotation_line(run_id: str, note: Annotation) -> str:
    """Return the line of an annotation."""
    return dumps({"annotation": {
        "id": note.id, "run_id": run_id, "trace_id": note.trace_id, "note": note.note,
        "fields": to_jsonable(dict(note.fields)), "timestamp": note.timestamp,
    }})  # fmt: skip


def read_annotation(line: bytes) -> ImportAnnotation | None:
    """Return what ``annotation_line`` wrote, None for any other line."""
    try:
        return _annotation(parse_json(line)["annotation"])
    except (TraceTuiError, UnreadableError, KeyError, TypeError, ValueError):
        return None


class NativeImporter:
    """One file of our own lines; see ``Importer``."""

    format = FORMAT

    def __init__(self, path: str) -> None:
        self.path = path
        self._rest = b""
        self._batch = Batch()
        self._run: dict[str, ImportRun] = {}
        self._given: set[str] = set()

    def feed(self, chunk: bytes, part: str = "") -> None:  # noqa: ARG002 - no parts here
        """Take the next bytes."""
        whole, _, self._rest = (self._rest + chunk).rpartition(b"\n")
        for raw in whole.split(b"\n"):
            self._line(raw)

    def take(self, final: bool = False) -> Batch:
        """Hand out what came since the last time."""
        if final and self._rest.strip():
            raw, self._rest = self._rest, b""
            self._line(raw)
        batch, self._batch = self._batch, Batch()
        touched = {record.run_id for record in batch.records} | {note.run_id for note in batch.annotations}
        told = {run.id for run in batch.runs}
        batch.runs += [self._run_of(run_id) for run_id in sorted(touched - told)]
        return batch

    def _run_of(self, run_id: str) -> ImportRun:
        return self._run.get(run_id) or ImportRun(run_id, run_id, 0)

    def _line(self, raw: bytes) -> None:
        if not raw.strip():
            return
        try:
            value = parse_json(raw)
            self._take(value)
        except UnreadableError:
            self._batch.skipped["lines that are no JSON"] += 1
        except (TraceTuiError, KeyError, TypeError, ValueError):
            self._batch.skipped["lines that are no record of ours"] += 1

    def _take(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise TypeError
        if "run" in value:
            self._take_run(value["run"])
        elif "annotation" in value:
            self._batch.annotations.append(_annotation(value["annotation"]))
        else:
            self._take_trace(Trace.from_json(value.get("trace", value)))

    def _take_trace(self, trace: Trace) -> None:
        """Take a trace, if all of it is what a store takes."""
        draft = self._draft(trace)
        new_trace(draft)
        if draft.parent_id is not None:
            checked_name(draft.parent_id, "parent_id", empty=False)
        self._given.add(trace.id)
        self._batch.records.append(ImportRecord(checked_run_id(trace.run_id or "imported"), draft))

    def _take_run(self, run: Any) -> None:
        """Take a run's line, if all of it is what a store takes."""
        if not isinstance(run, dict):
            raise TypeError
        metadata = from_jsonable(run.get("metadata"))
        status, ended = run.get("status", ACTIVE), run.get("ended_ms")
        made = ImportRun(
            checked_run_id(run["id"]), run.get("name") or "", checked_time(run.get("created_ms", 0), "created_ms"),
            None if ended is None else checked_time(ended, "ended_ms"), status if status in RUN_STATUSES else ACTIVE,
            checked_tags(run.get("tags") or ()), metadata if isinstance(metadata, dict) else {},
        )  # fmt: skip
        run_patch({"name": made.name, "metadata": made.metadata})
        self._run[made.id] = made
        self._batch.runs.append(made)

    def _draft(self, trace: Trace) -> TraceDraft:
        is_open = trace.status == "open"
        missing = trace.parent_id is not None and trace.parent_id not in self._given
        return TraceDraft(
            trace.trace_type, trace.id, trace.parent_id, missing, tuple(trace.tags), trace.metadata, trace.timestamp,
            None if is_open else trace.end_ms, None if is_open else trace.status, is_open,
        )  # fmt: skip


def _annotation(note: Any) -> ImportAnnotation:
    """Return a note, if all of it is what a store takes."""
    if not isinstance(note, dict):
        raise TypeError
    fields = from_jsonable(note["fields"])
    made = ImportAnnotation(
        checked_run_id(note["run_id"]), checked_name(note["id"], "id", empty=False), note["trace_id"], note["note"],
        fields if isinstance(fields, dict) else {}, checked_time(note["timestamp"], "timestamp"),
    )  # fmt: skip
    annotation(made.trace_id, made.note, made.fields)
    return made
