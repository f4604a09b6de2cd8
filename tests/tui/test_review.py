"""Reviewing a run with keys: marks, notes, going back and forth, copying, exporting, pager and editor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from tests.tui.conftest import login_bug
from tests.tui.driving import SIZES, cursor_id, main_screen, screen_text, settle, shows
from tracetui import Database, TraceStore
from tracetui.model.change import Annotation
from tracetui.store.database import open_database
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.listing import ListScreen
from tracetui.tui.screens.menu import MenuScreen
from tracetui.tui.view.copying import Source
from tracetui.tui.view.review import edited_fields, why_not_edited


@pytest.mark.parametrize("size", SIZES)
async def test_marks_and_notes_are_set_shown_and_gone_to(
    memory: Database, login: str, size: tuple[int, int]
) -> None:
    """At every size: in the row, on the map, in the list; u and U go round; m again takes a mark away."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert "nothing is marked" in screen_text(app)
        await pilot.press("m", "a", *"the cause", "enter")
        await settle(pilot)
        text = screen_text(app)
        assert " mn" in next(line for line in text.splitlines() if "! ToolError" in line and "mn" in line)
        await pilot.press("g", "m", "j", "u")
        assert cursor_id(app) == "error2"
        await pilot.press("u")
        assert cursor_id(app) == "root"
        await pilot.press("U", "M")
        await settle(pilot)
        assert shows(app, ListScreen)
        text = screen_text(app)
        for said in ("2 marks and notes", "A fix login bug", "the cause", "(marked)", "take away"):
            assert said in text
        await pilot.press("enter")
        assert cursor_id(app) == "root"
        await pilot.press("m", "ampersand", *"mark:true", "enter")
        await settle(pilot)
        assert main_screen(app).model.filter.matches == {15}
        await pilot.press("u", "m")
        await settle(pilot)
        assert main_screen(app).model.filter.matches == set()
        await pilot.press("o", "M", "D")
        await settle(pilot)
        assert main_screen(app).model.review.seqs == []
    left = [(note.trace_id, note.note, dict(note.fields)) for note in TraceStore(memory).annotations(login)]
    assert left[:2] == [("error2", "", {"mark": True}), ("error2", "the cause", {})]


async def test_a_note_is_left_out_by_escape_and_by_nothing(memory: Database, login: str) -> None:
    """No annotation is written; the notes tab shows those that are."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("a", *"half", "escape", "a", "enter")
        await settle(pilot)
        assert TraceStore(memory).annotations(login) == []
        await pilot.press("comma")
        assert "a leaves one" in screen_text(app)
        await pilot.press("a", *"seen in 0411", "enter", "m")
        await settle(pilot)
        text = screen_text(app)
        assert "seen in 0411" in text
        assert "marked" in text


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """The mark is not shown, the reason is."""
    with open_database(tmp_path / "s") as db:
        run_id = login_bug(db)
        app = ExplorerApp(db, run_id=run_id)
        async with app.run_test(size=(120, 32), notifications=True) as pilot:
            await settle(pilot)
            db.delete_run(run_id)
            await pilot.press("m")
            await settle(pilot)
            assert main_screen(app).model.review.seqs == []
            assert "no run" in screen_text(app)


async def test_jumps_go_back_and_forward(memory: Database, login: str) -> None:
    """Forward is where one was before going back; another jump forgets it."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f")
        await settle(pilot)
        assert "nowhere to go forward to" in screen_text(app)
        await pilot.press("e", "e")
        assert cursor_id(app) == "error1"
        await pilot.press("backspace", "ctrl+o")
        assert cursor_id(app) == "error2"
        await pilot.press("ctrl+f")
        assert cursor_id(app) == "error0"
        await pilot.press("ctrl+f")
        assert cursor_id(app) == "error1"
        await pilot.press("backspace", "E", "ctrl+f")
        assert cursor_id(app) == "error2"


