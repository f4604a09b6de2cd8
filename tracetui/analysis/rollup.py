"""Figures over whole runs, from the roll-ups that a view keeps (``tracetui.storage.state.rollup``)."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.storage.backend import RunView
from tracetui.storage.state.rollup import Rollup


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


def totals(view: RunView, rollup: Rollup) -> Totals:
    """Return the figures of the whole run, from those of its roots."""
    roots = [seq for seq in view.roots() if seq < len(rollup)]
    start = min((rollup.start_ms[seq] for seq in roots), default=view.run.created_ms)
    end = max((rollup.end_ms[seq] for seq in roots), default=start)
    return Totals(
        sum(rollup.tokens_in[seq] for seq in roots),
        sum(rollup.tokens_out[seq] for seq in roots),
        sum(rollup.cost[seq] for seq in roots),
        start,
        max(end, start),
    )
