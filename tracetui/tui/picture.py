"""Pictures of the explorer for documents: the real program, without a terminal, after some keys."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from tracetui.settings import Settings
from tracetui.store.database import Database
from tracetui.tui.app import ExplorerApp
from tracetui.tui.compat import plain_text

SETTLED_SECONDS, PATIENCE_SECONDS = 0.3, 30
"""Longer than anything that waits before it is drawn, and as long as any work in the background is waited for."""


def picture(
    db: Database,
    size: tuple[int, int],
    keys: tuple[str, ...] = (),
    *,
    as_text: bool = False,
    **shown: Any,
) -> str:
    """Return the screen of ``size`` (columns, rows) after some keys, as SVG or as lines of text.

    ``shown`` is what ``ExplorerApp`` is opened on: the picker if no ``run_id`` is given. What colours this terminal
    has does not matter for a picture, so it is dark unless the settings say otherwise.
    """
    settings = shown.pop("settings", None) or Settings()
    app = ExplorerApp(
        db, settings=replace(settings, theme="dark") if settings.theme == "auto" else settings, **shown
    )
    taken = []

    async def take(pilot: Pilot[Any]) -> None:
        await _settled(pilot)
        for key in keys:
            await pilot.press(key)
            await _settled(pilot)
        taken.append(_lines(app) if as_text else app.export_screenshot(title="tracetui") + "\n")
        app.exit(0)

    app.run(headless=True, size=size, auto_pilot=take)
    return taken[0] if taken else ""


async def _settled(pilot: Pilot[Any]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(pilot.app.workers.wait_for_complete(), PATIENCE_SECONDS)
    await pilot.pause(SETTLED_SECONDS)


def _lines(app: ExplorerApp) -> str:
    return plain_text(app.screen._compositor.render_strips()) + "\n"  # noqa: SLF001 - Textual has no public way
