"""What tests of the explorer drive it with: waiting, reading the screen, saying where one is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.worker import WorkerCancelled

from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.main import MainScreen

SIZES = [(80, 24), (120, 32), (200, 50)]


def screen_text(app: ExplorerApp) -> str:
    """Return what is on the screen, line by line."""
    lines: list[Strip] = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


async def settle(pilot: Pilot[int]) -> None:
    """Wait until workers are done and the screen is drawn."""
    with contextlib.suppress(WorkerCancelled):  # when the application is on its way out
        await pilot.app.workers.wait_for_complete()
    for _ in range(40):
        screen = pilot.app.screen
        if not isinstance(screen, MainScreen) or screen.model.seen is not None or not screen.model.view.count:
            break
        await pilot.pause(0.05)
    await pilot.pause(0.12)


def main_screen(app: ExplorerApp) -> MainScreen:
    """Return the main screen."""
    assert isinstance(app.screen, MainScreen)
    return app.screen


def following(screen: MainScreen) -> bool:
    """Whether the newest trace is kept in view."""
    return screen.pinned


def shows(app: ExplorerApp, kind: type[Screen[Any]]) -> bool:
    """Whether a screen of this kind is on top."""
    return isinstance(app.screen, kind)


def cursor_id(app: ExplorerApp) -> str:
    """Return the id of the trace under the cursor."""
    screen = main_screen(app)
    return screen.model.view.ids[screen.tree_view.cursor_seq]


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(200):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not come to be")
