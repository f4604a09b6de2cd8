"""Loops, calls side by side and their group rows as far as they had come at a moment. Pure; costs their calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracetui.analysis.loops import LEAST_CALLS, FanOut, Loop
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.past import Past


def loop_then(past: Past, loop: Loop) -> Loop | None:
    """Return a loop of the calls that had ended, None if they were too few; what model steps wasted is not told."""
    seqs = tuple(filter(past.had_ended, loop.seqs))
    if len(seqs) == len(loop.seqs):
        return loop
    if len(seqs) < LEAST_CALLS:
        return None
    return replace(
        loop, seqs=seqs, wasted_ms=_taken(past, seqs[1:]), wasted_in=0, wasted_out=0, wasted_usd=0.0
    )


def fan_then(past: Past, fan: FanOut) -> FanOut | None:
    """Return the calls of a fan-out that were there, None if it was one."""
    seqs = tuple(filter(past.moments.was_there, fan.seqs))
    return replace(fan, seqs=seqs) if len(seqs) > 1 else None


def group_then(past: Past, group: Group, calls: Sequence[int], siblings: Sequence[int]) -> Group:
    """Return a group of the calls and siblings that were there; a call has to end to be one of a loop."""
    there = list(filter(past.had_ended if group.is_loop else past.moments.was_there, calls))
    figures = past.figures
    taken = _taken(past, there) if group.is_loop else _span(past, siblings)
    return replace(
        group, calls=len(there), inside=min(group.inside, len(there)), taken_ms=taken,
        is_loop=group.is_loop and len(there) >= LEAST_CALLS,
        is_whole=group.is_whole or len(there) <= group.inside,
        errors=sum(figures.errors[seq] for seq in siblings),
        tokens=sum(figures.tokens_in[seq] + figures.tokens_out[seq] for seq in siblings),
        cost=sum(figures.cost[seq] for seq in siblings),
        context=max((figures.context[seq] for seq in siblings), default=0),
        traces=sum(figures.traces[seq] for seq in siblings),
    )  # fmt: skip


def _taken(past: Past, calls: Sequence[int]) -> int:
    return sum(
        max(past.columns.ends[seq] - past.columns.timestamps[seq], 0) for seq in calls if past.statuses[seq]
    )


def _span(past: Past, siblings: Sequence[int]) -> int:
    ends = (past.figures.end_ms[seq] for seq in siblings)
    starts = (past.columns.timestamps[seq] for seq in siblings)
    return max(max(ends, default=0) - min(starts, default=0), 0)
