"""The benchmark of the query language: each promise is measured, in small, and nothing is said of time."""

from __future__ import annotations

import math

from benchmarks.engine_sizes import FAST_SIZES
from benchmarks.engine_table import OPEN
from benchmarks.queries import FTS5, GROUPS, SQLITE, measure

PROMISED = {
    "type:Error": 1, "type:ToolCall tag:auth tag:db": 3, "type:Error tag:(auth OR db)": 3, "type:Error time:…": 1,
    "under:(type:Turn tag:plan) type:ToolCall": 20, "under:(type:Decision tag:plan) type:Error": 20,
    "type:ToolCall has:(type:Error)": 20, "child:(type:Error)": 20, "sibling:(type:Error) type:Thought": 20,
    "NOT under:(type:Turn tag:auth)": 20, "zyxomma": 300, "nowhere-at-all": 300, "retry": 300,
    "first hits of a common text": 100, "first hits of a text in 1 of 1,000": 100,
    "longest time between two chances to stop": 16,
}  # fmt: skip


def test_every_promise_is_measured_and_sqlite_gives_the_same_answers() -> None:
    """The fast mode yields each with its goal, beside SQLite where it can; it compares the answers itself."""
    rows = list(measure(FAST_SIZES, list(GROUPS)))
    own = {row.operation.replace(row.operation.partition("time:")[2], "…") if "time:" in row.operation else row.operation: row
           for row in rows if not row.against}  # fmt: skip
    assert {name: row.goal for name, row in own.items() if row.goal} == {
        name: f"≤ {most} ms" for name, most in PROMISED.items()
    }
    assert [name for name, row in own.items() if not row.goal] == [
        "why, with seen before",
        "type:Error in all runs",
    ]
    for row in rows:
        assert math.isfinite(row.ours)
        assert (row.verdict == OPEN) == (not row.goal)
        assert row.unit == "ms"
    beside = {(row.operation, row.against) for row in rows if row.against}
    assert sum(rival == SQLITE for _, rival in beside) == 12
    assert {name for name, rival in beside if rival == FTS5} == {"zyxomma", "nowhere-at-all", "retry"}
