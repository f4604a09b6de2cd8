from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.querying.naive import Naive
from tests.querying.strategies import fitting_expressions, queries, runs
from tests.strategies import names
from tracetui import Database, TraceDraft, TraceStore
from tracetui import open as open_store
from tracetui.querying.ast import Literal, Query, Range
from tracetui.querying.grammar import parse
from tracetui.querying.panes import EXCLUDE, INCLUDE, Choice, PaneState
from tracetui.querying.printer import print_query


@st.composite
def edited_panes(draw: st.DrawFn) -> PaneState:
    """Panes over any query, after some choices."""
    state = PaneState.of(draw(queries()))
    for _ in range(draw(st.integers(0, 6))):
        field = draw(st.sampled_from(["type", "tag", "name", "status"]))
        state = state.turn(field, draw(names()), draw(st.sampled_from([INCLUDE, EXCLUDE])))
    if draw(st.booleans()):
        state = state.during(draw(st.none() | st.integers(-5, 5)), draw(st.none() | st.integers(-5, 5)))
    return state


@settings(max_examples=200)
@given(edited_panes())
def test_panes_make_a_query_and_are_made_from_it(state: PaneState) -> None:
    """Panes to tree to text to tree to panes: nothing changes, locked parts included."""
    assert PaneState.of(parse(print_query(state.query()))) == state


@given(queries())
def test_a_query_loses_nothing_in_the_panes(query: Query) -> None:
    """The first time its parts may be put in order; after that it stays as it is."""
    ordered = PaneState.of(query).query()
    assert PaneState.of(ordered).query() == ordered
    assert ordered.stages == query.stages


@settings(max_examples=80)
@given(runs(), fitting_expressions())
def test_a_query_means_the_same_in_the_panes(drafts: list[TraceDraft], expression: object) -> None:
    """Asked of generated runs."""
    with open_store("memory://") as opened:
        db = Database(opened.backend, owning=False)
        run = db.create_run()
        TraceStore(db).record_many(run.id, drafts)
        naive = Naive(list(TraceStore(db).list(run.id)), {})
        query = Query(expression)  # type: ignore[arg-type]
        assert naive.answer(PaneState.of(query).query().where) == naive.answer(query.where)


def test_what_panes_cannot_show_is_a_locked_chip() -> None:
    """Each part of the filter is a chip of valid text; any can be taken away."""
    state = PaneState.of(
        parse("type:(Error OR LLM) -tag:retry timeout dur:>5s under:(tag:plan) time:1..5 tag:a*")
    )
    assert [(chip.text, chip.locked) for chip in state.chips()] == [
        ("timeout", True),
        ("dur:>5s", True),
        ("under:(tag:plan)", True),
        ("tag:a*", True),
        ("type:(Error OR LLM)", False),
        ("NOT tag:retry", False),
        ("time:1..5", False),
    ]
    left = state.without(state.chips()[0]).without(state.chips()[5])
    assert print_query(left.query()) == "dur:>5s under:(tag:plan) tag:a* type:(Error OR LLM) time:1..5"


def test_a_value_is_included_excluded_or_neither() -> None:
    """Turning it the other way takes it over, turning it again lets it go."""
    state = PaneState().turn("tag", "a", INCLUDE).turn("tag", "b", EXCLUDE)
    assert print_query(state.query()) == "tag:a NOT tag:b"
    assert [state.choice("tag").state(Literal(tag)) for tag in "abc"] == [INCLUDE, EXCLUDE, ""]
    assert print_query(state.turn("tag", "a", EXCLUDE).query()) == "NOT tag:b NOT tag:a"
    assert print_query(state.turn("tag", "b", EXCLUDE).query()) == "tag:a"
    assert state.turn("tag", "a", INCLUDE).turn("tag", "b", EXCLUDE) == PaneState()
    with pytest.raises(ValueError, match="no pane"):
        state.turn("depth", "1", INCLUDE)


def test_a_range_of_time_is_set_and_cleared() -> None:
    """One range at a time; a field or everything can be let go."""
    state = (
        PaneState.of(parse("timeout | limit 3"))
        .during(10, None)
        .during(20, 30)
        .turn("type", "Error", INCLUDE)
    )
    assert state.choice("time") == Choice((Range("20", "30"),))
    assert print_query(state.query()) == "timeout type:Error time:20..30 | limit 3"
    assert print_query(state.during(None, None).query()) == "timeout type:Error | limit 3"
    assert print_query(state.cleared("type").query()) == "timeout time:20..30 | limit 3"
    assert print_query(state.cleared().query()) == "| limit 3"


@pytest.mark.parametrize(
    "text", ["tag:a tag:b", "NOT tag:(a OR b)", "tag:(a OR a)", "tag:a NOT tag:a", "NOT tag:a NOT tag:a"]
)
def test_parts_that_one_pane_cannot_hold_are_not_merged(text: str) -> None:
    """Two inclusions of one field mean both, a pane means either: the second is locked."""
    query = parse(text)
    again = PaneState.of(query).query()
    assert PaneState.of(again).query() == again
    shown = [chip.text for chip in PaneState.of(query).chips()]
    assert sorted(" ".join(shown).replace("NOT tag:a NOT tag:b", "NOT tag:(a OR b)").split()) == sorted(
        text.split()
    )
