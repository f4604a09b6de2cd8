"""The waterfall's lines, window and bars."""

from __future__ import annotations

import random

import pytest

import tracetui
from tests.tui.conftest import T0
from tests.tui.view.test_spots import waiting_run
from tracetui import Custom, Database, ToolCall, TraceDraft, TraceStore
from tracetui.render.cells import width_of
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.row_text import RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.spots import spots_of, still
from tracetui.tui.view.waterfall import Waterfall
from tracetui.tui.view.waterfall_text import axis_text, bar_width, label_width, line_text, path_text

ASCII = RowStyle(glyphs(ascii_only=True))


def fall_of(db: Database, run_id: str, *, timed: bool = True) -> Waterfall:
    """Return the waterfall of a run with everything unfolded."""
    model = RunModel(db, run_id)
    model.tree.unfold_all()
    if timed:
        model.known_spots = spots_of(still(model.view))
    return Waterfall(model)


def said(fall: Waterfall, line: int, width: int = 100, style: RowStyle = ASCII) -> str:
    """Return the text of a line."""
    return "".join(text for text, _ in line_text(fall, line, width, style))


def names(fall: Waterfall) -> list[str]:
    """Return what each line is, by id or as a gap."""
    view, out = fall.model.view, []
    for line in range(len(fall)):
        row, gap = fall.at(line)
        out.append(
            view.ids[fall.model.tree.rows[row]] if gap is None else "waiting" if gap.waiting else "idle"
        )
    return out


def test_gaps_have_lines_where_they_were(memory: Database) -> None:
    """Between the rows that they lie between, with their length; rows and lines find each other."""
    fall = fall_of(memory, waiting_run(memory))
    assert names(fall) == [
        "agent", "turn1", "llm1", "bash1", "idle", "step", "llm2", "waiting", "turn2", "bash2",
    ]  # fmt: skip
    assert "(idle gap)" in said(fall, 4)
    assert "6.0s" in said(fall, 4)
    assert "(waiting for you)" in said(fall, 7)
    for row in range(len(fall.model.tree)):
        assert fall.at(fall.line_of(row)) == (row, None)
    assert fall.model.view.ids[fall.seq_at(4)] == "step"
    assert fall.gap_line(fall.model.view.seq_of("llm2") or 0) == 4
    assert fall.gap_line(0) == -1


def test_gaps_go_with_what_a_fold_hides(memory: Database) -> None:
    """A gap inside a folded subtree has no line; the subtree's bar shows it."""
    fall = fall_of(memory, waiting_run(memory))
    fall.model.tree.fold(1)
    fall.sync()
    assert names(fall) == ["agent", "turn1", "waiting", "turn2", "bash2"]
    bar = said(fall, 1, 120)[-bar_width(120) :]
    assert "=" in bar
    assert "-" in bar
    fall.model.tree.zoom(fall.model.view.seq_of("turn2"))
    fall.sync()
    assert names(fall) == ["turn2", "bash2"]


def test_gap_lines_are_right_whatever_is_folded() -> None:
    """Beside a slow look for the first row after each gap, over random runs and folds."""
    rng = random.Random(3)
    with tracetui.open("memory://") as db:
        for n in range(12):
            run = db.create_run(f"r{n}", id=f"r{n}")
            drafts, at = [], T0
            for k in range(60):
                parent = None if k == 0 or rng.random() < 0.1 else f"{rng.randrange(k)}"
                took = rng.choice([None, 5, 400])
                drafts.append(
                    TraceDraft(
                        ToolCall("t", {}),
                        str(k),
                        parent,
                        timestamp=at,
                        end_ms=None if took is None else at + took,
                    )
                )
                at += rng.choice([1, 100, 8_000])
            TraceStore(db).record_many(run.id, drafts)
            fall = fall_of(db, run.id)
            for _ in range(10):
                fall.model.tree.toggle(rng.randrange(len(fall.model.tree)))
                fall.sync()
                check_gaps(fall)


def check_gaps(fall: Waterfall) -> None:
    """Assert that a gap has a line if and only if its row is visible, and that it stands right before it."""
    spots, rows = fall.model.spots, list(fall.model.tree.rows)
    assert spots is not None
    expected = sorted(
        (rows.index(anchor) if anchor >= 0 else len(rows))
        for anchor in spots.anchors
        if anchor < 0 or anchor in rows
    )
    lines = [fall.at(line) for line in range(len(fall))]
    assert [row for row, gap in lines if gap is not None] == expected
    assert [row for row, gap in lines if gap is None] == list(range(len(rows)))


