"""Make the pictures of the documents from the real program on the sample runs: ``python docs/make_pictures.py``."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tracetui.samples import copied_samples
from tracetui.tui.app import ExplorerApp

HERE = Path(__file__).parent


async def picture(name: str, size: tuple[int, int], *keys: str, picker: bool = False) -> None:
    """Open the explorer on the failing sample run, press keys, and save what is on the screen as SVG."""
    with copied_samples() as db:
        run_id = None if picker else db.runs()[0].id
        app = ExplorerApp(db, run_id=run_id, place="sample runs")
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause(0.5)
            await pilot.press(*keys)
            await app.workers.wait_for_complete()
            await pilot.pause(0.5)
            svg = app.export_screenshot(title="tracetui")
    (HERE / name).write_text(svg + "\n", encoding="utf-8")


async def main() -> None:
    """Make all of them."""
    await picture("explorer.svg", (120, 32))
    await picture("picker.svg", (120, 18), picker=True)
    await picture("facets.svg", (140, 32), "f")


if __name__ == "__main__":
    asyncio.run(main())
