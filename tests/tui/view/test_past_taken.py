"""What is found, counted and taken out of a run as of a moment."""

from __future__ import annotations

import json

import pytest

from tests.tui.conftest import T0, login_bug
from tests.tui.view.test_past import random_run
from tracetui import Database, ToolCall, TraceStore
from tracetui.querying.facets import ValueColumns
from tracetui.querying.patterns import literal_pattern
from tracetui.tui.view.copying import Source, choices, menu_title, query_command
from tracetui.tui.view.diff_text import passed_over
from tracetui.tui.view.exporting import export_pieces, file_name
from tracetui.tui.view.facets import VALUE, Facets
from tracetui.tui.view.filtering import matches
from tracetui.tui.view.finding import find_text
from tracetui.tui.view.header import truth_line
from tracetui.tui.view.past import view_of
from tracetui.tui.view.run_model import RunModel


@pytest.fixture
def model(memory: Database) -> RunModel:
    """Record a call that failed later, with others before, beside and after it."""
    store, run = TraceStore(memory), memory.restore_run("r", name="r", created_ms=T0)
    put = store.record_with_options
    put(run.id, ToolCall("ls", {}, "a.py needle"), id="ls", timestamp=T0, end_ms=T0 + 10)
    put(run.id, ToolCall("bash", {"c": "make"}), id="make", timestamp=T0 + 100, open=True)
    put(run.id, ToolCall("cat", {}, "x"), id="cat", timestamp=T0 + 200, end_ms=T0 + 200)
    put(run.id, ToolCall("late", {}, "needle"), id="late", timestamp=T0 + 5_000, end_ms=T0 + 5_000)
    store.complete(run.id, "make", status="error", end_ms=T0 + 4_000, result="needle in make")
    return RunModel(memory, run.id)


def at(model: RunModel, trace_id: str) -> RunModel:
    """Show a run as of when a trace came."""
    moments = model.moments or model.travel()
    moments.go_to(model.columns.seq_of(trace_id) or 0)
    model.apply_filter()
    return model


def filtered(model: RunModel, query: str) -> list[str]:
    """Filter; return the ids of what is found."""
    model.set_filter(query, [seq for piece in matches(model.columns, query, T0) for seq in piece])
    return found(model)


def found(model: RunModel) -> list[str]:
    """Return the ids of what the filter finds."""
    return [model.columns.ids[seq] for seq in sorted(model.filter.matches)]


def test_a_filter_asks_what_ran_as_it_was(model: RunModel) -> None:
    """A call that failed later has not failed yet, and is found where open calls are asked for; now is kept."""
    assert filtered(model, "status:error") == ["make"]
    assert found(at(model, "cat")) == []
    assert model.shown == 0
    assert filtered(model, "-status:error") == ["ls", "make", "cat"]
    assert filtered(model, "status:open") == ["make"]
    assert [model.tree.rows[0]] == [1]
    assert filtered(model, "needle") == ["ls"]
    model.return_to_now()
    model.apply_filter()
    assert found(model) == ["ls", "make", "late"]


def test_relations_are_those_of_the_whole_run(model: RunModel) -> None:
    """What asks of relatives is only cut to what was there."""
    assert filtered(model, "-has:type:Error") == ["ls", "make", "cat", "late"]
    assert found(at(model, "cat")) == ["ls", "make", "cat"]


def test_hits_of_a_search_are_counted_as_of_then(model: RunModel) -> None:
    """The result of a call that runs holds nothing yet; going from hit to hit leaves out what came later."""
    hits = [seq for piece in find_text(model.columns, literal_pattern("needle")) for seq in piece]
    model.set_search("needle", hits)
    assert len(model.search.hits) == 3
    at(model, "cat")
    assert model.search.hits == [0]
    assert model.next_hit(0, 1) == 0
    assert "'needle': 1 hits" in "".join(text for text, _ in truth_line(model, (0, 1), "duration", "", 200))
    at(model, "late")
    assert len(model.search.hits) == 3
    model.set_search("", [])
    assert model.search.hits == []


