from __future__ import annotations

import pytest

from tests.querying.conftest import Example
from tracetui import QueryError, Thought, ToolCall, TraceStore
from tracetui.querying.ast import Field
from tracetui.querying.grammar import parse
from tracetui.querying.pipeline import hits_of, largest, makes_table, order_of, percentile, table_of
from tracetui.querying.plan import Plan


def ids(example: Example, text: str) -> list[str]:
    """Return the ids of what comes out of a pipeline."""
    query = parse(text)
    return [plan.reader.view.ids[seq] for plan, seq in hits_of([Plan(example.view, query)], query.stages)]


def table(example: Example, text: str) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    """Return the table that a pipeline makes."""
    query = parse(text)
    made = table_of([Plan(example.view, query)], query.stages)
    return made.columns, made.rows


def test_hits_are_sorted_and_limited_in_turn(example: Example) -> None:
    """Stable, and missing last whichever way."""
    assert ids(example, "type:(LLM OR Agent) | sort -cost") == ["small", "model", "agent"]
    assert ids(example, "type:(LLM OR Agent) | sort cost") == ["model", "small", "agent"]
    assert ids(example, "type:(LLM OR Agent) | sort -cost | limit 1") == ["small"]
    assert ids(example, "type:(LLM OR Agent) | limit 1 | sort -cost") == ["agent"]
    assert ids(example, "type:ToolCall | sort name") == ["call", "again", "hung"]
    assert ids(example, "type:ToolCall | sort tag | limit 0") == []


def test_hits_are_counted(example: Example) -> None:
    """Alone, or by a field: most frequent first, missing as None; a trace of two tags counts for both."""
    assert table(example, "| count") == (("count",), ((11,),))
    assert table(example, "type:Nothing | count") == (("count",), ((0,),))
    assert table(example, "type:ToolCall | count by name") == (
        ("name", "count"),
        (("bash", 2), ("read_file", 1)),
    )
    assert table(example, "type:ToolCall | count by tag")[1] == (
        ("db", 1),
        ("retry", 1),
        ("search", 1),
        (None, 1),
    )
    assert table(example, "type:ToolCall | count by result.exit_code | sort -result.exit_code")[1] == (
        (2, 1),
        (0, 1),
        (None, 1),
    )
    assert table(example, "type:ToolCall | count by name | sort count | limit 1")[1] == (("read_file", 1),)


def test_unlike_values_are_told_apart(example: Example) -> None:
    """1 and true and "1" and 1.0 are four."""
    store = TraceStore(example.db)
    for value in (1, True, "1", 1.0, 1):
        store.record(example.run_id, ToolCall("t", {"v": value}))
    counted = table(example, "name:t | count by args.v")[1]
    assert sorted(map(repr, counted)) == ["('1', 1)", "(1, 2)", "(1.0, 1)", "(True, 1)"]


def test_numbers_are_summed_up(example: Example) -> None:
    """Nearest-rank percentiles, always one of the numbers; nothing of nothing."""
    columns, rows = table(example, "| stats dur")
    assert columns == ("count", "sum", "min", "mean", "p50", "p95", "max")
    assert rows == ((5, 78_000, 1000, 15_600, 6000, 60_000, 60_000),)
    assert table(example, "type:Error | stats dur")[1] == ((0, None, None, None, None, None, None),)
    assert table(example, "| stats result.exit_code")[1][0][:3] == (2, 2, 0)
    assert [percentile([1], 50), percentile([1, 2], 50), percentile([1, 2, 3], 0)] == [1, 1, 1]


def test_fields_are_selected(example: Example) -> None:
    """A row a trace; several tags in one."""
    assert table(example, "tag:* | select id, tag, dur, args.path | sort -dur | limit 2") == (
        ("id", "tag", "dur", "args.path"),
        (("agent", "start", 60_000, None), ("again", "db", 7000, "tests/test_a.py")),
    )
    assert table(example, "id:call | select tag")[1] == (("search,retry",),)
    assert table(example, "id:failed | select error")[1] == (
        ("ToolError: No module named app.auth: timeout",),
    )
    query = parse("id:call | select id")
    assert table_of([Plan(example.view, query)], query.stages).to_json() == [{"id": "call"}]


def test_stages_are_over_all_runs(example: Example) -> None:
    """Hits stand one run after the other."""
    other = example.db.create_run("other")
    TraceStore(example.db).record(other.id, Thought("x"))
    query = parse("type:Thought | count by run")
    plans = [Plan(example.db.view(run_id), query) for run_id in (other.id, example.run_id)]
    assert set(table_of(plans, query.stages).rows) == {(example.run_id, 2), (other.id, 1)}
    query = parse("type:Thought | limit 2")
    plans = [Plan(example.db.view(run_id), query) for run_id in (other.id, example.run_id)]
    assert [plan.reader.view.run_id for plan, _ in hits_of(plans, query.stages)] == [other.id, example.run_id]


def test_a_table_is_no_list_of_traces(example: Example) -> None:
    """Nor the other way round: both say what to do."""
    assert makes_table(parse("| count").stages)
    assert not makes_table(parse("| sort dur").stages)
    with pytest.raises(QueryError, match="make a table"):
        hits_of([], parse("| count").stages)
    with pytest.raises(QueryError, match="no stage"):
        table_of([], parse("| limit 1").stages)


def test_the_largest_are_found_without_sorting_all(example: Example) -> None:
    """Largest first, those without the field left out."""
    plan = Plan(example.view, parse(""))
    found = largest(((plan, seq) for seq in plan.seqs()), Field("dur"), 2)
    assert [plan.reader.view.ids[seq] for _, seq in found] == ["agent", "again"]


def test_values_of_any_shape_have_an_order() -> None:
    """Numbers, then text ignoring case, then the rest; NaN is missing."""
    values = [[1], "b", "A", 2, True, {"a": 1}]
    assert sorted(values, key=order_of) == [True, 2, "A", "b", [1], {"a": 1}]
    assert order_of(None) is order_of(float("nan")) is None
