"""The benchmark of the engine: every row of the design's table is measured, in small, and nothing is said of time."""

from __future__ import annotations

import math

import pytest

from benchmarks.engine import GROUPS, machine, readable
from benchmarks.engine_sizes import FAST_SIZES
from benchmarks.engine_table import BELOW, OPEN, OURS, WON, Goal, Row, as_data, as_text, compared
from benchmarks.engine_workload import items, sizes

OPERATIONS = {
    "singles": {"record one", "record one, durable"},
    "batches": {"batch of 500, per trace"},
    "threads": {"durable, 16 threads"},
    "processes": {"8 processes on own runs", "8 processes on one run"},
    "reading": {
        "get by id, decoded", "by type, lazy traces", "by tag, lazy traces", "by time, lazy traces",
        "children, lazy traces", "all traces, decoded", "type ∧ tag ∧ time", "facet counts: types and tags",
        "tree of 10,000, heads", "text search ignoring case, repeated", "text search exact, repeated", "disk, index files included",
    },
    "opening": {
        "open a run of 300 traces, index there", "50-row window in the middle", "memory per trace, base",
        "memory per trace, tail",
    },
    "rebuilding": {
        "rebuild without index, single frames", "rebuild without index, frames of 500", "cold open, index gone"
    },
    "listing": {"list 12 runs from the catalog", "list 12 runs checked against the files"},
}  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_every_row_is_measured(group: str) -> None:
    """The fast mode yields each row of the table with figures, goal and verdict that go together."""
    rows = list(GROUPS[group](FAST_SIZES))
    assert {row.operation for row in rows} == OPERATIONS[group]
    for row in rows:
        assert math.isfinite(row.ours)
        assert row.theirs is None or row.theirs > 0
        assert (row.verdict == OPEN) == (not row.goal)
        assert row.unit
    assert len(as_text(rows).splitlines()) == len(rows) + 1
    page = readable(machine(), rows)
    assert all(f"| {row.operation}" in page and f"| {row.verdict} |" in page for row in rows)
    assert [one["operation"] for one in as_data(rows)] == [row.operation for row in rows]


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """One disturbed round changes no figure, and the verdict is the goal's."""
    mine, its = iter([1.0, 1.0, 50.0]), iter([8.0, 9.0, 8.0])
    contestants = {OURS: lambda: next(mine), "it": lambda: next(its)}
    (row,) = compared("x", contestants, {"it": Goal("≥", 8)}, repeats=3)
    assert (row.figure, row.verdict) == (8, WON)
    mine, its = iter([3.0]), iter([1.0])
    (row,) = compared("x", contestants, {"it": Goal("≤", 1.2)}, repeats=1, slower=True)
    assert (row.figure, row.verdict) == (3, BELOW)
    assert row == Row("x", "it", 3e6, 1e6, "µs", 3, "≤ 1.2×", BELOW)


def test_the_workload_is_what_the_design_says() -> None:
    """The same at every run; sizes near the design's median, mean, 99th percentile and maximum."""
    listed = list(items(20_000))
    assert listed[:500] == list(items(500))
    found = sizes(listed)
    assert 600 < found["median"] < 720
    assert 1_400 < found["mean"] < 1_700
    assert 13_000 < found["p99"] < 18_000
    assert 80_000 < found["max"] <= 101_000
    assert all(item.parent < number for number, item in enumerate(listed))
    assert machine()["cores"]
