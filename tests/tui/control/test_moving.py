"""Moving and folding, by keys and with the mouse."""

from __future__ import annotations

from tests.tui.driving import cursor_id, main_screen, settle
from tracetui import Database
from tracetui.tui.app import ExplorerApp


async def test_moving_and_folding(memory: Database, login: str) -> None:
    """Arrows, siblings, folds, top and end, half pages, jumping back."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("h")
        assert cursor_id(app) == "bash2"
        await pilot.press("h")
        view = main_screen(app).model.view
        assert "error2" not in [view.ids[seq] for seq in main_screen(app).model.tree.rows if seq >= 0]
        await pilot.press("K")
        assert cursor_id(app) == "decide2"
        await pilot.press("g")
        assert cursor_id(app) == "root"
        await pilot.press("J", "j", "down")
        assert cursor_id(app) == "model"
        await pilot.press("minus")
        assert len(main_screen(app).model.tree) == 1
        await pilot.press("equals_sign")
        assert len(main_screen(app).model.tree) == 17
        await pilot.press("G", "ctrl+u", "ctrl+d", "pageup", "pagedown", "up", "k")
        await pilot.press("g", "space", "space", "l", "l")
        assert cursor_id(app) == "plan"
        await pilot.press("e")
        assert cursor_id(app) == "error0"
        await pilot.press("e", "E", "E")
        assert cursor_id(app) == "error2"
        await pilot.press("backspace")
        assert cursor_id(app) == "error0"


async def test_mouse_clicks_select_fold_and_jump(memory: Database, login: str) -> None:
    """A click selects, on the glyph it folds, on the map it goes to what stands there."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.click("#tree", offset=(20, 1))
        assert cursor_id(app) == "plan"
        await pilot.click("#tree", offset=(0, 0))
        await settle(pilot)
        assert len(main_screen(app).model.tree) == 1
        await pilot.click("#minimap", offset=(16, 0))
        await settle(pilot)
        assert cursor_id(app) == "error2"
        app.action_app_mouse()
        app.action_app_mouse()
