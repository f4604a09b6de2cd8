"""One informative, printable line for a trace, and the letter of its type.

Shared by the explorer's rows, the command line's trees and the sentences of analyses. The line says what tells
this trace from its neighbours: a tool with the argument that varies, a thought's text, the option chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from tracetui.errors import TraceTuiError
from tracetui.model.text import first_line, printable
from tracetui.model.trace import Trace
from tracetui.model.trace_type import Custom, Decision, Error, Query, Thought, ToolCall
from tracetui.model.value import Value, dumps

MAX_LENGTH = 400
DAMAGED = "(damaged)"

_LETTERS = ("T", "?", "Q", ".", "!", "*")
_CUSTOM_LETTERS = {"LLM": "M", "Agent": "A", "Turn": "U"}
_TELLING = (
    "command", "cmd", "file_path", "path", "notebook_path", "pattern", "query", "url", "code", "expression",
    "subject", "description", "prompt", "question", "name", "input", "text", "q", "skill", "id",
)  # fmt: skip
_TEXTS = ("text", "content", "output", "message", "prompt", "summary", "title", "input", "response", "answer")

_OF_MESSAGES = frozenset((*_TEXTS, "role", "parts", "messages", "choices", "generations", "tool_calls"))
"""Keys of outputs that are messages, or lists of them."""


def letter(code: int, type_name: str) -> str:
    """Return the letter of a kind; custom traces of tracetui's own names have letters of their own.

    >>> letter(0, "ToolCall"), letter(5, "LLM"), letter(5, "Checkpoint")
    ('T', 'M', '*')
    """
    return _CUSTOM_LETTERS.get(type_name, "*") if code == 5 else _LETTERS[code]


def summary(trace: Trace, folder: str = "") -> str:
    """Return the line; paths below ``folder`` (the run's own) are shown relative to it.

    Never raises: a damaged body gives "(damaged)". At most 400 characters.
    """
    try:
        return printable(_line(trace, folder.rstrip("/"))[:MAX_LENGTH])
    except TraceTuiError:
        return f"{printable(trace.type_name)} {DAMAGED}"


def _line(trace: Trace, folder: str) -> str:
    kind = trace.trace_type
    if isinstance(kind, ToolCall):
        return f"{kind.tool_name} {_argument(kind.arguments, folder)}".rstrip()
    if isinstance(kind, Thought):
        return first_line(kind.content) or "(empty thought)"
    if isinstance(kind, Decision):
        return f"{first_line(kind.question)} → {first_line(kind.chosen)}"
    if isinstance(kind, Query):
        found = "" if kind.results_count is None else f" ({kind.results_count} results)"
        return f"{kind.query_type} {_relative(first_line(kind.query), folder)}{found}"
    if isinstance(kind, Error):
        return f"{kind.error_type}: {first_line(kind.message)}"
    return _custom(kind, trace.metadata, folder)


def _argument(arguments: Any, folder: str) -> str:
    """Return the argument that tells one call from another: the one whose name usually varies."""
    if isinstance(arguments, str):
        return _relative(first_line(arguments), folder)
    if not isinstance(arguments, Mapping):
        return "" if arguments in (None, [], ()) else dumps(arguments)[:MAX_LENGTH]
    for name in _TELLING:
        value = arguments.get(name)
        if isinstance(value, str) and value.strip():
            return _relative(first_line(value) or value.strip(), folder)
    scalars = [
        f"{name}={_relative(str(value), folder)}"
        for name, value in arguments.items()
        if isinstance(value, (str, int, float)) and str(value)
    ]
    if not scalars:
        held = [
            (name, value) for name, value in arguments.items() if isinstance(value, (list, dict)) and value
        ]
        return ", ".join(f"{name}: {len(value)}" for name, value in held[:3])
    return first_line(" ".join(scalars[:3]))


def _relative(text: str, folder: str) -> str:
    return text.replace(folder + "/", "") if folder and folder in text else text


def _custom(kind: Custom, metadata: Value, folder: str) -> str:
    name = metadata.get("name") if isinstance(metadata, dict) else None
    data = kind.data
    if name is None and isinstance(data, dict):
        name = data.get("name")
    if kind.name == "LLM":
        return _model_call(data, metadata, name)
    told = name if isinstance(name, str) and name else _text(data)
    told = _relative(first_line(told), folder)
    if kind.name in _CUSTOM_LETTERS or told == kind.name:
        return told or kind.name
    return f"{kind.name} {told}".rstrip()


def _model_call(data: Any, metadata: Value, name: object) -> str:
    """Return the tools that the model chose, else the head of what it said, else its name."""
    output = data.get("output", data) if isinstance(data, dict) else data
    tools = tools_called(data)
    if tools:
        return f"→ {_counted(tools)}"
    model = metadata.get("model") if isinstance(metadata, dict) else None
    return first_line(_text(output)) or _structured(data) or str(model or name or "model")


def output_line(trace: Trace) -> str:
    """Return the first line of what a step is recorded to have given back, printable; "" if nothing is, or only messages."""
    try:
        data = trace.trace_type.data if isinstance(trace.trace_type, Custom) else None
    except TraceTuiError:
        return ""
    output = data.get("output") if isinstance(data, dict) else None
    return printable((first_line(output) if isinstance(output, str) else _structured(data))[:MAX_LENGTH])


def _structured(data: Any) -> str:
    """Return an output that has a shape of its own and is no message, as JSON."""
    output = data.get("output") if isinstance(data, dict) else None
    if not isinstance(output, dict) or not output or not _OF_MESSAGES.isdisjoint(output):
        return ""
    return dumps(output)[:MAX_LENGTH]


def _counted(names: list[str]) -> str:
    """Return names, those in a row once: "Read ×6, Grep"."""
    told = []
    for name, row in groupby(names):
        number = sum(1 for _ in row)
        told.append(f"{name} ×{number}" if number > 1 else name)
    return ", ".join(told[:6]) + (" …" if len(told) > 6 else "")


def tools_called(data: Any) -> list[str]:
    """Return the names of the tools that a model call chose, from its data."""
    return _tools(data) or _tools(data.get("output", data) if isinstance(data, dict) else data)


def _tools(value: Any) -> list[str]:
    """Return the names of tools called in a message, in any of the usual shapes."""
    if isinstance(value, dict):
        calls = value.get("tool_calls") or value.get("tools_called") or ()
        if not calls and value.get("type") in ("tool_use", "tool_call", "function_call"):
            calls = [value]
        if not calls:
            parts = value.get("parts") or value.get("content")
            return _tools(parts) if isinstance(parts, list) else []
        return [found for call in calls if (found := _tool_name(call))] if isinstance(calls, list) else []
    if isinstance(value, list):
        return [tool for part in value[:50] for tool in _tools(part)]
    return []


def _tool_name(call: Any) -> str:
    if isinstance(call, str):
        return call
    if not isinstance(call, dict):
        return ""
    function = call.get("function")
    named = (
        call.get("name")
        or call.get("tool_name")
        or (function.get("name") if isinstance(function, dict) else "")
    )
    return named if isinstance(named, str) else ""


def _text(value: Any, depth: int = 0) -> str:
    """Return the first text in a value that a reader would call its text."""
    if isinstance(value, str):
        return value
    if depth > 5:
        return ""
    if isinstance(value, dict):
        for name in _TEXTS:
            if name in value and (found := _text(value[name], depth + 1)):
                return found
        parts = value.get("parts")
        return _text(parts, depth + 1) if isinstance(parts, list) else ""
    if isinstance(value, list):
        for part in value[:20]:
            if found := _text(part, depth + 1):
                return found
    return ""
