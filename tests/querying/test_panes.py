from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.querying.naive import Naive
from tests.querying.strategies import fitting_expressions, queries, runs
from tests.strategies import names
from tracetui import Database, TraceDraft, TraceStore
from tracetui import open as open_store
from tracetui.querying.ast import Expression, Literal, Not, Query, Range, Term, all_of
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
def test_a_query_is_the_same_text_in_the_panes(query: Query) -> None:
    """Typed in a shell, shown in the panes and printed back it is one: nothing moves, nothing is lost."""
    typed = parse(print_query(query))
    assert print_query(PaneState.of(typed).query()) == print_query(typed)
    assert PaneState.of(typed).query() == Query(all_of(typed.where), typed.stages)


@given(
    edited_panes(),
    st.sampled_from(["type", "tag", "name", "status"]),
    names(),
    st.sampled_from([INCLUDE, EXCLUDE]),
)
def test_a_choice_moves_nothing_else(state: PaneState, field: str, value: str, way: str) -> None:
    """Parts of other fields and locked ones stay where they are; what is turned twice is as it was in that field."""
    turned = state.turn(field, value, way)
    assert turned.choice(field).state(Literal(value)) in ("", way)
    others = [chip.part for chip in state.chips() if _field_of(chip.part) != field]
    assert [chip.part for chip in turned.chips() if _field_of(chip.part) != field] == others
    assert turned.query() == PaneState.of(turned.query()).query()


def _field_of(part: Expression) -> str:
    term = part.item if isinstance(part, Not) else part
    return term.field.name if isinstance(term, Term) else ""


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
        ("type:(Error OR LLM)", False),
        ("NOT tag:retry", False),
        ("timeout", True),
        ("dur:>5s", True),
        ("under:(tag:plan)", True),
        ("time:1..5", False),
        ("tag:a*", True),
    ]
    left = state.without(state.parts[2]).without(state.parts[1])
    assert print_query(left.query()) == "type:(Error OR LLM) dur:>5s under:(tag:plan) time:1..5 tag:a*"


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
    assert print_query(state.query()) == "timeout time:20..30 type:Error | limit 3"
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
    assert " ".join(chip.text for chip in PaneState.of(query).chips()) == text
