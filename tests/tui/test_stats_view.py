"""The stats view as a person uses it: sorted, filtered by, counted again while a run goes on."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import login_bug
from tests.tui.driving import cursor_id, main_screen, screen_text, settle
from tests.tui.test_review import until
from tracetui import Database, ToolCall, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.view.facets import VALUE
from tracetui.tui.widgets.stats import STRIPS, StatsView


async def stats_view(pilot: Pilot[int], app: ExplorerApp) -> StatsView:
    """Wait until the figures are there; return the view."""
    for _ in range(200):
        view = main_screen(app).current
        if isinstance(view, StatsView) and view.shown.stats is not None:
            break
        await pilot.pause(0.05)
    await settle(pilot)
    view = main_screen(app).current
    assert isinstance(view, StatsView)
    return view


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 50)])
async def test_figures_at_every_size(memory: Database, login: str, size: tuple[int, int]) -> None:
    """Four tables, two strips, where the time went; the histogram below where there is room, on Tab where not."""
    app = ExplorerApp(memory, run_id=login, view="stats")
    async with app.run_test(size=size, notifications=True) as pilot:
        view = await stats_view(pilot, app)
        text = screen_text(app)
        assert "BY TYPE" in text
        assert "TOTALv" in text
        assert " steps" in text
        assert " tokens" in text
        assert "critical path" in text
        assert ("Enter filters by: type:Agent" in text) == (size[0] >= 90)
        view.go_to(view.shown.row_of("tool", "bash"))
        await settle(pilot)
        await pilot.press("tab")
        await settle(pilot)
        assert "2.0s … 5.0s" in screen_text(app)
        await pilot.press("escape")
        assert view.has_focus


async def test_enter_shows_a_row_in_the_tree(memory: Database, login: str) -> None:
    """The filter is the row's query, the tree is shown, the panes and the prompt know it."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("4")
        view = await stats_view(pilot, app)
        await pilot.press("g", "enter")
        assert main_screen(app).current is view
        view.go_to(view.shown.row_of("tool", "read_file"))
        await pilot.press("enter")
        await settle(pilot)
        await settle(pilot)
        screen = main_screen(app)
        assert screen.current is screen.tree_view
        assert screen.model.filter.text == "type:ToolCall name:read_file"
        assert [screen.model.view.ids[seq] for seq in screen.model.filter.matches] == ["read"]


async def test_sorting_keeps_the_row(memory: Database, login: str) -> None:
    """S and the arrows go through the columns, S turns round; the cursor stays with its row; the way back too."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        before = cursor_id(app)
        await pilot.press("4")
        view = await stats_view(pilot, app)
        view.go_to(view.shown.row_of("type", "LLM"))
        sort = view.shown.sort
        await pilot.press("s", "right", "h", "S", "space", "left")
        group = view.shown.group(view.cursor)
        assert group is not None
        assert group.figures.name == "LLM"
        assert view.shown.sort == sort
        await pilot.press("e")
        group = view.shown.group(view.cursor)
        assert group is not None
        assert group.figures.name == "Error"
        await pilot.press("backspace", "G", "j", "k", "1")
        await settle(pilot)
        assert cursor_id(app) == before


async def test_a_run_that_goes_on_is_counted_again(memory: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """New traces come in without a key; an empty run says so first."""
    monkeypatch.setattr("tracetui.tui.widgets.stats.REST_SECONDS", 0.0)
    monkeypatch.setattr("tracetui.tui.widgets.stats.REST_SHARE", 0.0)
    store, run = TraceStore(memory), memory.create_run("live")
    app = ExplorerApp(memory, run_id=run.id, view="stats")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await stats_view(pilot, app)
        assert "nothing recorded yet" in screen_text(app)
        for n in range(3):
            store.record(run.id, ToolCall(f"tool{n}", {}, "ok"))
        for _ in range(100):
            await pilot.pause(0.05)
            if "tool2" in screen_text(app):
                break
        assert "tool2" in screen_text(app)


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 5), ((120, 32), 5), ((120, 20), 0), ((200, 50), 7)])
async def test_the_context_of_model_steps_is_plotted(
    memory: Database, login: str, size: tuple[int, int], lines: int
) -> None:
    """Above the tables where there is room, of what is counted; a click below it still meets its row."""
    app = ExplorerApp(memory, run_id=login, view="stats", ascii_only=True)
    async with app.run_test(size=size, notifications=True) as pilot:
        view = await stats_view(pilot, app)
        assert view.head_lines == STRIPS + lines
        assert ("tokens in and out of each model step" in screen_text(app)) == bool(lines)
        assert screen_text(app).isascii()
        row = view.shown.row_of("type", "ToolCall")
        assert await pilot.click(view, offset=(3, view.head_lines + row))
        assert view.cursor == row
        await pilot.press("ampersand", *"type:ToolCall", "enter")
        await until(pilot, lambda: view.shown.stats is not None and view.shown.stats.context is None)
        assert view.head_lines == STRIPS
        assert "model step" not in screen_text(app)


async def test_going_from_run_to_run_keeps_the_view(memory: Database, login: str) -> None:
    """The next run opens in its figures."""
    login_bug(memory, name="other", run_id="run-other")
    app = ExplorerApp(memory, run_id=login, view="stats")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await stats_view(pilot, app)
        before = main_screen(app).model.run.id
        await pilot.press("H" if before == "run-login-bug" else "L")
        await settle(pilot)
        if main_screen(app).model.run.id == before:
            await pilot.press("L")
            await settle(pilot)
        view = await stats_view(pilot, app)
        assert view.model.run.id != before


async def test_figures_follow_filter_and_moment(memory: Database, login: str) -> None:
    """What the filter finds is counted, and said; going back in time counts again, as do the panes; G is now."""
    app = ExplorerApp(memory, run_id=login, view="stats", query="type:ToolCall")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        view = await stats_view(pilot, app)
        await until(pilot, lambda: "by the filter" in screen_text(app))
        assert [row.figures.name for row in view.shown.stats.groups["type"]] == ["ToolCall"]  # type: ignore[union-attr]
        whole = view.shown.stats.there  # type: ignore[union-attr]
        await pilot.press("f")
        await until(pilot, lambda: main_screen(app).facets.is_open)
        await pilot.press("escape", "less_than_sign", "f", "escape", *["less_than_sign"] * 6)
        await until(pilot, lambda: view.shown.stats is not None and view.shown.stats.there < whole)
        moments = main_screen(app).model.moments
        assert moments is not None
        await until(pilot, lambda: view.shown.stats is not None and view.shown.stats.there == moments.at)
        await pilot.press("G")
        await until(pilot, lambda: view.shown.stats is not None and view.shown.stats.there == whole)


async def test_panes_follow_the_moment(memory: Database, login: str) -> None:
    """Their counts are of what there was, a moment after the last step."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        await pilot.press("f")
        await settle(pilot)
        screen.current.focus()
        await pilot.press(*["less_than_sign"] * 5)
        moments = screen.model.moments
        assert moments is not None

        def counted() -> bool:
            rows = (row for row in screen.facets.facets.rows if (row.field, row.kind) == ("type", VALUE))
            return sum(row.total for row in rows) == moments.at < screen.model.columns.count

        await until(pilot, counted)
