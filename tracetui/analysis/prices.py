"""What calls cost where the recording does not say: by the prices that the user has set, at the time of looking.

Nothing of it is stored, and whatever shows such a cost marks it with ``~``. A call counts that has usage of its own
(no wrapper, see ``storage.state.rollup``), names a model that has a price, and has no recorded cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tracetui.analysis.bodies import bodies
from tracetui.analysis.errors import MODEL
from tracetui.model.trace_type import CUSTOM
from tracetui.settings import Price
from tracetui.storage.backend import RunView

PriceOf = Callable[[str], Price | None]


@dataclass(frozen=True, slots=True)
class Estimates:
    """Costs in US dollars by seq: of calls themselves, and of everything in the subtrees that hold some."""

    own: Mapping[int, float] = field(default_factory=dict)
    subtree: Mapping[int, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Cost of all calls that were estimated."""
        return sum(self.own.values())

    __hash__ = None  # type: ignore[assignment]


def estimate_costs(view: RunView, price_of: PriceOf | None) -> Estimates:
    """Return the costs that can be estimated; reads the bodies of model calls without a cost. Linear, no recursion."""
    if price_of is None:
        return Estimates()
    known = lru_cache(maxsize=None)(price_of)
    rollup, costs = view.rollup(), view.costs
    seqs = [
        seq
        for seq in view.by_type(MODEL)
        if seq < min(view.count, len(rollup)) and view.kinds[seq] == CUSTOM and rollup.counts(seq) and costs[seq] != costs[seq]
    ]  # fmt: skip
    own = {}
    for seq, _, metadata in bodies(view, seqs):
        usd = _cost_of(metadata, known)
        if usd:
            own[seq] = usd
    return Estimates(own, _summed(view, own) if own else {})


def estimated_cost(metadata: Any, price_of: PriceOf | None) -> float | None:
    """Return what a model call costs by its metadata, None where that is recorded, or cannot be said."""
    if price_of is None or not isinstance(metadata, dict) or metadata.get("cost") is not None:
        return None
    return _cost_of(metadata, price_of)


def _cost_of(metadata: Any, price_of: PriceOf) -> float | None:
    if not isinstance(metadata, dict):
        return None
    model, usage = metadata.get("model"), metadata.get("usage")
    price = price_of(model) if isinstance(model, str) else None
    if price is None or not isinstance(usage, dict):
        return None
    return price.cost_usd({name: n for name, n in usage.items() if isinstance(n, int) and n > 0})


def _summed(view: RunView, own: Mapping[int, float]) -> dict[int, float]:
    """Return the sums of subtrees: in pre-order backwards, every trace is added to its parent after its children."""
    sums = dict(own)
    parents = view.parents
    for seq in reversed(view.forest().seqs):
        usd = sums.get(seq)
        parent = parents[seq]
        if usd and parent >= 0:
            sums[parent] = sums.get(parent, 0.0) + usd
    return sums
