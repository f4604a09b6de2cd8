"""The run picker as a person uses it: a board that keeps up, is ordered and filtered, and changes runs."""

from __future__ import annotations

import unicodedata

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import T0, login_bug
from tests.tui.driving import SIZES, screen_text, settle, shows
from tracetui import Custom, Database, Error, Run, Thought, TraceStore
from tracetui.model.clock import now_ms
from tracetui.settings import Settings
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.ask import AskScreen
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.screens.picker import PickerScreen
from tracetui.tui.view.board import PickerRow
from tracetui.tui.view.card import Card

HOSTILE = (
    "\x1b]52;c;aGk=\x07\x9b31m[/] [red]x[/red] [@click=app.bell]y[/] \u202egnp\u2066 \x00\r\x08 日本語 \ud83d"
)


def board(app: ExplorerApp) -> PickerScreen:
    """Return the picker."""
    assert isinstance(app.screen, PickerScreen)
    return app.screen


def asks(screen: PickerScreen) -> bool:
    """Whether the prompt is open."""
    return screen.prompt.is_open


async def until_listed(pilot: Pilot[int], wanted: int) -> None:
    """Wait until the board shows so many runs."""
    screen = pilot.app.screen
    assert isinstance(screen, PickerScreen)
    for _ in range(200):
        if screen.model.total == wanted and not screen.model.missing():
            break
        await pilot.pause(0.05)
    await settle(pilot)
    assert screen.model.total == wanted


def good(db: Database, name: str, at: int) -> Run:
    """Record a run that ends well."""
    run = db.restore_run(name, name=name, created_ms=T0 + at)
    TraceStore(db).record_with_options(run.id, Thought("fine"), timestamp=T0 + at)
    return db.end_run(run.id)


@pytest.mark.parametrize("size", [*SIZES, (80, 14)])
async def test_the_newest_failed_run_is_chosen_and_told(
    memory: Database, login: str, size: tuple[int, int]
) -> None:
    """At every size: its row under the cursor; its card beside the rows, below them, or away where there is no room."""
    good(memory, "newer", 10_000)
    app = ExplorerApp(memory)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert board(app).current_id == login
        assert "2 runs   1 failed   0 live   sort: started v" in text
        told = ("ended by", "pytest exited 2", "loops", "bash pytest -q ×3", "top time", "shape")
        assert all(said in text for said in told) == (size != (80, 14))
        assert ("run-login-bug" in text) == (size[0] > 80)


async def test_runs_come_as_they_start_and_the_cursor_stays(memory: Database, login: str) -> None:
    """Another writer's run appears on top; the cursor is where it was put; what fails draws the eye, and is told outside."""
    good(memory, "good", 1_000)
    app = ExplorerApp(memory, settings=Settings(bell=True, title=True))
    outside: list[str] = []
    app.bell = lambda: outside.append("bell")  # type: ignore[method-assign]
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("k")
        assert board(app).current_id == "good"
        store = TraceStore(memory)
        memory.restore_run("live\x1b", name="live\x1b", created_ms=now_ms() - 2_000)
        store.record("live\x1b", Thought("hm"))
        await until_listed(pilot, 3)
        row = board(app).model.rows[0]
        assert (row.run.id, row.label, board(app).current_id) == ("live\x1b", "LIVE", "good")
        assert "1 live" in screen_text(app)
        assert row.duration_ms(now_ms()) >= 2_000
        store.record("live\x1b", Error("E", "gone", recoverable=False))
        memory.end_run("live\x1b", "failed")
        for _ in range(100):
            if outside:
                break
            await pilot.pause(0.05)
        await settle(pilot)
        text = screen_text(app)
        assert " !  live␛" in text
        assert " 1 failed meanwhile " in text
        assert "FAILED: live␛" in text
        assert outside == ["bell"]
        assert board(app).current_id == "good"
        await pilot.press("k", "j")
        assert " x  live␛" in screen_text(app)
        assert "meanwhile" not in screen_text(app)


async def test_order_by_key_and_by_mouse(memory: Database, login: str) -> None:
    """Another column, the same turned round, a click on a title; the cursor stays on its run."""
    good(memory, "a good one", 1_000)
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        screen = board(app)
        assert [row.run.id for row in screen.model.rows] == ["a good one", login]
        await pilot.press("s")
        assert "sort: verdict v" in screen_text(app)
        assert [row.run.id for row in screen.model.rows] == [login, "a good one"]
        await pilot.press("S")
        assert "sort: verdict ^" in screen_text(app)
        assert screen.current_id == login == screen.model.rows[screen.list.cursor].run.id
        await pilot.click("#heading", offset=(8, 0))
        await settle(pilot)
        assert (screen.model.sort, screen.model.reverse, screen.current_id) == ("name", False, login)
        await pilot.click("#heading", offset=(8, 0))
        assert screen.model.reverse


