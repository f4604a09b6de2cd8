"""The figures of a run as tables that sort by any column: by type, tool, model and agent. Pure.

Owns what the stats view counts, in which order rows stand, and the query that a row amounts to. Counting reads
bodies and takes seconds in a large run: ``stats_of`` is for a worker and for a view that stands still.
What is counted is a ``Scope``: the traces that the filter finds, as of the moment that is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, NamedTuple, cast

from tracetui.analysis.bodies import bodies
from tracetui.analysis.errors import AGENT, MODEL
from tracetui.analysis.loops import nearest_agents
from tracetui.analysis.prices import Estimates
from tracetui.analysis.statistics import BY, THE_RUN, UNKNOWN, By, Figures, statistics
from tracetui.analysis.timing import Timing, has_times, timing_of, union
from tracetui.querying.ast import Glob, Not, Query, all_of, any_of, term
from tracetui.querying.printer import print_query
from tracetui.storage.backend import RunView
from tracetui.tui.view.context_plot import ContextPlot, context_plot
from tracetui.tui.view.past import Past, as_view, past_of
from tracetui.tui.view.run_model import RunModel

BUCKETS = 480
"""Stretches that a run is cut into for its strips; drawn, as many of them as fit make one cell."""
SLOWEST = 5
"""How many of a row's traces are told."""


@dataclass(frozen=True, slots=True)
class Group:
    """One row of a table: its figures, how many of its own tokens came from a cache, and what would cost its traces.

    That are the seqs of those that took longest, slowest first, and the sum of their durations in milliseconds.
    """

    by: By
    figures: Figures
    cached: int
    slowest: tuple[int, ...]
    total_ms: int


class Sort(NamedTuple):
    """A column that tables can be ordered by: its title, and what it holds of a row."""

    title: str
    value: Callable[[Group], Any]


COLUMNS: tuple[Sort, ...] = (
    Sort("NAME", lambda row: row.figures.name.casefold()),
    Sort("COUNT", lambda row: row.figures.count),
    Sort("FAIL", lambda row: row.figures.failed),
    Sort("P50", lambda row: row.figures.p50),
    Sort("P95", lambda row: row.figures.p95),
    Sort("MAX", lambda row: row.figures.max),
    Sort("OWN", lambda row: row.figures.self_ms if row.figures.durations else None),
    Sort("TOTAL", lambda row: row.total_ms if row.figures.durations else None),
    Sort("IN", lambda row: row.figures.own_in or None),
    Sort("CACHED", lambda row: row.cached or None),
    Sort("OUT", lambda row: row.figures.own_out or None),
    Sort("COST", lambda row: row.figures.own_usd or None),
)
"""What the tables show; a value of None is an empty cell, and stands last whichever way rows are ordered."""
BY_TOTAL = next(number for number, column in enumerate(COLUMNS) if column.title == "TOTAL")


@dataclass(frozen=True, slots=True)
class Strip:
    """How much there was in each of equal stretches of the run, and how many of it failed."""

    amounts: tuple[int, ...]
    failed: tuple[int, ...]

    def squeezed(self, cells: int) -> tuple[list[int], list[int]]:
        """Return sums for so many cells."""
        return _squeezed(self.amounts, cells), _squeezed(self.failed, cells)


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything the view shows of one state of a run. ``by_time`` says whether strips are by time or by order."""

    rev: int
    groups: dict[By, tuple[Group, ...]]
    timing: Timing
    steps: Strip
    tokens: Strip
    by_time: bool
    span_ms: int
    counted: int
    """Traces that were counted."""
    there: int
    """Traces that there were."""
    filter: str
    """The query that chose them, "" for all."""
    covered_ms: int
    """Time of the run in which one of those that were counted ran."""
    context: ContextPlot | None
    """What the model steps that were counted carried, None if none of them recorded usage."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a run is counted: all that had come when ``newest`` did, −1 for now, and of it what a filter finds."""

    newest: int = -1
    filter: str = ""
    matches: frozenset[int] | None = None
    """None for all."""

    __hash__ = None  # type: ignore[assignment]


def scope_of(model: RunModel) -> Scope:
    """Return what is shown of a run now; only the thread that shows it may ask."""
    if not model.is_filtered:
        return Scope(model.newest)
    return Scope(model.newest, model.filter.text, frozenset(model.filter.matches))


def scope_key(model: RunModel) -> tuple[int, str, int]:
    """Return what tells the scope of now from others, without the work of making it."""
    newest = model.newest
    return (newest, model.filter.text, len(model.filter.matches)) if model.is_filtered else (newest, "", -1)


