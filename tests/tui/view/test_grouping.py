from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.tui.conftest import login_bug
from tracetui import Custom, Database, Error, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.render.cells import width_of
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.group_folds import GROUP, GroupFolds, is_group, key_of
from tracetui.tui.view.grouping import Group, apart
from tracetui.tui.view.insight import Insight
from tracetui.tui.view.row_text import METRICS, RowStyle, row_text
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.run_state import read_state, restore_folds, state_of
from tracetui.tui.view.tree_model import TreeModel

STYLE = RowStyle(glyphs(ascii_only=False))


def looked_into(db: Database, run_id: str, keep: int = -1) -> RunModel:
    """Return a run with what a worker would find out about it."""
    model = RunModel(db, run_id)
    model.take_insight(model.look_into(), keep)
    model.tree.check()
    return model


def rows(model: RunModel) -> list[str]:
    """Return the left part of all rows."""
    style = RowStyle(glyphs(ascii_only=False), time_format="off")
    lines = []
    for row in range(len(model.tree)):
        pieces = row_text(model, row, 60, style)
        assert width_of("".join(text for text, _ in pieces)) == 60
        lines.append("".join(text for text, _ in pieces)[:52].rstrip())
    return lines


class Recorded:
    """A run to which calls and other steps are added, one second each."""

    def __init__(self, db: Database) -> None:
        self.store, self.run_id, self.at = TraceStore(db), db.create_run("r").id, 0

    def put(
        self, kind: tracetui.TraceType, parent: str | None = None, took: int = 900, **more: object
    ) -> str:
        """Record a step that begins a second after the one before."""
        self.at += 1000
        return self.store.record_with_options(
            self.run_id, kind, parent_id=parent, timestamp=self.at, end_ms=self.at + took, **more  # type: ignore[arg-type]
        )  # fmt: skip

    def call(self, parent: str | None = None, command: str = "make", **more: object) -> str:
        """Record a call."""
        return self.put(ToolCall("bash", {"command": command}, "no rule"), parent, **more)  # type: ignore[arg-type]


def test_a_loop_is_one_row_and_its_last_call_stands_where_the_run_ended(memory: Database) -> None:
    """Seven calls: six fold with the decisions between them, the seventh and its decision stay; figures are of all."""
    model = looked_into(memory, login_bug(memory, loops=7))
    model.tree.reveal(model.verdict.landing)
    assert rows(model)[-6:] == [
        "  ▾ A run tests                                   e7",
        "      ? retry or patch? → retry",
        "    ▸ T bash pytest -q  ×7 ~loop                  e7",
        "      ? retry or patch? → retry",
        "    ▾ T bash pytest -q  7/7                       e1",
        "        ! ToolError: pytest exited 2",
    ]
    group = model.insight.groups[0]
    assert (group.calls, group.inside, group.taken_ms, group.errors) == (7, 6, 7 * 2200, 7)
    row = model.tree.row_of(key_of(group.first))
    assert model.tree.trace_of(model.tree.rows[row]) == group.first
    assert model.tree.toggle(row)
    assert rows(model)[row + 1] == "      ▸ T bash pytest -q  1/7                     e1"
    assert model.tree.span(row) == 12
    model.tree.check()


def test_every_metric_of_a_group_is_a_figure_of_what_folds(memory: Database) -> None:
    """The duration is what the calls took together, the rest are sums over the folded siblings."""
    model = looked_into(memory, login_bug(memory, loops=7))
    row = model.tree.reveal(key_of(model.insight.groups[0].first))
    assert is_group(model.tree.rows[row])
    shown = {}
    for metric in METRICS:
        style = RowStyle(glyphs(ascii_only=False), metric, bar_width=20)
        pieces = row_text(model, row, 100, style)
        assert width_of("".join(text for text, _ in pieces)) == 100
        shown[metric] = pieces
    assert ("   15.4s", "metric") in shown["duration"]
    assert ("      17", "metric") in shown["traces"]


def test_the_sentence_counts_the_calls(memory: Database) -> None:
    """What the header says comes from the explanation, once it is there, and holds as long as the landing."""
    model = RunModel(memory, login_bug(memory, loops=7))
    assert model.sentence == "ended by ToolError: pytest exited 2, in bash pytest -q"
    model.take_insight(model.look_into())
    assert "'app.auth') after 7 identical calls; the decision chose retry" in model.sentence
    model.take_insight(Insight(landing=0, sentence="another"))
    assert model.sentence == model.verdict.why


def test_calls_below_steps_of_their_own_fold_with_them(memory: Database) -> None:
    """A step that holds a model call and its tool is a sibling like a call; another call in it is not."""
    run = Recorded(memory)
    root = run.put(Custom("Agent", {"name": "a"}))
    for _ in range(4):
        step = run.put(Custom("Step"), root)
        run.call(run.put(Custom("LLM", {"output": "again"}), step))
    other = run.put(Custom("Step"), root)
    run.call(other)
    run.call(other, "ls")
    model = looked_into(memory, run.run_id)
    assert rows(model) == ["▾ A a", "  ▸ T bash make  ×4 of 5 ~loop", "  ▸ * Step"]


