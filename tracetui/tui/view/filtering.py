"""Filters of the explorer: the query language, applied to the columns of one run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracetui.storage.backend import RunView

PIECE = 2000


def check(text: str) -> str:
    """Return what is wrong with a query, "" if nothing is."""
    raise NotImplementedError(text)


def matches(view: RunView, text: str, now_ms: int) -> Iterator[list[int]]:
    """Yield the seqs that match, in lists, first ones soon."""
    raise NotImplementedError(view, text, now_ms)


def matching(view: RunView, text: str, seqs: Iterable[int], now_ms: int) -> list[int]:
    """Return those of the seqs that match."""
    raise NotImplementedError(view, text, seqs, now_ms)
