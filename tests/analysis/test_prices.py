from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.conftest import run_of
from tracetui import Custom, ToolCall, TraceDraft
from tracetui.analysis.prices import Estimates, estimate_costs, estimated_cost
from tracetui.analysis.statistics import statistics
from tracetui.settings import Price, Settings

SETTINGS = Settings(prices={"m*": Price(10, 100)})


def call(
    trace_id: str,
    parent: str | None,
    model: Any = "m",
    usd: float | None = None,
    used: Any = (100_000, 1_000),
) -> TraceDraft:
    """Return a model call."""
    usage = {"input": used[0], "output": used[1]} if used else None
    metadata = {"model": model, "usage": usage, **({"cost": {"usd": usd}} if usd is not None else {})}
    return TraceDraft(Custom("LLM"), id=trace_id, parent_id=parent, metadata=metadata)


RUN = [
    TraceDraft(Custom("Agent"), id="lead", metadata={"name": "lead"}),
    call("wrapper", "lead"),
    call("leaf", "wrapper"),
    TraceDraft(ToolCall("delegate", {}), id="call", parent_id="lead"),
    call("paid", "call", usd=0.5),
    call("other", "call", model="unknown"),
    call("nameless", "call", model=None),
    call("unused", "call", used=None),
    call("last", "call"),
]
EACH = 1.1
"""Dollars of a call of ``RUN``: a tenth of a million tokens at 10, a thousandth at 100."""


def test_only_calls_without_a_cost_but_with_a_price_are_estimated() -> None:
    """Recorded costs, wrappers, unknown models and calls without usage are left alone; sums go up the tree."""
    view = run_of(RUN)
    found = estimate_costs(view, SETTINGS.pricing)
    names = {view.ids[seq]: usd for seq, usd in found.subtree.items()}
    assert {view.ids[seq]: usd for seq, usd in found.own.items()} == pytest.approx(
        {"leaf": EACH, "last": EACH}
    )
    assert names == pytest.approx(
        {"leaf": EACH, "wrapper": EACH, "last": EACH, "call": EACH, "lead": 2 * EACH}
    )
    assert found.total == pytest.approx(2 * EACH)


def test_without_prices_nothing_is_read_or_estimated() -> None:
    """No prices, no model call's body: the empty answer."""
    assert Settings().pricing is None
    assert estimate_costs(run_of(RUN), None) == Estimates()


def test_statistics_tell_estimates_from_what_was_recorded() -> None:
    """A row's cost is both together, and says how much of it is which."""
    view = run_of(RUN)
    estimates = estimate_costs(view, SETTINGS.pricing)
    (row,) = [row for row in statistics(view, "model", None, estimates) if row.name == "m"]
    assert (row.own_usd, row.own_estimate) == pytest.approx((0.5 + 2 * EACH, 2 * EACH))
    (lead,) = [row for row in statistics(view, "agent", None, estimates) if row.name == "lead"]
    assert (lead.subtree_usd, lead.subtree_estimate) == pytest.approx((0.5 + 2 * EACH, 2 * EACH))
    assert all(row.own_estimate == 0 for row in statistics(view, "model"))


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda inner: st.dictionaries(st.sampled_from(["model", "usage", "cost", "input", "output"]), inner),
    )
)
def test_metadata_of_any_shape_is_no_trouble(metadata: Any) -> None:
    """A cost or none, never an exception."""
    found = estimated_cost(metadata, Settings(prices={"*": Price(1, 1)}).pricing)
    assert found is None or found >= 0
