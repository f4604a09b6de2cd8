"""The diff view as a person uses it: d offers a run, differences are gone through, sides swapped, runs grow."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import T0
from tests.tui.driving import main_screen, screen_text, settle, shows
from tests.tui.runs import fixing
from tracetui import Database, Thought, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.choose_run import ChooseRunScreen
from tracetui.tui.screens.help import HelpScreen
from tracetui.tui.view.run_choice import choice_for
from tracetui.tui.widgets.diff import DiffView


def diff_view(app: ExplorerApp) -> DiffView:
    """Return the diff view that is shown."""
    view = main_screen(app).current
    assert isinstance(view, DiffView)
    return view


async def compared(pilot: Pilot[int], app: ExplorerApp) -> DiffView:
    """Wait until the runs are laid beside each other; return the view."""
    for _ in range(200):
        view = main_screen(app).current
        if isinstance(view, DiffView) and view.shown is not None:
            break
        await pilot.pause(0.05)
    await settle(pilot)
    return diff_view(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 50)])
async def test_two_keys_show_where_the_runs_part(memory: Database, size: tuple[int, int]) -> None:
    """D offers the newest good run of the same name, Enter takes it, the cursor stands on the first divergence."""
    fixing(memory, good=True)
    bad = fixing(memory, good=False)
    fixing(memory, good=True, name="other")
    app = ExplorerApp(memory, run_id=bad)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("d")
        await settle(pilot)
        assert shows(app, ChooseRunScreen)
        assert "Compare fix …-bad with" in screen_text(app)
        await pilot.press("enter")
        view = await compared(pilot, app)
        assert view.other_id == "run-fix-good"
        assert view.shown is not None
        assert view.cursor == view.shown.first_row
        text = screen_text(app)
        assert "8 equal steps (folded)" in text
        assert "chosen: patch" in text
        assert "1/4" in text
        assert ("first divergence: step 10" in text) == (size[0] >= 120)
        assert ("what changed" in text) == (size[0] >= 90)
        assert "n next difference" in text


async def test_the_keys_of_the_diff(memory: Database) -> None:
    """N and N go from difference to difference, x swaps, folds open and close, Enter reads, Esc and 1 go back."""
    good, bad = fixing(memory, good=True), fixing(memory, good=False)
    app = ExplorerApp(memory, run_id=bad)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        app.open_diff(good, bad)
        view = await compared(pilot, app)
        assert "1/4" in screen_text(app)
        await pilot.press("n", "n")
        await settle(pilot)
        assert "3/4" in screen_text(app)
        assert "only in B" in screen_text(app)
        await pilot.press("N")
        assert "2/4" in screen_text(app)
        await pilot.press("x")
        await settle(pilot)
        assert view.shown is not None
        assert view.shown.swapped
        assert "A fix …-bad FAILED" in screen_text(app)
        await pilot.press("x", "minus")
        assert "T bash pytest -q  ×3  (+1 below)" in screen_text(app)
        await pilot.press("equals_sign")
        assert "(folded)" not in screen_text(app)
        rows = len(view.shown.rows)
        await pilot.press("g", "j", "j", "h")
        assert len(view.shown.rows) == rows - 7
        await pilot.press("l")
        assert len(view.shown.rows) == rows
        await pilot.press("space", "J")
        assert "2/4" not in screen_text(app)
        await pilot.press("n", "enter")
        assert main_screen(app).detail.has_focus_within
        await pilot.press("escape")
        assert view.has_focus
        await pilot.press("escape")
        assert main_screen(app).current.name_of_view == "tree"
        await pilot.press("5")
        await settle(pilot)
        assert diff_view(app) is view
        await pilot.press("question_mark")
        assert shows(app, HelpScreen)
        await pilot.press("escape", "1")
        assert main_screen(app).current.name_of_view == "tree"


async def test_an_error_and_a_link_are_found_in_the_diff(memory: Database) -> None:
    """E goes to this run's errors there too, and opens the fold that hides it."""
    good, bad = fixing(memory, good=True), fixing(memory, good=False)
    app = ExplorerApp(memory, run_id=bad, view="diff", beside=good)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        view = await compared(pilot, app)
        await pilot.press("e")
        assert view.model.view.ids[view.cursor_seq] == "run-fix-bad:error"


async def test_a_list_of_runs_is_narrowed_by_typing(memory: Database) -> None:
    """Words leave the runs that have them; Esc chooses none; without another run that is said."""
    alone = fixing(memory, good=False)
    app = ExplorerApp(memory, run_id=alone)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("5")
        await settle(pilot)
        assert main_screen(app).current.name_of_view == "tree"
        assert "there is no other run here to compare with" in screen_text(app)
        fixing(memory, good=True)
        fixing(memory, good=True, name="crawl")
        await pilot.press("d")
        await settle(pilot)
        await pilot.press(*"craw")
        await settle(pilot)
        assert "fix …good" not in screen_text(app)
        await pilot.press("down", "up", "pagedown", "pageup", "enter")
        assert (await compared(pilot, app)).other_id == "run-crawl-good"
        await pilot.press("d")
        await settle(pilot)
        await pilot.press(*"nothing like it", "enter", "escape")
        assert diff_view(app).other_id == "run-crawl-good"


def test_the_newest_good_run_of_the_name_is_offered(memory: Database) -> None:
    """Of its name first, then any; a good one before a newer bad one; without a good one the newest of the name."""
    wanted = memory.run(fixing(memory, good=False, run_id="this"))
    fixing(memory, good=False, run_id="older-bad")
    assert choice_for(memory, wanted).offered == 0
    fixing(memory, good=True, run_id="good")
    memory.restore_run("newer-bad", name="fix", created_ms=T0 + 90_000)
    memory.end_run("newer-bad", "failed")
    memory.restore_run("another", name="other", created_ms=T0 + 99_000)
    choice = choice_for(memory, wanted)
    assert [row.run.id for row in choice.rows] == ["newer-bad", "older-bad", "good", "another"]
    assert choice.rows[choice.offered].run.id == "good"


async def test_a_run_that_goes_on_is_compared_again(
    memory: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New steps of the open run come in; the cursor stays with its step."""
    monkeypatch.setattr("tracetui.tui.widgets.diff.AGAIN_SECONDS", 0.0)
    monkeypatch.setattr("tracetui.tui.widgets.diff.SHARE_OF_TIME", 0.0)
    store, good = TraceStore(memory), fixing(memory, good=True)
    run = memory.create_run("fix")
    store.record(run.id, Thought("only here"))
    app = ExplorerApp(memory, run_id=run.id, view="diff", beside=good)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        view = await compared(pilot, app)
        assert view.shown is not None
        view.go_to(view.shown.row_of_seq(0))
        for n in range(3):
            store.record(run.id, Thought(f"more {n}"))
        for _ in range(40):
            await pilot.pause(0.1)
            if "more 2" in screen_text(app):
                break
        assert "more 2" in screen_text(app)
        assert view.cursor_seq == 0


async def test_a_run_that_is_gone_is_said(memory: Database) -> None:
    """A run that cannot be compared with leaves a line that says so."""
    app = ExplorerApp(memory, run_id=fixing(memory, good=False), view="diff", beside="run-nowhere")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert diff_view(app).shown is None
        assert "run-nowhere" in screen_text(app)
        await pilot.press("n", "x", "space", "l", "minus", "e")
        assert "run-nowhere" in screen_text(app)
