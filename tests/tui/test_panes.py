"""The filter panes as a person uses them: one filter with the prompt, ranges of times, texts, kept filters."""

from __future__ import annotations

import pytest

from tests.tui.conftest import login_bug
from tests.tui.driving import main_screen, screen_text, settle, shows
from tracetui import Database, ToolCall, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.help import HelpScreen
from tracetui.tui.view.facets import ADD, HEADING, VALUE, Facets
from tracetui.tui.view.saved_filters import FILTERS, keep, kept


def stand_on(app: ExplorerApp, field: str, label: str) -> Facets:
    """Put the cursor on a row of the panes."""
    pane = main_screen(app).facets
    rows = [(row.field, row.label) for row in pane.facets.rows]
    pane.list.go_to(rows.index((field, label)))
    return pane.facets


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 50)])
async def test_panes_fit_every_size_and_fold(memory: Database, login: str, size: tuple[int, int]) -> None:
    """All panes can be gone to, folded and unfolded at every size; the tree stays beside them."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        facets = main_screen(app).facets.facets
        assert not facets.needs_reading()
        assert "types (7)" in screen_text(app)
        assert "fix login bug" in screen_text(app)
        for _ in range(8):
            await pilot.press("K")
            await pilot.press("h")
        assert [row.kind for row in facets.rows] == [HEADING] * 8
        assert "duration" in screen_text(app)
        await pilot.press("space", "J", "l", "h", "question_mark")
        assert shows(app, HelpScreen)
        assert "Begin a range of times" in screen_text(app) or size[1] < 50
        await pilot.press("escape", "escape")
        assert not main_screen(app).facets.is_open


async def test_panes_and_prompt_edit_one_filter(memory: Database, login: str) -> None:
    """What is chosen stands in the prompt, what is typed shows in the panes; nothing of either is lost."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 48), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        stand_on(app, "name", "bash")
        await pilot.press("space")
        await settle(pilot)
        stand_on(app, "status", "ok")
        await pilot.press("x")
        await settle(pilot)
        screen = main_screen(app)
        assert screen.model.filter.text == "name:bash NOT status:ok"
        assert "--run" in screen_text(app)
        await pilot.press("ampersand", *" depth:>1", "enter")
        await settle(pilot)
        assert screen.model.filter.text == "name:bash NOT status:ok depth:>1"
        await pilot.press("tab")
        facets = stand_on(app, "", "depth:>1")
        assert facets.text() == "name:bash NOT status:ok depth:>1"
        await pilot.press("x")
        await settle(pilot)
        assert screen.model.filter.text == "name:bash NOT status:ok"
        await pilot.press("c")
        stand_on(app, "name", "bash")
        await pilot.press("c", "C")
        await settle(pilot)
        assert screen.model.filter.text == ""


