from __future__ import annotations

import pytest

from tests.tui.driving import main_screen, screen_text, settle, shows
from tracetui import Database
from tracetui.samples import copied_samples
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.view.guide import STEPS


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 50)])
async def test_six_keys_lead_from_the_failed_run_to_what_the_good_one_did(size: tuple[int, int]) -> None:
    """What the guide says to press works, one step after the other, and ends where the runs went apart."""
    with copied_samples() as db:
        app = ExplorerApp(db, run_id=db.runs()[0].id, guided=True)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            assert "ToolError: tests exited 1" in screen_text(app)
            for number, key in enumerate(("enter", "escape", "E", "2", "3", "d"), 1):
                assert f"Try {number} of {len(STEPS)}" in screen_text(app)
                await pilot.press(key)
                await settle(pilot)
            assert not shows(app, MainScreen)
            await pilot.press("enter")
            await settle(pilot)
            said = screen_text(app)
            assert "That was it" in said
            assert "first divergence" in said or size[0] < 100
            assert "patch" in said


async def test_the_guide_can_be_left_and_begun_anywhere(memory: Database, login: str) -> None:
    """The palette's action shows and hides its line; without it there is none."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        assert "Try 1" not in screen_text(app)
        app.action_app_guide()
        await settle(pilot)
        assert "Try 1" in screen_text(app)
        app.action_app_guide()
        await settle(pilot)
        assert "Try 1" not in screen_text(app)
        assert not main_screen(app).query_one("#guide").display
