"""What the detail pane says of a trace: first what a reader came for, then every field, then where it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracetui.analysis.explanation import cause_of
from tracetui.analysis.prices import estimated_cost
from tracetui.analysis.summary import letter, tools_called
from tracetui.errors import TraceTuiError
from tracetui.model.review import MARK, WITHDRAWS
from tracetui.model.text import first_line, printable
from tracetui.model.trace import Trace
from tracetui.model.trace_type import (
    ERROR,
    Custom,
    Decision,
    Error,
    Query,
    Thought,
    ToolCall,
)
from tracetui.render.figures import cost, count, date, duration, offset
from tracetui.tui.view import story
from tracetui.tui.view.context_text import add_context
from tracetui.tui.view.document import Document
from tracetui.tui.view.group_folds import is_group
from tracetui.tui.view.payload import add_arguments, add_payload
from tracetui.tui.view.run_model import RunModel

TABS = ("Detail", "Context", "Raw", "Notes")
_RESERVED = frozenset({"usage", "cost", "model", "provider", "name", "truncated", "redacted"})
_GIVEN = ("input", "messages", "prompt", "system", "tools")
_SAID = ("output", "response", "text", "content", "message", "tool_calls", "tools_called", "answer", "result")
SHORT_MESSAGE = 5
"""Lines up to which an error's message is shown whole at the top."""


def detail(model: RunModel, key: int, tab: str = "Detail") -> Document:
    """Return the document of a row's key for a tab: of a trace, or of a group; damaged parts are said where they are."""
    group = model.group(key) if is_group(key) else None
    seq = key if group is None else group.first
    trace = model.trace(seq)
    document = Document()
    try:
        if tab == "Raw":
            document.add_value("", trace.to_json())  # type: ignore[arg-type]
        elif tab == "Notes":
            _notes(model, trace, document)
        elif tab == "Context":
            add_context(model, trace, document)
        else:
            if group is not None:
                story.add_group(model, group, document)
            _detail(model, seq, trace, document)
    except TraceTuiError as problem:
        document.heading("damaged")
        document.add(str(problem), "error text")
    return document


def title(model: RunModel, key: int) -> list[tuple[str, str]]:
    """Return the pane's first line: kind, status, offset."""
    group = model.group(key) if is_group(key) else None
    if group is not None:
        said = "LOOP" if group.is_loop else "SIDE BY SIDE" if model.fan_of(group.first) else "CALLS"
        return [(" T ", "letter tool"), (f"{said} ", "heading"), (f" {group.calls} calls", "badge loop")]
    view = model.view
    status = ("lost" if model.verdict.label == "LOST" else "open", "ok", "error", "cancelled")[
        view.statuses[key]
    ]
    kind = letter(view.kinds[key], model.type_name(key))
    role = {"error": "failed text", "open": "open text", "lost": "open text"}.get(status, "dim")
    when = offset(view.timestamps[key] - model.start_ms) if model.has_times else f"step {key + 1}"
    name = "ERROR" if view.kinds[key] == ERROR else printable(model.type_name(key))
    return [
        (f" {kind} ", "letter other"),
        (f"{name} ", "heading"),
        ("" if name == "ERROR" else f" {status} ", role),
        (f" {when}", "time"),
    ]


# ---- the detail ------------------------------------------------------------------------------------------


def _detail(model: RunModel, seq: int, trace: Trace, document: Document) -> None:
    _warnings(model, trace, document)
    kind = trace.trace_type
    if isinstance(kind, ToolCall):
        _tool(model, seq, trace, kind, document)
    elif isinstance(kind, Error):
        _error(model, seq, kind, document)
    else:
        _figures(model, trace, document)
        if isinstance(kind, Decision):
            _decision(kind, trace, document)
        elif isinstance(kind, Query):
            _query(kind, document)
        elif isinstance(kind, Thought):
            _thought(kind, document)
        elif isinstance(kind, Custom):
            _custom(kind, document)
        if trace.status == "error":
            _child_errors(model, seq, document)
    _metadata(trace, document)
    if not isinstance(kind, Error):
        story.add_around(model, seq, document)
    _record(model, trace, document)


