r"""What two runs of the same work never share, taken out of values before they are compared.

Ids of calls, hexadecimal addresses and digests, folders for passing files: out of everything. What an agent got
back also loses moments and durations; what it chose keeps them, since a wrong date in a call is a real
difference. Keys that only machines fill (``call_id``, ``timestamp``, ``duration_ms`` …) go wherever they stand.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_TEXT = 1 << 20
"""Characters of canonical text that are looked through; what follows counts as it stands."""

MACHINE_KEYS = frozenset({
    "callid", "toolcallid", "tooluseid", "requestid", "responseid", "sessionid", "conversationid", "traceid", "spanid",
    "runid", "messageid", "uuid", "nonce", "pid", "traceparent", "tracestate", "timestamp", "ts", "createdat",
    "updatedat", "startedat", "endedat", "finishedat", "completedat", "duration", "durationms", "durationseconds",
    "elapsed", "elapsedms", "latency", "latencyms", "totaldurationms", "signature",
})  # fmt: skip
"""Keys that are left out of every value, written without "_" and "-" in lower case."""

_TOLD = frozenset({"command", "cmd", "prompt", "code"})
"""Beside one of these a ``description`` only tells it again, in other words each time."""

_MAYBE = re.compile(
    r'"(?:[A-Za-z_-]*(?:id|at|ms)|uuid|nonce|timestamp|ts|duration\w*|elapsed|latency|signature|trace\w+|description)":',
    re.IGNORECASE,
)
_BEGIN, _END = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))", r"(?![0-9A-Za-z])"
_IDS = (
    rf"{_BEGIN}(?:"
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|0x[0-9a-fA-F]{4,}"
    r"|(?:call|toolu|msg|req|resp|chatcmpl|gen|rs|fc|run|trace)[_-](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{8,}"
    r"|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}"
    rf"){_END}"
    r"|(?<=/tmp/)(?:tmp[\w.-]*|[\w.-]*\d[\w.-]*)"
)
_MOMENTS = (
    rf"{_BEGIN}(?:"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|1[4-9]\d{11}(?:\d{3}){0,2}"
    r"|\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?)"
    r"|pid[ =:]{1,2}\d+"
    rf"){_END}"
)
_DIGIT = re.compile(r"\d|/tmp/|[a-f]{8}")
_CHOSEN = re.compile(_IDS)
_RECEIVED = re.compile(f"{_MOMENTS}|{_IDS}")


def steady(text: str, *, received: bool = False) -> str:
    """Return a text with what changes from run to run replaced by "#"; moments too, where it was received.

    >>> steady("wrote /tmp/tmpab12/x.py as 5f3a9c01d2"), steady("Ran 3 tests in 0.002s", received=True)
    ('wrote /tmp/#/x.py as #', 'Ran 3 tests in #')
    """
    if not _DIGIT.search(text):
        return text
    pattern = _RECEIVED if received else _CHOSEN
    return pattern.sub("#", text[:MAX_TEXT]) + text[MAX_TEXT:]


def canonical(value: Any, *, received: bool = False) -> str:
    """Return the one text of all values that differ only in what is volatile, and in the order of keys.

    >>> canonical({"b": 1, "a": "x", "call_id": "call_9"}) == canonical({"a": "x", "b": 1})
    True
    """
    text = _written(value)
    if _MAYBE.search(text):
        text = _written(without_machine_keys(value))
    return steady(text, received=received)


def without_machine_keys(value: Any) -> Any:
    """Return a copy without the keys that only machines fill, at any depth; no recursion."""
    holder: list[Any] = [value]
    pending: list[tuple[Any, Any]] = [(holder, 0)]
    while pending:
        container, key = pending.pop()
        part = container[key]
        if isinstance(part, dict):
            told = not _TOLD.isdisjoint(part)
            part = {name: item for name, item in part.items() if not _is_volatile(name, told)}
            pending.extend((part, name) for name in part)
        elif isinstance(part, list):
            part = list(part)
            pending.extend((part, index) for index in range(len(part)))
        container[key] = part
    return holder[0]


def _is_volatile(name: str, told: bool) -> bool:
    plain = name.replace("_", "").replace("-", "").lower()
    return plain in MACHINE_KEYS or (told and plain == "description")


def _written(value: Any) -> str:
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=repr)
