"""The explorer as a person opens it: where it lands, what it says, from run to run, at every size."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.conftest import login_bug
from tests.tui.driving import SIZES, cursor_id, main_screen, screen_text, settle, shows
from tracetui import Database, Thought, TraceStore
from tracetui.tui.app import ExplorerApp, find_trace
from tracetui.tui.control import moving
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.screens.picker import PickerScreen


@pytest.mark.parametrize("size", SIZES)
async def test_a_failed_run_opens_on_what_ended_it(
    memory: Database, login: str, size: tuple[int, int]
) -> None:
    """At every size: the cursor on the terminal error, in view, its ancestors unfolded, verdict and reason above."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        assert cursor_id(app) == "error2"
        text = screen_text(app)
        assert "FAILED" in text
        assert "3 errors, 0 recovered" in text
        assert "! ToolError: pytest exited 2" in text
        assert "ended by: pytest exited 2 (ModuleNotFoundError: No module" in text
        assert "(no filter)" in text
        if size[0] >= 120:
            assert "not recovered, this ended the run" in text
            assert "just before" in text or size[1] < 40
        assert ("━" in text) == (size[0] >= 160)


async def test_keys_that_can_do_nothing_say_why(memory: Database) -> None:
    """A run without errors: e tells so instead of doing nothing."""
    run = memory.create_run("quiet")
    TraceStore(memory).record(run.id, Thought("all is well"))
    memory.end_run(run.id)
    app = ExplorerApp(memory, run_id=run.id)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("e")
        await settle(pilot)
        assert "this run has no errors" in screen_text(app)
        assert "next error" not in screen_text(app).splitlines()[-1]
        await pilot.press("n", "o", "Z", "F", "backspace")


async def test_an_empty_run_and_an_empty_store(memory: Database) -> None:
    """Nothing to show is shown as such; what comes is shown when it comes."""
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert "No runs here yet" in screen_text(app)
        run = memory.create_run("empty")
        assert isinstance(app.screen, PickerScreen)
        app.screen.reload()
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        for key in ("j", "space", "e", "h", "l", "z", "G", "n", "enter", "escape", "y", "escape"):
            await pilot.press(key)
        TraceStore(memory).record(run.id, Thought("at last"))
        for _ in range(40):
            await pilot.pause(0.05)
            if "at last" in screen_text(app):
                break
        assert "at last" in screen_text(app)


async def test_going_from_run_to_run(memory: Database, login: str) -> None:
    """H and L, r and back; a run that is deleted is said to be."""
    other = login_bug(memory, name="another", run_id="run-another")
    app = ExplorerApp(memory, run_id=other)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        first = main_screen(app).model.run.id
        await pilot.press("H" if app.picker_model.row_of(first) <= 0 else "L")
        await settle(pilot)
        await pilot.press("L", "H", "H", "H")
        await settle(pilot)
        assert shows(app, MainScreen)
        await pilot.press("r")
        await settle(pilot)
        assert shows(app, PickerScreen)
        await pilot.press("escape")
        await settle(pilot)
        here = main_screen(app)
        memory.delete_run(here.model.run.id)
        for _ in range(60):
            await pilot.pause(0.05)
            if "was deleted" in screen_text(app):
                break
        assert "was deleted" in screen_text(app)


async def test_opening_at_a_trace_with_a_query(memory: Database, login: str) -> None:
    """What a link says is what is shown; an id that is not there is told."""
    app = ExplorerApp(memory, run_id=login, trace_id="read", query="type:ToolCall")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert cursor_id(app) == "read"
        assert len(main_screen(app).model.filter.matches) == 4
        assert find_trace(main_screen(app).model, "arch") == main_screen(app).model.view.seq_of("search")
    app = ExplorerApp(memory, run_id=login, trace_id="nothing")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert "no trace nothing in this run" in screen_text(app)
    app = ExplorerApp(memory, run_id="none")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert "no run 'none'" in screen_text(app)


async def test_resizing_keeps_the_place(memory: Database, login: str) -> None:
    """From wide to narrow and back the cursor stays with its trace, in view."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        await settle(pilot)
        for size in ((80, 24), (100, 30), (130, 10), (200, 50)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            screen = main_screen(app)
            assert cursor_id(app) == "error2"
            top = screen.tree_view.scroll_offset.y
            assert top <= screen.tree_view.cursor < top + screen.tree_view.page


async def test_nothing_is_read_beyond_ascii_when_asked(memory: Database, login: str) -> None:
    """With --ascii our own glyphs are plain."""
    app = ExplorerApp(memory, run_id=login, ascii_only=True)
    async with app.run_test(size=(200, 40), notifications=True) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert "▾" not in text
        assert "━" not in text
        assert text.isascii()
        assert "v A fix login bug" in text


@pytest.mark.parametrize("rest", [0.0, 1e9])
async def test_the_detail_follows_at_once_after_a_rest(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch, rest: float
) -> None:
    """After a rest the detail comes right behind the cursor; while keys follow each other it waits for the last."""
    monkeypatch.setattr(moving, "REST_SECONDS", rest)
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        waits: list[float] = []
        set_timer = screen.set_timer

        def noted(delay: float, *given: Any, **named: Any) -> Any:
            waits.append(delay)
            return set_timer(delay, *given, **named)

        monkeypatch.setattr(screen, "set_timer", noted)
        await pilot.press("k")
        await settle(pilot)
        assert (moving.DETAIL_AT_ONCE_SECONDS in waits) is (rest == 0)
        assert (moving.DETAIL_SECONDS in waits) is (rest > 0)
        assert screen.detail.seq == screen.current.cursor_seq
