"""What a message says, whatever its shape: who speaks, and the parts it is made of.

Read are the shapes that models are given and answer in: a plain text, chat messages with ``content`` and
``tool_calls``, content blocks (``text``, ``thinking``, ``tool_use``, ``tool_result``), the parts of OpenTelemetry's
GenAI conventions, and the messages of LangChain. What is in none of them is told as JSON: nothing is left out.
Pure; linear in the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tracetui.model.value import dumps

PartKind = Literal["text", "thinking", "call", "result", "other"]
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}
_KINDS: dict[str, PartKind] = {
    "thinking": "thinking", "reasoning": "thinking", "redacted_thinking": "thinking", "tool_use": "call",
    "tool_call": "call", "function_call": "call", "tool_result": "result", "tool_call_response": "result",
    "function_call_output": "result", "function_response": "result",
}  # fmt: skip
_TEXTS = ("text", "content", "thinking", "reasoning", "summary")
_RESULTS = ("result", "content", "output", "response")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message; ``name`` is the tool of a call or result, "" where it is not told."""

    kind: PartKind
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message: ``role`` is "system", "user", "assistant", "tool" or what the recording calls it, "" if nothing."""

    role: str
    parts: tuple[Part, ...]

    def text(self) -> str:
        """Return all of it as one text."""
        return "\n".join(f"{part.name} {part.text}".strip() for part in self.parts)


def said(message: Any) -> Said:
    """Return what a message says.

    >>> said({"role": "user", "content": "Fix it"})
    Said(role='user', parts=(Part(kind='text', text='Fix it', name=''),))
    >>> said({"role": "assistant", "tool_calls": [{"function": {"name": "ls", "arguments": "{}"}}]}).parts
    (Part(kind='call', text='{}', name='ls'),)
    """
    if not isinstance(message, dict):
        return Said("", tuple(_parts(message)))
    for inner in ("data", "kwargs", "message"):  # LangChain, serialised in two ways; a wrapped message
        if isinstance(message.get(inner), dict) and "content" not in message and "parts" not in message:
            message = {"type": message.get("type"), **message[inner]}
    role = message.get("role") or message.get("type") or ""
    role = _ROLES.get(str(role), str(role))
    parts = list(_message_parts(message))
    if role == "tool":
        name = str(message.get("name") or "")
        parts = [Part("result", part.text, part.name or name) for part in parts]
    return Said(role, tuple(parts))


def answers(output: Any) -> list[Said]:
    """Return what a model call answered: its output is a text, a message, or a list of messages or parts."""
    if output is None:
        return []
    if isinstance(output, list) and all(isinstance(item, dict) and _is_message(item) for item in output):
        return [said(item) for item in output]
    return [Said("assistant", said(output).parts)]


def _is_message(item: dict[str, Any]) -> bool:
    return "role" in item or "parts" in item or "message" in item or "tool_calls" in item


def _message_parts(message: dict[str, Any]) -> Iterator[Part]:
    content = next((message[key] for key in ("content", "parts", "text") if message.get(key)), None)
    calls = message.get("tool_calls")
    if message.get("type") in _KINDS and "role" not in message:
        yield from _parts(message)
        return
    yield from _parts(content)
    if isinstance(calls, list):
        for call in calls:
            yield _call(call)
    elif content is None and not any(key in message for key in ("content", "parts")):
        yield Part("other", dumps({key: value for key, value in message.items() if key != "role"}))


def _parts(content: Any) -> Iterator[Part]:
    if content is None or content == "":
        return
    if isinstance(content, str):
        yield Part("text", content)
    elif isinstance(content, list):
        for part in content:
            yield from _parts(part)
    elif isinstance(content, dict):
        yield _part(content)
    else:
        yield Part("other", dumps(content))


def _part(part: dict[str, Any]) -> Part:
    kind = _KINDS.get(str(part.get("type", "")), "text")
    if kind == "call":
        return _call(part)
    if kind == "result":
        value = next((part[key] for key in _RESULTS if part.get(key) is not None), None)
        return Part("result", _plain(value), str(part.get("name") or ""))
    for key in _TEXTS:
        if isinstance(part.get(key), str):
            return Part(kind, part[key])
    return Part("other", dumps(part))


def _call(call: Any) -> Part:
    if isinstance(call, str):
        return Part("call", "", call)
    if not isinstance(call, dict):
        return Part("call", dumps(call))
    inner = _inner(call, "tool_call")
    function = _inner(inner, "function")
    name = function.get("name") or function.get("tool_name") or ""
    given = next(
        (function[key] for key in ("arguments", "input", "args") if function.get(key) is not None), None
    )
    return Part("call", "" if given is None else _plain(given), str(name))


def _inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else value


def _plain(value: Any) -> str:
    """Return a text as it is, a list of text parts as their texts, all else as JSON."""
    if isinstance(value, str):
        return value
    if (
        isinstance(value, list)
        and value
        and all(isinstance(part, dict) and part.get("type") == "text" for part in value)
    ):
        return "\n".join(str(part.get("text", "")) for part in value)
    return "" if value is None else dumps(value)
