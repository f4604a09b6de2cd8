"""What whole screens look like, as text, at the three sizes that they are made for.

``TRACETUI_PICTURES=write`` draws them anew; look at the difference before it is committed.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.tui.conftest import T0, login_bug
from tests.tui.driving import screen_text, settle
from tracetui import Database, Thought, TraceStore
from tracetui.tui.app import ExplorerApp

PICTURES = Path(__file__).parent / "pictures"
WRITE = os.environ.get("TRACETUI_PICTURES") == "write"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show times as they are in one place of the world."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def same_everywhere(text: str) -> str:
    """Leave out what differs from one moment to the next: the thumb of a scroll bar's fraction of a cell."""
    return re.sub("[▁▂▃▄▅▆▇]", " ", text).replace(" \n", "\n")


def compare(name: str, text: str) -> None:
    """Compare a screen with its picture."""
    lines = [line.rstrip() for line in same_everywhere(text).splitlines()]
    drawn = "\n".join(lines) + "\n"
    path = PICTURES / f"{name}.txt"
    if WRITE:
        PICTURES.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8"), f"{name} looks different"


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 32), (200, 50)])
async def test_a_failed_run_looks_as_it_should(memory: Database, size: tuple[int, int]) -> None:
    """Narrow without a detail, then with it below, then beside, then with bars."""
    app = ExplorerApp(memory, run_id=login_bug(memory, loops=7))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        compare(f"failed-{size[0]}x{size[1]}", screen_text(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 32)])
async def test_a_filter_and_a_search_look_as_they_should(memory: Database, size: tuple[int, int]) -> None:
    """The chip, the counts, the hits below folded rows, the prompt with what is wrong with it."""
    app = ExplorerApp(memory, run_id=login_bug(memory, loops=7))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("minus", "space", "slash", *"exited", "enter")
        await settle(pilot)
        await pilot.press("ampersand", *"type:Error OR tag:io", "enter")
        await settle(pilot)
        await pilot.press("ampersand", "space", *"typ:x")
        await settle(pilot)
        compare(f"filtered-{size[0]}x{size[1]}", screen_text(app))


async def test_plain_characters_look_as_they_should(memory: Database) -> None:
    """The same screen in ASCII."""
    app = ExplorerApp(memory, run_id=login_bug(memory, loops=7), ascii_only=True)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        compare("ascii-120x32", screen_text(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 32)])
async def test_the_board_looks_as_it_should(memory: Database, size: tuple[int, int]) -> None:
    """Rows with a mark, and the card below them, then beside."""
    login_bug(memory, loops=7)
    good = memory.restore_run(
        "run-good-0411", name="fix-login-bug", tags=["auth", "nightly"], created_ms=T0 - 60_000
    )
    TraceStore(memory).record_with_options(
        good.id, Thought("fine"), timestamp=T0 - 60_000, end_ms=T0 - 31_900
    )
    memory.end_run(good.id)
    app = ExplorerApp(memory)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("j", "space", "k")
        await settle(pilot)
        compare(f"board-{size[0]}x{size[1]}", screen_text(app))
