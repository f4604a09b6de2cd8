"""What a filter and a search find of a run as of a moment. Pure.

What had ended is as it is now, so the hits of now hold for it; only what ran is asked again. Relations and loops
are those of the whole run: asking them again would cost the run at every step.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.querying.ast import Query, Related, Term, parts
from tracetui.querying.grammar import parse
from tracetui.querying.patterns import Bounded
from tracetui.tui.view.filtering import matching
from tracetui.tui.view.finding import matches_text
from tracetui.tui.view.past import Past, as_view


def matches_then(past: Past, text: str, matches: set[int], now_ms: int) -> set[int]:
    """Return the traces that a query finds as of a moment, of those that it finds now."""
    there = set(past.moments.there(matches))
    if not is_of_one_trace(parse(text, stages=False)):
        return there
    return there.difference(past.running).union(matching(as_view(past), text, past.running, now_ms))


def is_of_one_trace(query: Query) -> bool:
    """Whether a trace alone says whether a query finds it.

    >>> [is_of_one_trace(parse(text)) for text in ("status:error", "has:type:Error", "-loop:true")]
    [True, False, False]
    """
    if query.where is None:
        return True
    return not any(
        isinstance(part, Related) or (isinstance(part, Term) and part.field.name == "loop")
        for part in parts(query.where)
    )


def hits_then(past: Past, pattern: Bounded | None, hits: Sequence[int]) -> list[int]:
    """Return those hits of a search that it finds as of a moment, in order."""
    there = past.moments.there(hits)
    running = frozenset(past.running)
    return [
        seq
        for seq in there
        if seq not in running or (pattern is not None and matches_text(past.trace(seq), pattern))
    ]
