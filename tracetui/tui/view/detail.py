"""What the detail pane says of a trace: every field, where it stands, and for an error what came before it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracetui.analysis.before import just_before
from tracetui.analysis.prices import estimated_cost
from tracetui.analysis.summary import letter
from tracetui.analysis.verdict import path_of
from tracetui.errors import TraceTuiError
from tracetui.model.review import MARK, WITHDRAWS
from tracetui.model.text import printable
from tracetui.model.trace import Trace
from tracetui.model.trace_type import (
    DECISION,
    ERROR,
    THOUGHT,
    TOOL_CALL,
    Custom,
    Decision,
    Error,
    Query,
    Thought,
    ToolCall,
)
from tracetui.render.figures import cost, count, date, duration, offset
from tracetui.tui.view.document import Document
from tracetui.tui.view.run_model import RunModel

TABS = ("Detail", "Context", "Raw", "Notes")
_RESERVED = frozenset({"usage", "cost", "model", "provider", "name"})
CONTEXT_STEPS = 40


def detail(model: RunModel, seq: int, tab: str = "Detail") -> Document:
    """Return the document of a trace for a tab; damaged parts are said where they are."""
    trace = model.trace(seq)
    document = Document()
    try:
        if tab == "Raw":
            document.add_value("", trace.to_json())  # type: ignore[arg-type]
        elif tab == "Notes":
            _notes(model, trace, document)
        elif tab == "Context":
            _context(model, seq, trace, document)
        else:
            _head(model, trace, document)
            _body(model, seq, trace, document)
    except TraceTuiError as problem:
        document.heading("damaged")
        document.add(str(problem), "error text")
    return document


def title(model: RunModel, seq: int) -> list[tuple[str, str]]:
    """Return the pane's first line: kind, status, offset."""
    view = model.view
    status = ("open", "ok", "error", "cancelled")[view.statuses[seq]]
    kind = letter(view.kinds[seq], model.type_name(seq))
    role = {"error": "failed text", "open": "open text"}.get(status, "dim")
    when = offset(view.timestamps[seq] - model.start_ms) if model.has_times else f"step {seq + 1}"
    return [
        (f" {kind} ", "letter other"),
        (f"{printable(model.type_name(seq))} ", "heading"),
        (f" {status} ", role),
        (f" {when}", "time"),
    ]


def _head(model: RunModel, trace: Trace, document: Document) -> None:
    parts = []
    if model.has_times:
        parts.append(date(trace.timestamp))
    own = trace.duration_ms
    if own is not None:
        parts.append(duration(own))
    parts.append(f"seq {trace.seq}")
    document.add("  ".join(parts), "dim")
    if trace.tags:
        document.add(", ".join(trace.tags), "tag", label="tags")
    if trace.parent_missing:
        document.add(f"parent {trace.parent_id or '(lost to damage)'} was not received", "warning")
    if trace.status == "open":
        said = {"LIVE": "still running", "LOST": "its process died while it ran"}.get(
            model.verdict.label, "never ended"
        )
        document.add(f"open: {said}", "warning")
    metadata = trace.metadata
    if isinstance(metadata, dict):
        _usage(metadata, document, estimated_cost(metadata, model.price_of))


def _usage(metadata: Mapping[str, Any], document: Document, estimate: float | None) -> None:
    usage, price = metadata.get("usage"), metadata.get("cost")
    told = []
    if isinstance(metadata.get("model"), str):
        told.append(metadata["model"])
    if isinstance(usage, dict):
        told.extend(
            f"{name.replace('_', ' ')} {count(n)}" for name, n in usage.items() if isinstance(n, (int, float))
        )
    if isinstance(price, dict) and isinstance(price.get("usd"), (int, float)):
        told.append(cost(price["usd"]) + (f" ({price['source']})" if price.get("source") else ""))
    elif estimate:
        told.append(cost(estimate, estimated=True))
    if told:
        document.add(
            "  ".join(told), "dim", label="model" if isinstance(metadata.get("model"), str) else "usage"
        )


def _body(model: RunModel, seq: int, trace: Trace, document: Document) -> None:
    kind = trace.trace_type
    if isinstance(kind, ToolCall):
        _tool(kind, document)
    elif isinstance(kind, Decision):
        _decision(kind, document)
    elif isinstance(kind, Query):
        document.heading(kind.query_type)
        document.add_text("", kind.query)
        if kind.results_count is not None:
            document.add(str(kind.results_count), "number", label="results")
    elif isinstance(kind, Thought):
        document.heading("thought")
        document.add_text("", kind.content)
        if kind.confidence is not None:
            document.add(f"{kind.confidence:g}", "number", label="confidence")
    elif isinstance(kind, Error):
        _error(model, seq, kind, document)
    elif isinstance(kind, Custom):
        document.heading("data")
        document.add_value("", kind.data)  # type: ignore[arg-type]
    if trace.status == "error" and not isinstance(kind, Error):
        _child_errors(model, seq, document)
    _metadata(trace, document)
    if model.view.kinds[seq] in (ERROR, TOOL_CALL) and trace.status == "error":
        _story(model, seq, document)