def stats_of(view: RunView, estimates: Estimates | None = None, scope: Scope | None = None) -> Stats:
    """Count everything of a scope; O(n log n), reads the bodies of tool calls, models and agents.

    ``estimates`` are costs that the recording does not have.
    """
    scope = scope or Scope()
    rev, among, there = view.rev, scope.matches, cast("Sequence[int]", range(view.count))
    if scope.newest >= 0:
        past = past_of(view, scope.newest, has_times=has_times(view))
        view, estimates = as_view(past), _estimates_then(past, estimates)
        there = sorted(past.moments.order[: past.moments.at])
        among = frozenset(there) if among is None else among
    timing = timing_of(view)
    cached = _cached(view)
    groups = {}
    for by in BY:
        rows = statistics(view, by, timing, estimates, among)
        sums = _sums(view, by, rows, cached if among is None else _among(cached, among))
        groups[by] = tuple(
            Group(by, row, sums.get(row.name, 0), _slowest(timing.durations, row.seqs), row.total_ms)
            for row in rows
        )
    counted = there if among is None else [seq for seq in there if seq in among]
    places, span = _places(view, timing)
    steps, tokens = _steps(view, places, counted), _tokens(view, places, counted)
    return Stats(
        rev, groups, timing, steps, tokens, span > 0, span, len(counted), len(there), scope.filter,
        _covered(view, timing, counted), context_plot(view, among),
    )  # fmt: skip


def _estimates_then(past: Past, estimates: Estimates | None) -> Estimates:
    """Return the estimates of calls that had ended, and of what was whole."""
    found = estimates or Estimates()
    return Estimates(
        {seq: usd for seq, usd in found.own.items() if past.had_ended(seq)},
        {seq: usd for seq, usd in found.subtree.items() if past.is_whole(seq)},
    )


def _among(cached: dict[int, int], among: Container[int]) -> dict[int, int]:
    return {seq: tokens for seq, tokens in cached.items() if seq in among}


def _covered(view: RunView, timing: Timing, counted: Sequence[int]) -> int:
    starts, durations = view.timestamps, timing.durations
    spans = [(starts[seq], starts[seq] + durations[seq]) for seq in counted if durations[seq] >= 0]
    return sum(end - start for start, end in union(spans, (timing.start_ms, timing.end_ms)))


# ---- cached tokens ---------------------------------------------------------------------------------------


def _cached(view: RunView) -> dict[int, int]:
    """Return by seq the tokens that a model call took from a cache, where its tokens count."""
    rollup, found = view.rollup(), {}
    for seq, _, metadata in bodies(view, [seq for seq in view.by_type(MODEL) if seq < view.count]):
        usage = metadata.get("usage") if isinstance(metadata, dict) else None
        cached = usage.get("cached_input") if isinstance(usage, dict) else None
        if isinstance(cached, int) and cached > 0 and rollup.counts(seq):
            found[seq] = cached
    return found


def _sums(view: RunView, by: By, rows: list[Figures], cached: dict[int, int]) -> dict[str, int]:
    """Return by row the cached tokens of its traces; of an agent, of all it did itself."""
    names = {seq: row.name for row in rows for seq in row.seqs}
    agents = nearest_agents(view) if by == "agent" and cached else ()
    sums: dict[str, int] = {}
    for seq, tokens in cached.items():
        name = names.get(agents[seq], THE_RUN) if agents else names.get(seq)
        if name is not None:
            sums[name] = sums.get(name, 0) + tokens
    return sums


# ---- strips ----------------------------------------------------------------------------------------------


