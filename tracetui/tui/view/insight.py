"""What is found out about a run beside the work on the screen: loops, their group rows, and the sentence of why.

Made in a worker and handed over whole; nothing here changes afterwards.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tracetui.analysis.errors import Errors
from tracetui.analysis.explanation import sentence_of
from tracetui.analysis.loops import FanOut, Loop, Loops, find_loops
from tracetui.analysis.prices import Estimates, PriceOf, estimate_costs
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import Verdict, folder_of
from tracetui.storage.backend import RunView
from tracetui.tui.view.grouping import Group, find_groups

NO_LOOPS = Loops((), ())


class Still:
    """A run's columns as of now: what comes while a worker looks at them is not there for it."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self.count = view.count

    def __getattr__(self, name: str) -> Any:
        """Take everything else from the view."""
        return getattr(self._view, name)

    def by_type(self, name: str) -> Sequence[int]:
        """Return the traces of a type name, in seq order."""
        found = self._view.by_type(name)
        return found[: bisect_left(found, self.count)]

    def children(self, seq: int) -> list[int]:
        """Return the children of a trace, in seq order."""
        return [child for child in self._view.children(seq) if child < self.count]

    def roots(self) -> list[int]:
        """Return the traces without a parent, in seq order."""
        return [seq for seq in self._view.roots() if seq < self.count]


@dataclass(frozen=True, slots=True)
class Insight:
    """What is known of a run of ``count`` traces; empty until somebody looked."""

    count: int = 0
    landing: int = -1
    sentence: str = ""
    """Why the run ended as it did; holds while the run lands on ``landing``."""
    loops: Loops = NO_LOOPS
    groups: tuple[Group, ...] = ()
    loop_of: dict[int, Loop] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By call: which of its loop it is, and of how many."""
    fan_of: dict[int, FanOut] = field(default_factory=dict)
    estimates: Estimates = field(default_factory=Estimates)
    """Costs that were not recorded."""

    __hash__ = None  # type: ignore[assignment]


def look_into(view: RunView, verdict: Verdict, errors: Errors, price_of: PriceOf | None = None) -> Insight:
    """Return what is found out about a run as of now; reads its tool calls. For workers.

    :raises TraceTuiError: if the run cannot be read.
    """
    still: Any = Still(view)
    loops = find_loops(still)
    folder = folder_of(view.run)

    def same(seqs: Sequence[int]) -> bool:
        said = summary(view.trace(seqs[0]), folder)
        return all(summary(view.trace(seq), folder) == said for seq in seqs[1:])

    terminal = verdict.landing if verdict.landing == verdict.terminal else -1
    return Insight(
        still.count,
        verdict.landing,
        sentence_of(still, verdict, errors, loops, brief=True),
        loops,
        find_groups(view, loops, terminal, same),
        {seq: loop for loop in loops.loops for seq in loop.seqs},
        loops.places(),
        {seq: fan for fan in loops.fan_outs for seq in fan.seqs},
        estimate_costs(view, price_of),
    )
