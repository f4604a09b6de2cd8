"""Figures over whole subtrees: errors, tokens, cost, time span, and which model calls count.

*Tokens* count on LLM traces. One whose descendant LLM, reached without crossing a ToolCall or an Agent, has
usage is a wrapper and is skipped; figures on other types count only where no LLM below has usage. Duration of a
subtree is its latest end minus its earliest start; tokens, cost and errors are sums; context is the maximum.

One pass down and one pass up over the run in pre-order, no recursion: a run of 100,000 traces takes a moment.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from tracetui.model.trace_type import CUSTOM, ERROR, TOOL_CALL
from tracetui.storage.backend import NO_TIME, RunView

AGENT, MODEL = "Agent", "LLM"


@dataclass(slots=True)
class Rollup:
    """Figures by seq, each over the trace and all its descendants. Times in milliseconds, cost in US dollars."""

    errors: array[int]
    tokens_in: array[int]
    tokens_out: array[int]
    cost: array[float]
    start_ms: array[int]
    end_ms: array[int]
    context: array[int]
    """Largest input of one model call."""
    traces: array[int]
    """Number of traces, itself included."""

    def duration_ms(self, seq: int) -> int:
        """Return the span of a subtree."""
        return self.end_ms[seq] - self.start_ms[seq]


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures of a whole run."""

    tokens_in: int
    tokens_out: int
    cost_usd: float
    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        """The span of the run."""
        return max(self.end_ms - self.start_ms, 0)


def roll_up(view: RunView) -> Rollup:
    """Return the figures of every subtree of a run; linear in its traces."""
    count = view.count
    own_in, own_out, own_cost = _own_usage(view)
    result = Rollup(
        array("i", bytes(4 * count)), own_in, own_out, own_cost, array("q", view.timestamps[:count]),
        _own_ends(view), array("q", own_in), array("i", [1]) * count,
    )  # fmt: skip
    kinds = view.kinds
    for seq in view.by_type("Error"):
        if seq < count and kinds[seq] == ERROR:
            result.errors[seq] = 1
    _sum_up(view, result, count)
    return result


def _own_ends(view: RunView) -> array[int]:
    ends = array("q", view.ends[: view.count])
    timestamps = view.timestamps
    for seq, end in enumerate(ends):
        if end == NO_TIME:
            ends[seq] = timestamps[seq]
    return ends


def _upward(view: RunView, count: int) -> list[int]:
    """Return seqs so that every trace comes before its parent."""
    parents = view.parents
    if all(parents[seq] < seq for seq in range(count)):
        return list(range(count - 1, -1, -1))
    return [seq for seq in reversed(view.forest().seqs) if seq < count]


def _sum_up(view: RunView, result: Rollup, count: int) -> None:
    parents = view.parents
    errors, tokens_in, tokens_out, cost = result.errors, result.tokens_in, result.tokens_out, result.cost
    starts, ends, context, traces = result.start_ms, result.end_ms, result.context, result.traces
    for seq in _upward(view, count):
        parent = parents[seq]
        if parent < 0 or parent >= count:
            continue
        traces[parent] += traces[seq]
        ends[parent] = max(ends[parent], ends[seq])
        starts[parent] = min(starts[parent], starts[seq])
        if errors[seq]:
            errors[parent] += errors[seq]
        if tokens_in[seq] or tokens_out[seq]:
            tokens_in[parent] += tokens_in[seq]
            tokens_out[parent] += tokens_out[seq]
            context[parent] = max(context[parent], context[seq])
        if cost[seq]:
            cost[parent] += cost[seq]


def _own_usage(view: RunView) -> tuple[array[int], array[int], array[float]]:
    """Return what each trace counts itself: zero for wrappers, and for aggregates above model calls."""
    count = view.count
    tokens_in, tokens_out = array("q", bytes(8 * count)), array("q", bytes(8 * count))
    cost = array("d", bytes(8 * count))
    with_usage = [
        seq
        for seq in range(count)
        if view.tokens_in[seq] >= 0 or view.tokens_out[seq] >= 0 or view.costs[seq] == view.costs[seq]
    ]
    covered = _covered(view, with_usage)
    for seq in with_usage:
        if seq not in covered:
            tokens_in[seq] = max(view.tokens_in[seq], 0)
            tokens_out[seq] = max(view.tokens_out[seq], 0)
            price = view.costs[seq]
            cost[seq] = price if price == price else 0.0  # noqa: PLR0124
    return tokens_in, tokens_out, cost


def _covered(view: RunView, with_usage: list[int]) -> set[int]:
    """Return the traces whose figures are told again, finer, by a model call below them."""
    codes = {name: code for code, name in enumerate(view.type_names)}
    model, agent = codes.get(MODEL, -1), codes.get(AGENT, -1)
    parents, kinds, types = view.parents, view.kinds, view.types
    usage = set(with_usage)
    covered: set[int] = set()
    # Two marks on the way up: seen by a model call, and seen without crossing a tool call or an agent.
    near: set[int] = set()
    far: set[int] = set()
    for seq in with_usage:
        if kinds[seq] != CUSTOM or types[seq] != model:
            continue
        node, direct = parents[seq], True
        while node >= 0 and node not in (near if direct else far):
            (near if direct else far).add(node)
            is_model = kinds[node] == CUSTOM and types[node] == model
            if node in usage and (direct if is_model else True):
                covered.add(node)
            if kinds[node] == TOOL_CALL or (kinds[node] == CUSTOM and types[node] == agent):
                direct = False
            node = parents[node]
    return covered


def totals(view: RunView, rollup: Rollup) -> Totals:
    """Return the figures of the whole run, from those of its roots."""
    roots = [seq for seq in view.roots() if seq < len(rollup.traces)]
    start = min((rollup.start_ms[seq] for seq in roots), default=view.run.created_ms)
    end = max((rollup.end_ms[seq] for seq in roots), default=start)
    return Totals(
        sum(rollup.tokens_in[seq] for seq in roots),
        sum(rollup.tokens_out[seq] for seq in roots),
        sum(rollup.cost[seq] for seq in roots),
        start,
        max(end, start),
    )
