"""Finding traces by text or query, a piece at a time, so that first hits show at once and a worker can be left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracetui.errors import TraceTuiError
from tracetui.model.trace import Trace
from tracetui.querying.texts import literal_pattern, texts_of
from tracetui.storage.backend import RunView

pattern_of = literal_pattern
PIECE = 500
"""Traces looked at between two looks at whether to go on."""


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
