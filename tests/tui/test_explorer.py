"""The explorer as a person uses it: keys in, models and the text on the screen out."""

from __future__ import annotations

import contextlib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.worker import WorkerCancelled

import tracetui
from tests.tui.conftest import T0, login_bug
from tracetui import Custom, Database, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.tui.app import ExplorerApp, find_trace
from tracetui.tui.screens.ask import AskScreen
from tracetui.tui.screens.help import HelpScreen
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.screens.menu import MenuScreen
from tracetui.tui.screens.picker import PickerScreen
from tracetui.tui.view.copying import Source
from tracetui.tui.widgets.detail import DocumentView

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


@pytest.mark.parametrize("size", SIZES)
async def test_a_failed_run_opens_on_what_ended_it(
    memory: Database, login: str, size: tuple[int, int]
) -> None:
    """At every size: the cursor on the terminal error, in view, its ancestors unfolded, verdict and reason above."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        assert cursor_id(app) == "error2"
        text = screen_text(app)
        assert "FAILED" in text
        assert "3 errors, 0 recovered" in text
        assert "! ToolError: pytest exited 2" in text
        assert "ended by: pytest exited 2 (ModuleNotFoundError: No module" in text
        assert "(no filter)" in text
        if size[0] >= 120:
            assert "not recovered, this ended the run" in text
            assert "just before" in text or size[1] < 40
        assert ("━" in text) == (size[0] >= 160)


async def test_moving_and_folding(memory: Database, login: str) -> None:
    """Arrows, siblings, folds, top and end, half pages, jumping back."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("h")
        assert cursor_id(app) == "bash2"
        await pilot.press("h")
        view = main_screen(app).model.view
        assert "error2" not in [view.ids[seq] for seq in main_screen(app).model.tree.rows if seq >= 0]
        await pilot.press("K")
        assert cursor_id(app) == "decide2"
        await pilot.press("g")
        assert cursor_id(app) == "root"
        await pilot.press("J", "j", "down")
        assert cursor_id(app) == "model"
        await pilot.press("minus")
        assert len(main_screen(app).model.tree) == 1
        await pilot.press("equals_sign")
        assert len(main_screen(app).model.tree) == 17
        await pilot.press("G", "ctrl+u", "ctrl+d", "pageup", "pagedown", "up", "k")
        await pilot.press("g", "space", "space", "l", "l")
        assert cursor_id(app) == "plan"
        await pilot.press("e")
        assert cursor_id(app) == "error0"
        await pilot.press("e", "E", "E")
        assert cursor_id(app) == "error2"
        await pilot.press("backspace")
        assert cursor_id(app) == "error0"


async def test_searching_finds_unfolds_and_refolds(memory: Database, login: str) -> None:
    """Hits are found while one types; Esc goes back with the folds of before; n goes round."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("g", "minus")
        before = list(main_screen(app).model.tree.rows)
        await pilot.press("slash", *"exited")
        await settle(pilot)
        assert len(main_screen(app).model.search.hits) == 3
        assert cursor_id(app) == "error0"
        await pilot.press("escape")
        await settle(pilot)
        assert list(main_screen(app).model.tree.rows) == before
        assert main_screen(app).model.search.text == ""
        await pilot.press("slash", "enter")
        await settle(pilot)
        await pilot.press("n")
        first = cursor_id(app)
        await pilot.press("n", "N")
        assert cursor_id(app) == first
        assert "search 'exited': 3 hits" in screen_text(app)
        await pilot.press("escape")
        assert len(main_screen(app).model.tree) < 16
        assert cursor_id(app) == first
        await pilot.press("slash", "enter")
        await settle(pilot)
        await pilot.press("slash", "ctrl+u", "ctrl+r", *"ex[")
        await settle(pilot)
        assert "expected a regular expression" in screen_text(app)
        await pilot.press("backspace", *".*2")
        await settle(pilot)
        assert main_screen(app).model.search.is_regex
        assert len(main_screen(app).model.search.hits) == 3


async def test_filtering_dims_ancestors_and_comes_off_and_on(memory: Database, login: str) -> None:
    """Shown are matches with ancestors; o switches; a wrong query says so and stays open."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("ampersand", *"tag:io", "enter")
        await settle(pilot)
        model = main_screen(app).model
        assert {model.view.ids[seq] for seq in model.filter.matches} == {"read", "search"}
        assert [model.view.ids[seq] for seq in model.tree.rows] == ["root", "read", "search"]
        assert "3/16 shown" in screen_text(app)
        await pilot.press("o")
        assert len(model.tree) > 3
        await pilot.press("o")
        assert len(model.tree) == 3
        await pilot.press("ampersand", "ctrl+u", *"dur:", "enter")
        await settle(pilot)
        assert main_screen(app).prompt.is_open
        prompt, pointed = screen_text(app).splitlines()[-3:-1]
        assert prompt == " filter & dur:"
        assert pointed.startswith("              ^ a value after dur:")
        await pilot.press("ctrl+u", *"type:Er", "tab")
        await settle(pilot)
        assert screen_text(app).splitlines()[-2] == " filter & type:Error"
        await pilot.press("escape", "ampersand", "ctrl+u", "enter")
        await settle(pilot)
        assert model.filter.text == ""
        assert len(model.tree) > 3