def test_interleaved_calls_keep_their_places(memory: Database) -> None:
    """A badge says which call of its loop each is."""
    run = Recorded(memory)
    root = run.put(Custom("Agent", {"name": "a"}))
    for n in range(3):
        run.call(root)
        run.call(root, f"ls {n}")
    model = looked_into(memory, run.run_id)
    assert model.insight.groups == ()
    assert [line.split()[-1] for line in rows(model)[1::2]] == ["1/3", "2/3", "3/3"]


def test_a_loop_that_is_interrupted_folds_in_parts(memory: Database) -> None:
    """Each part of at least three says how many it holds of how many."""
    run = Recorded(memory)
    root = run.put(Custom("Agent", {"name": "a"}))
    for n in range(8):
        run.call(root)
        if n == 3:
            run.call(root, "ls")
    model = looked_into(memory, run.run_id)
    assert [line.rstrip() for line in rows(model)[1:]] == [
        "  ▸ T bash make  ×4 of 8 ~loop",
        "    T bash ls",
        "  ▸ T bash make  ×4 of 8 ~loop",
    ]


def test_equal_calls_side_by_side_fold_and_different_ones_say_how_many(memory: Database) -> None:
    """Fan-out is no loop; many different ones fold too, as they would fill the screen."""
    run = Recorded(memory)
    for commands in (["make"] * 3, ["ls", "pwd", "id"], [f"ls {n}" for n in range(12)]):
        root = run.put(Custom("Agent", {"name": "a"}))
        for command in commands:
            run.at -= 900
            run.call(root, command, took=5000)
        run.at += 10_000
    model = looked_into(memory, run.run_id)
    assert rows(model) == [
        "▾ A a", "  ▸ T bash make  ×3",
        "▾ A a", "    T bash ls  +2 at once", "    T bash pwd", "    T bash id",
        "▾ A a", "  ▸ T bash …  ×12",
    ]  # fmt: skip


def test_roots_fold_too(memory: Database) -> None:
    """A run without an agent has its calls at the top; a group there opens and closes like any other."""
    run = Recorded(memory)
    for _ in range(4):
        run.call()
    run.put(Thought("done"))
    model = looked_into(memory, run.run_id)
    assert rows(model) == ["▸ T bash make  ×4 ~loop", "  . done"]
    assert model.tree.unfold(0)
    assert [line.strip() for line in rows(model)[1:5]] == [f"T bash make  {n}/4" for n in range(1, 5)]
    model.tree.check()
    assert model.tree.fold(0)
    run.call()
    model.view.refresh()
    model.tree.extend()
    assert len(rows(model)) == 3
    model.tree.check()


def test_a_group_that_comes_under_the_cursor_is_unfolded(memory: Database) -> None:
    """Nothing disappears where somebody looks; a group that was there stays as it was."""
    run = Recorded(memory)
    root = run.put(Custom("Agent", {"name": "a"}))
    for _ in range(4):
        run.call(root)
    model = looked_into(memory, run.run_id, keep=2)
    assert len(model.tree) == 6
    model.tree.fold(1)
    run.call(root)
    model.absorb(model.refresh())
    assert len(model.tree) == 3
    model.take_insight(model.look_into(), keep=2)
    assert rows(model) == ["▾ A a", "  ▸ T bash make  ×5 ~loop"]


def test_search_filter_and_errors_find_what_a_group_hides(memory: Database) -> None:
    """Hits are counted on its row, revealing opens it, refolding closes it, a filter leaves it where something matches."""
    model = looked_into(memory, login_bug(memory, loops=7))
    tree = model.tree
    key = key_of(model.insight.groups[0].first)
    error = model.view.seq_of("error3") or 0
    model.set_search("pytest", [error])
    tree.reveal(model.view.seq_of("tests") or 0)
    tree.unfold(tree.row_of(model.view.seq_of("tests") or 0))
    assert any(" 1/" in text for text, _ in row_text(model, tree.row_of(key), 80, STYLE))
    assert key in tree.closed_above(error)
    assert tree.nearest(error) == tree.row_of(key)
    opened = tree.closed_above(error)
    assert tree.reveal(error) >= 0
    assert tree.groups.is_open(key)
    tree.fold_seqs(opened)
    assert not tree.groups.is_open(key)
    tree.check()
    model.set_filter("x", [error])
    assert [model.view.ids[seq] if seq >= 0 else "group" for seq in tree.rows] == ["root", "tests", "group"][
        : len(tree)
    ]
    model.set_filter("x", [0])
    assert list(tree.rows) == [0]
    model.clear_filter()
    tree.fold_all()
    assert tree.reveal(key) == tree.row_of(key) > 0
    tree.unfold_all()
    assert len(tree) == model.view.count + 1
    assert tree.reveal(key_of(1)) == -1
    tree.check()


