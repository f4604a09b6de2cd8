"""One run as of the moment that is shown: its verdict, figures, and what a row says of a trace.

Owns the run's columns, the moment as of which they are looked at, and what was worked out from them so far; knows
no rows, filter or search. Only the user interface's thread changes it. Figures over the whole run (roll-ups,
errors, verdict) are made when first asked for and again after news, at most as often as the caller asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, cast

from tracetui.analysis.context import Contexts, ModelStep
from tracetui.analysis.errors import MODEL, ErrorRecord, Errors, find_errors
from tracetui.analysis.prices import PriceOf
from tracetui.analysis.rollup import Totals, totals
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import Liveness, Verdict, folder_of, judge
from tracetui.errors import TraceTuiError
from tracetui.model.change import Change
from tracetui.model.clock import now_ms
from tracetui.model.run import Run
from tracetui.model.trace import Trace
from tracetui.model.trace_type import ERROR
from tracetui.render.figures import cost
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.rollup import Rollup
from tracetui.store.database import Database
from tracetui.store.ownership import is_lost, is_owned
from tracetui.tui.view.insight import Insight
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.past import Past, as_view
from tracetui.tui.view.review import RunReview
from tracetui.tui.view.spots import Spots
from tracetui.tui.view.withheld import withheld

SUMMARIES = 20_000


class Said(NamedTuple):
    """What a row says of a trace: its line, and the words for what the recording does not hold of it."""

    line: str
    withheld: tuple[str, ...]


class ShownRun:
    """A run, and what is known of it as of the moment that is shown."""

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
        self.insight = Insight()
        """What a worker found out, perhaps some traces ago; of the whole run, whatever moment is shown."""

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
        """Catch up with the run; return what is new. Verdict and figures follow with ``take``."""
        return self.columns.refresh()

    def keep_index(self) -> None:
        """Let the store write the run's index if enough came since the last one; safe from any thread.

        A store that cannot be written, or a run that is gone, is nothing to tell: nothing depends on an index.
        """
        with suppress(TraceTuiError):
            self.db.reindex(self.columns.run_id, only_if_due=True)

    def take(self, changes: Iterable[Change]) -> None:
        """Take changes into what is known, and judge again."""
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


def _withheld(trace: Trace) -> tuple[str, ...]:
    try:
        return withheld(trace.metadata)
    except TraceTuiError:
        return ()