def _warnings(model: RunModel, trace: Trace, document: Document) -> None:
    """Say first what is wrong with what follows: cut, taken out, not received, open."""
    metadata = trace.metadata
    for key, said in (
        ("truncated", "cut when it was recorded"),
        ("redacted", "taken out when it was recorded"),
    ):
        if isinstance(metadata, dict) and metadata.get(key):
            document.add(f"{said}: {_paths(metadata[key])}"[:400], "warning")
    if trace.parent_missing:
        document.add(f"parent {trace.parent_id or '(lost to damage)'} was not received", "warning")
    if trace.status == "open":
        said = {
            "LIVE": "still running",
            "RUNNING": "was still running",
            "LOST": "its process died while it ran",
        }.get(model.verdict.label, "never ended")
        document.add(f"open: {said}", "warning")


def _paths(marked: Any) -> str:
    if isinstance(marked, Mapping):
        return ", ".join(
            f"{path} ({count(size)} bytes)" if isinstance(size, int) else str(path)
            for path, size in marked.items()
        )
    return ", ".join(map(str, marked)) if isinstance(marked, list) else str(marked)


def _figures(model: RunModel, trace: Trace, document: Document) -> None:
    """Add what the step took: time, model, tokens, cost."""
    if trace.duration_ms:
        document.add(duration(trace.duration_ms), "metric", label="took")
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


def _tool(model: RunModel, seq: int, trace: Trace, kind: ToolCall, document: Document) -> None:
    """Add a call: what failed first, then what was asked and what came of it, then its story."""
    _figures(model, trace, document)
    if trace.status == "error":
        _child_errors(model, seq, document)
    story.add_loop(model, seq, document)
    document.heading(f"{kind.tool_name}  arguments")
    add_arguments(kind.arguments, document)
    document.heading("result")
    if kind.result is None:
        document.add("(none recorded)", "dim")
    else:
        add_payload("", kind.result, document)
    if trace.status == "error":
        story.add_before(model, seq, document)


def _decision(kind: Decision, trace: Trace, document: Document) -> None:
    document.heading("question")
    document.add_text("", kind.question)
    metadata = trace.metadata
    sure = metadata.get("confidence") if isinstance(metadata, dict) else None
    document.heading("options" + (f"   confidence {sure}" if isinstance(sure, (int, float)) else ""))
    for option in kind.options:
        chosen = option == kind.chosen
        document.add_text("", ("* " if chosen else "  ") + option, "chosen" if chosen else "text")
    if kind.chosen not in kind.options:
        document.add_text("chosen", kind.chosen, "chosen")
    if kind.reasoning:
        document.heading("reasoning")
        document.add_text("", kind.reasoning)


def _query(kind: Query, document: Document) -> None:
    document.heading(kind.query_type)
    document.add_text("", kind.query)
    if kind.results_count is not None:
        document.add(
            f"{kind.results_count:,}", "number" if kind.results_count else "warning", label="results"
        )


def _thought(kind: Thought, document: Document) -> None:
    document.heading("thought")
    document.add_text("", kind.content)
    if kind.confidence is not None:
        document.add(f"{kind.confidence:g}", "number", label="confidence")


def _custom(kind: Custom, document: Document) -> None:
    """Add the data of a custom trace: of a model call what it said before what it was given, which is folded."""
    data: Any = kind.data
    if kind.name != "LLM" or not isinstance(data, dict):
        if data is not None:
            document.heading("data")
            add_payload("", data, document)
        return
    tools = tools_called(data)
    if tools:
        document.add(", ".join(tools[:20]), "chosen", label="chose")
    said = {name: data[name] for name in _SAID if data.get(name) not in (None, "", [], {})}
    rest = {name: value for name, value in data.items() if name not in said and name not in _GIVEN}
    for heading, values in (("said", said), ("data", rest)):
        if values:
            document.heading(heading)
            for name, value in values.items():
                add_payload("" if heading == "said" and len(values) == 1 else name, value, document)
    for name in _GIVEN:
        if data.get(name) is not None:
            document.heading(f"given: {name}")
            _folded_value(data[name], document)