def test_panes_count_what_was_there(model: RunModel) -> None:
    """Totals and what is shown are of the moment; a call that runs is open and has no duration; times end there."""
    facets = Facets(at(model, "cat"))
    facets.columns = ValueColumns.read(model.columns)
    facets.recount()
    assert counts(facets, "type") == {"ToolCall": (3, 3)}
    assert counts(facets, "status") == {"ok": (2, 2), "open": (1, 1)}
    assert counts(facets, "name") == {"bash": (1, 1), "cat": (1, 1), "ls": (1, 1)}
    assert sum(total for _, total in counts(facets, "dur").values()) == 2
    assert sum(total for _, total in counts(facets, "time").values()) == 3
    filtered(model, "status:open")
    facets.recount()
    assert counts(facets, "name") == {"bash": (1, 1), "cat": (0, 1), "ls": (0, 1)}


def counts(facets: Facets, field: str) -> dict[str, tuple[int, int]]:
    """Return shown and all of the values of a pane that anything has."""
    rows = (row for row in facets.rows if (row.field, row.kind) == (field, VALUE) and row.total)
    return {row.label: (row.shown, row.total) for row in rows}


@pytest.mark.parametrize("number", range(4))
def test_a_forest_as_of_a_moment_holds(memory: Database, number: int) -> None:
    """Sizes nest and depths step by one, and nothing but what was there is in it."""
    model = RunModel(memory, random_run(memory, number, 40))
    moments = model.travel()
    moments.go_to(moments.order[17 + number])
    forest = view_of(model.columns, model.newest, has_times=True).forest()
    forest.check()
    assert sorted(forest.seqs) == sorted(moments.order[: moments.at])


def test_what_is_exported_and_copied_is_as_of_then(model: RunModel) -> None:
    """Lines and Markdown hold what was there as it was; names and menus say as of when; the query ends there."""
    lines = [json.loads(line) for line in "".join(export_pieces(at(model, "cat"), -1, "jsonl")).splitlines()]
    assert lines[0]["run"]["status"] == "active"
    assert lines[0]["run"]["traces"] == 3
    traces = {line["trace"]["id"]: line["trace"] for line in lines[1:]}
    assert list(traces) == ["ls", "make", "cat"]
    assert (traces["make"]["status"], traces["make"]["trace_type"]["ToolCall"]["result"]) == ("open", None)
    markdown = "".join(export_pieces(model, -1, "md"))
    assert "needle in make" not in markdown
    assert "late" not in markdown
    assert "as-of-200ms" in file_name(model, -1, "md")
    assert menu_title("Copy", model) == "Copy, as of +200ms"
    source = Source("/s")
    assert "time:..+200ms" in query_command(model, source)
    offered = choices(model, 1, source)
    assert "needle" not in offered["j"].text() + offered["m"].text()
    assert "by when it began" in offered["q"].title
    model.return_to_now()
    assert menu_title("Copy", model) == "Copy"
    assert "needle in make" in "".join(export_pieces(model, -1, "md"))
    assert "time:" not in query_command(model, source)


def test_the_markdown_of_a_past_is_like_that_of_a_run(memory: Database) -> None:
    """A run with loops, errors and model steps can be told at every one of its moments."""
    model = RunModel(memory, login_bug(memory))
    moments = model.travel()
    for _ in range(len(moments) - 1):
        assert "".join(export_pieces(model, -1, "md")).startswith("# ")
        assert "".join(export_pieces(model, moments.newest, "md"))
        moments.step(-1)


def test_a_diff_says_what_it_does_not_heed(model: RunModel) -> None:
    """It lays whole runs beside each other, whatever is filtered and whichever moment is shown."""
    assert passed_over(model) == ""
    filtered(model, "name:ls")
    assert "without the filter" in passed_over(model)
    assert "as of now" in passed_over(at(model, "cat"))