async def test_a_range_of_times_by_two_keys(memory: Database, login: str) -> None:
    """B begins, moving shows it, b ends it; Esc lets it go; elsewhere that is said."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 60), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        await pilot.press("b")
        await settle(pilot)
        assert "a range is chosen among the times" in screen_text(app)
        screen = main_screen(app)
        facets = screen.facets.facets
        first = next(n for n, row in enumerate(facets.rows) if row.field == "time" and row.kind == VALUE)
        screen.facets.list.go_to(first + 3)
        await pilot.press("b", "j", "j")
        await settle(pilot)
        assert screen_text(app).count("[~]") == 3
        await pilot.press("escape")
        assert screen.facets.is_open
        assert facets.brushing is None
        await pilot.press("b", "k", "k", "b")
        await settle(pilot)
        assert screen.model.filter.text == "time:+15s..+30s"
        assert len(screen.model.filter.matches) == 10


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 50)])
async def test_a_range_of_times_is_dragged(memory: Database, login: str, size: tuple[int, int]) -> None:
    """It is shown while one drags, either way, and ends with the histogram; the release filters as the second b does."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        screen = main_screen(app)
        rows, facets = screen.facets.list, screen.facets.facets
        for name in ("name", "type", "tag", "model", "status", "dur"):
            facets.fold(facets.heading_of(name), folded=True)
        rows.changed()
        first = facets.stretches()[0]
        await pilot.mouse_down(rows, offset=(9, first + 5))
        await pilot.hover(rows, offset=(9, first + 4))
        await pilot.hover(rows, offset=(9, first + 3))
        await pilot.pause()
        assert screen_text(app).count("[~]") == 3
        assert screen.model.filter.text == ""
        await pilot.mouse_up(rows, offset=(9, first + 3))
        await settle(pilot)
        assert screen.model.filter.text == "time:+15s..+30s"
        assert screen.get_selected_text() is None
        assert facets.brushing is None
        first = facets.stretches()[0]
        await pilot.mouse_down(rows, offset=(2, first))
        await pilot.hover(rows, offset=(2, 0))
        await pilot.hover(rows, offset=(2, first + 1))
        await pilot.press("escape")
        await pilot.hover(rows, offset=(2, first + 2))
        await pilot.mouse_up(rows, offset=(2, first + 2))
        await settle(pilot)
        assert screen.facets.is_open
        assert screen.model.filter.text == "time:+15s..+30s"
        await pilot.mouse_down(rows, offset=(2, first + 1))
        await pilot.hover(rows, offset=(2, 0))
        await pilot.mouse_up(rows, offset=(2, 0))
        await settle(pilot)
        assert screen.model.filter.text == "time:+0s..+10s"
        assert app.mouse_captured is None


