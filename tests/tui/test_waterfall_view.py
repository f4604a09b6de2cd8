"""The waterfall on the screen, and the keys that go where the time went."""

from __future__ import annotations

import pytest

from tests.tui.conftest import T0, login_bug
from tests.tui.driving import SIZES, main_screen, screen_text, settle
from tests.tui.test_pictures import compare
from tests.tui.view.test_spots import waiting_run
from tracetui import Custom, Database, ToolCall, TraceDraft, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.widgets.waterfall import WaterfallView


def waterfall(app: ExplorerApp) -> WaterfallView:
    """Return the waterfall, which must be on the screen."""
    view = main_screen(app).current
    assert isinstance(view, WaterfallView)
    return view


def window(app: ExplorerApp) -> tuple[float, float]:
    """Return the stretch of time that is shown."""
    return waterfall(app).waterfall.window


def here(app: ExplorerApp) -> str:
    """Return the id of the trace under the cursor."""
    screen = main_screen(app)
    return screen.model.view.ids[screen.current.cursor_seq]


@pytest.mark.parametrize("size", SIZES)
async def test_the_waterfall_looks_as_it_should(memory: Database, size: tuple[int, int]) -> None:
    """At every size: full width, the axis above, gaps between rows, the critical path below."""
    app = ExplorerApp(memory, run_id=waiting_run(memory), view="waterfall")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("equals_sign", "g")
        await settle(pilot)
        compare(f"waterfall-{size[0]}x{size[1]}", screen_text(app))


async def test_going_from_view_to_view_keeps_the_place(memory: Database, login: str) -> None:
    """2 and 1 go there and back; the detail opens over the full width on Enter, Esc closes it."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        assert here(app) == "error2"
        assert "critical path" in screen_text(app)
        await pilot.press("K")
        assert here(app) == "error2"
        await pilot.press("h", "h", "enter")
        await settle(pilot)
        assert here(app) == "bash2"
        assert "pytest -q" in screen_text(app)
        await pilot.press("escape", "1")
        await settle(pilot)
        assert here(app) == "bash2"
        assert main_screen(app).current is main_screen(app).tree_view


async def test_slow_spots_and_the_critical_path_are_walked_in_both_views(memory: Database) -> None:
    """s, S and p unfold what they need; in the waterfall a gap is gone to itself; in the tree why is said."""
    app = ExplorerApp(memory, run_id=waiting_run(memory))
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("g", "minus", "s")
        await settle(pilot)
        assert here(app) == "bash1"
        assert "slow: 5.0s of its own" in screen_text(app)
        await pilot.press("p")
        await settle(pilot)
        assert here(app) == "llm2"
        await pilot.press("g", "2")
        await settle(pilot)
        await pilot.press("s", "s")
        await settle(pilot)
        view = waterfall(app)
        assert view.waterfall.at(view.cursor)[1] is not None
        await pilot.press("S")
        assert here(app) == "bash1"


async def test_the_axis_zooms_and_pans(memory: Database) -> None:
    """+ shows less around the bar under the cursor, shift+arrows move, 0 shows all; elsewhere the keys say why not."""
    app = ExplorerApp(memory, run_id=waiting_run(memory))
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("plus")
        await settle(pilot)
        assert "only in the waterfall (2)" in screen_text(app)
        await pilot.press("2", "equals_sign", "G")
        await settle(pilot)
        await pilot.press("plus", "plus")
        fall = waterfall(app).waterfall
        assert fall.window[1] - fall.window[0] == 16_000
        first = fall.window[0]
        assert first <= T0 + 60_000 < fall.window[1]
        await pilot.press("shift+left")
        assert fall.window[0] == first - 4_000
        await pilot.press("shift+right")
        assert fall.window[0] == first
        await pilot.press("g", "j", "j")
        assert here(app) == "llm1"
        assert fall.window[0] == T0
        await pilot.press("underscore", "0")
        assert fall.window == (T0, T0 + 64_000)


async def test_zooming_to_a_subtree_fits_its_time(memory: Database, login: str) -> None:
    """The key z shows the subtree alone on its own axis, Z everything again."""
    app = ExplorerApp(memory, run_id=login, trace_id="tests", view="waterfall")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("z")
        await settle(pilot)
        assert window(app) == (T0 + 19_000, T0 + 41_600)
        assert here(app) == "tests"
        await pilot.press("Z")
        assert window(app) == (T0, T0 + 41_900)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_payloads_stay_text_in_the_waterfall(memory: Database, size: tuple[int, int]) -> None:
    """Escape sequences, markup, bidirectional marks and wide characters in labels and tool names."""
    run = memory.create_run("hostile")
    evil = "\x1b]52;c;QUJD\a\x1b[31m[red][/][@click=app.quit]x[/]\u202e日本\x9b"
    put = TraceStore(memory).record_with_options
    put(
        run.id,
        Custom("Agent", {"name": evil}),
        id="a",
        timestamp=T0,
        end_ms=T0 + 5000,
        metadata={"name": evil},
    )
    put(run.id, ToolCall(evil, {"command": evil}), parent_id="a", timestamp=T0, end_ms=T0 + 3000)
    app = ExplorerApp(memory, run_id=run.id, view="waterfall")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        text = screen_text(app)
        assert "␛]52;" in text
        assert not any(char in text for char in "\x1b\a\x9b\u202e")


async def test_a_live_run_is_worked_out_again_when_news_come(memory: Database) -> None:
    """The timing on the screen follows the run."""
    run = memory.create_run("live")
    put = TraceStore(memory).record_with_options
    put(run.id, ToolCall("a", {}), id="a", timestamp=T0, end_ms=T0 + 1000)
    app = ExplorerApp(memory, run_id=run.id, view="waterfall")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        first = main_screen(app).model.spots
        assert first is not None
        put(run.id, ToolCall("b", {}), id="b", timestamp=T0 + 9000, end_ms=T0 + 10_000)
        main_screen(app)._rest_until = 0.0
        await pilot.pause(0.8)
        await settle(pilot)
        again = main_screen(app).model.spots
        assert again is not None
        assert again.rev > first.rev
        assert "idle gap" in screen_text(app)


async def test_the_filter_hides_rows_of_the_waterfall_too(memory: Database) -> None:
    """Matches and their ancestors; gaps before rows that are hidden go with them."""
    app = ExplorerApp(memory, run_id=login_bug(memory), view="waterfall", query="type:Error")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("equals_sign")
        await settle(pilot)
        text = screen_text(app)
        assert "grep" not in text
        assert text.count("! ToolError") == 3


@pytest.mark.parametrize("view", ["tree", "waterfall"])
async def test_arrows_and_paging_move_the_cursor_in_lists_longer_than_the_screen(
    memory: Database, view: str
) -> None:
    """Arrows, pages, home and end do as the letters do: nothing scrolls away from under the cursor."""
    run = memory.restore_run("long", created_ms=T0)
    drafts = [
        TraceDraft(ToolCall(f"t{n}", {}), str(n), timestamp=T0 + n, end_ms=T0 + n + 1) for n in range(300)
    ]
    TraceStore(memory).record_many(run.id, drafts)
    app = ExplorerApp(memory, run_id=run.id, trace_id="100", view=view)
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await pilot.press("down", "down", "up")
        assert here(app) == "101"
        await pilot.press("home")
        assert here(app) == "0"
        await pilot.press("end")
        assert here(app) == "299"
        await pilot.press("pageup")
        assert here(app) == str(299 - main_screen(app).current.page)