async def test_the_filter_is_a_query(memory: Database, login: str) -> None:
    """What is wrong is pointed at and leaves the rows; Esc in the prompt and on the board clears it."""
    good(memory, "good", 1_000)
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        screen = board(app)
        await pilot.press("slash", *"errors:>2 ver")
        await settle(pilot)
        assert "Tab verdict:" in screen_text(app)
        await pilot.press("tab", *"fai")
        await settle(pilot)
        assert [row.run.id for row in screen.model.rows] == [login]
        assert "filter: errors:>2 verdict:fai   1 of 2 runs" in screen_text(app)
        await pilot.press("space", *"(", "enter")
        await settle(pilot)
        assert asks(screen)
        assert "^" in screen_text(app)
        assert [row.run.id for row in screen.model.rows] == [login]
        await pilot.press("backspace", "enter")
        assert not asks(screen)
        await pilot.press("escape")
        await settle(pilot)
        assert len(screen.model.rows) == 2
        await pilot.press("slash", *"nothing")
        await settle(pilot)
        assert screen.current_id == ""
        await pilot.press("enter", "R")
        await settle(pilot)
        assert "there is no run here" in screen_text(app)
        await pilot.press("slash", "escape")
        assert len(screen.model.rows) == 2


async def test_runs_are_tagged_marked_pinned_renamed_and_deleted(memory: Database, login: str) -> None:
    """Tags as words, two marks, a pin, a name; a pinned run says so before it is deleted."""
    good(memory, "good", 1_000)
    app = ExplorerApp(memory)
    async with app.run_test(size=(140, 32), notifications=True) as pilot:
        await settle(pilot)
        screen = board(app)
        await pilot.press("t", "space", *"'needs review", "enter")
        await settle(pilot)
        assert "not closed" in screen_text(app)
        await pilot.press("'", "enter")
        await settle(pilot)
        assert memory.run(login).tags == ("auth", "needs review")
        assert "auth, needs review" in screen_text(app)
        await pilot.press("R", "ctrl+u", *"other", "enter", "P")
        await settle(pilot)
        run = memory.run(login)
        assert (run.name, run.tags) == ("other", ("auth", "needs review", "pinned"))
        await pilot.press("g", "space", "space")
        assert screen.model.marked == ["good", login]
        assert "Bx  * other" in screen_text(app)
        await pilot.press("d")
        await settle(pilot)
        assert "DIFF" in screen_text(app) or "first divergence" in screen_text(app)
        await pilot.press("q")
        await settle(pilot)
        await pilot.press("escape")
        assert screen.model.marked == []
        assert "nothing" not in screen_text(app)
        screen.list.go_to(screen.model.row_of(login))
        await pilot.press("D")
        await settle(pilot)
        assert shows(app, AskScreen)
        assert "It is pinned." in screen_text(app)
        await pilot.press("y")
        await settle(pilot)
        assert [run.id for run in memory.runs()] == ["good"]


async def test_going_from_failed_run_to_failed_run(memory: Database, login: str) -> None:
    """Forth and back, going round; where none failed that is said."""
    good(memory, "good", 1_000)
    login_bug(memory, run_id="run-older")
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        screen = board(app)
        await pilot.press("g", "e")
        first = screen.current_id
        await pilot.press("e")
        assert {first, screen.current_id} == {login, "run-older"}
        await pilot.press("e")
        assert screen.current_id == first
        await pilot.press("E", "E")
        assert screen.current_id == first
        await pilot.press("slash", *"good", "enter", "e")
        await settle(pilot)
        assert "no run here failed" in screen_text(app)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_names_and_tags_are_text(memory: Database, size: tuple[int, int]) -> None:
    """In rows, card, title, prompts and questions: no control character reaches the screen, no markup is obeyed."""
    memory.create_run(HOSTILE, tags=[HOSTILE, "a b"])
    app = ExplorerApp(memory)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        for keys in (
            (),
            ("space",),
            ("t",),
            ("escape", "R"),
            ("escape", "D"),
            ("n", "slash", *"[/]", "enter"),
        ):
            await pilot.press(*keys)
            await settle(pilot)
            text = screen_text(app)
            bad = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"}
            assert bad == set()
            assert "[/]" in text
        await pilot.press("t", "enter")
        await settle(pilot)
        assert memory.runs()[0].tags == (HOSTILE, "a b")