@pytest.mark.parametrize("width", [60, 80, 120, 200, 300])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_every_line_fills_the_width(memory: Database, login: str, width: int, ascii_only: bool) -> None:
    """At any width and zoom, drawn or plain; plain lines are ASCII."""
    fall = fall_of(memory, login)
    style = RowStyle(glyphs(ascii_only=ascii_only))
    for _ in range(4):
        for line in range(len(fall)):
            text = said(fall, line, width, style)
            assert width_of(text) == width
            assert text.replace("→", "").replace("…", "").isascii() or not ascii_only
        assert sum(width_of(text) for text, _ in axis_text(fall, width, style)) == width
        fall.zoom(3, fall.window[0] + 7)


def test_bars_lie_where_their_time_is(memory: Database) -> None:
    """A bar begins and ends in the cells of its time; an error ends in "!"; what took no time is a tick."""
    run = memory.restore_run("bars", created_ms=T0)
    put = TraceStore(memory).record_with_options
    put(run.id, Custom("Agent", None), id="a", timestamp=T0, end_ms=T0 + 1000)
    put(run.id, ToolCall("t", {}), id="b", parent_id="a", timestamp=T0 + 250, end_ms=T0 + 500, status="error")
    put(run.id, Custom("Log", None), id="c", parent_id="a", timestamp=T0 + 750)
    put(run.id, ToolCall("t", {}), id="d", parent_id="a", timestamp=T0 + 800, open=True)
    fall = fall_of(memory, run.id)
    width = next(w for w in range(80, 200) if bar_width(w) == 80)
    bars = [said(fall, line, width)[-80:] for line in range(4)]
    assert bars[0] == "=" * 80
    assert bars[1] == " " * 20 + "=" * 19 + "!" + " " * 40
    assert bars[2] == " " * 60 + "-" + " " * 19
    assert bars[3] == " " * 64 + "~" * 16
    drawn = said(fall, 1, width, RowStyle(glyphs(ascii_only=False)))[-80:]
    assert drawn[20:39] == "█" * 19


def test_a_span_that_is_not_its_own_ends_in_a_dot(memory: Database) -> None:
    """A turn without an end shows how far its subtree goes."""
    fall = fall_of(memory, waiting_run(memory))
    turn = names(fall).index("turn1")
    assert said(fall, turn, 120).rstrip().endswith(".")


def test_the_window_zooms_around_a_moment_and_pans_to_the_ends(memory: Database) -> None:
    """What is under the cursor stays where it is; nothing outside the run is ever shown; 0 shows all."""
    fall = fall_of(memory, waiting_run(memory))
    whole = fall.window
    fall.zoom(2, T0 + 16_000)
    start, end = fall.window
    assert end - start == 32_000
    assert (T0 + 16_000 - start) / (end - start) == pytest.approx(0.25)
    fall.pan(10)
    assert fall.window[1] == whole[1]
    fall.pan(-10)
    assert fall.window[0] == whole[0]
    assert fall.bring(fall.model.view.seq_of("bash2") or 0)
    assert fall.window[0] < T0 + 60_000 < fall.window[1]
    assert not fall.bring(fall.model.view.seq_of("bash2") or 0)
    for _ in range(40):
        fall.zoom(2, T0 + 61_000)
    assert fall.window[1] - fall.window[0] >= 4
    for _ in range(60):
        fall.zoom(0.5, T0)
    assert not fall.is_zoomed
    assert fall.window == whole


def test_bars_outside_the_window_say_on_which_side(memory: Database) -> None:
    """An arrow at the edge instead of nothing."""
    fall = fall_of(memory, waiting_run(memory))
    fall.zoom(64, T0 + 14_000)
    assert said(fall, names(fall).index("bash2")).endswith(">")
    first = said(fall, names(fall).index("llm1"))
    assert first[-bar_width(100) :].startswith("<")