async def test_the_filter_panes_edit_the_filter(memory: Database, login: str) -> None:
    """Space includes, x excludes, c clears; counts are live; the command is shown."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        screen = main_screen(app)
        labels = [row.label for row in screen.facets.facets.rows]
        assert labels[0] == "types (7)"
        assert "Error" in labels
        assert "shell" in labels
        screen.facets.list.go_to(labels.index("Error"))
        await pilot.press("space")
        await settle(pilot)
        assert screen.model.filter.text == "type:Error"
        assert len(screen.model.filter.matches) == 3
        assert "tracetui query type:Error" in screen_text(app)
        await pilot.press("x")
        await settle(pilot)
        assert screen.model.filter.text == "NOT type:Error"
        assert len(screen.model.filter.matches) == 13
        await pilot.press("c")
        await settle(pilot)
        assert screen.model.filter.text == ""
        await pilot.press("escape")
        assert not screen.facets.is_open


async def test_the_detail_shows_every_tab_and_follows_links(memory: Database, login: str) -> None:
    """Tabs, folds, wrapping, and a link of the path."""
    TraceStore(memory).annotate(login, "error2", "look at this", mark=True)
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert "path" in text
        assert "just before" in text
        for wanted in ("before this step", "id: error2", "look at this"):
            await pilot.press("full_stop")
            await settle(pilot)
            assert wanted in screen_text(app)
        await pilot.press("full_stop", "tab")
        await settle(pilot)
        screen = main_screen(app)
        rows = [
            screen.detail.view.document.lines[screen.detail.view.document.line_at(n)]
            for n in range(len(screen.detail.view.document))
        ]
        screen.detail.view.go_to(
            next(n for n, line in enumerate(rows) if line.seq == screen.model.view.seq_of("tests"))
        )
        await pilot.press("w", "w", "space", "enter")
        await settle(pilot)
        assert cursor_id(app) == "tests"


async def test_metrics_times_zoom_and_theme(memory: Database, login: str) -> None:
    """c, t, z, Z and the theme change what rows say."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        seen = set()
        for _ in range(6):
            await pilot.press("c")
            seen.add(main_screen(app).row_style.metric)
        assert len(seen) == 6
        for _ in range(3):
            await pilot.press("t")
        await pilot.press("h", "h", "h", "z")
        assert main_screen(app).model.tree.root is not None
        assert "zoomed" in screen_text(app)
        await pilot.press("Z")
        assert main_screen(app).model.tree.root is None
        app.action_app_theme()
        await settle(pilot)
        assert not app.current_theme.dark
        assert "fix-login-bug" in screen_text(app)