def group_of(parent: int, head: int, tail: int) -> Group:
    """Return a group of which only the place matters."""
    return Group(head, parent, head, tail, 3, 3, True, True, False, 0, 0, 0, 0.0, 0, 0)


TREES = st.lists(st.integers(-1, 14), min_size=1, max_size=16)
"""Parents by seq; one that is not there yet stands for none."""


@given(
    TREES,
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15))),
    st.lists(st.integers(0, 20)),
    st.sets(st.integers(0, 15)),
)
def test_rows_with_groups_are_those_of_the_recursive_definition(
    parents: list[int], pairs: list[tuple[int, int]], toggles: list[int], matches: set[int]
) -> None:
    """Whatever is grouped, folded and filtered."""
    above = [parent if parent < seq else -1 for seq, parent in enumerate(parents)]
    with tracetui.open("memory://") as db:
        run = db.create_run()
        drafts = [
            TraceDraft(Thought("t"), f"t{seq}", f"t{parent}" if parent >= 0 else None)
            for seq, parent in enumerate(above)
        ]
        TraceStore(db).record_many(run.id, drafts)
        model = TreeModel(db.view(run.id))
        groups = apart(
            group_of(above[a], a, b) for a, b in pairs if a < b < len(above) and above[a] == above[b]
        )
        model.take_groups(groups)
        for row in toggles:
            if row < len(model):
                model.toggle(row)
                model.check()
        shown = {node for seq in matches if seq < len(above) for node in [seq, *model.ancestors(seq)]}
        model.set_shown(shown.__contains__)
        assert list(zip(model.rows, model.depths, strict=True)) == expected(model, above, groups, shown)
        for seq in range(len(above)):
            revealed = model.reveal(seq)
            assert (revealed >= 0) == (seq in shown)
            model.check()


def expected(
    model: TreeModel, above: Sequence[int], groups: Sequence[Group], shown: set[int]
) -> list[tuple[int, int]]:
    """Return rows and depths by recursion."""
    found: list[tuple[int, int]] = []

    def show(parent: int, depth: int) -> None:
        children = [seq for seq, other in enumerate(above) if other == parent]
        for seq in children:
            group = next((g for g in groups if g.parent == parent and g.head <= seq <= g.tail), None)
            level = depth
            if group is not None:
                inside = [child for child in children if group.head <= child <= group.tail]
                if seq == group.head and shown.intersection(inside):
                    found.append((key_of(group.first), depth))
                if group.first not in model.groups.opened:
                    continue
                level += 1
            if seq in shown:
                found.append((seq, level))
                if model._open[seq]:
                    show(seq, level + 1)

    show(-1, 0)
    return found


def test_keys_and_groups_find_each_other() -> None:
    """By key, by a child, by what stands below; groups beyond what is known are left out."""
    folds = GroupFolds()
    assert folds.take([group_of(0, 2, 5), group_of(0, 7, 9), group_of(0, 8, 11), group_of(0, 20, 30)], 25)
    assert not folds.take([group_of(0, 2, 5), group_of(0, 7, 9)], 25)
    assert len(folds) == 2
    assert folds.get(GROUP - 7) is folds.of(0, 8)
    assert folds.of(0, 6) is folds.of(0, 1) is folds.of(3, 8) is folds.get(5) is None
    assert folds.holding([-1, 0, 0, 0, 0, 0, 0, 0, 0, 8], 9) == [folds.of(0, 8)]


def test_a_call_that_still_runs_and_its_news_are_no_loop(memory: Database) -> None:
    """An error told beside the calls does not keep them apart."""
    run = Recorded(memory)
    root = run.put(Custom("Agent", {"name": "a"}))
    for _ in range(3):
        run.call(root)
        run.put(Error("E", "no rule", recoverable=True), root)
    model = looked_into(memory, run.run_id)
    assert rows(model)[1].startswith("  ▸ T bash make  ×3 ~loop")
    assert model.insight.groups[0].errors == 0


def test_an_unfolded_group_and_a_cursor_on_one_are_remembered(memory: Database) -> None:
    """By the id of its first call, through JSON; another opening has them again."""
    run_id = login_bug(memory, loops=7)
    model = looked_into(memory, run_id)
    key = key_of(model.insight.groups[0].first)
    model.tree.unfold(model.tree.reveal(key))
    state = read_state(
        state_of(model, model.tree.trace_of(key), "tree", pinned=False, on_group=True).to_json()
    )
    assert state is not None
    assert (state.on_group, state.cursor, state.groups) == (True, "bash0", ("bash0",))
    again = looked_into(memory, run_id)
    restore_folds(state, again)
    assert list(again.tree.rows) == list(model.tree.rows)
    assert read_state({**state.to_json(), "groups": "x"}) is None
