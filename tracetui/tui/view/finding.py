"""Finding traces by text or query, a piece at a time, so that first hits show at once and a worker can be left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tracetui.errors import TraceTuiError
from tracetui.model.trace import Trace, fields_of
from tracetui.storage.backend import RunView

PIECE = 500
"""Traces looked at between two looks at whether to go on."""


def pattern_of(text: str, *, is_regex: bool) -> re.Pattern[str]:
    """Return what to look for: literal text or a regular expression; letters in upper case make case matter.

    :raises re.error: if the expression is none.
    """
    flags = re.IGNORECASE if text == text.lower() else re.NOFLAG
    return re.compile(text if is_regex else re.escape(text), flags)


def find_text(view: RunView, pattern: re.Pattern[str], start: int = 0) -> Iterator[list[int]]:
    """Yield the seqs whose visible text matches, in lists, one for every piece of the run."""
    count = view.count
    for first in range(start, count, PIECE):
        yield [seq for seq in range(first, min(first + PIECE, count)) if _matches(view.trace(seq), pattern)]


def _matches(trace: Trace, pattern: re.Pattern[str]) -> bool:
    try:
        return any(pattern.search(text) for text in texts_of(trace))
    except TraceTuiError:
        return False


def texts_of(trace: Trace) -> Iterator[str]:
    """Yield every text of a trace that a person can see."""
    yield trace.type_name
    yield trace.id
    yield from trace.tags
    stack: list[Any] = [*fields_of(trace).values(), trace.metadata]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield repr(value)
