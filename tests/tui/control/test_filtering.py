"""Filtering from the prompt and from the panes."""

from __future__ import annotations

from tests.tui.driving import main_screen, screen_text, settle
from tracetui import Database
from tracetui.tui.app import ExplorerApp


async def test_filtering_dims_ancestors_and_comes_off_and_on(memory: Database, login: str) -> None:
    """Shown are matches with ancestors; o switches; a wrong query says so and stays open."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("ampersand", *"tag:io", "enter")
        await settle(pilot)
        model = main_screen(app).model
        assert {model.view.ids[seq] for seq in model.filter.matches} == {"read", "search"}
        assert [model.view.ids[seq] for seq in model.tree.rows] == ["root", "read", "search"]
        assert "3/16 shown" in screen_text(app)
        await pilot.press("o")
        assert len(model.tree) > 3
        await pilot.press("o")
        assert len(model.tree) == 3
        await pilot.press("ampersand", "ctrl+u", *"dur:", "enter")
        await settle(pilot)
        assert main_screen(app).prompt.is_open
        prompt, pointed = screen_text(app).splitlines()[-3:-1]
        assert prompt == " filter & dur:"
        assert pointed.startswith("              ^ a value after dur:")
        await pilot.press("ctrl+u", *"type:Er", "tab")
        await settle(pilot)
        assert screen_text(app).splitlines()[-2] == " filter & type:Error"
        await pilot.press("escape", "ampersand", "ctrl+u", "enter")
        await settle(pilot)
        assert model.filter.text == ""
        assert len(model.tree) > 3


async def test_the_filter_panes_edit_the_filter(memory: Database, login: str) -> None:
    """Space includes, x excludes, c clears; counts are live; the command is shown."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        screen = main_screen(app)
        labels = [row.label for row in screen.facets.facets.rows]
        assert labels[0] == "types (7)"
        assert "Error" in labels
        assert "shell" in labels
        screen.facets.list.go_to(labels.index("Error"))
        await pilot.press("space")
        await settle(pilot)
        assert screen.model.filter.text == "type:Error"
        assert len(screen.model.filter.matches) == 3
        assert "tracetui query type:Error" in screen_text(app)
        await pilot.press("x")
        await settle(pilot)
        assert screen.model.filter.text == "NOT type:Error"
        assert len(screen.model.filter.matches) == 13
        await pilot.press("c")
        await settle(pilot)
        assert screen.model.filter.text == ""
        await pilot.press("escape")
        assert not screen.facets.is_open
