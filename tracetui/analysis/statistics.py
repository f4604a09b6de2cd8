"""Figures of a run by type, tool, model or agent: how many, how many failed, how long, which tokens, what cost.

- *Failed* are traces whose status is error, *errors* the Error records in their subtrees.
- Durations are those of ``timing`` (a ToolCall's own field, else end − start); traces that are not timed have none.
  A percentile is one of the durations, by nearest rank.
- *Own* tokens and cost are those that count on the traces themselves: leaves only, wrappers skipped, by
  ``storage.state.rollup``. For an agent they are those of everything it did itself, without the agents below it.
- *Subtree* tokens, cost and errors are the roll-ups of the topmost traces of a row: nothing counts twice.

O(n log n) in the traces of a run, without recursion.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Literal

from tracetui.analysis.bodies import bodies, tool_calls
from tracetui.analysis.errors import AGENT, MODEL
from tracetui.analysis.loops import nearest_agents
from tracetui.analysis.prices import Estimates
from tracetui.analysis.timing import Timing, timing_of
from tracetui.model.trace import FAILED, STATUS_CODES
from tracetui.model.trace_type import CUSTOM
from tracetui.querying.texts import name_of
from tracetui.storage.backend import RunView
from tracetui.storage.state.rollup import Rollup

By = Literal["type", "tool", "model", "agent"]
BY: tuple[By, ...] = ("type", "tool", "model", "agent")
UNKNOWN = "(unknown)"
THE_RUN = "(no agent)"
_FAILED = STATUS_CODES[FAILED]


@dataclass(frozen=True, slots=True)
class Figures:
    """One row. ``durations`` are in order of size, times in milliseconds, cost in US dollars.

    ``self_ms`` is the sum of self times. ``seqs`` are the row's traces (of an agent's row: the agents).
    """

    name: str
    seqs: tuple[int, ...]
    failed: int
    durations: tuple[int, ...]
    self_ms: int
    own_in: int
    own_out: int
    own_usd: float
    errors: int
    subtree_in: int
    subtree_out: int
    subtree_usd: float
    own_estimate: float = 0.0
    """The part of ``own_usd`` that was not recorded but made from prices."""
    subtree_estimate: float = 0.0
    """The same of ``subtree_usd``."""

    @property
    def count(self) -> int:
        """Number of traces."""
        return len(self.seqs)

    @property
    def total_ms(self) -> int:
        """Sum of the durations; calls at the same time count each."""
        return sum(self.durations)

    @property
    def p50(self) -> int | None:
        """Median duration."""
        return percentile(self.durations, 50)

    @property
    def p95(self) -> int | None:
        """Duration that 95 of 100 do not exceed."""
        return percentile(self.durations, 95)

    @property
    def max(self) -> int | None:
        """Longest duration."""
        return self.durations[-1] if self.durations else None


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the value of nearest rank from values in order of size, None of none.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 95), percentile([], 50)
    (2, 4, None)
    """
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1] if ordered else None


