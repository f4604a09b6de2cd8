"""A run along one of its indices, a page at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tracetui.storage.backend import NO_TIME, Index, Page
from tracetui.storage.state.tail import Tail


def page(
    tail: Tail,
    index: Index,
    key: str | None,
    after: tuple[int, int] | None,
    lo: int | None,
    hi: int | None,
    limit: int | None,
) -> Page:
    """Return a part of an index: the traces after a cursor, which is (timestamp, seq) of the last one."""
    with tail.lock:
        found = _seqs(tail, index, key, lo, hi)
        if after is not None:
            found = _rest(tail, found, index, after)
        cut = found if limit is None else found[:limit]
        items = tail.moment().traces(cut)
        if len(cut) == len(found):
            return Page(items, None)
        last = cut[-1] if cut else -1
        return Page(items, (tail.timestamps[last] if cut else 0, last))


def _seqs(tail: Tail, index: Index, key: str | None, lo: int | None, hi: int | None) -> Sequence[int]:
    """Return the traces of an index, in its order."""
    if (
        index is Index.PARENT
    ):  # first: its answers are the shortest, so that the way to them is most of their cost
        parent = tail.seq_of(key or "")
        return () if parent is None else tail.links.children(parent)
    if index is Index.ALL:
        return range(tail.count)
    if index is Index.ROOTS:
        return tail.roots()
    if index is Index.TIME:
        return tail.by_time(NO_TIME if lo is None else lo, 2**63 if hi is None else hi)
    if index is Index.TYPE:
        return tail.by_type(key or "")
    return tail.by_tag(key or "")


def _rest(tail: Tail, seqs: Sequence[int], index: Index, after: tuple[int, int]) -> Sequence[int]:
    at = bisect_left(seqs, after[1])
    if index is Index.TIME:
        at = bisect_left(seqs, after, key=lambda seq: (tail.timestamps[seq], seq))
    return seqs[at + 1 :] if at < len(seqs) and seqs[at] == after[1] else seqs[at:]
