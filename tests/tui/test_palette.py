"""The command palette: every action by name, and a search text that may be anything."""

from __future__ import annotations

import pytest
from textual.command import CommandInput, CommandList, CommandPalette
from textual.events import Paste
from textual.pilot import Pilot

from tests.tui.driving import settle
from tests.tui.test_hostile import EVIL, check
from tracetui import Database
from tracetui.tui.app import ExplorerApp


async def opened(pilot: Pilot[int]) -> CommandInput:
    """Open the palette; return the line to type into."""
    await settle(pilot)
    await pilot.press("colon")
    await settle(pilot)
    assert isinstance(pilot.app.screen, CommandPalette)
    return pilot.app.screen.query_one(CommandInput)


@pytest.mark.parametrize("size", [(80, 24), (120, 32)])
async def test_what_is_pasted_into_the_palette_is_text(
    memory: Database, login: str, size: tuple[int, int]
) -> None:
    """Escapes, control characters, marks and markup are searched for, not obeyed: the screen shows what they are."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=size, notifications=True) as pilot:
        line = await opened(pilot)
        for text in filter(None, EVIL.splitlines()):
            line.value = ""
            line.post_message(Paste(text))
            await settle(pilot)
            assert line.value == text
            check(app, f"pasted {text!r}")
            await pilot.press("left", "left", "home", "right", "end", "backspace")
            check(app, "edited")
        line.value = "\x1b]52;c;aGk=\x07[/] [@click=app.quit]y[/]"
        await settle(pilot)
        assert "␛]52;c;aGk=␇[/] [@click=app.quit]y[/]" in check(app, "set")
        assert "🔎" not in check(app, "set")
        await pilot.press("enter", "escape")
        await settle(pilot)
        assert "pytest exited" in check(app, "left")


async def test_the_palette_finds_an_action_by_a_part_of_its_name(memory: Database, login: str) -> None:
    """What was typed is looked for in names; markup in it is text; Enter does what was found."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press(*"first row")
        await settle(pilot)
        assert "Go to the first row" in check(app, "found")
        await pilot.press("enter")
        await settle(pilot)
        assert not isinstance(app.screen, CommandPalette)
        line = await opened(pilot)
        line.value = "[b]go[/b]"
        await settle(pilot)
        assert "[b]go[/b]" in check(app, "markup")
        await pilot.pause(0.6)  # the palette waits half a second before it says that nothing is found
        found = app.screen.query_one(CommandList)
        assert "No matches" in str(found.get_option_at_index(0).prompt)