def histogram(ordered: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (from, to, how many) of durations in order of size, in steps of 1, 2, 5, 10 …; [] of none.

    Intervals are half-open and follow each other from the first that holds something to the last.

    >>> histogram([0, 3, 4, 40])
    [(0, 1, 1), (1, 2, 0), (2, 5, 2), (5, 10, 0), (10, 20, 0), (20, 50, 1)]
    """
    edges = [0]
    while ordered and edges[-1] <= ordered[-1]:
        edges += [10 ** ((len(edges) - 1) // 3) * (1, 2, 5)[(len(edges) - 1) % 3]]
    found = [
        (low, high, bisect_right(ordered, high - 1) - bisect_right(ordered, low - 1))
        for low, high in pairwise(edges)
    ]
    while found and not found[0][2]:
        found.pop(0)
    return found


def statistics(
    view: RunView,
    by: By = "type",
    timing: Timing | None = None,
    estimates: Estimates | None = None,
    among: Container[int] | None = None,
) -> list[Figures]:
    """Return a row for each type, tool, model or agent, the one that took most time first.

    Then those with most tokens, most traces, by name. ``timing`` may be given, else it is worked out; ``estimates``
    are costs that the recording does not have. Only the traces ``among`` which one counts are counted, None for all;
    an agent's own tokens are those of them that it made.
    """
    estimates = estimates or Estimates()
    timing = timing_of(view) if timing is None else timing
    groups = groups_of(view, by)
    owned = _owned_by_agents(view, groups) if by == "agent" else groups
    if among is not None:
        groups = {name: kept for name, seqs in groups.items() if (kept := _kept(seqs, among))}
        owned = {name: _kept(owned[name], among) for name in groups}
    top, rollup = _topmost(view, groups), view.rollup()
    sources = view, timing, rollup, estimates
    rows = [_figures(sources, name, groups[name], owned[name], top[name]) for name in groups]
    return sorted(rows, key=lambda row: (-row.total_ms, -row.own_in - row.own_out, -row.count, row.name))


def _kept(seqs: Sequence[int], among: Container[int]) -> list[int]:
    return [seq for seq in seqs if seq in among]


def groups_of(view: RunView, by: By) -> dict[str, list[int]]:
    """Return the seqs of each row in seq order; names are as recorded."""
    found: dict[str, list[int]] = defaultdict(list)
    if by == "type":
        names, types = view.type_names, view.types
        for seq in range(view.count):
            found[names[types[seq]]].append(seq)
    elif by == "tool":
        for seq, call, _ in tool_calls(view):
            found[call.tool_name].append(seq)
    elif by == "model":
        for seq, _, metadata in bodies(view, _customs(view, MODEL)):
            model = metadata.get("model") if isinstance(metadata, dict) else None
            found[model if isinstance(model, str) and model else UNKNOWN].append(seq)
    else:
        for seq, kind, metadata in bodies(view, _customs(view, AGENT)):
            found[name_of(kind, metadata)[0]].append(seq)
        agents = {seq for seqs in found.values() for seq in seqs}
        found[THE_RUN] = [seq for seq in view.roots() if seq not in agents]
    return {name: seqs for name, seqs in found.items() if seqs}


def _customs(view: RunView, name: str) -> list[int]:
    return [seq for seq in view.by_type(name) if seq < view.count and view.kinds[seq] == CUSTOM]


def _owned_by_agents(view: RunView, groups: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return by name everything that the agents of this name did themselves, the agents included."""
    names = {seq: name for name, seqs in groups.items() if name != THE_RUN for seq in seqs}
    owned: dict[str, list[int]] = {name: [] for name in groups}
    for seq, agent in enumerate(nearest_agents(view)):
        name = names.get(seq) or names.get(agent, THE_RUN)
        if name in owned:
            owned[name].append(seq)
    return owned


def _figures(
    sources: tuple[RunView, Timing, Rollup, Estimates],
    name: str,
    seqs: list[int],
    owned: list[int],
    top: list[int],
) -> Figures:
    view, timing, rollup, estimates = sources
    own_estimate = sum(estimates.own.get(seq, 0.0) for seq in owned)
    subtree_estimate = sum(estimates.subtree.get(seq, 0.0) for seq in top)
    counted = [seq for seq in owned if rollup.counts(seq)]
    costs = [view.costs[seq] for seq in counted]
    return Figures(
        name,
        tuple(seqs),
        sum(view.statuses[seq] == _FAILED for seq in seqs),
        tuple(sorted(timing.durations[seq] for seq in seqs if timing.durations[seq] >= 0)),
        sum(max(timing.self_ms[seq], 0) for seq in seqs),
        sum(max(view.tokens_in[seq], 0) for seq in counted),
        sum(max(view.tokens_out[seq], 0) for seq in counted),
        own_estimate + sum(usd for usd in costs if usd == usd),  # noqa: PLR0124 - not NaN
        sum(rollup.errors[seq] for seq in top),
        sum(rollup.tokens_in[seq] for seq in top),
        sum(rollup.tokens_out[seq] for seq in top),
        subtree_estimate + sum(rollup.cost[seq] for seq in top),
        own_estimate,
        subtree_estimate,
    )


def _topmost(view: RunView, groups: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return those traces of each group that have none of the same group above them, in one walk of the run."""
    names = {seq: name for name, seqs in groups.items() for seq in seqs}
    found: dict[str, list[int]] = {name: [] for name in groups}
    forest = view.forest()
    above: dict[str, int] = dict.fromkeys(groups, 0)
    stack: list[tuple[int, str]] = []
    for row, seq in enumerate(forest.seqs):
        while stack and stack[-1][0] <= row:
            above[stack.pop()[1]] -= 1
        name = names.get(seq)
        if name is None:
            continue
        if not above[name]:
            found[name].append(seq)
        above[name] += 1
        stack.append((row + forest.sizes[row], name))
    return found
