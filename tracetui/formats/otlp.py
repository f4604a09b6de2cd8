"""OTLP in JSON: what OpenTelemetry exporters and collectors write, one object, several, or a line each.

Owns the shape of OTLP; what attributes mean is in ``otlp_attributes``. A trace id is a run, a span a trace. Spans
are written when they end, so children come before parents: with ``final`` in one go they are put in order, in
pieces they go out with ``await_parent``.

Source: opentelemetry-proto 1.x, the OTLP/JSON mapping (ids in hex, 64-bit integers as strings, enums as numbers;
names of enums, snake_case keys and ``instrumentationLibrarySpans`` of older writers are taken too).
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import PurePath
from typing import Any

from tracetui.formats.otlp_attributes import Mapped, map_span
from tracetui.formats.record import Batch, ImportRecord, ImportRun
from tracetui.formats.resolver import AWAITS, CIRCLE, order
from tracetui.formats.sanitise import UnreadableError, clean_name, parse_json, sanitise
from tracetui.model.draft import TraceDraft
from tracetui.model.trace_type import Error

FORMAT = "otlp"
_NO_PARENT = frozenset({"", "0000000000000000"})
_STATUS_ERROR = frozenset({2, "2", "STATUS_CODE_ERROR", "ERROR"})


class OtlpImporter:
    """One file of OTLP/JSON; see ``Importer``."""

    format = FORMAT

    def __init__(self, path: str) -> None:
        self.path = path
        self._buffer = b""
        self._skipped: Counter[str] = Counter()
        self._runs: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, set[str]] = {}
        self._given: dict[str, set[str]] = {}
        self._pending: dict[str, list[TraceDraft]] = {}
        self._line = 0
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
            first = next((line for line in lines if line.strip()), b"")
            self._by_lines = self._is_document(first)
            if not self._by_lines:
                return
        self._buffer = rest
        for line in lines:
            self._line += 1
            if line.strip():
                self._document(line)

    @staticmethod
    def _is_document(line: bytes) -> bool:
        try:
            return isinstance(parse_json(line), (dict, list))
        except UnreadableError:
            return False

    def take(self, final: bool = False) -> Batch:
        """Hand out the spans that came since the last time; ``final`` takes what is left as it stands."""
        if final and self._buffer.strip():
            self._rest()
        batch = Batch()
        for run_id, drafts in self._pending.items():
            if drafts:
                batch.records += self._ordered(run_id, drafts)
        self._pending = {}
        touched = {record.run_id for record in batch.records}
        batch.runs = [self._run(run_id) for run_id in self._runs if run_id in touched]
        batch.skipped, self._skipped = self._skipped, Counter()
        return batch

    def _ordered(self, run_id: str, drafts: list[TraceDraft]) -> list[ImportRecord]:
        known = self._given.setdefault(run_id, set())
        placed = order(drafts, lambda draft: str(draft.id), lambda draft: draft.parent_id, known)
        records = []
        for draft, link in placed:
            known.add(str(draft.id))
            if link in (AWAITS, CIRCLE):
                draft = _awaiting(draft)
                if link == CIRCLE:
                    self._skipped["links in a circle"] += 1
            records.append(ImportRecord(run_id, draft))
        return records

    def _rest(self) -> None:
        """Read what is not whole lines: one document over many lines, or several behind each other."""
        text, self._buffer = self._buffer.decode("utf-8", "replace"), b""
        decoder, at = json.JSONDecoder(), 0
        while at < len(text):
            while at < len(text) and text[at].isspace():
                at += 1
            if at >= len(text):
                return
            try:
                document, at = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                self._skipped["documents cut off"] += 1
                self._buffer = text[at:].encode()
                return
            self._spans(document)

    def _document(self, raw: bytes) -> None:
        try:
            self._spans(parse_json(raw))
        except UnreadableError:
            self._skipped["lines that are no JSON"] += 1

    # ---- spans -------------------------------------------------------------------------------------------

    def _spans(self, document: Any) -> None:
        """Take every span of a document, whatever of the nesting it has; a bare list of spans is fine too."""
        if isinstance(document, list):
            for item in document:
                self._spans(item)
            return
        if not isinstance(document, dict):
            self._skipped["documents that are no object"] += 1
            return
        if "spanId" in document or "span_id" in document or "spanContext" in document:
            self._span(document, {})
            return
        resources = _get(document, "resourceSpans")
        if not isinstance(resources, list):
            self._skipped["documents without spans"] += 1
            return
        for resource in resources:
            attributes = attribute_map(_get(resource.get("resource") or {}, "attributes"))
            scopes = _get(resource, "scopeSpans") or resource.get("instrumentationLibrarySpans") or ()
            for scope in scopes:
                for span in scope.get("spans") or ():
                    self._span(span, attributes)

    def _span(self, span: dict[str, Any], resource: dict[str, Any]) -> None:
        context = span.get("spanContext") or {}
        trace_id = clean_name(_hex(_get(span, "traceId") or context.get("traceId")), "trace")
        span_id = clean_name(_hex(_get(span, "spanId") or context.get("spanId")))
        if not span_id:
            self._skipped["spans without an id"] += 1
            return
        seen = self._seen.setdefault(trace_id, set())
        pending = self._pending.setdefault(trace_id, [])
        if span_id in seen:
            self._skipped["spans repeated"] += 1
            return
        seen.add(span_id)
        attributes, cut = sanitise(attribute_map(span.get("attributes")))
        start = nanoseconds(_get(span, "startTimeUnixNano") or span.get("startTime"))
        end = nanoseconds(_get(span, "endTimeUnixNano") or span.get("endTime"))
        failed = _status(span) in _STATUS_ERROR
        mapped = map_span(str(span.get("name") or "span"), attributes, failed=failed)
        events = [event for event in span.get("events") or () if isinstance(event, dict)]
        metadata = self._metadata(span, trace_id, span_id, start, end, mapped, attributes, events)
        if cut:
            metadata["truncated"] = cut
        parent = _hex(_get(span, "parentSpanId") or (span.get("parentSpanContext") or {}).get("spanId"))
        draft = TraceDraft(
            mapped.trace_type, span_id, None if parent in _NO_PARENT else clean_name(parent), False,
            tuple(clean_name(tag) for tag in mapped.tags), metadata, start // 1_000_000,
            None if not end else max(end, start) // 1_000_000,
            None if not end else "error" if failed else "ok", not end,
        )  # fmt: skip
        pending.append(draft)
        self._note_run(trace_id, span, draft, attributes, resource, start)
        pending.extend(_errors(span, span_id, end or start, events, failed=failed))

    def _metadata(
        self,
        span: dict[str, Any],
        trace_id: str,
        span_id: str,
        start: int,
        end: int,
        mapped: Mapped,
        attributes: dict[str, Any],
        events: list[dict[str, Any]],
    ) -> dict[str, Any]:
        others = [event for event in events if event.get("name") != "exception"]
        ext = {
            "system": "otel",
            "trace_id": trace_id,
            "span_id": span_id,
            "start_ns": start,
            "end_ns": end or None,
        }
        dropped = _get(span, "droppedAttributesCount")
        metadata: dict[str, Any] = {
            "name": str(span.get("name") or "span"), **mapped.metadata, "ext": ext,
            "source": {"format": FORMAT, "native_id": span_id},
        }  # fmt: skip
        if dropped:
            metadata["truncated"] = {"attributes": dropped}
        if attributes:
            metadata["attributes"] = attributes
        if others:
            metadata["events"] = [
                {
                    "name": e.get("name"),
                    "time_ns": nanoseconds(_get(e, "timeUnixNano")),
                    **attribute_map(e.get("attributes")),
                }
                for e in others
            ]
        links = [link for link in span.get("links") or () if isinstance(link, dict)]
        if links:
            metadata["links"] = [
                {
                    "type": "span",
                    "run_id": _hex(_get(link, "traceId")),
                    "trace_id": _hex(_get(link, "spanId")),
                }
                for link in links
            ]
        return sanitise(metadata)[0]  # type: ignore[no-any-return]

    # ---- runs --------------------------------------------------------------------------------------------

    def _note_run(
        self,
        trace_id: str,
        span: dict[str, Any],
        draft: TraceDraft,
        attributes: dict[str, Any],
        resource: dict[str, Any],
        start: int,
    ) -> None:
        run = self._runs.setdefault(trace_id, {"start": start, "name": "", "tags": [], "service": ""})
        run["start"] = min(run["start"], start)
        if draft.parent_id is None or not run["name"]:
            run["name"] = str(span.get("name") or "trace")
        service = resource.get("service.name")
        if isinstance(service, str):
            run["service"] = service
        for key in ("gen_ai.conversation.id", "session.id", "langfuse.session.id"):
            session = attributes.get(key)
            if isinstance(session, str) and (tag := clean_name(f"session:{session}")) not in run["tags"]:
                run["tags"].append(tag)

    def _run(self, trace_id: str) -> ImportRun:
        run = self._runs[trace_id]
        metadata: dict[str, Any] = {"source": {"format": FORMAT, "file": PurePath(self.path).name}}
        if run["service"]:
            metadata["service"] = run["service"]
        name = clean_name(run["name"], "trace")
        return ImportRun(
            trace_id, name, run["start"] // 1_000_000, tags=tuple(run["tags"]), metadata=metadata
        )


def _awaiting(draft: TraceDraft) -> TraceDraft:
    return TraceDraft(
        draft.trace_type, draft.id, draft.parent_id, True, draft.tags, draft.metadata, draft.timestamp,
        draft.end_ms, draft.status, draft.open,
    )  # fmt: skip


def _errors(
    span: dict[str, Any], span_id: str, end: int, events: list[dict[str, Any]], *, failed: bool
) -> list[TraceDraft]:
    """Return the exceptions of a span as Error children; a failed span without any gets one from its status."""
    found = []
    for number, event in enumerate(events):
        if event.get("name") == "exception":
            given = attribute_map(event.get("attributes"))
            when = (nanoseconds(_get(event, "timeUnixNano")) or end) // 1_000_000
            error = Error(
                str(given.get("exception.type") or "Exception"),
                str(given.get("exception.message") or ""),
                recoverable=False,
            )
            more = {"stack": given["exception.stacktrace"]} if given.get("exception.stacktrace") else None
            found.append(
                TraceDraft(error, f"{span_id}#{number}", span_id, metadata=more, timestamp=when, end_ms=when)
            )
    if failed and not found:
        status = span.get("status") if isinstance(span.get("status"), dict) else {}
        message = str((status or {}).get("message") or "the span's status is an error")
        when = end // 1_000_000
        found.append(
            TraceDraft(
                Error("StatusError", message, recoverable=False),
                f"{span_id}#status",
                span_id,
                timestamp=when,
                end_ms=when,
            )
        )
    return found


# ---- pieces ----------------------------------------------------------------------------------------------


def _get(value: Any, key: str) -> Any:
    """Return a key of an object, in camelCase or snake_case."""
    if not isinstance(value, dict):
        return None
    if key in value:
        return value[key]
    return value.get("".join("_" + char.lower() if char.isupper() else char for char in key))


def _hex(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _status(span: dict[str, Any]) -> Any:
    status = span.get("status")
    return status.get("code") if isinstance(status, dict) else None


def nanoseconds(value: Any) -> int:
    """Return a time in nanoseconds since the epoch, 0 if it is none: a number, its digits, or [seconds, ns].

    >>> nanoseconds("1500000000"), nanoseconds([1, 5]), nanoseconds(None)
    (1500000000, 1000000005, 0)
    """
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value):
        return int(value[0]) * 1_000_000_000 + int(value[1])
    try:
        found = int(value)
    except (TypeError, ValueError):
        return 0
    return found if -(2**63) <= found < 2**63 else 0


def attribute_map(attributes: Any) -> dict[str, Any]:
    """Return OTLP's list of key and typed value as a plain dict; a dict is taken as it is."""
    if isinstance(attributes, dict):
        return attributes
    found = {}
    for item in attributes if isinstance(attributes, list) else ():
        if isinstance(item, dict) and isinstance(item.get("key"), str):
            found[item["key"]] = attribute_value(item.get("value"))
    return found


def attribute_value(value: Any) -> Any:
    """Return a typed value as a plain one; 64-bit integers come as strings, bytes in base64."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    kind = kind.replace("_v", "V")
    if kind == "intValue":
        try:
            return int(inner)
        except (TypeError, ValueError):
            return inner
    if kind == "arrayValue":
        return [attribute_value(item) for item in (inner or {}).get("values") or ()]
    if kind == "kvlistValue":
        return attribute_map((inner or {}).get("values"))
    if kind == "bytesValue":
        try:
            return base64.b64decode(inner)
        except (ValueError, TypeError):
            return inner
    return inner if kind in ("stringValue", "doubleValue", "boolValue") else value
