"""Columns and indices in memory: they agree after any sequence of commits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.storage.invariants import assert_consistent
from tests.storage.state.test_tail import answers, changes, held
from tracetui import Thought, TraceDraft, TraceTuiError
from tracetui.model.change import AnyChange, new_trace
from tracetui.storage.memory import MemoryEngine


@given(st.lists(st.lists(changes(), min_size=1, max_size=4), max_size=12))
def test_indices_agree_with_columns_after_every_commit(commits: list[list[AnyChange]]) -> None:
    """Links, postings, time index, roots: each is what a look at all columns gives; refusals change nothing."""
    engine = MemoryEngine()
    engine.create_run("r", {"created_ms": 1})
    tail = held(engine, "r")
    for commit in commits:
        before = answers(tail)
        try:
            engine.append("r", commit)
        except TraceTuiError:
            assert answers(tail) == before
        assert_consistent(tail)


def test_a_deep_chain_of_waiters_is_adopted_once() -> None:
    """Children before parents, the worst order for adoption, stays linear and builds one chain."""
    engine = MemoryEngine()
    engine.create_run("r", {"created_ms": 1})
    count = 9_000
    drafts = [
        TraceDraft(
            Thought(""), id=str(n), parent_id=str(n - 1) if n else None, await_parent=True, timestamp=1
        )
        for n in reversed(range(count))
    ]
    engine.append("r", [new_trace(draft) for draft in drafts])
    forest = engine.view("r").forest()
    assert list(forest.depths) == list(range(count))
    assert list(forest.seqs) == list(reversed(range(count)))