async def test_a_click_on_a_stretch_of_time_includes_it(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Enter does, wherever in the row; two clicks at once are one beside the mark; other rows only take the cursor."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 60), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        screen = main_screen(app)
        rows, facets = screen.facets.list, screen.facets.facets
        row = facets.stretches()[0]
        monkeypatch.setattr(ExplorerApp, "CLICK_CHAIN_TIME_THRESHOLD", -1.0)  # each a click of its own
        for x, text in ((9, "time:+0s..+5s"), (30, ""), (2, "time:+0s..+5s"), (1, "")):
            assert await pilot.click(rows, offset=(x, facets.stretches()[0]))
            await settle(pilot)
            assert screen.model.filter.text == text
        monkeypatch.setattr(ExplorerApp, "CLICK_CHAIN_TIME_THRESHOLD", 1e9)
        await pilot.double_click(rows, offset=(9, facets.stretches()[0]))
        await settle(pilot)
        assert screen.model.filter.text == "time:+0s..+5s"
        await pilot.mouse_down(rows, offset=(9, facets.stretches()[0]))
        await pilot.press("f")
        assert app.mouse_captured is None
        await pilot.press("f")
        await settle(pilot)
        stand_on(app, "status", "ok")
        at = rows.cursor
        rows.go_to(row)
        await pilot.click(rows, offset=(9, at - rows.scroll_offset.y))
        await settle(pilot)
        assert (rows.cursor, screen.model.filter.text) == (at, "time:+0s..+5s")
        assert rows.allow_select


async def test_a_text_is_added_turned_and_let_go(memory: Database, login: str) -> None:
    """Enter on the last line asks; the text has a row that excludes and comes off like any value."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 60), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f", "G")
        await settle(pilot)
        screen = main_screen(app)
        pane = screen.facets
        pane.list.go_to(next(n for n, row in enumerate(pane.facets.rows) if row.kind == ADD))
        await pilot.press("enter", *"exited 2", "enter")
        await settle(pilot)
        assert screen.model.filter.text == '"exited 2"'
        assert pane.list.has_focus
        stand_on(app, "text", "exited 2")
        await pilot.press("x")
        await settle(pilot)
        assert screen.model.filter.text == 'NOT "exited 2"'
        await pilot.press("x")
        await settle(pilot)
        assert screen.model.filter.text == ""
        pane.list.go_to(next(n for n, row in enumerate(pane.facets.rows) if row.kind == ADD))
        await pilot.press("enter", *"x", "escape")
        await settle(pilot)
        assert screen.model.filter.text == ""
        assert pane.list.has_focus


async def test_counts_follow_a_run_that_goes_on(memory: Database) -> None:
    """New tools come into the panes while they are open; the cursor stays with its row."""
    store, run = TraceStore(memory), memory.create_run("live")
    store.record(run.id, ToolCall("first", {}))
    app = ExplorerApp(memory, run_id=run.id)
    async with app.run_test(size=(140, 60), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        stand_on(app, "status", "ok")
        store.record(run.id, ToolCall("second", {}))
        for _ in range(100):
            await pilot.pause(0.05)
            if "second" in [row.label for row in main_screen(app).facets.facets.rows]:
                break
        pane = main_screen(app).facets
        assert "second" in [row.label for row in pane.facets.rows]
        assert pane.facets.rows[pane.list.cursor].label == "ok"


async def test_a_filter_is_kept_under_a_name(memory: Database, login: str) -> None:
    """W asks for a name; the palette offers it, here and in other runs; an empty filter is not kept."""
    other = login_bug(memory, run_id="run-other")
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 48), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f", "w")
        await settle(pilot)
        assert "there is no filter to keep" in screen_text(app)
        stand_on(app, "type", "Error")
        await pilot.press("space", "w", *"only [red]errors", "enter")
        await settle(pilot)
        assert kept(app.state) == {"only [red]errors": "type:Error"}
        app.open_run(other)
        await settle(pilot)
        titles = {str(command.title): command for command in app.get_system_commands(app.screen)}
        titles["Filter: only \\[red]errors"].callback()
        await settle(pilot)
        await settle(pilot)
        assert main_screen(app).model.filter.text == "type:Error"


def test_kept_filters_are_few_and_can_be_read() -> None:
    """A name is kept once, the oldest goes, what is no query is not offered, no text lets go."""

    class Memory(dict[str, dict[str, object]]):
        def read(self, name: str) -> dict[str, object]:
            return self.get(name, {})

        def write(self, name: str, value: object) -> None:
            self[name] = dict(value)  # type: ignore[call-overload]

    state = Memory({FILTERS: {"bad": "dur:", "odd": 7, "good": "type:Error"}})
    assert kept(state) == {"good": "type:Error"}
    keep(state, "good", "type:LLM")
    assert kept(state) == {"good": "type:LLM"}
    for n in range(150):
        keep(state, f"f{n}", "type:LLM")
    assert len(kept(state)) == 100
    assert "good" not in kept(state)
    keep(state, "f149", "")
    assert "f149" not in kept(state)


async def test_kept_filters_are_used_renamed_and_deleted(memory: Database, login: str) -> None:
    """O lists them; a name that another one bears is refused; deleting is asked."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("O")
        await settle(pilot)
        assert "no filter is kept" in screen_text(app)
        keep(app.state, "errors", "type:Error")
        keep(app.state, "[/] calls", "type:ToolCall")
        await pilot.press("O")
        await settle(pilot)
        text = screen_text(app)
        for said in ("2 kept filters", "errors", "type:Error", "[/] calls", "rename", "delete"):
            assert said in text
        await pilot.press("R")
        await settle(pilot)
        await pilot.press("ctrl+u", *"[/] calls", "enter")
        await settle(pilot)
        assert list(kept(app.state)) == ["errors", "[/] calls"]
        assert "not renamed" in screen_text(app)
        await pilot.press("O", "R")
        await settle(pilot)
        await pilot.press(*" here", "enter")
        await settle(pilot)
        assert list(kept(app.state)) == ["errors here", "[/] calls"]
        await pilot.press("O", "j", "D")
        await settle(pilot)
        assert "Delete the kept filter [/] calls?" in screen_text(app)
        await pilot.press("n", "O", "j", "D")
        await settle(pilot)
        assert len(kept(app.state)) == 2
        await pilot.press("y")
        await settle(pilot)
        assert list(kept(app.state)) == ["errors here"]
        await pilot.press("O", "enter")
        await settle(pilot)
        await settle(pilot)
        assert main_screen(app).model.filter.text == "type:Error"