async def test_a_subtree_is_exported_to_a_file_that_is_named(
    memory: Database, login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON lines and as Markdown, into the working folder; where that fails it is said."""
    monkeypatch.chdir(tmp_path)
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        for key in "jm":
            await pilot.press("x")
            await settle(pilot)
            assert shows(app, MenuScreen)
            await pilot.press(key)
            await settle(pilot)
        assert sorted(path.suffix for path in tmp_path.iterdir()) == [".jsonl", ".md"]
        assert "exported to" in screen_text(app)
        await pilot.press("x", "escape")
        monkeypatch.setattr(Path, "open", _refuse)
        await pilot.press("x", "j")
        await settle(pilot)
        assert "nothing was exported: Permission denied" in screen_text(app)


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


async def test_pager_and_editor_get_the_detail(
    memory: Database, login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal is handed over and taken back; JSON on the raw tab; what cannot be started is said."""
    script = tmp_path / "show"
    script.write_text(f'#!/bin/sh\ncat "$1" >> {tmp_path}/seen; echo "$1" >> {tmp_path}/names\n')
    script.chmod(0o755)
    monkeypatch.setenv("PAGER", str(script))
    monkeypatch.setenv("VISUAL", "/nowhere/at-all")
    handed: list[str] = []

    def suspend() -> AbstractContextManager[None]:
        handed.append("over")
        return nullcontext()

    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("v")
        await settle(pilot)
        assert "cannot be handed over" in screen_text(app)
        monkeypatch.setattr(app, "suspend", suspend)
        await pilot.press("v", "full_stop", "full_stop", "v")
        await settle(pilot)
        seen = (tmp_path / "seen").read_text()
        assert "not recovered, this ended the run" in seen
        assert '"id": "error2"' in seen
        names = [Path(name) for name in (tmp_path / "names").read_text().split()]
        assert [name.suffix for name in names] == [".txt", ".json"]
        assert not any(name.exists() for name in names)
        await pilot.press("V")
        await settle(pilot)
        assert "$EDITOR cannot be started: No such file or directory" in screen_text(app)
        monkeypatch.setenv("VISUAL", "'half a word")
        await pilot.press("V")
        await settle(pilot)
        assert "No closing quotation" in screen_text(app)
        monkeypatch.setattr(Path, "write_text", _refuse)
        await pilot.press("v")
        await settle(pilot)
        assert "$PAGER cannot be started: Permission denied" in screen_text(app)
    assert len(handed) == 3


async def test_in_a_browser_nothing_reaches_the_server(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pager, editor or export there; the keys say why."""
    monkeypatch.setattr(ExplorerApp, "is_web", True)
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        for key in ("v", "V", "x"):
            await pilot.press(key)
            await settle(pilot)
            assert not shows(app, MenuScreen)
        assert screen_text(app).count("not in a browser") >= 1


async def test_what_was_copied_is_said(memory: Database, login: str) -> None:
    """By what it is and how it begins; commands only where a shell finds the run."""
    app = ExplorerApp(memory, run_id=login, source=Source("/data/store"))
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("y", "i")
        await settle(pilot)
        assert "copied id of the trace: error2" in screen_text(app)
        await pilot.press("y", "l")
        await settle(pilot)
        assert "copied link to this trace" in screen_text(app)
        app.source = None
        await pilot.press("y")
        await settle(pilot)
        assert "query command" not in screen_text(app)


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(100):
        if holds():
            break
        await pilot.pause(0.05)
    assert holds()


async def test_keys_that_come_in_one_go_reach_the_prompt(memory: Database, login: str) -> None:
    """They are sent before the prompt has the focus; none is lost, and none does what it does elsewhere."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        for char in "a" + "mt q/":
            app.post_message(events.Key({" ": "space", "/": "slash"}.get(char, char), char))
        await until(pilot, lambda: "note: mt q/" in screen_text(app))
        await pilot.press("enter", "slash")
        for key in ("r", "e", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: main_screen(app).model.search.text == "re")
    assert [note.note for note in TraceStore(memory).annotations(login)] == ["mt q/"]


async def test_a_note_is_edited_and_the_last_word_holds(memory: Database, login: str) -> None:
    """A edits the last note of a trace, e one in the list; what stands there already is kept in the log."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("A")
        await settle(pilot)
        assert "there is no note to edit here" in screen_text(app)
        await pilot.press("a", *"the caus", "enter")
        await settle(pilot)
        await pilot.press("A")
        await settle(pilot)
        await pilot.press("e", "enter")
        await settle(pilot)
        model = main_screen(app).model
        seq = main_screen(app).current.cursor_seq
        assert [note.note for note in model.review.notes(seq)] == ["the cause"]
        await pilot.press("M", "e")
        await settle(pilot)
        await pilot.press("!", "enter")
        await settle(pilot)
        assert [note.note for note in model.review.notes(seq)] == ["the cause!"]
        await pilot.press("A", "enter")
        await settle(pilot)
        left = TraceStore(memory).annotations(login)
        assert [(note.note, "withdraws" in note.fields) for note in left] == [
            ("the caus", False), ("the cause", True), ("the cause!", True),
        ]  # fmt: skip
        await pilot.press("m", "M", "D")
        await settle(pilot)
        assert model.review.notes(seq) == []
        assert model.review.is_marked(seq)
        await pilot.press("M", "e")
        await settle(pilot)
        assert "there is no note to edit here" in screen_text(app)


def test_notes_that_a_line_cannot_hold_are_not_edited() -> None:
    """Damaged ones and those of several lines say what to do; fields of a note outlast its editing."""
    note = Annotation("n", "t", "one\ntwo", {"score": 0.5, "mark": True, "withdraws": "m"}, 0)
    assert "several lines" in why_not_edited(note)
    assert "damaged" in why_not_edited(replace(note, damaged=True))
    assert why_not_edited(replace(note, note="one")) == ""
    assert edited_fields(note) == {"score": 0.5, "withdraws": "n"}