def _tool(kind: ToolCall, document: Document) -> None:
    document.heading(f"{kind.tool_name}  arguments")
    document.add_value("", kind.arguments)  # type: ignore[arg-type]
    document.heading("result")
    if kind.result is None:
        document.add("(none recorded)", "dim")
    else:
        document.add_value("", kind.result)  # type: ignore[arg-type]


def _decision(kind: Decision, document: Document) -> None:
    document.heading("question")
    document.add_text("", kind.question)
    document.heading("options")
    for option in kind.options:
        chosen = option == kind.chosen
        document.add_text("", ("* " if chosen else "  ") + option, "chosen" if chosen else "text")
    if kind.chosen not in kind.options:
        document.add_text("chosen", kind.chosen, "chosen")
    if kind.reasoning:
        document.heading("reasoning")
        document.add_text("", kind.reasoning)


def _error(model: RunModel, seq: int, kind: Error, document: Document) -> None:
    found = {error.seq: error for error in model.errors.found}.get(seq)
    document.heading(kind.error_type)
    if found is None:
        document.add("told again further in", "dim")
    elif found.recovered:
        document.add("recovered: the run went on", "good")
    else:
        document.add(
            "not recovered" + (", this ended the run" if seq == model.verdict.terminal else ""), "failed text"
        )
    document.add("")
    document.add_text("", kind.message, "error text")


def _child_errors(model: RunModel, seq: int, document: Document) -> None:
    for child in model.view.children(seq):
        if model.view.kinds[child] == ERROR:
            kind = model.trace(child).trace_type
            if isinstance(kind, Error):
                document.heading(f"failed: {kind.error_type}")
                document.add_text("", kind.message, "error text")


def _metadata(trace: Trace, document: Document) -> None:
    metadata = trace.metadata
    if isinstance(metadata, dict):
        rest = {key: value for key, value in metadata.items() if key not in _RESERVED}
        for key, said in (
            ("truncated", "cut when it was recorded"),
            ("redacted", "taken out when it was recorded"),
        ):
            if key in rest:
                document.add(f"{said}: {', '.join(map(str, rest[key]))[:200]}", "warning")  # type: ignore[arg-type]
        metadata = rest or None
    if metadata is not None:
        document.heading("metadata")
        document.add_value("", metadata)


def _story(model: RunModel, seq: int, document: Document) -> None:
    """Add the way from the root to a failure, and what came just before it."""
    path = path_of(model.view, seq)
    if len(path) > 1:
        document.heading("path")
        shown = path if len(path) <= 12 else [*path[:4], -1, *path[-7:]]
        for depth, step in enumerate(shown):
            if step < 0:
                document.add(f"… {len(path) - 11} more", "dim", depth=depth)
            else:
                document.add(_line(model, step), "text", depth=min(depth, 8), seq=step)
    before = just_before(model.view, seq)
    if before.seqs():
        document.heading("just before")
        for other in before.seqs():
            document.add(f"{_ago(model, other, seq)}  {_line(model, other)}", "text", seq=other)
    if before.last_good_call >= 0:
        document.add(
            _ago(model, before.last_good_call, seq), "good", label="last good call", seq=before.last_good_call
        )


def _ago(model: RunModel, seq: int, reference: int) -> str:
    if not model.has_times:
        return f"{reference - seq} steps before"
    timestamps = model.view.timestamps
    return "-" + duration(max(timestamps[reference] - timestamps[seq], 0))


def _line(model: RunModel, seq: int) -> str:
    return f"{letter(model.view.kinds[seq], model.type_name(seq))} {model.summary(seq)}"


def _notes(model: RunModel, trace: Trace, document: Document) -> None:
    mark, notes = model.review.mark(trace.seq), model.review.notes(trace.seq)
    if mark:
        document.add("marked" if mark == "true" else mark, "mark", label="" if mark == "true" else "mark")
    if not notes:
        document.add("no notes on this trace; a leaves one", "dim")
    for note in notes:
        document.heading(date(note.timestamp))
        if note.damaged:
            document.add("this note is damaged and cannot be read", "error text")
        document.add_text("", note.note)
        fields = {name: value for name, value in note.fields.items() if name not in (MARK, WITHDRAWS)}
        if fields:
            document.add_value("fields", fields)


def _context(model: RunModel, seq: int, trace: Trace, document: Document) -> None:
    """Add what a model step was given if it was recorded, else what came before it in its surroundings."""
    kind = trace.trace_type
    given = kind.data.get("input") if isinstance(kind, Custom) and isinstance(kind.data, dict) else None
    if given is not None:
        document.heading("given to the model")
        document.add_value("", given)
        return
    document.heading("before this step")
    shown = 0
    for other in range(seq - 1, max(seq - 2000, -1), -1):
        if model.view.kinds[other] in (THOUGHT, DECISION, TOOL_CALL, ERROR) or model.type_name(other) in (
            "LLM",
            "Turn",
            "Message",
        ):
            document.add(f"{_ago(model, other, seq):>8}  {_line(model, other)}", "text", seq=other)
            shown += 1
        if shown >= CONTEXT_STEPS:
            break
    if not shown:
        document.add("nothing", "dim")
