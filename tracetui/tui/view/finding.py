"""Finding traces by text or query, a piece at a time, so that first hits show at once and a worker can be left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.errors import TraceTuiError
from tracetui.model.trace import Trace
from tracetui.querying.patterns import Bounded, literal_pattern
from tracetui.querying.reading import Reader
from tracetui.querying.sifting import Sifted, of_pattern, sift
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
    reader = Reader(view)
    named = frozenset() if sieve is None else _named(view, pattern)
    for first in range(start, count, PIECE):
        seqs = range(first, min(first + PIECE, count))
        if sieve is None:
            yield [seq for seq in seqs if matches_text(view.trace(seq), pattern)]
        else:
            yield _found(reader, seqs, sift(view, seqs, sieve), pattern, named)


def _named(view: RunView, pattern: Bounded) -> frozenset[int]:
    """Return the traces whose type name or one of whose tags matches, by the index: each name is looked at once."""
    lists = [view.by_type(name) for name in view.type_names if pattern.search(name)]
    lists += [view.by_tag(tag) for tag in view.tag_counts() if pattern.search(tag)]
    return frozenset().union(*lists)


def _found(
    reader: Reader, seqs: Sequence[int], sifted: Sifted, pattern: Bounded, named: frozenset[int]
) -> list[int]:
    """Return the traces that match: by name, by bytes that say so, by bodies that may hold it."""
    surely = sifted.surely.union(named.intersection(seqs))
    rest = sorted(sifted.may - surely)
    bodies = zip(rest, reader.plain_bodies(rest), strict=True)
    return sorted(surely.union(seq for seq, texts in bodies if any(map(pattern.search, texts))))


def matches_text(trace: Trace, pattern: Bounded) -> bool:
    """Whether a text that a trace shows matches; one that cannot be read does not."""
    try:
        return any(pattern.search(text) for text in texts_of(trace))
    except TraceTuiError:
        return False
