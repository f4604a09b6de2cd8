"""Finding traces by text or query, a piece at a time, so that first hits show at once and a worker can be left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.errors import TraceTuiError
from tracetui.model.trace import Trace
from tracetui.querying.patterns import Bounded, literal_pattern
from tracetui.querying.sifting import Sieve, of_pattern, sift
from tracetui.querying.texts import texts_of
from tracetui.storage.backend import RunView

pattern_of = literal_pattern
PIECE = 500
"""Traces looked at between two looks at whether to go on."""


def find_text(view: RunView, pattern: Bounded, start: int = 0) -> Iterator[list[int]]:
    """Yield the seqs whose visible text matches, in lists, one for every piece of the run.

    Bodies that do not hold the text which every match needs are not decoded.
    """
    count = view.count
    sieve = of_pattern(pattern)
    for first in range(start, count, PIECE):
        seqs = range(first, min(first + PIECE, count))
        if sieve is None:
            yield [seq for seq in seqs if matches_text(view.trace(seq), pattern)]
        else:
            yield _found(view, seqs, sieve, pattern)


def _found(view: RunView, seqs: Sequence[int], sieve: Sieve, pattern: Bounded) -> list[int]:
    """Return the traces that match: by type name or tags, by bytes that say so, by bodies that may hold it."""
    sifted = sift(view, seqs, sieve)
    names = [pattern.search(name) for name in view.type_names]
    return [
        seq
        for seq in seqs
        if seq in sifted.surely
        or names[view.types[seq]]
        or any(map(pattern.search, view.tags_of(seq)))
        or (seq in sifted.may and matches_text(view.trace(seq), pattern))
    ]


def matches_text(trace: Trace, pattern: Bounded) -> bool:
    """Whether a text that a trace shows matches; one that cannot be read does not."""
    try:
        return any(pattern.search(text) for text in texts_of(trace))
    except TraceTuiError:
        return False
