"""Filters of the explorer: the query language, applied to the columns of one run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracetui.analysis.asking import surroundings
from tracetui.errors import QueryError
from tracetui.querying import execute
from tracetui.querying.grammar import parse
from tracetui.storage.backend import RunView


def check(text: str) -> QueryError | None:
    """Return what is wrong with a query, None if nothing is."""
    try:
        parse(text, stages=False)
    except QueryError as problem:
        return problem
    return None


def matches(view: RunView, text: str, now_ms: int) -> Iterator[list[int]]:
    """Yield the seqs that match, in lists, first ones soon.

    :raises QueryError: if the query cannot be understood.
    """
    return execute.execute_in_pieces(view, parse(text, stages=False), around=surroundings(now_ms))


def matching(view: RunView, text: str, seqs: Iterable[int], now_ms: int) -> list[int]:
    """Return those of the seqs that match."""
    return execute.matches(view, parse(text, stages=False), list(seqs), around=surroundings(now_ms))
