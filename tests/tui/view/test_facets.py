"""The filter panes' rows, counts and choices, without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.tui.conftest import T0
from tracetui import Custom, Database, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.querying.facets import ValueColumns, time_stretches
from tracetui.render.cells import width_of
from tracetui.tui.view.facet_text import row_pieces
from tracetui.tui.view.facets import ADD, HEADING, LOCKED, MORE, TITLES, VALUE, Facets
from tracetui.tui.view.filtering import matches
from tracetui.tui.view.glyphs import ASCII
from tracetui.tui.view.run_model import RunModel


def opened(db: Database, run_id: str, query: str = "") -> Facets:
    """Return the panes of a run under a filter, counted."""
    facets = Facets(RunModel(db, run_id))
    facets.columns = ValueColumns.read(facets.model.view)
    filtered(facets, query)
    return facets


def filtered(facets: Facets, query: str) -> None:
    """Filter, and count under the filter."""
    facets.follow(query)
    model = facets.model
    if query:
        found = [seq for piece in matches(model.view, query, T0) for seq in piece]
        model.set_filter(query, found)
    else:
        model.clear_filter()
    facets.recount()


def row(facets: Facets, field: str, label: str) -> int:
    """Return the number of a row."""
    return next(n for n, each in enumerate(facets.rows) if (each.field, each.label) == (field, label))


def counts(facets: Facets, field: str) -> dict[str, tuple[int, int]]:
    """Return shown and all of the values of a pane."""
    return {
        each.label: (each.shown, each.total)
        for each in facets.rows
        if (each.field, each.kind) == (field, VALUE)
    }


def text(pieces: Sequence[tuple[str, str]]) -> str:
    """Return the text of pieces."""
    return "".join(piece for piece, _ in pieces)


def test_every_pane_has_its_values_with_counts(memory: Database, login: str) -> None:
    """Types, tags, tools and names, models, status, durations, times: what is shown of all there are."""
    facets = opened(memory, login, "tag:shell")
    assert [each.field for each in facets.rows if each.kind == HEADING] == list(TITLES)
    assert counts(facets, "type")["ToolCall"] == (3, 4)
    assert counts(facets, "tag") == {"shell": (3, 3), "io": (0, 2), "plan": (0, 1)}
    assert counts(facets, "name")["bash"] == (3, 3)
    assert counts(facets, "model") == {"m-1": (0, 1)}
    assert counts(facets, "status") == {"error": (3, 8), "ok": (0, 8)}
    assert counts(facets, "dur")["1.0s … 10.0s"] == (3, 3)
    assert sum(total for _, total in counts(facets, "time").values()) == 16
    assert sum(shown for shown, _ in counts(facets, "time").values()) == 3


@pytest.mark.parametrize("field", [name for name in TITLES if name != "text"])
def test_including_a_value_shows_as_many_as_it_says(memory: Database, login: str, field: str) -> None:
    """For every pane and every value: all that its count says, and nothing else."""
    facets = opened(memory, login)
    for number, each in enumerate(list(facets.rows)):
        if each.field == field and each.kind == VALUE:
            assert facets.turn(number, "include")
            found = [seq for piece in matches(facets.model.view, facets.text(), T0) for seq in piece]
            assert len(found) == each.total, facets.text()
            facets.clear()
            facets.recount()


def test_choices_combine_and_come_off(memory: Database, login: str) -> None:
    """Values of a pane are alternatives, panes narrow each other, excluding wins; turning twice lets go."""
    facets = opened(memory, login)
    facets.turn(row(facets, "type", "Error"), "include")
    facets.turn(row(facets, "type", "ToolCall"), "include")
    facets.turn(row(facets, "status", "ok"), "exclude")
    assert facets.text() == "type:(Error OR ToolCall) NOT status:ok"
    facets.turn(row(facets, "type", "Error"), "exclude")
    assert facets.text() == "type:ToolCall NOT status:ok NOT type:Error"
    facets.turn(row(facets, "type", "Error"), "exclude")
    facets.clear_pane(row(facets, "status", "ok"))
    assert facets.text() == "type:ToolCall"
    assert facets.command() == "tracetui query type:ToolCall --run run-login-bug"
    assert not facets.turn(0, "include")
    assert not facets.turn(999, "include")
    assert not facets.clear_pane(999)


def test_what_is_typed_shows_in_the_panes(memory: Database, login: str) -> None:
    """One tree for both: values are marked, texts have rows, what no pane can show is locked and can be let go."""
    facets = opened(
        memory, login, 'type:Error NOT tag:io "pytest exited" NOT kaput (has:tag:x OR depth:>3) name:nowhere'
    )
    assert facets.state_of(facets.rows[row(facets, "type", "Error")]) == "include"
    assert facets.state_of(facets.rows[row(facets, "tag", "io")]) == "exclude"
    assert facets.state_of(facets.rows[row(facets, "name", "nowhere")]) == "include"
    assert facets.state_of(facets.rows[row(facets, "text", "pytest exited")]) == "include"
    assert facets.state_of(facets.rows[row(facets, "text", "kaput")]) == "exclude"
    locked = [each for each in facets.rows if each.kind == LOCKED]
    assert [each.label for each in locked] == ["has:(tag:x) OR depth:>3"]
    number = facets.rows.index(locked[0])
    assert not facets.turn(number, "include")
    facets.turn(row(facets, "text", "kaput"), "include")
    facets.turn(row(facets, "text", "pytest exited"), "include")
    assert "pytest" not in facets.text()
    assert " kaput" in f" {facets.text()}"
    assert "NOT kaput" not in facets.text()
    assert facets.turn(number, "exclude")
    assert "depth" not in facets.text()
    facets.add_text("two words")
    facets.add_text("two words")
    facets.add_text("")
    assert facets.text() == 'type:Error NOT tag:io kaput name:nowhere "two words"'
    facets.recount()
    facets.clear_pane(row(facets, "text", "add a text …"))
    assert facets.text() == "type:Error NOT tag:io name:nowhere"


def test_a_range_of_times_is_brushed(memory: Database, login: str) -> None:
    """From one row to another, in either order; the query is in time from the start, half-open."""
    facets = opened(memory, login)
    times = [n for n, each in enumerate(facets.rows) if each.field == "time" and each.kind == VALUE]
    assert not facets.brush(times[3])
    assert [facets.is_brushed(n, times[1]) for n in times[:5]] == [False, True, True, True, False]
    assert facets.brush(times[1])
    low, high = facets.rows[times[1]].value, facets.rows[times[3]].value
    assert facets.text() == f"time:{low.low}..{high.high}"  # type: ignore[union-attr]
    facets.recount()
    assert facets.rows[row(facets, "time", facets.text().removeprefix("time:"))].kind == VALUE
    assert not facets.brush(0)
    assert facets.brushing is None
    facets.brush(times[0])
    facets.follow("type:Error")
    assert facets.brushing is None


def test_panes_fold_and_long_ones_say_how_many_more(memory: Database) -> None:
    """A folded pane is its heading; eight values are shown, chosen ones always, the others when asked for."""
    store, run = TraceStore(memory), memory.create_run("x")
    for n in range(20):
        store.record(run.id, Custom(f"type{n:02}", None))
    facets = opened(memory, run.id)
    assert len(counts(facets, "type")) == 8
    more = row(facets, "type", "… 12 more")
    assert facets.rows[more].kind == MORE
    filtered(facets, "type:type19")
    assert "type19" in counts(facets, "type")
    assert facets.show_all(row(facets, "type", "… 11 more"))
    assert not facets.show_all(0)
    assert len(counts(facets, "type")) == 20
    assert facets.fold(5, folded=True) == 0
    assert facets.fold(0, folded=True) == -1
    assert counts(facets, "type") == {}
    assert facets.is_folded("type")
    second = facets.next_heading(0, 1)
    assert facets.rows[second].kind == HEADING
    assert facets.next_heading(second, -1) == 0
    assert facets.next_heading(0, -1) == len(facets.rows) - 2
    assert facets.rows[-1].kind == ADD
    assert facets.fold(0) == 0
    assert len(counts(facets, "type")) == 20


@pytest.mark.parametrize("width", [24, 39, 60])
def test_rows_fill_their_width_and_hostile_values_are_text(memory: Database, width: int) -> None:
    """Escapes, markup, wide characters and empty names: always the width asked for, nothing a terminal obeys."""
    store, run = TraceStore(memory), memory.create_run("x")
    for word in ("\x1b[31mred", "[/]\u202e", "日本語" * 20, ""):
        store.record(run.id, ToolCall(word, {}), tags=[word])
        store.record(run.id, Custom(word or "e", None), metadata={"model": word})
    facets = opened(memory, run.id, 'NOT "\x07a" depth:>0 type:x')
    facets.brush(next(n for n, each in enumerate(facets.rows) if each.field == "time" and each.kind == VALUE))
    for number in range(len(facets.rows)):
        shown = text(row_pieces(facets, number, width, ASCII, number))
        assert width_of(shown) == width
        assert shown.isprintable()


def test_a_live_run_is_read_on(memory: Database) -> None:
    """New traces and ends of open ones count without reading all of it again; before anything is read, that is said."""
    store, run = TraceStore(memory), memory.create_run("x")
    call = store.record_with_options(run.id, ToolCall("bash", {}), timestamp=T0, open=True)
    facets = opened(memory, run.id)
    assert counts(facets, "dur")["below 100ms"] == (0, 0)
    assert counts(facets, "status") == {"open": (1, 1)}
    store.complete(run.id, call, end_ms=T0 + 5)
    store.record(run.id, ToolCall("grep", {}, "x"))
    facets.model.absorb(facets.model.refresh())
    facets.recount()
    assert counts(facets, "name") == {"bash": (1, 1), "grep": (1, 1)}
    assert counts(facets, "dur")["below 100ms"][1] >= 1
    fresh = Facets(facets.model)
    fresh.recount()
    assert fresh.needs_reading()
    assert [each.label for each in fresh.rows if each.field == "model"] == ["models", "reading …"]


def test_stretches_of_time_are_round(memory: Database, login: str) -> None:
    """Each begins where the one before ended, at a round distance from the start; every trace is in one."""
    found = time_stretches(memory.view(login))
    assert found[0].start_ms == T0
    assert {each.end_ms - each.start_ms for each in found} == {5000}
    assert all(a.end_ms == b.start_ms for a, b in pairwise(found))
    assert sum(each.total for each in found) == 16
    assert time_stretches(memory.view(memory.create_run("none").id)) == []


def test_a_run_without_times_has_no_times_to_choose(memory: Database) -> None:
    """Its pane of times is left out."""
    run = memory.create_run("x", metadata={"time": "none"})
    TraceStore(memory).record(run.id, Thought("a"))
    facets = opened(memory, run.id)
    assert "time" not in {each.field for each in facets.rows}
    empty = opened(memory, memory.create_run("y").id)
    assert counts(empty, "type") == {}


def test_counting_a_large_run_takes_no_look_at_its_bodies(
    memory: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once read, 100,000 traces are counted under a filter without a look at a body."""
    run, store = memory.create_run("large"), TraceStore(memory)
    for start in range(0, 100_000, 10_000):
        drafts = [
            TraceDraft(
                ToolCall(f"tool{n % 7}", {}), tags=[f"t{n % 5}"], timestamp=T0 + n, end_ms=T0 + n + n % 5000
            )
            for n in range(start, start + 10_000)
        ]
        store.record_many(run.id, drafts)
    facets = opened(memory, run.id)
    facets.model.set_filter("name:tool3", range(3, 100_000, 7))

    def refuse(*_: object) -> None:
        raise AssertionError("a body was read")

    monkeypatch.setattr("tracetui.querying.reading.Reader.body", refuse)
    facets.recount()
    assert counts(facets, "name")["tool3"] == (14286, 14286)
    assert counts(facets, "tag")["t0"] == (2857, 20000)
