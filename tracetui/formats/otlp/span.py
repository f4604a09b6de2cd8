"""A span as a trace, and the exceptions in it as the errors below. Pure functions."""

from __future__ import annotations

from typing import Any, NamedTuple

from tracetui.formats.otlp.dialects import Mapped, map_span
from tracetui.formats.otlp.values import Object, attribute_map, member, nanoseconds, objects, text
from tracetui.formats.sanitise import clean_name, sanitise
from tracetui.model.draft import TraceDraft
from tracetui.model.trace_type import Error
from tracetui.model.value import ValueLike

FORMAT = "otlp"
_NO_PARENT = frozenset({"", "0000000000000000"})
_ERROR = frozenset({"2", "STATUS_CODE_ERROR", "ERROR"})


class Span(NamedTuple):
    """A span as it was read: times in nanoseconds since the epoch, 0 where there is none."""

    trace_id: str
    id: str
    parent_id: str | None
    name: str
    start: int
    end: int
    failed: bool
    message: str
    """What its status says."""
    attributes: Object
    events: list[Object]


def read_span(given: Object) -> Span:
    """Return the parts of a span that everything else needs; ``id`` is "" where it has none."""
    context, outer = given.get("spanContext"), given.get("parentSpanContext")
    attributes = attribute_map(given.get("attributes"))
    status = given.get("status")
    parent = clean_name(text(member(given, "parentSpanId")) or text(member(outer, "spanId")))
    return Span(
        clean_name(text(member(given, "traceId")) or text(member(context, "traceId")), "trace"),
        clean_name(text(member(given, "spanId")) or text(member(context, "spanId"))),
        None if parent in _NO_PARENT else parent,
        text(given.get("name"), "span"),
        nanoseconds(member(given, "startTimeUnixNano") or given.get("startTime")),
        nanoseconds(member(given, "endTimeUnixNano") or given.get("endTime")),
        text(member(status, "code")) in _ERROR or attributes.get("langfuse.observation.level") == "ERROR",
        text(member(status, "message")) or text(attributes.get("langfuse.observation.status_message")),
        attributes,
        objects(given.get("events")),
    )


def drafts_of(span: Span, given: Object) -> list[TraceDraft]:
    """Return the trace that a span is, and below it its errors."""
    attributes, cut = sanitise(span.attributes)
    others = [_event(event) for event in span.events if event.get("name") != "exception"]
    mapped = map_span(span.name, attributes, others, failed=span.failed)
    metadata = _metadata(span, given, mapped, attributes, others)
    if cut:
        metadata["truncated"] = {**metadata.get("truncated", {}), **cut}
    draft = TraceDraft(
        mapped.trace_type, span.id, span.parent_id, False, tuple(clean_name(tag) for tag in mapped.tags), metadata,
        span.start // 1_000_000, None if not span.end else max(span.end, span.start) // 1_000_000,
        None if not span.end else "error" if span.failed else "ok", not span.end,
    )  # fmt: skip
    return [draft, *_errors(span)]


def _event(event: Object) -> Object:
    return {
        "name": event.get("name"),
        "time_ns": nanoseconds(member(event, "timeUnixNano")),
        **attribute_map(event.get("attributes")),
    }


def _metadata(
    span: Span, given: Object, mapped: Mapped, attributes: Object, others: list[Object]
) -> dict[str, Any]:
    times = {"start_ns": span.start, "end_ns": span.end or None}
    metadata: dict[str, Any] = {
        "name": span.name, **mapped.metadata,
        "ext": {"system": "otel", "trace_id": span.trace_id, "span_id": span.id, **times},
        "source": {"format": FORMAT, "native_id": span.id},
    }  # fmt: skip
    dropped = member(given, "droppedAttributesCount")
    if dropped:
        metadata["truncated"] = {"attributes": dropped}
    if attributes:
        metadata["attributes"] = attributes
    if others:
        metadata["events"] = others
    links = [_link(link) for link in objects(given.get("links"))]
    if links:
        metadata["links"] = links
    return sanitise(metadata)[0]  # type: ignore[no-any-return]


def _link(link: Object) -> dict[str, ValueLike]:
    return {
        "type": "span",
        "run_id": text(member(link, "traceId")),
        "trace_id": text(member(link, "spanId")),
    }


def _errors(span: Span) -> list[TraceDraft]:
    """Return the exceptions of a span as Error children; a failed span without any gets one from its status."""
    found = [
        _exception(span, number, event)
        for number, event in enumerate(span.events)
        if event.get("name") == "exception"
    ]
    if span.failed and not found:
        kind = text(span.attributes.get("error.type"), "StatusError")
        error = Error(kind, span.message or "the span's status is an error", recoverable=False)
        found.append(_error_below(span, "status", error, span.end or span.start, None))
    return found


def _exception(span: Span, number: int, event: Object) -> TraceDraft:
    given = attribute_map(event.get("attributes"))
    error = Error(
        text(given.get("exception.type"), "Exception"),
        text(given.get("exception.message")),
        recoverable=False,
    )
    stack = text(given.get("exception.stacktrace"))
    when = nanoseconds(member(event, "timeUnixNano")) or span.end or span.start
    return _error_below(span, str(number), error, when, {"stack": sanitise(stack)[0]} if stack else None)


def _error_below(span: Span, mark: str, error: Error, when_ns: int, metadata: ValueLike) -> TraceDraft:
    when = when_ns // 1_000_000
    return TraceDraft(
        error, clean_name(f"{span.id}#{mark}"), span.id, metadata=metadata, timestamp=when, end_ms=when
    )
