"""The diff view's rows, texts and details, without a screen."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.tui.runs import fixing
from tracetui import Database, Thought, ToolCall, TraceStore
from tracetui.analysis.diff import diff
from tracetui.render.cells import width_of
from tracetui.tui.view import diff_detail, diff_text
from tracetui.tui.view.diff import DiffModel, Row
from tracetui.tui.view.document import Document
from tracetui.tui.view.glyphs import ASCII
from tracetui.tui.view.run_model import RunModel


def compared(db: Database, a: str, b: str) -> DiffModel:
    """Return two runs beside each other."""
    models = RunModel(db, a), RunModel(db, b)
    return DiffModel(diff(models[0].view, models[1].view), models)


@pytest.fixture
def model(memory: Database) -> DiffModel:
    """Return the good run beside the bad one."""
    return compared(memory, fixing(memory, good=True), fixing(memory, good=False))


def lines(model: DiffModel, width: int) -> list[str]:
    """Return the text of all rows."""
    rows = range(len(model.rows))
    return [
        "".join(text for text, _ in diff_text.row_pieces(model, row, width, ASCII)).rstrip() for row in rows
    ]


def text(pieces: Iterable[tuple[str, str]]) -> str:
    """Return the text of pieces."""
    return "".join(piece for piece, _ in pieces)


def test_equal_steps_fold_and_differences_stand_out(model: DiffModel) -> None:
    """Equal parts are one line, what is above a difference stays, like steps of one side are one line with a count."""
    assert lines(model, 80) == [
        "    A fix                                                                  +3.0s",
        "~     status: ok -> error",
        "=   > 8 equal steps (folded)",
        "~     ? how? → retry",
        "~       chosen: patch -> retry",
        "-     T write_file app/__init__.py                                        -500ms",
        "+   > T bash pytest -q  x3  (+1 below)                                     +2.5s",
        "~     . one",
        "~       content: one␊two␊three -> one␊2␊three",
        "=   > 1 equal step (folded)",
    ]


def test_both_sides_stand_beside_each_other_where_there_is_room(model: DiffModel) -> None:
    """From 96 cells on A is left and B right, with the sign between them; swapped, the other way round."""
    shown = lines(model, 120)
    assert shown[5].startswith("    T write_file app/__init__.py")
    assert "    T write_file app/__init__.py" + " " * 16 in shown[5]
    assert shown[6].lstrip().startswith("+   > T bash pytest -q  x3")
    model.swapped = True
    shown = lines(model, 120)
    assert shown[6].startswith("  > T bash pytest -q  x3  (+1 below)")
    assert shown[6].endswith("-2.5s")
    assert " - " in shown[6]
    assert shown[5].lstrip().startswith("+     T write_file")
    assert "chosen: retry" in shown[4].partition("~")[0]


@pytest.mark.parametrize("width", [30, 80, 95, 96, 120, 250])
def test_every_row_fills_its_width(model: DiffModel, width: int) -> None:
    """Whatever the width, no row is wider or narrower."""
    model.fold_all(folded=False)
    for row in range(len(model.rows)):
        assert width_of(text(diff_text.row_pieces(model, row, width, ASCII))) == width
    assert width_of(text(diff_text.heading(model, 0, max(width, 60)))) == max(width, 60)


def test_the_heading_tells_both_runs_and_which_difference(model: DiffModel) -> None:
    """A and B with verdict and time, the step they part at, and where one is; swapped, the letters stay in place."""
    first = text(diff_text.heading(model, model.first_row, 140))
    assert "A fix …good OK 12.5s | B fix …-bad FAILED 15.5s" in first.replace("run-fix-", "")
    assert "first divergence: step 10   1/4" in first
    assert text(diff_text.heading(model, 0, 140)).rstrip().endswith("0/4")
    model.swapped = True
    assert "A fix …-bad FAILED" in text(diff_text.heading(model, 0, 140))


def test_going_round_the_differences(model: DiffModel) -> None:
    """From the first divergence forwards and backwards, round the ends; a folded one is stood on."""
    row = model.first_row
    assert model.number_at(row) == 1
    seen = []
    for _ in range(4):
        row = model.next_difference(row, 1)
        seen.append(model.number_at(row))
    assert seen == [2, 3, 4, 1]
    assert model.number_at(model.next_difference(row, -1)) == 4
    assert model.number_at(model.next_difference(0, -1)) == 4


def test_folding_keeps_the_order_of_rows(model: DiffModel) -> None:
    """A fold opens to its own rows in place, closes from any of them; opening twice changes nothing."""
    before = list(model.rows)
    folded = before.index(next(row for row in before if row.at < 0))
    assert model.toggle(folded, opened=False) == -1
    assert model.toggle(folded) == folded
    assert [row.at for row in model.rows[folded : folded + 8]] == list(range(1, 9))
    assert model.toggle(folded + 3, opened=True) == -1
    assert model.row_of(5) == folded + 4
    assert model.toggle(folded + 3) == folded
    assert model.rows == before
    assert model.row_of(5) == folded
    assert model.toggle(0) == -1
    assert model.toggle(99) == -1


def test_a_trace_is_found_on_its_side(model: DiffModel) -> None:
    """By the seq of either run, in a folded block too; what the other run alone has is in no row."""
    b = model.models[1].view
    error = b.seq_of("run-fix-bad:error")
    assert error is not None
    row = model.row_of_seq(error)
    assert model.rows[row].at == -1
    model.toggle(row)
    assert model.seqs(model.row_of_seq(error)) == (-1, error)
    write = model.models[0].view.seq_of("run-fix-good:write")
    assert write is not None
    assert model.seqs(model.row_of_seq(write, 0)) == (write, -1)
    assert model.row_of_seq(10_000) == -1


def test_the_detail_tells_what_changed_and_both_sides(model: DiffModel) -> None:
    """Short values below each other, long ones line by line, then each step as a whole; a missing one is said."""
    said = diff_detail.document(model, model.first_row).text()
    assert said.startswith("what changed\n")
    assert "- patch" in said
    assert "+ retry" in said
    assert said.index("A  fix") < said.index("B  fix")
    thought = model.row_of(model.starts[-1])
    said = diff_detail.document(model, thought).text()
    assert [line.strip() for line in said.splitlines()[2:6]] == ["one", "- two", "+ 2", "three"]
    missing = model.row_of(model.starts[1])
    assert "has no such step" in diff_detail.document(model, missing).text()
    assert "only in A" in text(diff_detail.title(model, missing))
    model.swapped = True
    assert "only in B" in text(diff_detail.title(model, missing))
    assert diff_detail.document(model, 99).text() == ""
    assert diff_detail.title(model, 99) == []


def test_equal_runs_say_so(memory: Database) -> None:
    """No difference: everything is one folded line below nothing."""
    model = compared(memory, fixing(memory, good=True), fixing(memory, good=True, run_id="run-again"))
    assert lines(model, 60) == ["= > 13 equal steps (folded)"]
    assert model.next_difference(0, 1) == -1
    assert "no difference" in text(diff_text.heading(model, 0, 100))
    assert model.first_row == 0


def test_an_empty_run_beside_a_full_one(memory: Database) -> None:
    """Everything is only on the other side; two empty runs have no rows."""
    empty, other = memory.create_run("none").id, memory.create_run("none too").id
    model = compared(memory, empty, fixing(memory, good=True))
    assert model.rows == [Row(0, -1)]
    assert compared(memory, empty, other).rows == []
    assert compared(memory, empty, other).at(0) == -1


def test_hostile_payloads_are_text(memory: Database) -> None:
    """Escapes and markup of either run come out as characters."""
    store, ids = TraceStore(memory), []
    for word in ("\x1b[31mred", "[/]\u202e"):
        run = memory.create_run(f"\x1b]52;c;{word}")
        store.record(run.id, ToolCall("bash", {"command": word}, word))
        store.record(run.id, Thought(f"{word}\n\x07two"))
        ids.append(run.id)
    model = compared(memory, *ids)
    model.fold_all(folded=False)
    for row in range(len(model.rows)):
        document = diff_detail.document(model, row)
        document.layout(60)
        shown = [text(document.pieces(n)) for n in range(len(document))]
        assert all(
            char.isprintable() for line in [*lines(model, 110), *lines(model, 70), *shown] for char in line
        )
    assert all(char.isprintable() for char in text(diff_text.heading(model, 0, 200)))


def test_large_texts_are_compared_where_they_differ() -> None:
    """What both ends share costs nothing and is not told; more differing lines than are compared are counted."""
    made = Document()
    body = [f"line {n}" for n in range(50_000)]
    diff_detail.add_line_diff(made, "\n".join(body), "\n".join([*body[:25_000], "other", *body[25_001:]]))
    assert [line.text.strip() for line in made.lines] == [
        "line 24998", "line 24999", "- line 25000", "+ other", "line 25001", "line 25002",
    ]  # fmt: skip
    made = Document()
    diff_detail.add_line_diff(made, "\n".join(body), "\n".join(reversed(body)))
    assert made.lines[-1].text == "… 49,600 lines more"


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_every_row_is_shown_once_whatever_is_folded(a: list[int], b: list[int]) -> None:
    """Unfolded, the rows are those of the diff in their order; toggling every fold twice gives them back."""
    with tracetui.open("memory://") as db:
        store, ids = TraceStore(db), []
        for n, words in enumerate((a, b)):
            run = db.create_run(f"run {n}")
            ids.append(run.id)
            parent = None
            for word in words:
                parent = store.record_with_options(
                    run.id, Thought(f"w{word}"), parent_id=parent if word else None
                )
        model = compared(db, *ids)
        before = list(model.rows)
        for _ in range(2):
            for number in range(len(model.blocks)):
                model.toggle(model.row_of(model.blocks[number].start))
        assert model.rows == before
        model.fold_all(folded=False)
        assert [row.at for row in model.rows if row.part < 0] == list(range(len(model.diff.rows)))
        assert [model.rows[model.row_of(at)].at for at in range(len(model.diff.rows))] == [
            row.at for row in model.rows if row.part < 0
        ]


def test_a_new_comparison_is_folded_as_the_one_before(memory: Database) -> None:
    """As runs grow: what was opened is open, what was closed is closed, sides stay; what is new folds as it would."""
    good, bad = fixing(memory, good=True), fixing(memory, good=False)
    before = compared(memory, good, bad)
    for row in reversed(range(len(before.rows))):
        before.toggle(row)
    before.swapped = True
    made = compared(memory, good, bad)
    assert made.rows != before.rows
    made.show_as(before)
    assert made.rows == before.rows
    assert made.swapped
    shrunk = compared(memory, good, good)
    fresh = list(shrunk.rows)
    shrunk.show_as(before)
    assert shrunk.rows == fresh