async def test_ten_thousand_runs(memory: Database) -> None:
    """Only the rows on the screen are drawn; moving, sorting and filtering work on all."""
    app = ExplorerApp(memory)
    rows = [
        PickerRow(
            Run(f"run-{n}", "x", created_ms=T0 - n, traces=n), Card("OK" if n % 9 else "FAILED", "", n % 9)
        )
        for n in range(10_000)
    ]
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        screen = board(app)
        screen.model.board.has_news = lambda: False  # type: ignore[method-assign]
        screen.model.board.rows = lambda *, fresh=True: rows  # type: ignore[method-assign]
        screen.reload()
        await settle(pilot)
        assert "10,000 runs   1,112 failed" in screen_text(app)
        drawn: list[int] = []
        draw = screen.list.row_pieces
        screen.list.row_pieces = lambda row, width: drawn.append(row) or draw(row, width)  # type: ignore[func-returns-value, method-assign]
        await pilot.press("G")
        await settle(pilot)
        assert screen.current_id == "run-9999"
        await pilot.press("slash", *"errors:8 failed", "enter")
        await settle(pilot)
        assert len(screen.model.rows) == 0
        await pilot.press("escape", "s", "s", "s", "s")
        await settle(pilot)
        assert screen.model.rows[0].run.id == "run-9999"
        assert len(drawn) < 2_000


async def test_a_followed_run_that_fails_is_told_outside(memory: Database) -> None:
    """The bell, and the title of the window, which is given back; a run that failed before is not told."""
    store, run_id = TraceStore(memory), memory.create_run("agent\x1b").id
    store.record(run_id, Thought("hm"))
    outside: list[str] = []
    for settings in (Settings(bell=True, title=True), Settings()):
        app = ExplorerApp(memory, run_id=run_id, settings=settings)
        app.bell = lambda: outside.append("bell")  # type: ignore[method-assign]
        async with app.run_test(size=(120, 32)) as pilot:
            await settle(pilot)
            assert app._driver is not None
            app._driver.write = outside.append  # type: ignore[method-assign, assignment]
            if memory.run(run_id).status == "active":
                store.record(run_id, Error("E", "gone", recoverable=False))
                memory.end_run(run_id, "failed")
            for _ in range(40):
                await pilot.pause(0.05)
                if "bell" in outside:
                    break
    told = [text for text in outside if text == "bell" or "\x1b]2;" in text or "\x1b[23;2t" in text]
    assert told[0] == "bell"
    assert told[1].startswith("\x1b[22;2t\x1b]2;tracetui: FAILED: agent␛")
    assert told[2:] == ["\x1b[23;2t"]


async def test_the_picker_is_a_board_of_runs(memory: Database, login: str) -> None:
    """The newest failed run is chosen; sort, filter, rename, pin, delete (asked); open and back."""
    store = TraceStore(memory)
    good = memory.restore_run("good", name="good run", created_ms=T0 + 5_000)
    store.record_with_options(good.id, Custom("Agent"), timestamp=T0)
    memory.end_run(good.id)
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, PickerScreen)
        assert screen.current is not None
        assert screen.current.run.id == login
        text = screen_text(app)
        for wanted in ("fix-login-bug", "good run", "2 runs   1 failed", "ended by", "shape", "bash"):
            assert wanted in text
        for _ in range(8):
            await pilot.press("s")
        await pilot.press("slash", *"good", "enter")
        await settle(pilot)
        assert [row.run.id for row in screen.model.rows] == ["good"]
        await pilot.press("R", "ctrl+u", *"better", "enter")
        await settle(pilot)
        assert memory.run("good").name == "better"
        await pilot.press("escape")
        await settle(pilot)
        screen.list.go_to(screen.model.row_of("good"))
        await pilot.press("P")
        await settle(pilot)
        assert memory.run("good").tags == ("pinned",)
        await pilot.press("D")
        await settle(pilot)
        assert shows(app, AskScreen)
        await pilot.press("n")
        await settle(pilot)
        await pilot.press("D", "y")
        await settle(pilot)
        assert [run.id for run in memory.runs()] == [login]
        for key in ("j", "k", "g", "G", "pagedown", "pageup", "question_mark", "escape"):
            await pilot.press(key)
        await pilot.press("enter")
        await settle(pilot)
        assert shows(app, MainScreen)
        await pilot.press("q")
        await settle(pilot)
        assert shows(app, PickerScreen)
        await pilot.press("q")
        assert app.return_value is None
