from __future__ import annotations

from typing import Any

from tests.tui.driving import screen_text, settle
from tracetui import Custom, Database, TraceStore
from tracetui.settings import parsed
from tracetui.tui.app import ExplorerApp


async def test_costs_made_from_prices_are_marked_wherever_they_are_shown(memory: Database) -> None:
    """The header's total, the row's figure and the detail of the call all say that it is no recorded cost."""
    run = memory.create_run("priced")
    usage: dict[str, Any] = {"model": "m-1", "usage": {"input": 100_000, "output": 1_000}}
    TraceStore(memory).record(run.id, Custom("LLM", {"output": "hello"}), metadata=usage)
    memory.end_run(run.id)
    settings = parsed('metric = "cost"\n[prices."m*"]\ninput = 10\noutput = 100')
    app = ExplorerApp(memory, run_id=run.id, settings=settings)
    async with app.run_test(size=(130, 24)) as pilot:
        await settle(pilot)
        header, *_ = screen_text(app).splitlines()
        assert "~$1.10" in header
        assert screen_text(app).count("~$1.10") == 3