def _folded_value(value: Any, document: Document) -> None:
    """Add a value that is folded at first; the tab Context shows it whole."""
    if isinstance(value, (dict, list)) and value:
        document.folded.add(len(document.lines))
    add_payload("", value, document)


# ---- errors ----------------------------------------------------------------------------------------------


def _error(model: RunModel, seq: int, kind: Error, document: Document) -> None:
    """Add an error: whether it ended the run, what it says, the way to it, what came before, where else it was seen."""
    found = next((error for error in model.errors.found if error.seq == seq), None)
    document.add(kind.error_type, "error text")
    if found is None:
        document.add("told again further in", "dim")
    elif found.recovered:
        document.add("recovered: the run went on", "good")
    else:
        document.add(
            "not recovered" + (", this ended the run" if seq == model.verdict.terminal else ""), "failed text"
        )
    document.add("")
    lines = kind.message.split("\n")
    is_short = len(lines) <= SHORT_MESSAGE
    for line in lines if is_short else telling_lines(kind.message):
        document.add(line, "error text")
    if not is_short:
        document.add(f"… the whole message of {len(lines)} lines is below", "dim")
    story.add_path(model, seq, document)
    story.add_before(model, seq, document)
    story.add_seen(model, seq, document)
    if not is_short:
        document.heading("message")
        document.add_text("", kind.message, "error text")


def telling_lines(message: str) -> list[str]:
    r"""Return the lines of a message that tell most: the first with a letter, and the exception that it names last.

    >>> telling_lines("----\ntests exited 1\nTraceback …\nKeyError: 'x'\nFAILED")
    ['tests exited 1', "KeyError: 'x'"]
    """
    first, cause = first_line(message), cause_of(message)
    return [line for line in dict.fromkeys((first, cause if cause not in first else "")) if line]


def _child_errors(model: RunModel, seq: int, document: Document) -> None:
    """Add the errors directly below a failed step, in their telling lines, each a link."""
    for child in model.view.children(seq)[:20]:
        if model.view.kinds[child] == ERROR:
            kind = model.trace(child).trace_type
            if isinstance(kind, Error):
                document.heading(f"failed: {kind.error_type}")
                for line in telling_lines(kind.message) or ["(no message)"]:
                    document.add(line, "error text", seq=child)


# ---- what every trace has --------------------------------------------------------------------------------


def _metadata(trace: Trace, document: Document) -> None:
    metadata = trace.metadata
    if isinstance(metadata, dict):
        metadata = {key: value for key, value in metadata.items() if key not in _RESERVED} or None
    if metadata is not None:
        document.heading("metadata")
        add_payload("", metadata, document)


def _record(model: RunModel, trace: Trace, document: Document) -> None:
    """Add how the trace is recorded: its tags, when, its number and id."""
    document.heading("record")
    if trace.tags:
        document.add(", ".join(trace.tags), "tag", label="tags")
    if model.has_times:
        document.add(date(trace.timestamp), "dim", label="began")
    document.add(f"{trace.seq}", "dim", label="seq")
    document.add(trace.id, "dim", label="id")


def _notes(model: RunModel, trace: Trace, document: Document) -> None:
    mark, notes = model.review.mark(trace.seq), model.review.notes(trace.seq)
    if mark:
        document.add("marked" if mark == "true" else mark, "mark", label="" if mark == "true" else "mark")
    later = len(model.known_review.notes(trace.seq)) - len(notes)
    if later:
        document.add(f"{later} left later than this moment; G goes back to now", "dim")
    elif not notes:
        document.add("no notes on this trace; a leaves one", "dim")
    for note in notes:
        document.heading(date(note.timestamp))
        if note.damaged:
            document.add("this note is damaged and cannot be read", "error text")
        document.add_text("", note.note)
        fields = {name: value for name, value in note.fields.items() if name not in (MARK, WITHDRAWS)}
        if fields:
            document.add_value("fields", fields)