def test_ticks_are_round_and_end_with_the_end(memory: Database) -> None:
    """The axis begins at 0, its ticks stand at their moments, the last says how long the run is."""
    fall = fall_of(memory, waiting_run(memory))
    axis = "".join(text for text, _ in axis_text(fall, 100, ASCII))[-bar_width(100) :]
    assert axis.startswith("0 ")
    assert axis.endswith("64.0s")
    assert axis.index("20s") == round(20 / 64 * bar_width(100))


def test_the_path_line_says_what_the_time_was(memory: Database) -> None:
    """How much of the span, and for what; before it is known that is said."""
    run_id = waiting_run(memory)
    fall = fall_of(memory, run_id)
    text = "".join(text for text, _ in path_text(fall.model, 120))
    assert text.startswith(" critical path: 12.0s of 64.0s  waiting for you 72%  bash 14%  idle 9%  llm 5%")
    fall = fall_of(memory, run_id, timed=False)
    assert "being worked out" in "".join(text for text, _ in path_text(fall.model, 120))


def test_rows_on_the_critical_path_bear_a_mark(memory: Database) -> None:
    """A character, not only a colour; a folded row bears it for what it hides."""
    fall = fall_of(memory, waiting_run(memory))
    at = label_width(100) + 16
    marks = {name: said(fall, line)[at : at + 2] for line, name in enumerate(names(fall))}
    assert marks["bash1"] == " *"
    assert marks["turn1"] == " |"
    fall.model.tree.fold(1)
    assert said(fall, 1)[at : at + 2] == " *"


def test_runs_without_times_have_an_axis_of_steps(memory: Database) -> None:
    """They say so; durations stay, there are no gaps and no path."""
    run = memory.create_run("timeless", metadata={"time": "none"})
    put = TraceStore(memory).record_with_options
    put(run.id, Custom("Agent", None), id="a", timestamp=1)
    for n in range(8):
        put(run.id, ToolCall("t", {}, "r", 1500), parent_id="a", timestamp=n + 2)
    fall = fall_of(memory, run.id)
    assert len(fall) == 9
    assert "1.5s" in said(fall, 3)
    axis = "".join(text for text, _ in axis_text(fall, 120, ASCII))
    assert "no times were recorded: steps" in axis
    assert "#1" in axis
    assert "no times were recorded" in "".join(text for text, _ in path_text(fall.model, 120))
    first = said(fall, 1, 120)[-bar_width(120) :]
    assert first.index("=") == bar_width(120) // 9


def test_a_live_run_grows_to_now(memory: Database) -> None:
    """The bar of an open call ends now, and so does the axis."""
    run = memory.restore_run("live", created_ms=T0)
    put = TraceStore(memory).record_with_options
    put(run.id, ToolCall("t", {}), id="a", timestamp=T0, end_ms=T0 + 1000)
    put(run.id, ToolCall("t", {}), id="b", timestamp=T0 + 1000, open=True)
    fall = fall_of(memory, run.id)
    fall.model.present = fall.model.present.__class__("LIVE", "", -1, -1, 0, 0)
    fall.model.now_ms = T0 + 4000
    assert fall.window[1] == T0 + 4000
    assert said(fall, 1)[-bar_width(100) :].count("~") == bar_width(100) - bar_width(100) // 4


def test_traces_that_the_timing_does_not_know_yet_have_lines(memory: Database) -> None:
    """Rows come at once; their figures follow when the timing does."""
    run = memory.restore_run("live", created_ms=T0)
    put = TraceStore(memory).record_with_options
    put(run.id, Custom("Agent", None), id="a", timestamp=T0)
    put(run.id, Custom("Step", None), id="step", parent_id="a", timestamp=T0)
    put(run.id, ToolCall("t", {}), id="b", parent_id="step", timestamp=T0, end_ms=T0 + 1000)
    put(run.id, ToolCall("t", {}), id="c", parent_id="a", timestamp=T0 + 9000, end_ms=T0 + 10_000)
    fall = fall_of(memory, run.id)
    assert names(fall) == ["a", "step", "b", "idle", "c"]
    put(run.id, ToolCall("late", {}), id="z", parent_id="step", timestamp=T0 + 20_000, end_ms=T0 + 22_000)
    fall.model.absorb(fall.model.refresh())
    fall.sync()
    assert names(fall) == ["a", "step", "b", "z", "idle", "c"]
    assert "2.0s" in said(fall, 3)
