"""Which rows there are: kept right while traces come, for filter and zoom."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.tui.view.test_tree_model import ids
from tracetui import Custom, Thought, TraceDraft, TraceStore
from tracetui.tui.view.tree_model import TreeModel


def test_a_message_with_one_child_collapses_into_it(memory: tracetui.Database) -> None:
    """Its child's row stands for both, until a second child comes, or somebody goes to the message itself."""
    store, run = TraceStore(memory), memory.create_run()

    def add(name: str, parent: str | None, *, message: bool = False) -> None:
        kind = Custom("LLM") if message else Thought(name)
        store.record_with_options(run.id, kind, id=name, parent_id=parent)
        model.extend()
        model.check()

    model = TreeModel(memory.view(run.id))
    add("root", None)
    add("m", "root", message=True)
    assert ids(model) == ["root", "m"]
    add("tool", "m")
    assert ids(model) == ["root", "tool"]
    assert (model.row_of(1), model.standing_in(2), model.standing_for(1)) == (1, [1], 2)
    assert model.reveal(1) == 1
    assert ids(model) == ["root", "m", "tool"]
    model.fold_seqs([1])
    assert ids(model) == ["root", "tool"]
    add("below", "tool")
    add("next", "root")
    model.toggle(1)
    assert ids(model) == ["root", "tool", "below", "next"]
    assert list(model.depths) == [0, 1, 2, 1]
    add("second", "m")
    assert ids(model) == ["root", "m", "next"]
    model.toggle(1)
    assert ids(model) == ["root", "m", "tool", "below", "second", "next"]


def test_a_filter_shows_matches_and_ancestors(memory: tracetui.Database, login: str) -> None:
    """Folds stay as they are; without the filter all is back."""
    model = TreeModel(memory.view(login))
    shown = {model.view.seq_of(name) for name in ("root", "tests", "bash1")}
    model.set_shown(shown.__contains__)
    assert ids(model) == ["root", "tests"]
    model.unfold(1)
    assert ids(model) == ["root", "tests", "bash1"]
    assert model.reveal(model.view.seq_of("plan") or 0) == -1
    model.set_shown(None)
    assert len(model) == 13


def test_zoom_shows_one_subtree(memory: tracetui.Database, login: str) -> None:
    """And everything again."""
    model = TreeModel(memory.view(login))
    model.zoom(model.view.seq_of("tests"))
    assert ids(model)[:2] == ["tests", "decide0"]
    assert model.depths[0] == 0
    model.zoom(None)
    assert ids(model)[0] == "root"


def test_appending_at_the_end_and_in_the_middle(memory: tracetui.Database) -> None:
    """New traces come behind their siblings, whether or not their parent is the last one."""
    store, run = TraceStore(memory), memory.create_run()
    store.record_many(
        run.id,
        [TraceDraft(Thought(n), id=n, parent_id=p) for n, p in (("a", None), ("b", None), ("a1", "a"))],
    )
    model = TreeModel(memory.view(run.id))
    store.record_many(
        run.id,
        [
            TraceDraft(Thought(n), id=n, parent_id=p)
            for n, p in (("a2", "a"), ("b1", "b"), ("c", None), ("x", "a1"))
        ],
    )
    assert model.extend()
    assert ids(model) == ["a", "a1", "a2", "b", "b1", "c"]
    assert not model.extend()
    model.check()


def test_rows_are_those_of_get_tree(memory: tracetui.Database, login: str) -> None:
    """Unfolded, the rows are the pre-order that the store gives."""
    model = TreeModel(memory.view(login))
    model.unfold_all()
    tree = TraceStore(memory).get_tree(login, "root")
    assert tree is not None
    assert list(zip(model.depths, ids(model), strict=True)) == [
        (depth, trace.id) for depth, trace in tree.walk()
    ]


@given(
    st.lists(
        st.sampled_from([0, 1, 2, 255, 256, 257, 65_536, 65_793, 16_777_216, -2, -10, -266]), unique=True
    )
)
def test_a_row_is_found_by_its_key_alone(keys: list[int]) -> None:
    """Keys whose bytes lie across those of two rows are no hits; what is not there is −1."""
    with tracetui.open("memory://") as db:
        tree = TreeModel(db.view(db.create_run().id))
    tree.rows = array("i", keys)
    for key in (*keys, 3, 512, -11):
        assert tree._index(key) == (keys.index(key) if key in keys else -1)
