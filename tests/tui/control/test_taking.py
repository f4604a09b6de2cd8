"""Taking something away: copying, by way of menus, the terminal and files, and what is selected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.driving import screen_text, settle, shows
from tracetui import Database
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.help import HelpScreen
from tracetui.tui.screens.menu import MenuScreen
from tracetui.tui.view.copying import Source


async def test_help_palette_and_copying(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help says what keys do, the palette has every action, the yank menu gives texts."""
    app = ExplorerApp(memory, run_id=login, source=Source("/data/runs"))
    copied: list[str] = []
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        assert shows(app, HelpScreen)
        assert "What the keys do here" in screen_text(app)
        await pilot.press("escape")
        commands = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Search for text", "All runs", "Quit", "Go to the next error"} <= commands
        monkeypatch.setattr(app, "copy_text", lambda text, _: copied.append(text))
        for key in "isptjmrql":
            await pilot.press("y")
            await settle(pilot)
            assert shows(app, MenuScreen)
            await pilot.press(key)
            await settle(pilot)
        assert copied[0] == "error2"
        assert copied[-2].startswith("tracetui --store /data/runs query --run")
        assert "--trace error2" in copied[-1]
        await pilot.press("y", "escape")


async def test_copied_text_goes_by_osc_52_or_to_a_file(
    memory: Database, login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short texts by way of the terminal, long ones into a file that is named."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        app.copy_text("short")
        app.copy_text("x" * 100_000)
        app.copy_text(None)
        await settle(pilot)
        (written,) = tmp_path.iterdir()
        assert len(written.read_text()) == 100_000
        assert "written to" in screen_text(app)


async def test_selected_text_is_what_the_screen_shows(memory: Database, login: str) -> None:
    """Text selected with the mouse in our own lists can be copied."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.mouse_down("#tree", offset=(4, 1))
        await pilot.hover("#tree", offset=(30, 1))
        await pilot.mouse_up("#tree", offset=(30, 1))
        await settle(pilot)
        selected = app.screen.get_selected_text()
        assert selected is not None
        assert "how? → read" in selected
        await pilot.press("ctrl+c")
        await settle(pilot)
        assert "copied" in screen_text(app)
        await pilot.press("ctrl+c", "ctrl+c")
