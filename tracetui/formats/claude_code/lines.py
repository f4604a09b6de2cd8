"""The pieces of a transcript's line: its texts, times, usage, and what kind of saying it is. Pure functions."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple

from tracetui.formats.sanitise import clean_name

FORMAT = "claude-code"
Line = dict[str, Any]

INTERRUPT = "[Request interrupted by user"
COMMAND = re.compile(r"\s*<(?:command-|local-command-|bash-|task-notification|system-reminder)")
ENVELOPE = frozenset({
    "type", "uuid", "parentUuid", "timestamp", "sessionId", "version", "gitBranch", "userType", "isSidechain", "cwd",
    "slug",
})  # fmt: skip
"""Keys that every line has and that say nothing about it."""

_MARKUP = re.compile(r"</?[a-z_-]+>")
_NOTICE = re.compile(r"\s*<task-notification>(.*?)(?:</task-notification>|\Z)", re.DOTALL)
_NOTICE_STATUS = {"completed": "ok", "failed": "error"}


def source_of(number: int, native: str) -> dict[str, Any]:
    """Return the metadata that say where a record came from."""
    return {"source": {"format": FORMAT, "line": number, "native_id": native}}


def milliseconds(stamp: object) -> int | None:
    """Return an ISO time as milliseconds since the epoch, None if it is none.

    >>> milliseconds("1970-01-01T00:00:01.500Z")
    1500
    """
    if not isinstance(stamp, str):
        return None
    try:
        return round(datetime.fromisoformat(stamp).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def uuid_of(line: Line, number: int) -> str:
    """Return the line's own id, else one made of its number."""
    uuid = line.get("uuid")
    return clean_name(uuid) if isinstance(uuid, str) and uuid else f"line-{number}"


def data_of(line: Line) -> Line:
    """Return the line's ``data`` if it is an object, else an empty one."""
    data = line.get("data")
    return data if isinstance(data, dict) else {}


def message_of(line: Line) -> Line:
    """Return the line's ``message`` if it is an object, else an empty one."""
    message = line.get("message")
    return message if isinstance(message, dict) else {}


def content_of(line: Line) -> list[Any]:
    """Return the blocks of the line's message; a text alone is one block."""
    content = message_of(line).get("content")
    if isinstance(content, list):
        return content
    return [] if content is None else [content]


def text_of(content: Any) -> str:
    """Return the text of content blocks, whatever else is among them left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return text_of(content.get("text") or content.get("message") or content.get("content"))
    if isinstance(content, list):
        return "\n".join(part for block in content if (part := text_of(block)))
    return ""


def without_markup(text: str, instead: str = "") -> str:
    """Return the text without the tags that the program puts around what it says."""
    return _MARKUP.sub(instead, text)


def usage_of(usage: Any) -> dict[str, int]:
    """Return usage by our names; cached tokens are a subset of the input."""
    if not isinstance(usage, dict):
        return {}

    def count(key: str) -> int:
        value = usage.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    cached, written = count("cache_read_input_tokens"), count("cache_creation_input_tokens")
    return {
        "input": count("input_tokens") + cached + written, "output": count("output_tokens"), "cached_input": cached,
        "cache_write": written,
    }  # fmt: skip


class Notice(NamedTuple):
    """What the program says when a subagent in the background ended."""

    agent: str
    call: str
    status: str
    result: str


def notice_in(text: str) -> Notice | None:
    """Return what a ``<task-notification>`` says, None if the text is none.

    >>> notice_in("<task-notification><task-id>a1</task-id><status>failed</status></task-notification>")
    Notice(agent='a1', call='', status='error', result='')
    """
    found = _NOTICE.match(text)
    if not found:
        return None
    status = _inside(found[1], "status")
    return Notice(
        _inside(found[1], "task-id"), _inside(found[1], "tool-use-id"), _NOTICE_STATUS.get(status, "cancelled"),
        _inside(found[1], "result") or _inside(found[1], "summary"),
    )  # fmt: skip


def _inside(text: str, tag: str) -> str:
    """Return what stands in an element, "" if there is none."""
    _, found, rest = text.partition(f"<{tag}>")
    return rest.partition(f"</{tag}>")[0].strip() if found else ""
