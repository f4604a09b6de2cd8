from __future__ import annotations

import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

import tracetui
from tests.querying.conftest import Example
from tests.querying.naive import Naive
from tests.querying.strategies import befall, fitting_expressions, laters, relatives, runs, trees
from tracetui import TraceDraft, TraceStore
from tracetui.querying.ast import Expression, Query
from tracetui.querying.execute import execute, matches
from tracetui.querying.grammar import parse
from tracetui.querying.plan import Plan
from tracetui.querying.printer import print_expression
from tracetui.querying.reading import Surroundings

LOOPS = frozenset({0, 3})


@settings(max_examples=600)
@given(runs(), fitting_expressions(), st.data())
def test_a_planned_answer_is_that_of_asking_every_trace(
    drafts: list[TraceDraft], expression: Expression, data: st.DataObject
) -> None:
    """For generated queries over generated runs, structural operators included, in every way to ask, on both engines.

    The runs have open calls, orphans, children before parents, and what comes later: ends, results, tags, notes, marks.
    """
    with tempfile.TemporaryDirectory() as folder:
        location = data.draw(st.sampled_from(["memory://", f"{folder}/store"]))
        with tracetui.open(location) as opened:
            db = tracetui.Database(opened.backend, owning=False)
            run, store = db.create_run("asked", id="run-asked"), TraceStore(db)
            store.record_many(run.id, drafts)
            notes, marks = befall(store, run.id, data.draw(laters(drafts)))
            expected = Naive(list(store.list(run.id)), notes, marks, LOOPS).answer(expression)
            around = Surroundings(loops=lambda _: LOOPS)
            view, query = db.view(run.id), Query(expression)
            assert list(execute(view, query, around=around)) == expected, print_expression(expression)
            plan = Plan(view, query, around)
            assert plan.seqs() == expected
            some = sorted(data.draw(st.sets(st.integers(0, max(len(drafts) - 1, 0)))))
            some = [seq for seq in some if seq < len(drafts)]
            assert matches(view, query, some, around=around) == [seq for seq in some if seq in set(expected)]
            assert plan.matches(some) == matches(view, query, some, around=around)


@settings(max_examples=400)
@given(trees(), relatives(), st.data())
def test_relatives_are_those_of_asking_every_trace(
    drafts: list[TraceDraft], expression: Expression, data: st.DataObject
) -> None:
    """In trees that are large enough for walks, sweeps and late parents; of all at once, some, and piece by piece."""
    with tracetui.open("memory://") as db:
        run, store = db.create_run(), TraceStore(db)
        store.record_many(run.id, drafts)
        naive = Naive(list(store.list(run.id)), {})
        expected = naive.answer(expression)
        view, query = db.view(run.id), Query(expression)
        assert Plan(view, query).seqs() == expected, print_expression(expression)
        plan, wanted = Plan(view, query), set(expected)
        for _ in range(4):  # what was worked out for some is kept for the next
            some = sorted(data.draw(st.sets(st.integers(0, len(drafts) - 1), max_size=5)))
            assert plan.matches(some) == [seq for seq in some if seq in wanted], print_expression(expression)
        assert [seq for piece in plan.pieces() for seq in piece] == expected


def test_a_plan_explains_itself(example: Example) -> None:
    """What each part is answered with, how many were expected, looked at and kept."""
    plan = Plan(example.view, parse("type:ToolCall tag:* timeout has:(type:Error) NOT name:x"))
    assert (plan.steps()[1].listed, plan.steps()[1].checked) == (None, None)
    assert plan.seqs() == []
    text = plan.explain()
    assert text.splitlines()[0] == "11 traces, 0 found"
    assert "type:ToolCall  [index or look-up, about 3, looked at 3, kept 1]" in text
    assert "type:Error  [index, about 1, listed 1]" in text
    assert "timeout  [scan, text, about 4, looked at 1, kept 0]" in text
    assert plan.steps()[0].label == "AND"


def test_the_rarest_index_drives(example: Example) -> None:
    """And payload text is asked last, of what is left."""
    plan = Plan(example.view, parse("timeout type:Thought id:thought"))
    assert [part.label for part in plan.predicate.parts] == ["id:thought", "type:Thought", "timeout"]


def test_names_that_a_run_does_not_have_are_hinted(example: Example) -> None:
    """Legal, and nothing is found; the nearest is named."""
    plan = Plan(example.view, parse("type:ToolCal tag:(nothing OR none) kind:Eror status:eror name:x"))
    assert plan.seqs() == []
    assert plan.hints == [
        "no type ToolCal: 0 in the index, nearest: ToolCall",
        "no tag nothing: 0 in the index",
        "no kind Eror: 0 in the index, nearest: Error",
        "no status eror: 0 in the index, nearest: error",
    ]
    assert Plan(example.view, parse("tag:x tag:dc")).hints == [
        "no tag x: 0 in the index",
        "no tag dc: 0 in the index, nearest: db",
    ]
    assert Plan(example.view, parse("type:(Error OR Nope) tag:d*")).hints == []
    assert Plan(example.view, parse("tag:zz*")).hints == ["no tag of this pattern: 0 in the index"]
