from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import tracetui
from tests.querying.naive import Naive
from tests.querying.strategies import fitting_expressions, runs
from tracetui import TraceDraft, TraceStore
from tracetui.querying.ast import Expression, Query
from tracetui.querying.execute import execute, matches
from tracetui.querying.plan import Plan
from tracetui.querying.printer import print_expression


@settings(max_examples=400)
@given(runs(), fitting_expressions(), st.data())
def test_a_planned_answer_is_that_of_asking_every_trace(
    drafts: list[TraceDraft], expression: Expression, data: st.DataObject
) -> None:
    """For generated queries over generated runs, structural operators included, in every way to ask."""
    with tracetui.open("memory://") as db:
        run = tracetui.Database(db.backend, owning=False).create_run()
        store = TraceStore(tracetui.Database(db.backend, owning=False))
        store.record_many(run.id, drafts)
        if drafts:
            store.annotate(run.id, "t0", "time out 7")
        expected = Naive(list(store.list(run.id)), {"t0": ["time out 7"]}).answer(expression)
        view, query = db.view(run.id), Query(expression)
        assert list(execute(view, query)) == expected, print_expression(expression)
        plan = Plan(view, query)
        assert plan.seqs() == expected
        some = sorted(data.draw(st.sets(st.integers(0, max(len(drafts) - 1, 0)))))
        some = [seq for seq in some if seq < len(drafts)]
        assert matches(view, query, some) == [seq for seq in some if seq in set(expected)]
        assert plan.matches(some) == matches(view, query, some)
