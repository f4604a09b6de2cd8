from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.tui.conftest import login_bug
from tracetui import Custom, Thought, TraceDraft, TraceStore
from tracetui.tui.view.tree_model import TreeModel
from tracetui.tui.view.tree_rows import ORPHANS, row_after, row_before


def ids(model: TreeModel) -> list[str]:
    """Return the ids of the visible rows, "-" for the heading of orphans."""
    return ["-" if seq == ORPHANS else model.view.ids[seq] for seq in model.rows]


class Family:
    """Who is whose child, as the store links them: arriving parents take in those that wait, but for circles."""

    def __init__(self) -> None:
        self.linked: dict[str, str | None] = {}
        self.waits: dict[str, str] = {}
        self.messages: set[str] = set()

    def add(self, node: str, parent: str | None, *, wait: bool, message: bool = False) -> None:
        """Add a trace."""
        if message:
            self.messages.add(node)
        self.linked[node] = None if wait else parent
        if wait and parent is not None:
            self.waits[node] = parent
        above, step = {node}, self.linked[node]
        while step is not None:
            above.add(step)
            step = self.linked[step]
        for child in [c for c, p in self.waits.items() if p == node and c not in above]:
            self.linked[child] = node
            del self.waits[child]

    def rows(self, is_open: set[str], *, orphans_open: bool) -> list[str]:
        """Return what should be visible, recursively."""
        rows: list[str] = []

        def show(node: str) -> None:
            children = [c for c, p in self.linked.items() if p == node]
            if node in self.messages and len(children) == 1:
                show(children[0])
                return
            rows.append(node)
            for child in children if node in is_open else []:
                show(child)

        for root in [n for n, parent in self.linked.items() if parent is None and n not in self.waits]:
            show(root)
        waiting = [n for n in self.linked if n in self.waits]
        if waiting:
            rows.append("-")
            for node in waiting if orphans_open else []:
                show(node)
        return rows


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("toggle"), st.integers(0, 30)),
        st.tuples(st.sampled_from(("record", "message")), st.integers(-1, 12)),
        st.tuples(st.just("await"), st.integers(0, 20)),
        st.tuples(st.just("later"), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS)
def test_rows_are_what_the_folds_say_whatever_happens(steps: list[tuple[str, int]]) -> None:
    """Toggles, new traces, orphans and their parents in any order give the rows of the recursive definition."""
    with tracetui.open("memory://") as db:
        store, run = TraceStore(db), db.create_run()
        store.record_with_options(run.id, Thought("0"), id="t0", timestamp=0)
        model = TreeModel(db.view(run.id))
        family = Family()
        family.add("t0", None, wait=False)
        is_open, orphans_open, known = {"t0"}, True, {"t0"}
        for what, number in steps:
            name = f"t{len(family.linked)}"
            if what in ("record", "message") and (number < 0 or f"t{number}" in family.linked):
                parent = None if number < 0 else f"t{number}"
                kind = Thought(name) if what == "record" else Custom("LLM")
                store.record_with_options(run.id, kind, id=name, parent_id=parent, timestamp=0)
                family.add(name, parent, wait=False, message=what == "message")
            elif what == "await" and number % 5:
                wanted = f"t{len(family.linked) + number % 5}"
                store.record_with_options(
                    run.id, Thought(name), id=name, parent_id=wanted, await_parent=True, timestamp=0
                )
                family.add(name, wanted, wait=True)
            elif what == "toggle" and number < len(model):
                seq = model.rows[number]
                if model.toggle(number) and seq != ORPHANS:
                    is_open ^= {model.view.ids[seq]}
                elif seq == ORPHANS:
                    orphans_open = not orphans_open
            if what == "later":
                continue
            model.extend()
            is_open |= {
                node for node, parent in family.linked.items() if node not in known and parent is None
            }
            known = set(family.linked)
            assert ids(model) == family.rows(is_open, orphans_open=orphans_open)


def test_it_opens_with_roots_unfolded(memory: tracetui.Database, login: str) -> None:
    """Depths 0 and 1 are there, what is below is folded."""
    model = TreeModel(memory.view(login))
    assert ids(model) == ["root", "plan", "model", "read", "thought", "search", "tests"]
    assert list(model.depths) == [0, 1, 1, 1, 1, 1, 1]
    model.check()


def test_revealing_unfolds_the_way_and_no_more(memory: tracetui.Database, login: str) -> None:
    """The ancestors of the landing are unfolded, its siblings stay folded."""
    model = TreeModel(memory.view(login))
    row = model.reveal(model.view.seq_of("error2") or 0)
    assert ids(model)[row] == "error2"
    assert ids(model)[-3:] == ["decide2", "bash2", "error2"]
    assert "error0" not in ids(model)
    model.check()


def test_moving_among_rows(memory: tracetui.Database, login: str) -> None:
    """Parents, siblings and nearest rows."""
    model = TreeModel(memory.view(login))
    model.unfold_all()
    at = ids(model).index
    assert model.parent_row(at("error1")) == at("bash1")
    assert model.parent_row(0) == -1
    assert model.sibling_row(at("bash0"), 1) == at("decide1")
    assert model.sibling_row(at("decide1"), -1) == at("bash0")
    assert model.sibling_row(at("error0"), 1) == at("error0")
    assert model.span(at("tests")) == 10
    model.fold_all()
    assert ids(model) == ["root"]
    assert model.nearest(model.view.seq_of("error1") or 0) == 0
    error = model.view.seq_of("error1") or 0
    assert [model.view.ids[seq] for seq in model.closed_above(error)] == ["bash1", "tests", "root"]
    model.reveal(error)
    assert "bash2" in ids(model)
    model.fold_seqs(model.ancestors(error)[:2])
    assert ids(model)[-1] == "tests"
    assert model.ancestors(-1) == []


def test_a_chain_of_100_000_and_as_many_children(memory: tracetui.Database) -> None:
    """Neither recursion nor one step a trace for a toggle of a leaf."""
    store, deep, wide = TraceStore(memory), memory.create_run(), memory.create_run()
    for start in range(0, 100_000, 10_000):
        numbers = range(start, start + 10_000)
        store.record_many(
            deep.id,
            [TraceDraft(Thought(""), id=str(n), parent_id=str(n - 1) if n else None) for n in numbers],
        )
        store.record_many(
            wide.id, [TraceDraft(Thought(""), id=str(n), parent_id="0" if n else None) for n in numbers]
        )
    chain = TreeModel(memory.view(deep.id))
    chain.unfold_all()
    assert (len(chain), chain.depths[-1]) == (100_000, 99_999)
    star = TreeModel(memory.view(wide.id))
    assert len(star) == 100_000
    star.toggle(0)
    assert len(star) == 1
    star.toggle(0)
    assert len(star) == 100_000


def test_the_sample_of_the_fixture_has_what_tests_rely_on(memory: tracetui.Database) -> None:
    """Seven loops are seven errors."""
    run = login_bug(memory, loops=7, run_id="other")
    assert memory.view(run).type_counts()["Error"] == 7


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12).map(lambda few: few * 9),
    st.integers(0, 107),
    st.integers(-1, 3),
)
def test_rows_no_deeper_are_found_as_by_a_look_at_each(few: list[int], row: int, depth: int) -> None:
    """The look at many rows in one call finds the same as one at each, in both directions."""
    depths = array("i", few)
    no_deeper = [at for at, found in enumerate(depths) if found <= depth]
    row = min(row, len(depths))
    assert row_after(depths, row, depth) == next((at for at in no_deeper if at >= row), len(depths))
    assert row_before(depths, row, depth) == next((at for at in reversed(no_deeper) if at < row), -1)
