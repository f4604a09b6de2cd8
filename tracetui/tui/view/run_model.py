"""One run as the explorer holds it: its columns, verdict, roll-ups, tree rows, filter and search.

Only the user interface's thread changes it. Figures over the whole run (roll-ups, errors, verdict) are made when
first asked for and again after news, at most as often as the caller asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple, cast

from tracetui.analysis.context import Contexts, ModelStep
from tracetui.analysis.errors import MODEL, ErrorRecord, Errors, find_errors
from tracetui.analysis.loops import FanOut, Loop
from tracetui.analysis.prices import PriceOf
from tracetui.analysis.rollup import Totals, totals
from tracetui.analysis.seen import Seen
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import Liveness, Verdict, folder_of, judge
from tracetui.errors import TraceTuiError
from tracetui.model.change import Change
from tracetui.model.clock import now_ms
from tracetui.model.run import Run
from tracetui.model.trace import Trace
from tracetui.model.trace_type import ERROR
from tracetui.querying.patterns import Bounded, literal_pattern
from tracetui.render.figures import cost
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.rollup import Rollup
from tracetui.store.database import Database
from tracetui.store.ownership import is_lost, is_owned
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.hits_below import hits_below
from tracetui.tui.view.insight import Insight, look_into
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.past import Past, as_view
from tracetui.tui.view.past_loops import fan_then, group_then, loop_then
from tracetui.tui.view.past_matches import hits_then, matches_then
from tracetui.tui.view.review import RunReview
from tracetui.tui.view.spots import Spots
from tracetui.tui.view.tree_model import TreeModel
from tracetui.tui.view.withheld import withheld

SUMMARIES = 20_000


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


class Said(NamedTuple):
    """What a row says of a trace: its line, and the words for what the recording does not hold of it."""

    line: str
    withheld: tuple[str, ...]


class RunModel:
    """Everything the main screen shows of one run."""

    def __init__(
        self, db: Database, run_id: str, *, view: RunView | None = None, price_of: PriceOf | None = None
    ) -> None:
        self.db = db
        self.price_of = price_of
        self.columns = view if view is not None else db.view(run_id)
        """The run's columns as of now, whatever moment is shown."""
        self.past: Past | None = None
        """The run as of the moment that is shown, None for now."""
        self.run: Run = self.columns.run
        self.folder = folder_of(self.run)
        self.known_filter = Filter()
        """The filter and what it finds as of now, whatever moment is shown."""
        self.known_search = Search()
        """The search and what it finds as of now."""
        self.known_review = RunReview(self.columns)
        """The marks and notes as of now, whatever moment is shown."""
        self.known_spots: Spots | None = None
        """Where the time went, as far as that was worked out."""
        self.now_ms = 0
        """The time of the last tick; 0 before there was one."""
        self._said: dict[int, Said] = {}
        self._self_ms: dict[int, int] = {}
        self._contexts: Contexts | None = None
        self._contexts_rev = -1
        self._errors: Errors | None = None
        self._error_records: dict[int, ErrorRecord | None] = {}
        self._rollup: Rollup | None = None
        self._totals: Totals | None = None
        self.present: Verdict = self._judge()
        """The verdict as of now, whatever moment is shown."""
        self.tree = TreeModel(self.columns)
        self.insight = Insight()
        """What a worker found out, perhaps some traces ago; of the whole run, whatever moment is shown."""
        self.seen: tuple[Seen, ...] | None = None
        """Where the errors of the run were seen before; None until a worker has looked."""
        self.run_names: Mapping[str, str] = {}
        """Names of the other runs, by id."""

    # ---- the moment that is shown ------------------------------------------------------------------------

    @property
    def view(self) -> RunView:
        """The run's columns as of the moment that is shown."""
        return self.columns if self.past is None else as_view(self.past)

    @property
    def moments(self) -> Moments | None:
        """The moment as of which the run is shown, None for now."""
        return None if self.past is None else self.past.moments

    @property
    def newest(self) -> int:
        """The trace that came last as of the moment that is shown, −1 for now."""
        return -1 if self.past is None else self.past.moments.newest

    def travel(self) -> Moments:
        """Begin to show the run as of its moments; linear in the run."""
        moments = Moments(self.columns, has_times=self.has_times)
        self.past = Past(self.columns, moments, self._whole_rollup)
        return moments

    def return_to_now(self) -> None:
        """Show the run as of now."""
        self.past = None

    @property
    def there(self) -> int:
        """Number of traces that there are, as of the moment that is shown."""
        return self.columns.count if self.past is None else self.past.moments.at

    @property
    def spots(self) -> Spots | None:
        """Where the time went; nobody knows that before the end."""
        return self.known_spots if self.past is None else None

    @property
    def review(self) -> RunReview:
        """The marks and notes that there are, as of the moment that is shown."""
        return (
            self.known_review if self.past is None else self.past.told("review", lambda: RunReview(self.view))
        )

    @property
    def verdict(self) -> Verdict:
        """How the run ended; RUNNING as of a moment before its end."""
        return self.present if self.past is None else self.past.told("verdict", self._judge_then)

    def _judge_then(self) -> Verdict:
        past, errors = cast("Past", self.past), self.errors
        if past.moments.is_last and self._whole_totals.end_ms <= past.moments.end_ms:
            return self.present
        at = past.deepest_open()
        seq = past.moments.newest if at < 0 else at
        said = f"{'last' if at < 0 else 'running'}: {self.summary(seq)}"
        return Verdict("RUNNING", said, seq, len(errors.found), errors.recovered)

    # ---- figures -----------------------------------------------------------------------------------------

    def _judge(self) -> Verdict:
        liveness = Liveness(is_owned(self.run), is_lost(self.run))
        return judge(self.columns, now_ms(), liveness, self.known_errors)

    @property
    def known_errors(self) -> Errors:
        """The errors of the run as of now."""
        if self._errors is None:
            self._errors = find_errors(self.columns, self._error_records)
        return self._errors

    @property
    def errors(self) -> Errors:
        """The errors of the run."""
        if self.past is None:
            return self.known_errors
        errors: Errors = self.past.told("errors", lambda: find_errors(self.view, self._error_records))
        return errors

    @property
    def contexts(self) -> Contexts:
        """What each model step was given, a step at a time; linear in the run once after news."""
        if self._contexts is None or self._contexts_rev != self.columns.rev:
            self._contexts, self._contexts_rev = Contexts(self.columns), self.columns.rev
        return self._contexts

    def context(self, seq: int) -> ModelStep | None:
        """Return what a model step was given; its tokens only once it had ended. None for what is none."""
        step = self.contexts.of(seq)
        if step is None or self.past is None or self.past.had_ended(seq):
            return step
        return replace(step, tokens_in=-1, tokens_out=-1, new_tokens=-1, dropped_tokens=-1)

    @property
    def _whole_rollup(self) -> Rollup:
        if self._rollup is None or len(self._rollup) < self.columns.count:
            self._rollup = self.columns.rollup()
            self._totals = None
        return self._rollup

    @property
    def rollup(self) -> Rollup:
        """Figures of every subtree."""
        return self._whole_rollup if self.past is None else self.past.rollup()

    @property
    def _whole_totals(self) -> Totals:
        rollup = self._whole_rollup
        if self._totals is None:
            self._totals = totals(self.columns, rollup)
        return self._totals

    @property
    def totals(self) -> Totals:
        """Figures of the run."""
        whole = self._whole_totals
        return whole if self.past is None else self.past.totals(whole)

    def cost(self, seq: int) -> str:
        """Return what the subtree of a trace cost, marked if part of it was made from prices.

        Those are left out as of a moment at which the subtree had not ended.
        """
        estimate = self.insight.estimates.subtree.get(seq, 0.0)
        if self.past is not None and not self.past.is_whole(seq):
            estimate = 0.0
        return cost(self.rollup.cost[seq] + estimate, estimated=estimate > 0)

    @property
    def total_cost(self) -> str:
        """What the run cost, marked if part of it was made from prices."""
        estimate = self.insight.estimates.total if self.past is None else 0.0
        return cost(self.totals.cost_usd + estimate, estimated=estimate > 0)

    def trace(self, seq: int) -> Trace:
        """Return a trace."""
        return self.view.trace(seq)

    def summary(self, seq: int) -> str:
        """Return the one line of a trace."""
        return self.said(seq).line

    def said(self, seq: int) -> Said:
        """Return what a row says of a trace; remembered until news of it comes."""
        if self.past is not None and not self.past.had_ended(seq):
            return self._say(seq)
        found = self._said.get(seq)
        if found is None:
            if len(self._said) > SUMMARIES:
                self._said.clear()
            found = self._said[seq] = self._say(seq)
        return found

    def _say(self, seq: int) -> Said:
        trace = self.view.trace(seq)
        return Said(summary(trace, self.folder), _withheld(trace))

    def type_name(self, seq: int) -> str:
        """Return the type name of a trace."""
        return self.view.type_names[self.view.types[seq]]

    def is_open(self, seq: int) -> bool:
        """Whether a trace has not ended."""
        return self.status(seq) == 0

    def status(self, seq: int) -> int:
        """Return the code of a trace's status, as of the moment that is shown."""
        return self.view.statuses[seq]

    def own_duration_ms(self, seq: int) -> int | None:
        """Return end − start of a trace, None where its end is not known."""
        end = self.view.ends[seq]
        return None if end == NO_TIME else end - self.view.timestamps[seq]

    def self_ms(self, seq: int) -> int | None:
        """Return a trace's duration minus the time that its children cover; None where its end is not known.

        Costs its children, once until there is news.
        """
        if self.view.ends[seq] == NO_TIME:
            return None
        if seq not in self._self_ms:
            if len(self._self_ms) > SUMMARIES:
                self._self_ms.clear()
            self._self_ms[seq] = self._own_time(seq)
        return self._self_ms[seq]

    def _own_time(self, seq: int) -> int:
        view = self.columns
        start, end = view.timestamps[seq], view.ends[seq]
        spans = sorted(
            (max(view.timestamps[child], start), min(view.ends[child], end))
            for child in view.children(seq)
            if view.ends[child] != NO_TIME
        )
        covered, reached = 0, start
        for child_start, child_end in spans:
            covered += max(child_end - max(child_start, reached), 0)
            reached = max(reached, child_end)
        return end - start - covered

    @property
    def has_times(self) -> bool:
        """Whether the run's source recorded times at all."""
        metadata = self.run.metadata
        return not (isinstance(metadata, dict) and metadata.get("time") == "none")

    @property
    def start_ms(self) -> int:
        """When the run began: its first trace, or its creation."""
        return self._whole_totals.start_ms

    # ---- news --------------------------------------------------------------------------------------------

    def refresh(self) -> list[Change]:
        """Catch up with the run; return what is new. Rows and verdict follow with ``absorb``."""
        return self.columns.refresh()

    def keep_index(self) -> None:
        """Let the store write the run's index if enough came since the last one; safe from any thread.

        A store that cannot be written, or a run that is gone, is nothing to tell: nothing depends on an index.
        """
        with suppress(TraceTuiError):
            self.db.reindex(self.columns.run_id, only_if_due=True)

    def absorb(self, changes: Iterable[Change]) -> bool:
        """Take changes into rows and figures; return whether rows changed."""
        errors_may_differ = False
        changes = list(changes)
        self.known_review.take(changes)
        for change in changes:
            if change.kind == "trace":
                seq = self.view.seq_of(change.trace_id or "")
                errors_may_differ = errors_may_differ or seq is None or self._bears_on_errors(seq)
            elif change.kind in ("completion", "amendment"):
                errors_may_differ = True
                seq = self.view.seq_of(change.trace_id or "")
                if seq is not None:
                    self._said.pop(seq, None)
                    self._error_records.pop(seq, None)
        self.run = self.columns.run
        if errors_may_differ:
            self._errors = None
        self._rollup = self._totals = None
        self._self_ms.clear()
        self.present = self._judge()
        if self.past is not None:
            self.past.forget()
        return self.tree.extend()

    def _bears_on_errors(self, seq: int) -> bool:
        """Whether a new trace can change which errors there are, or which were recovered."""
        is_error = self.view.kinds[seq] == ERROR
        return is_error or (
            self.type_name(seq) == MODEL and self.known_errors.recovered < len(self.known_errors.found)
        )

    def rejudge(self) -> bool:
        """Judge again, as time alone can change a verdict; return whether it did."""
        before = self.present.label
        self.run = self.columns.run
        self.present = self._judge()
        return self.present.label != before

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


def _withheld(trace: Trace) -> tuple[str, ...]:
    try:
        return withheld(trace.metadata)
    except TraceTuiError:
        return ()


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