def _places(view: RunView, timing: Timing) -> tuple[list[int], int]:
    """Return the stretch that each trace begins in, and how long the run is; 0 if it is cut by order."""
    start, span = timing.start_ms, timing.end_ms - timing.start_ms
    if span <= 0:
        return [seq * BUCKETS // max(view.count, 1) for seq in range(view.count)], 0
    last = BUCKETS - 1
    return [min(max((at - start) * BUCKETS // span, 0), last) for at in view.timestamps[: view.count]], span


def _steps(view: RunView, places: list[int], counted: Sequence[int]) -> Strip:
    amounts, failed = [0] * BUCKETS, [0] * BUCKETS
    for seq in counted:
        amounts[places[seq]] += 1
        failed[places[seq]] += view.statuses[seq] == 2
    return Strip(tuple(amounts), tuple(failed))


def _tokens(view: RunView, places: list[int], counted: Sequence[int]) -> Strip:
    amounts, rollup = [0] * BUCKETS, view.rollup()
    for seq in counted:
        if rollup.counts(seq):
            amounts[places[seq]] += max(view.tokens_in[seq], 0) + max(view.tokens_out[seq], 0)
    return Strip(tuple(amounts), ())


def _squeezed(amounts: tuple[int, ...], cells: int) -> list[int]:
    found = [0] * cells
    for number, amount in enumerate(amounts):
        found[number * cells // len(amounts)] += amount
    return found


# ---- tables ----------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A line of the view: a table's heading (``group`` is None), a row of it, or, without ``by``, an empty line."""

    by: By | None
    group: Group | None = None


class StatsModel:
    """The tables as they are shown: rows in the order that was asked for."""

    def __init__(self) -> None:
        self.stats: Stats | None = None
        self.sort = BY_TOTAL
        self.reverse = False
        self.rows: list[Row] = []
        self.shown: list[int] = []
        """Columns that hold something, in any table."""

    def take(self, stats: Stats) -> None:
        """Show other figures."""
        self.stats = stats
        groups = [group for rows in stats.groups.values() for group in rows]
        self.shown = [
            n
            for n, column in enumerate(COLUMNS)
            if n < 2 or any(column.value(group) not in (None, 0) for group in groups)
        ]
        self._arrange()

    def sort_by(self, column: int) -> None:
        """Order rows by a column: names from a to z, figures from the largest down."""
        self.sort, self.reverse = column, False
        self._arrange()

    def turn(self, step: int) -> None:
        """Order rows by the next (1) or previous (−1) column that is shown."""
        if self.shown:
            at = self.shown.index(self.sort) if self.sort in self.shown else 0
            self.sort_by(self.shown[(at + step) % len(self.shown)])

    def turn_round(self) -> None:
        """Turn the order round."""
        self.reverse = not self.reverse
        self._arrange()

    def _arrange(self) -> None:
        self.rows = []
        for by, groups in (self.stats.groups if self.stats is not None else {}).items():
            if groups:
                self.rows += [Row(None)] if self.rows else []
                self.rows += [Row(by), *(Row(by, group) for group in self._ordered(groups))]

    def _ordered(self, groups: tuple[Group, ...]) -> list[Group]:
        value = COLUMNS[self.sort].value
        full = [group for group in groups if value(group) is not None]
        full.sort(key=value, reverse=(self.sort != 0) != self.reverse)
        return full + [group for group in groups if value(group) is None]

    def group(self, row: int) -> Group | None:
        """Return the figures that a line shows, None for others."""
        return self.rows[row].group if 0 <= row < len(self.rows) else None

    def row_of(self, by: By, name: str) -> int:
        """Return the line of a name in a table, −1 if there is none."""
        wanted = (by, name)
        return next(
            (
                n
                for n, row in enumerate(self.rows)
                if row.group and (row.by, row.group.figures.name) == wanted
            ),
            -1,
        )

    @property
    def first(self) -> int:
        """The first line that shows figures."""
        return 1 if len(self.rows) > 1 else 0


def query_of(group: Group) -> str:
    """Return the query that gives the traces of a row.

    >>> from tracetui.analysis.statistics import Figures
    >>> query_of(Group("tool", Figures("bash", (), 0, (), 0, 0, 0, 0.0, 0, 0, 0, 0.0), 0, (), 0))
    'type:ToolCall name:bash'
    """
    name, by = group.figures.name, group.by
    if by == "type":
        parts = all_of(term("type", name))
    elif by == "tool":
        parts = all_of(term("type", "ToolCall"), term("name", name))
    elif by == "model":
        unnamed = any_of(Not(term("model", Glob("*"))), term("model", ""))
        parts = all_of(term("type", MODEL), unnamed if name == UNKNOWN else term("model", name))
    elif name == THE_RUN:
        parts = all_of(term("root", "true"), Not(term("type", AGENT)))
    else:
        parts = all_of(term("type", AGENT), term("name", name))
    return print_query(Query(parts))


def _slowest(durations: Sequence[int], seqs: Sequence[int]) -> tuple[int, ...]:
    """Return the seqs of those that took longest, slowest first; linear, for the worker that counts."""
    timed = (seq for seq in seqs if durations[seq] >= 0)
    return tuple(nsmallest(SLOWEST, timed, key=lambda seq: (-durations[seq], seq)))