async def test_help_palette_and_copying(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help says what keys do, the palette has every action, the yank menu gives texts."""
    app = ExplorerApp(memory, run_id=login, source=Source("/data/runs"))
    copied: list[str] = []
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        assert shows(app, HelpScreen)
        assert "What the keys do here" in screen_text(app)
        await pilot.press("escape")
        commands = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Search for text", "All runs", "Quit", "Go to the next error"} <= commands
        monkeypatch.setattr(app, "copy_text", lambda text, _: copied.append(text))
        for key in "isptjmrql":
            await pilot.press("y")
            await settle(pilot)
            assert shows(app, MenuScreen)
            await pilot.press(key)
            await settle(pilot)
        assert copied[0] == "error2"
        assert copied[-2].startswith("tracetui --store /data/runs query --run")
        assert "--trace error2" in copied[-1]
        await pilot.press("y", "escape")


async def test_copied_text_goes_by_osc_52_or_to_a_file(
    memory: Database, login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short texts by way of the terminal, long ones into a file that is named."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        app.copy_text("short")
        app.copy_text("x" * 100_000)
        app.copy_text(None)
        await settle(pilot)
        (written,) = tmp_path.iterdir()
        assert len(written.read_text()) == 100_000
        assert "written to" in screen_text(app)


async def test_keys_that_can_do_nothing_say_why(memory: Database) -> None:
    """A run without errors: e tells so instead of doing nothing."""
    run = memory.create_run("quiet")
    TraceStore(memory).record(run.id, Thought("all is well"))
    memory.end_run(run.id)
    app = ExplorerApp(memory, run_id=run.id)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("e")
        await settle(pilot)
        assert "this run has no errors" in screen_text(app)
        assert "next error" not in screen_text(app).splitlines()[-1]
        await pilot.press("n", "o", "Z", "F", "backspace")


async def test_an_empty_run_and_an_empty_store(memory: Database) -> None:
    """Nothing to show is shown as such; what comes is shown when it comes."""
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert "No runs here yet" in screen_text(app)
        run = memory.create_run("empty")
        assert isinstance(app.screen, PickerScreen)
        app.screen.reload()
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        for key in ("j", "space", "e", "h", "l", "z", "G", "n", "enter", "escape", "y", "escape"):
            await pilot.press(key)
        TraceStore(memory).record(run.id, Thought("at last"))
        for _ in range(40):
            await pilot.pause(0.05)
            if "at last" in screen_text(app):
                break
        assert "at last" in screen_text(app)


async def test_a_live_run_is_followed_until_one_moves_up(memory: Database) -> None:
    """The newest trace stays in view; moving up pauses and counts; F follows again; the end is noticed."""
    store, run = TraceStore(memory), memory.create_run("live")
    store.record(run.id, Thought("first"))
    app = ExplorerApp(memory, run_id=run.id)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        assert following(screen)
        await added(pilot, store, run.id, 40)
        assert screen.tree_view.cursor == 40
        await pilot.press("k")
        assert not following(screen)
        await added(pilot, store, run.id, 5)
        assert screen.tree_view.cursor == 39
        assert screen.missed == 5
        assert "PAUSED +5" in screen_text(app)
        await pilot.press("F")
        assert screen.tree_view.cursor == 45
        memory.end_run(run.id)
        for _ in range(60):
            await pilot.pause(0.05)
            if screen.model.verdict.label == "OK":
                break
        assert screen.model.verdict.label == "OK"


async def added(pilot: Pilot[int], store: TraceStore, run_id: str, count: int) -> None:
    """Record traces and wait until the screen has them."""
    app = pilot.app
    assert isinstance(app, ExplorerApp)
    before = len(main_screen(app).model.tree)
    store.record_many(run_id, [TraceDraft(Thought("more"))] * count)
    for _ in range(100):
        await pilot.pause(0.05)
        if len(main_screen(app).model.tree) >= before + count:
            return


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


async def test_going_from_run_to_run(memory: Database, login: str) -> None:
    """H and L, r and back; a run that is deleted is said to be."""
    other = login_bug(memory, name="another", run_id="run-another")
    app = ExplorerApp(memory, run_id=other)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        first = main_screen(app).model.run.id
        await pilot.press("H" if app.picker_model.row_of(first) <= 0 else "L")
        await settle(pilot)
        await pilot.press("L", "H", "H", "H")
        await settle(pilot)
        assert shows(app, MainScreen)
        await pilot.press("r")
        await settle(pilot)
        assert shows(app, PickerScreen)
        await pilot.press("escape")
        await settle(pilot)
        here = main_screen(app)
        memory.delete_run(here.model.run.id)
        for _ in range(60):
            await pilot.pause(0.05)
            if "was deleted" in screen_text(app):
                break
        assert "was deleted" in screen_text(app)


HOSTILE = (
    "\x1b]52;c;aGk=\x07\x9b31m[/] [red]x[/red] [@click=app.bell]y[/] \u202egnp\u2066 \x00\r\x08 日本語 \ud83d"
    + "z" * 5_000
)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_payloads_reach_the_screen_as_text(memory: Database, size: tuple[int, int]) -> None:
    """In names, tags, arguments, results and errors: no control character in any line, no line too long, no crash."""
    store = TraceStore(memory)
    run = memory.create_run(HOSTILE[:60], tags=[HOSTILE[:60]], metadata={HOSTILE[:20]: HOSTILE})
    root = store.record(run.id, Custom(HOSTILE[:60], {HOSTILE[:30]: HOSTILE}), tags=[HOSTILE[:60]])
    store.record_child(
        run.id,
        root,
        ToolCall(HOSTILE, {HOSTILE: [HOSTILE, {"a": HOSTILE}]}, HOSTILE),
        metadata={"name": HOSTILE},
    )
    store.record_child(run.id, root, tracetui.Error(HOSTILE, HOSTILE, recoverable=False))
    store.annotate(run.id, root, HOSTILE)
    app = ExplorerApp(memory)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        for keys in (
            (),
            ("enter",),
            ("g", "full_stop"),
            ("full_stop",),
            ("full_stop",),
            ("f",),
            ("escape", "slash", "x", "enter"),
            ("question_mark",),
        ):
            await pilot.press(*keys)
            await settle(pilot)
            text = screen_text(app)
            bad = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"}
            assert bad == set()
            assert "[/]" in text or "[red]" in text or keys not in ((), ("enter",))


async def test_damage_is_said_and_survived(tmp_path: Path) -> None:
    """A damaged body and a torn tail: the row says damaged, the line below tells of the tail, nothing crashes."""
    with tracetui.open(tmp_path / "s") as db:
        run_id = login_bug(db)
    (log,) = (tmp_path / "s" / "runs").glob("*.log")
    content = bytearray(log.read_bytes())
    at = content.index(b"the token is parsed first")
    content[at] ^= 1
    log.write_bytes(bytes(content) + b"\xa0\x01\x02")
    import os

    os.utime(log, (1_790_000_000, 1_790_000_000))
    with tracetui.open(tmp_path / "s") as db:
        app = ExplorerApp(db, run_id=run_id, trace_id="thought")
        async with app.run_test(size=(140, 40), notifications=True) as pilot:
            await settle(pilot)
            text = screen_text(app)
            assert cursor_id(app) == "thought"
            assert "Thought (damaged)" in text
            assert "torn tail: 3 bytes" in text
            said = app.screen.query_one(DocumentView).document.lines
            assert any("is damaged at byte" in line.text for line in said)


async def test_mouse_clicks_select_fold_and_jump(memory: Database, login: str) -> None:
    """A click selects, on the glyph it folds, on the map it goes to what stands there."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.click("#tree", offset=(20, 1))
        assert cursor_id(app) == "plan"
        await pilot.click("#tree", offset=(0, 0))
        await settle(pilot)
        assert len(main_screen(app).model.tree) == 1
        await pilot.click("#minimap", offset=(16, 0))
        await settle(pilot)
        assert cursor_id(app) == "error2"
        app.action_app_mouse()
        app.action_app_mouse()


async def test_opening_at_a_trace_with_a_query(memory: Database, login: str) -> None:
    """What a link says is what is shown; an id that is not there is told."""
    app = ExplorerApp(memory, run_id=login, trace_id="read", query="type:ToolCall")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert cursor_id(app) == "read"
        assert len(main_screen(app).model.filter.matches) == 4
        assert find_trace(main_screen(app).model, "arch") == main_screen(app).model.view.seq_of("search")
    app = ExplorerApp(memory, run_id=login, trace_id="nothing")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert "no trace nothing in this run" in screen_text(app)
    app = ExplorerApp(memory, run_id="none")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert "no run 'none'" in screen_text(app)


async def test_resizing_keeps_the_place(memory: Database, login: str) -> None:
    """From wide to narrow and back the cursor stays with its trace, in view."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        await settle(pilot)
        for size in ((80, 24), (100, 30), (130, 10), (200, 50)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            screen = main_screen(app)
            assert cursor_id(app) == "error2"
            top = screen.tree_view.scroll_offset.y
            assert top <= screen.tree_view.cursor < top + screen.tree_view.page


async def test_selected_text_is_what_the_screen_shows(memory: Database, login: str) -> None:
    """Text selected with the mouse in our own lists can be copied."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.mouse_down("#tree", offset=(4, 1))
        await pilot.hover("#tree", offset=(30, 1))
        await pilot.mouse_up("#tree", offset=(30, 1))
        await settle(pilot)
        selected = app.screen.get_selected_text()
        assert selected is not None
        assert "how? → read" in selected
        await pilot.press("ctrl+c")
        await settle(pilot)
        assert "copied" in screen_text(app)
        await pilot.press("ctrl+c", "ctrl+c")


async def test_nothing_is_read_beyond_ascii_when_asked(memory: Database, login: str) -> None:
    """With --ascii our own glyphs are plain."""
    app = ExplorerApp(memory, run_id=login, ascii_only=True)
    async with app.run_test(size=(200, 40), notifications=True) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert "▾" not in text
        assert "━" not in text
        assert text.isascii()
        assert "v A fix login bug" in text
