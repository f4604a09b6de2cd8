"""Large runs: very deep, very wide, very long, and very large payloads. Cost follows what is seen.

One of each kind is in every run of the suite; ``--long`` makes those larger that take long.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tracetui
from tests.tui.conftest import T0
from tests.tui.driving import main_screen, settle
from tests.tui.test_comparing import compared
from tracetui import Database, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.diff import diff
from tracetui.tui.app import ExplorerApp
from tracetui.tui.view.diff import DiffModel
from tracetui.tui.view.document import value_document
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.stats import StatsModel, stats_of
from tracetui.tui.view.transcript import Transcript
from tracetui.tui.view.waterfall import Waterfall
from tracetui.tui.widgets.lines import Lines

SHAPES = ["deep", "wide"]
MEGABYTES = 1_000_000
LINE = 500
"""Bytes of a line of a large text."""


def record(db: Database, shape: str, traces: int, run_id: str = "r") -> str:
    """Record a chain of so many traces ("deep"), or one parent of all others ("wide")."""
    run, end = db.restore_run(run_id, name=shape, created_ms=T0), T0 + 2 * traces
    for start in range(0, traces, 10_000):
        drafts = [
            TraceDraft(
                ToolCall("t", {"n": n}),
                f"{run_id}{n}",
                None if n == 0 else f"{run_id}{n - 1 if shape == 'deep' else 0}",
                timestamp=T0 + n,
                end_ms=end - n,
            )
            for n in range(start, min(start + 10_000, traces))
        ]
        TraceStore(db).record_many(run.id, drafts)
    db.end_run(run.id, "completed", ended_ms=end)
    return run.id


@pytest.fixture
def many(request: pytest.FixtureRequest) -> int:
    """How many traces are many, where each takes its time."""
    return 20_000 if request.config.getoption("--long") else 3_000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hundred_thousand_in_every_view_model(memory: Database, shape: str) -> None:
    """Each folds and unfolds whole, finds its last trace and comes back; nothing recurses, nothing is left out."""
    traces = 100_000
    model = RunModel(memory, record(memory, shape, traces))
    tree, last = model.tree, traces - 1
    for _ in range(2):
        tree.fold_all()
        assert len(tree) == 1
        tree.unfold_all()
        assert len(tree) == traces
    assert tree.rows[last] == last
    assert tree.depths[last] == (last if shape == "deep" else 1)
    assert tree.fold(0)
    assert tree.unfold(0)
    assert len(tree) == traces
    fall = Waterfall(model)
    assert len(fall) == traces
    assert fall.seq_at(fall.line_of(last)) == last
    told = Transcript(model)
    told.set_width(100)
    number = told.number_of(last)
    told.measure(number)
    assert told.entry(number).seq == last
    for folded in (True, False):
        told.set_all(folded=folded)
        assert told.seq_at(0) == 0
        assert told.entry(told.number_of(last)).seq == last
        assert len(told) >= traces


@pytest.mark.parametrize("shape", SHAPES)
def test_many_are_counted_and_fold_into_one_line_beside_themselves(
    memory: Database, shape: str, many: int
) -> None:
    """Equal steps are one block, which unfolds to all of them and folds again."""
    run_id = record(memory, shape, many)
    models = RunModel(memory, run_id), RunModel(memory, run_id)
    found = diff(models[0].view, models[1].view)
    assert found.equal
    model = DiffModel(found, models)
    assert len(model.rows) == 1
    model.fold_all(folded=False)
    assert len(model.rows) == many
    assert model.seqs(many - 1) == (many - 1, many - 1)
    model.fold_all(folded=True)
    assert len(model.rows) == 1
    shown = StatsModel()
    shown.take(stats_of(models[0].view))
    group = shown.group(shown.first)
    assert group is not None
    assert group.figures.count == many


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the lines that lists draw."""
    lines, draw = [0], Lines._draw

    def counted(self: Lines, row: int, width: int, *, at_cursor: bool) -> object:
        lines[0] += 1
        return draw(self, row, width, at_cursor=at_cursor)

    monkeypatch.setattr(Lines, "_draw", counted)
    return lines


