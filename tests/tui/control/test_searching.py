"""Searching while one types."""

from __future__ import annotations

from tests.tui.driving import cursor_id, main_screen, screen_text, settle
from tracetui import Database
from tracetui.tui.app import ExplorerApp


async def test_searching_finds_unfolds_and_refolds(memory: Database, login: str) -> None:
    """Hits are found while one types; Esc goes back with the folds of before; n goes round."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("g", "minus")
        before = list(main_screen(app).model.tree.rows)
        await pilot.press("slash", *"exited")
        await settle(pilot)
        assert len(main_screen(app).model.search.hits) == 3
        assert cursor_id(app) == "error0"
        await pilot.press("escape")
        await settle(pilot)
        assert list(main_screen(app).model.tree.rows) == before
        assert main_screen(app).model.search.text == ""
        await pilot.press("slash", "enter")
        await settle(pilot)
        await pilot.press("n")
        first = cursor_id(app)
        await pilot.press("n", "N")
        assert cursor_id(app) == first
        assert "search 'exited': 3 hits" in screen_text(app)
        await pilot.press("escape")
        assert len(main_screen(app).model.tree) < 16
        assert cursor_id(app) == first
        await pilot.press("slash", "enter")
        await settle(pilot)
        await pilot.press("slash", "ctrl+u", "ctrl+r", *"ex[")
        await settle(pilot)
        assert "expected a regular expression" in screen_text(app)
        await pilot.press("backspace", *".*2")
        await settle(pilot)
        assert main_screen(app).model.search.is_regex
        assert len(main_screen(app).model.search.hits) == 3
