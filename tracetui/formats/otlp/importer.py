"""From the bytes of OTLP/JSON to import records: documents of any nesting, runs, and the order of spans.

A trace id is a run, a span a trace. Spans are written when they end, so children come before parents: with
``final`` in one go they are put in order, in pieces they go out with ``await_parent``. What is not of the shape
that OTLP has is counted and left out; nothing that a document holds can stop the rest.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from tracetui.formats.otlp.span import FORMAT, Span, drafts_of, read_span
from tracetui.formats.otlp.values import Object, attribute_map, member, text
from tracetui.formats.record import Batch, ImportRecord, ImportRun, ImportUpdate
from tracetui.formats.resolver import AWAITS, CIRCLE, order
from tracetui.formats.sanitise import UnreadableError, clean_name, parse_json
from tracetui.model.draft import TraceDraft
from tracetui.model.trace_type import LATE_FIELDS, kind_code

_NO_SPACE = re.compile(r"\s*")
_SESSIONS = ("gen_ai.conversation.id", "session.id", "langfuse.session.id")


@dataclass(slots=True)
class _Run:
    """What the spans of a trace id say of the run."""

    start: int
    name: str = ""
    tags: list[str] = field(default_factory=list)
    service: str = ""
    given: set[str] = field(default_factory=set)
    pending: dict[str, list[TraceDraft]] = field(default_factory=dict)
    """By span what it became and its errors, until they are handed out."""
    open: dict[str, type] = field(default_factory=dict)
    """Spans that were handed out without an end, and what they became."""
    updates: list[ImportUpdate] = field(default_factory=list)

    __hash__ = None  # type: ignore[assignment]


class OtlpImporter:
    """One file of OTLP/JSON; see ``Importer``."""

    format = FORMAT

    def __init__(self, path: str) -> None:
        self.path = path
        self._buffer = bytearray()
        self._skipped: Counter[str] = Counter()
        self._runs: dict[str, _Run] = {}
        self._by_lines: bool | None = None

    # ---- feeding -----------------------------------------------------------------------------------------

    def feed(self, chunk: bytes, part: str = "") -> None:  # noqa: ARG002 - no parts here
        """Take the next bytes."""
        self._buffer += chunk
        if b"\n" in chunk:
            self._feed_lines()

    def _feed_lines(self) -> None:
        """Take whole lines, as long as each is a document of its own."""
        if self._by_lines is False:
            return
        whole, _, rest = self._buffer.rpartition(b"\n")
        lines = whole.split(b"\n")
        if self._by_lines is None:
            first = next((line for line in lines if line.strip()), bytearray())
            self._by_lines = self._is_document(first)
            if not self._by_lines:
                return
        self._buffer = rest
        for line in lines:
            if line.strip():
                self._document(line)

    @staticmethod
    def _is_document(line: bytes | bytearray) -> bool:
        try:
            return isinstance(parse_json(line), (dict, list))
        except UnreadableError:
            return False

    def take(self, final: bool = False) -> Batch:
        """Hand out the spans that came since the last time; ``final`` takes what is left as it stands."""
        if final and self._buffer.strip():
            self._rest()
        batch = Batch()
        for run_id, run in self._runs.items():
            if run.pending or run.updates:
                batch.runs.append(self._run(run_id, run))
                batch.records += self._ordered(run_id, run)
                batch.updates += run.updates
                run.updates = []
        batch.skipped, self._skipped = self._skipped, Counter()
        return batch

    def _ordered(self, run_id: str, run: _Run) -> list[ImportRecord]:
        drafts = [draft for drafts in run.pending.values() for draft in drafts]
        run.pending = {}
        records = []
        for draft, link in order(
            drafts, lambda draft: str(draft.id), lambda draft: draft.parent_id, run.given
        ):
            run.given.add(str(draft.id))
            if draft.open:
                run.open[str(draft.id)] = type(draft.trace_type)
            if link == CIRCLE:
                self._skipped["links in a circle"] += 1
            waits = link in (AWAITS, CIRCLE)
            records.append(ImportRecord(run_id, draft._replace(await_parent=True) if waits else draft))
        return records

    def _rest(self) -> None:
        """Read what is not whole lines: one document over many lines, or several behind each other."""
        said, self._buffer = self._buffer.decode("utf-8", "replace"), bytearray()
        decoder, at = json.JSONDecoder(), 0
        while (at := _NO_SPACE.match(said, at).end()) < len(said):  # type: ignore[union-attr]
            try:
                document, at = decoder.raw_decode(said, at)
            except (ValueError, RecursionError):
                self._skipped["documents cut off"] += 1
                self._buffer = bytearray(said[at:].encode())
                return
            self._spans(document)

    def _document(self, raw: bytes | bytearray) -> None:
        try:
            self._spans(parse_json(raw))
        except UnreadableError:
            self._skipped["lines that are no JSON"] += 1

    # ---- spans -------------------------------------------------------------------------------------------

    def _spans(self, document: Any) -> None:
        """Take every span of a document, whatever of the nesting it has; a bare list of spans is fine too."""
        pending = [document]
        while pending:
            item = pending.pop()
            if isinstance(item, list):
                pending += reversed(item)
            else:
                self._object(item)

    def _object(self, document: Any) -> None:
        if not isinstance(document, dict):
            self._skipped["documents that are no object"] += 1
        elif member(document, "spanId") is not None or "spanContext" in document:
            self._span(document, {})
        elif isinstance(member(document, "resourceSpans"), list):
            for resource in self._objects(document, "resourceSpans"):
                self._resource(resource)
        else:
            self._skipped["documents without spans"] += 1

    def _resource(self, resource: Object) -> None:
        attributes = attribute_map(member(resource.get("resource"), "attributes"))
        scopes = "scopeSpans" if member(resource, "scopeSpans") else "instrumentationLibrarySpans"
        for scope in self._objects(resource, scopes):
            for span in self._objects(scope, "spans"):
                self._span(span, attributes)

    def _objects(self, holder: Object, key: str) -> list[Object]:
        """Return the objects in a list; what is no object is counted."""
        found = member(holder, key)
        items = found if isinstance(found, list) else [] if found is None else [found]
        kept = [item for item in items if isinstance(item, dict)]
        if len(kept) < len(items):
            self._skipped["spans and groups that are no object"] += len(items) - len(kept)
        return kept

    def _span(self, given: Object, resource: Object) -> None:
        try:
            span = read_span(given)
        except RecursionError:
            self._skipped["spans nested too deeply"] += 1
            return
        if not span.id:
            self._skipped["spans without an id"] += 1
            return
        run = self._runs.setdefault(span.trace_id, _Run(span.start))
        if span.id in run.pending or (span.id in run.given and not (span.end and span.id in run.open)):
            self._skipped["spans repeated"] += 1
        if span.id in run.given and span.id not in run.open:
            return
        try:
            drafts = drafts_of(span, given)
        except RecursionError:
            self._skipped["spans nested too deeply"] += 1
            return
        self._take(run, span.trace_id, drafts)
        self._note_run(run, span, resource)

    @staticmethod
    def _take(run: _Run, run_id: str, drafts: list[TraceDraft]) -> None:
        """Take a span: the last word before it is handed out holds, and the end of one that was open then."""
        draft, *errors = drafts
        own = str(draft.id)
        if own not in run.given:
            run.pending.pop(own, None)
            run.pending[own] = drafts
        elif not draft.open:
            run.updates.append(_ending(run_id, draft, run.open.pop(own)))
            if errors:
                run.pending[own] = errors

    # ---- runs --------------------------------------------------------------------------------------------

    @staticmethod
    def _note_run(run: _Run, span: Span, resource: Object) -> None:
        run.start = min(run.start, span.start)
        if span.parent_id is None or not run.name:
            run.name = span.name
        run.service = text(resource.get("service.name"), run.service)
        for key in _SESSIONS:
            session = text(span.attributes.get(key))
            if session and (tag := clean_name(f"session:{session}")) not in run.tags:
                run.tags.append(tag)

    def _run(self, trace_id: str, run: _Run) -> ImportRun:
        metadata: dict[str, Any] = {"source": {"format": FORMAT, "file": PurePath(self.path).name}}
        if run.service:
            metadata["service"] = run.service
        return ImportRun(
            trace_id, clean_name(run.name, "trace"), run.start // 1_000_000, tags=tuple(run.tags), metadata=metadata
        )  # fmt: skip


def _ending(run_id: str, draft: TraceDraft, was: type) -> ImportUpdate:
    """Return what the later word on an open span adds: its end, and what was not known at its beginning."""
    kind = draft.trace_type
    late = LATE_FIELDS[kind_code(kind)] if type(kind) is was else ()
    known = {name: value for name in sorted(late) if (value := getattr(kind, name)) is not None}
    metadata = draft.metadata if isinstance(draft.metadata, dict) else None
    return ImportUpdate(run_id, str(draft.id), draft.status, draft.end_ms, known, tuple(draft.tags), metadata)
