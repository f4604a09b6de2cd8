"""Answering a query over one run: hits in seq order, progressively, and again as the run grows.

Owns the calls that the command line, the explorer and ``search`` use. A generator may be abandoned at any
time; nothing is held that would have to be let go.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tracetui.querying.ast import Expression, Literal, Not, Query, Related, Term, Text, parts
from tracetui.querying.comparing import finder_of
from tracetui.querying.plan import Plan
from tracetui.querying.reading import Surroundings
from tracetui.querying.texts import Hit, hits_in
from tracetui.storage.backend import RunView


def execute(
    view: RunView,
    query: Query,
    now_ms: int | None = None,
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    around: Surroundings | None = None,
) -> Iterator[int]:
    """Yield the seqs that match the query's expression, in seq order, as they are found.

    Stages are not applied here (see ``pipeline``). ``notes`` are texts by trace id, besides the run's own.

    :raises QueryError: if the run cannot answer it, e.g. a time asked of a run without times.
    """
    for piece in execute_in_pieces(view, query, now_ms, notes=notes, around=around):
        yield from piece


def execute_in_pieces(
    view: RunView,
    query: Query,
    now_ms: int | None = None,
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    around: Surroundings | None = None,
) -> Iterator[list[int]]:
    """Yield hits in lists, empty ones too, every few thousand traces: to stop, stop asking."""
    return Plan(view, query, around or surroundings(now_ms, notes)).pieces()


def matches(
    view: RunView,
    query: Query,
    seqs: Sequence[int],
    now_ms: int | None = None,
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    around: Surroundings | None = None,
) -> list[int]:
    """Return those of the seqs that match, in their order: for following, where few traces are new.

    ``touched`` says which others a change may concern.
    """
    return Plan(view, query, around or surroundings(now_ms, notes)).matches(seqs)


def surroundings(now_ms: int | None, notes: Mapping[str, Sequence[str]] | None = None) -> Surroundings:
    """Return surroundings with what was given and defaults for the rest."""
    if now_ms is None:
        return Surroundings(notes=notes or {})
    return Surroundings(now_ms=now_ms, notes=notes or {})


# ---- following -------------------------------------------------------------------------------------------


def touched(view: RunView, query: Query, changed: Iterable[int]) -> list[int]:
    """Return the seqs whose answer may be another since these were added or changed, themselves included.

    Without structural terms that is themselves; ``has:`` adds ancestors, ``under:`` descendants, and so on.
    """
    found = set(changed)
    if query.where is not None:
        found = _touched(view, query.where, found)
    return sorted(seq for seq in found if seq < view.count)


def _touched(view: RunView, expression: Expression, changed: set[int]) -> set[int]:
    found = set(changed)
    for part in parts(expression):
        if isinstance(part, Related):
            found |= _relatives(view, part.relation, _touched(view, part.item, changed))
        elif isinstance(part, Term) and part.field.name == "children":
            found |= {view.parents[seq] for seq in changed if view.parents[seq] >= 0}
        elif isinstance(part, Term) and part.field.name in ("depth", "root"):
            found |= _relatives(view, "under", changed)
    return found


def _relatives(view: RunView, relation: str, seqs: set[int]) -> set[int]:
    """Return those whose answer hangs on these seqs by a relation."""
    parents = view.parents
    found: set[int] = set()
    if relation == "has":
        for seq in seqs:
            node = parents[seq]
            while node >= 0 and node not in found:
                found.add(node)
                node = parents[node]
    elif relation == "child":
        found = {parents[seq] for seq in seqs if parents[seq] >= 0}
    elif relation == "sibling":
        above = {parents[seq] for seq in seqs if parents[seq] >= 0}
        found = {child for parent in above for child in view.children(parent)}
    else:
        pending = list(seqs)
        while pending:
            for child in view.children(pending.pop()):
                if child not in found:
                    found.add(child)
                    if relation == "under":
                        pending.append(child)
    return found


class Following:
    """The hits of a query on a run that grows, kept up by looking only at what a change may concern."""

    def __init__(self, view: RunView, query: Query, around: Surroundings | None = None) -> None:
        self.view, self.query = view, query
        self.around = around or Surroundings()
        self.hits: list[int] = Plan(view, query, self.around).seqs()
        self._held = set(self.hits)

    def update(self, changed: Iterable[int]) -> tuple[list[int], list[int]]:
        """Take in that these seqs are new or changed; return (hits that came, hits that went)."""
        asked = touched(self.view, self.query, changed)
        now = set(Plan(self.view, self.query, self.around).matches(asked))
        came = sorted(now - self._held)
        went = sorted(seq for seq in asked if seq in self._held and seq not in now)
        self._held.update(came)
        self._held.difference_update(went)
        for seq in came:
            insort(self.hits, seq)
        if went:
            self.hits = [seq for seq in self.hits if seq in self._held]
        return came, went


# ---- where the text stands -------------------------------------------------------------------------------


def highlights(view: RunView, query: Query, seq: int, around: Surroundings | None = None) -> list[Hit]:
    """Return where the texts that a query searches for stand in a trace, for highlighting.

    Texts under a NOT, and those asked of relatives, are not looked for.
    """
    finders = [finder_of(value) for value in wanted_texts(query.where)]
    if not finders:
        return []
    return hits_in(Plan(view, query, around).reader.texts(seq), finders)


def wanted_texts(expression: Expression | None) -> list[Literal]:
    """Return the values of the text terms that a hit may show."""
    found: list[Literal] = []
    pending = [] if expression is None else [expression]
    while pending:
        here = pending.pop()
        if isinstance(here, Text):
            found.append(Literal(here.text))
        elif isinstance(here, Term) and here.field.name == "text":
            found.extend(here.values)  # type: ignore[arg-type]
        elif not isinstance(here, Not | Related | Term):
            pending.extend(reversed(here.items))
    return found
