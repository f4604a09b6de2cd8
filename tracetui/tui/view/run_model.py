"""One run as the explorer holds it: its figures, tree rows, groups, filter and search.

Only the user interface's thread changes it. What is known of the run as of the moment that is shown, whatever
rows there are, is the part of ``ShownRun``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from tracetui.analysis.loops import FanOut, Loop
from tracetui.analysis.prices import PriceOf
from tracetui.analysis.seen import Seen
from tracetui.model.change import Change
from tracetui.model.clock import now_ms
from tracetui.querying.patterns import Bounded, literal_pattern
from tracetui.storage.backend import RunView
from tracetui.store.database import Database
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.hits_below import hits_below
from tracetui.tui.view.insight import Insight, look_into
from tracetui.tui.view.past import Past
from tracetui.tui.view.past_loops import fan_then, group_then, loop_then
from tracetui.tui.view.past_matches import hits_then, matches_then
from tracetui.tui.view.shown_run import ShownRun
from tracetui.tui.view.tree_model import TreeModel


@dataclass(slots=True)
class Filter:
    """Which traces are shown: those that match, and their ancestors, which are dimmed."""

    text: str = ""
    matches: set[int] = field(default_factory=set)
    shown: set[int] = field(default_factory=set)
    enabled: bool = True
    done: bool = True

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Search:
    """Hits of a literal search in seq order, and how many lie below each trace."""

    text: str = ""
    is_regex: bool = False
    hits: list[int] = field(default_factory=list)
    found: frozenset[int] = frozenset()
    pattern: Bounded | None = None
    below: dict[int, int] | None = None
    done: bool = True

    __hash__ = None  # type: ignore[assignment]


class RunModel(ShownRun):
    """Everything the main screen shows of one run."""

    def __init__(
        self, db: Database, run_id: str, *, view: RunView | None = None, price_of: PriceOf | None = None
    ) -> None:
        super().__init__(db, run_id, view=view, price_of=price_of)
        self.known_filter = Filter()
        """The filter and what it finds as of now, whatever moment is shown."""
        self.known_search = Search()
        """The search and what it finds as of now."""
        self.tree = TreeModel(self.columns)
        self.seen: tuple[Seen, ...] | None = None
        """Where the errors of the run were seen before; None until a worker has looked."""
        self.run_names: Mapping[str, str] = {}
        """Names of the other runs, by id."""

    def absorb(self, changes: Iterable[Change]) -> bool:
        """Take changes into rows and figures; return whether rows changed."""
        self.take(changes)
        return self.tree.extend()

    # ---- insight -----------------------------------------------------------------------------------------

    def look_into(self) -> Insight:
        """Return what can be found out about the run as of now; for workers, as it may take seconds.

        :raises TraceTuiError: if the run cannot be read.
        """
        return look_into(self.columns, self.present, self.known_errors, self.price_of)

    def take_insight(self, insight: Insight, keep: int = -1) -> bool:
        """Show what was found out; a new group that holds ``keep`` is unfolded. Return whether rows changed."""
        self.insight = insight
        changed = self.tree.take_groups(insight.groups, keep)
        if changed:
            self.known_search.below = None
            self._forget_hits()
        return changed

    @property
    def sentence(self) -> str:
        """Why the run ended as it did, in one line, perhaps empty."""
        insight, verdict = self.insight, self.verdict
        if self.past is not None and verdict is not self.present:
            return verdict.why
        holds = insight.landing == verdict.landing == verdict.terminal
        return insight.sentence if holds and insight.sentence else verdict.why

    def loop_of(self, seq: int) -> Loop | None:
        """Return the loop that a call is part of, as far as it had come."""
        found = self.insight.loop_of.get(seq)
        if found is not None and self.past is not None:
            found = loop_then(self.past, found) if self.past.had_ended(seq) else None
        return found

    def fan_of(self, seq: int) -> FanOut | None:
        """Return the calls that ran beside a call, as far as they had come."""
        found = self.insight.fan_of.get(seq)
        return found if found is None or self.past is None else fan_then(self.past, found)

    def place_of(self, seq: int) -> tuple[int, int] | None:
        """Return which call of its loop a call is, and of how many."""
        if self.past is None:
            return self.insight.places.get(seq)
        loop = self.loop_of(seq)
        return None if loop is None else (loop.seqs.index(seq) + 1, len(loop.seqs))

    def group(self, key: int) -> Group | None:
        """Return the group that a row's key stands for, as far as it had come; None for a trace."""
        group = self.tree.group(key)
        if group is None or self.past is None:
            return group
        calls = self.insight.loop_of.get(group.first) or self.insight.fan_of.get(group.first)
        inside = filter(self.past.moments.was_there, self.tree.inside(group))
        return group_then(self.past, group, (group.first,) if calls is None else calls.seqs, list(inside))

    def has_children(self, row: int) -> bool:
        """Whether there is anything below a row of the tree."""
        seq = self.tree.rows[row]
        if self.past is None or seq < 0:
            return self.tree.has_children(row)
        return bool(self.past.first_child[seq] >= 0)

    # ---- filter and search -------------------------------------------------------------------------------

    @property
    def filter(self) -> Filter:
        """The filter and what it finds, as of the moment that is shown."""
        known = self.known_filter
        if self.past is None or not known.text:
            return known
        found: Filter = self.past.told("filter", self._filter_then)
        return found

    def _filter_then(self) -> Filter:
        known = self.known_filter
        found = matches_then(cast("Past", self.past), known.text, known.matches, now_ms())
        return replace(known, matches=found, shown=with_ancestors(self.columns, found))

    @property
    def search(self) -> Search:
        """The search and what it finds, as of the moment that is shown."""
        known = self.known_search
        if self.past is None or not known.text:
            return known
        found: Search = self.past.told("search", self._search_then)
        return found

    def _search_then(self) -> Search:
        known = self.known_search
        hits = hits_then(cast("Past", self.past), known.pattern, known.hits)
        return replace(known, hits=hits, found=frozenset(hits), below=None)

    def _forget_hits(self) -> None:
        if self.past is not None:
            self.past.forget()

    def set_filter(self, text: str, matches: Iterable[int], *, done: bool = True) -> None:
        """Show these traces and their ancestors."""
        found = set(matches)
        self.known_filter = Filter(text, found, with_ancestors(self.columns, found), True, done)
        self.apply_filter()

    def add_matches(self, matches: Iterable[int], *, done: bool | None = None) -> None:
        """Show more traces: a filter's later hits; ``done`` says whether all are there."""
        known = self.known_filter
        known.done = known.done if done is None else done
        more = set(matches) - known.matches
        if more:
            known.matches |= more
            known.shown |= with_ancestors(self.columns, more)
        self._forget_hits()

    def toggle_filter(self) -> None:
        """Switch the filter off or on."""
        self.known_filter.enabled = not self.known_filter.enabled
        self.apply_filter()

    def apply_filter(self) -> None:
        """Make the rows follow the filter."""
        self._forget_hits()
        moments = self.moments
        if self.is_filtered:
            self.tree.set_shown(self.filter.shown.__contains__)
        else:
            self.tree.set_shown(None if moments is None else moments.was_there)

    @property
    def shown(self) -> int:
        """Number of traces that the filter shows."""
        return len(self.filter.shown) if self.is_filtered else self.there

    def clear_filter(self) -> None:
        """Show everything."""
        self.known_filter = Filter()
        self.apply_filter()

    @property
    def is_filtered(self) -> bool:
        """Whether a filter hides anything now."""
        return self.known_filter.enabled and bool(self.known_filter.text)

    def set_search(
        self, text: str, hits: Iterable[int], *, is_regex: bool = False, done: bool = True
    ) -> None:
        """Remember hits, and count them above."""
        found = sorted(hits)
        pattern = literal_pattern(text, is_regex=is_regex) if text else None
        self.known_search = Search(text, is_regex, found, frozenset(found), pattern, None, done)
        self._forget_hits()

    def hits_below(self, key: int) -> int:
        """Return the number of hits below a trace, or in the group with this key; all are counted when first asked for."""
        search = self.search
        if search.below is None:
            search.below = hits_below(self.columns.parents, search.hits, self.tree.groups)
        return search.below.get(key, 0)

    def next_hit(self, seq: int, step: int) -> int:
        """Return the hit after (step 1) or before (−1) a trace, going round; −1 if there is none."""
        return next_of(self.search.hits, seq, step)

    def next_error(self, seq: int, step: int) -> int:
        """Return the error after or before a trace, going round; −1 if there is none."""
        return next_of([error.seq for error in self.errors.found], seq, step)


def next_of(seqs: list[int], seq: int, step: int) -> int:
    """Return the element after (step 1) or before (−1) ``seq`` in an ordered list, going round; −1 if it is empty.

    >>> next_of([3, 7, 9], 7, 1), next_of([3, 7, 9], 7, -1), next_of([3, 7, 9], 9, 1), next_of([], 1, 1)
    (9, 3, 3, -1)
    """
    from bisect import bisect_left, bisect_right

    if not seqs:
        return -1
    at = bisect_right(seqs, seq) if step > 0 else bisect_left(seqs, seq) - 1
    return seqs[at % len(seqs)]


def with_ancestors(view: RunView, seqs: Iterable[int]) -> set[int]:
    """Return the traces with all their ancestors."""
    found: set[int] = set()
    parents = view.parents
    for seq in seqs:
        node = seq
        while node >= 0 and node not in found:
            found.add(node)
            node = parents[node]
    return found