@pytest.mark.parametrize("shape", SHAPES)
async def test_large_runs_under_the_keys(memory: Database, shape: str, drawn: list[int], many: int) -> None:
    """All folded, all unfolded, to the end and back, in every view and beside itself; only lines on the screen are drawn."""
    run_id, other = record(memory, shape, many), record(memory, shape, many, "q")
    app = ExplorerApp(memory, run_id=run_id)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        for view in ("1", "2", "3"):
            await pilot.press(view)
            await settle(pilot)
            await pilot.press("minus", "equals_sign", "G")
            await settle(pilot)
            assert cursor_id_of_current(app) == f"r{many - 1}", view
            await pilot.press("k", "pageup", "g")
            assert cursor_id_of_current(app) == "r0", view
        await pilot.press("4", "G", "g", "1")
        await settle(pilot)
        app.open_diff(run_id, other)
        shown = await compared(pilot, app)
        await pilot.press("equals_sign", "G")
        assert shown.cursor == many - 1
        await pilot.press("minus", "g")
        assert shown.row_count() == 1
    assert drawn[0] < 2_500


def cursor_id_of_current(app: ExplorerApp) -> str:
    """Return the id of the trace under the cursor of the view that is shown."""
    screen = main_screen(app)
    return screen.model.view.ids[screen.current.cursor_seq]


def text_of(size: int) -> tuple[str, int]:
    """Return a text of so many bytes, and how many lines it has."""
    lines = size // LINE
    return "\n".join(line_of(n) for n in range(lines)), lines


def line_of(number: int) -> str:
    """Return one of its lines."""
    return f"{number:08d} {'x' * (LINE - 10)}"


def test_a_document_of_50_megabytes() -> None:
    """Its beginning is rows at once, and what follows is said; asked for, every line is there, wrapped or not."""
    text, lines = text_of(50 * MEGABYTES)
    document = value_document({"a": text})
    document.layout(600)
    end = len(document) - 1
    assert f"… {lines - (end - 1):,} more lines" in "".join(piece for piece, _ in document.pieces(end))
    assert document.toggle(end)
    assert lines <= len(document) <= lines + 3
    assert line_of(lines - 1) in "".join(piece for piece, _ in document.pieces(len(document) - 1))
    document.layout(300)
    assert 2 * lines <= len(document) <= 2 * lines + 3
    document.wrap = False
    document.layout(300)
    assert lines <= len(document) <= lines + 3


async def test_the_largest_payload_opens_in_the_detail(memory: Database, drawn: list[int]) -> None:
    """33 MB, as much as a trace can hold: asked for, its end can be gone to, unwrapped too; only lines on the screen are drawn."""
    text, lines = text_of(33 * MEGABYTES)
    run = memory.restore_run("r", created_ms=T0)
    TraceStore(memory).record_with_options(run.id, ToolCall("cat", {}, text), id="big", timestamp=T0)
    memory.end_run(run.id, "completed", ended_ms=T0)
    app = ExplorerApp(memory, run_id=run.id)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        view = main_screen(app).detail.view
        view.focus()
        document = view.document
        more = next(
            n for n in range(len(document)) if "more lines" in document.lines[document.line_at(n)].text
        )
        view.go_to(more)
        await pilot.press("enter", "G", "g", "w", "G")
        await settle(pilot)
        assert view.row_count() > lines
        assert view.cursor == view.row_count() - 1
        assert any(f"{lines - 1:08d}" in line.text for line in document.lines[-40:])
    assert drawn[0] < 1_000


def test_a_long_run_on_disk_opens_with_its_index(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """View, tree, errors and figures of a store opened anew are those of the run; the end is at hand."""
    traces = 1_000_000 if request.config.getoption("--long") else 60_000
    with tracetui.open(tmp_path / "s") as db:
        run_id = record(db, "wide", traces)
        db.reindex(run_id)
    with tracetui.open(tmp_path / "s") as db:
        model = RunModel(db, run_id)
        assert model.view.count == traces
        model.tree.unfold_all()
        assert len(model.tree) == traces
        assert model.summary(traces - 1) == f"t n={traces - 1}"
        assert model.totals.end_ms == T0 + 2 * traces
        assert model.verdict.label == "OK"
        model.tree.fold_all()
        assert len(model.tree) == 1
