"""What the explorer remembers: files written whole, never an error, and where one lands when one comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui.conftest import login_bug
from tests.tui.driving import cursor_id, main_screen, screen_text, settle
from tests.tui.test_picker import board, good
from tracetui import Database, Error, Thought, TraceStore
from tracetui.settings import Settings
from tracetui.store.database import open_database
from tracetui.tui import state as state_room
from tracetui.tui.app import ExplorerApp
from tracetui.tui.state import StateFolder


def test_a_value_is_written_whole_and_read_again(tmp_path: Path) -> None:
    """The newest value of a name; equal ones are not written again; no half file is left."""
    folder = StateFolder(tmp_path / "deep" / "in")
    for number in range(50):
        folder.write("runs/a", {"n": number})
    folder.write("prompts", {"search": ["\ud800é"]})
    folder.flush()
    again = StateFolder(tmp_path / "deep" / "in")
    assert again.read("runs/a") == {"n": 49}
    assert again.read("prompts") == {"search": ["\ud800é"]}
    assert again.read("nothing") == {}
    files = [path for path in (tmp_path / "deep" / "in").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["a.json", "prompts.json"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    before = files[0].stat().st_mtime_ns
    again.write("runs/a", {"n": 49})
    again.flush()
    assert files[0].stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a":' + b"1" * 2_000_000]
)
def test_what_cannot_be_read_is_as_if_it_had_never_been(tmp_path: Path, content: bytes) -> None:
    """Another's bytes, a list, what is too large."""
    (tmp_path / "a.json").write_bytes(content)
    assert StateFolder(tmp_path).read("a") == {}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """What was to be written is remembered as long as the process lives; without a folder too."""
    (tmp_path / "file").write_text("in the way")
    for folder in (StateFolder(tmp_path / "file"), StateFolder()):
        folder.write("a", {"n": 1})
        folder.flush()
        assert folder.read("a") == {"n": 1}
    assert (tmp_path / "file").read_text() == "in the way"


def test_runs_that_were_left_longest_ago_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are bounded; prompts and order stay."""
    monkeypatch.setattr(state_room, "MOST_FILES", 10)
    folder = StateFolder(tmp_path)
    folder.write("prompts", {"a": 1})
    for number in range(30):
        folder.write(f"runs/{number:02d}", {"n": number})
        folder.flush()
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) <= 11
    assert "29.json" in names
    assert "00.json" not in names
    assert (tmp_path / "prompts.json").exists()


async def left(db: Database, folder: Path, run_id: str, *keys: str, view: str = "tree") -> None:
    """Open a run, press keys, and leave."""
    app = ExplorerApp(db, run_id=run_id, state=StateFolder(folder), view=view)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
    app.state.flush()


async def test_one_comes_back_to_where_one_was(tmp_path: Path) -> None:
    """Cursor, folds and filter, in another process; a link and a query are obeyed all the same."""
    with open_database(tmp_path / "s") as db:
        run_id = login_bug(db)
        await left(db, tmp_path / "state", run_id, "minus", "space", *"jjj", "ampersand", *"tag:io", "enter")
        app = ExplorerApp(db, run_id=run_id, state=StateFolder(tmp_path / "state"))
        async with app.run_test(size=(120, 32)) as pilot:
            await settle(pilot)
            screen = main_screen(app)
            assert cursor_id(app) == "read"
            assert screen.model.filter.text == "tag:io"
            await pilot.press("o")
            assert len(screen.model.tree) == 7
        app = ExplorerApp(db, run_id=run_id, trace_id="plan", state=StateFolder(tmp_path / "state"))
        async with app.run_test(size=(120, 32)) as pilot:
            await settle(pilot)
            assert cursor_id(app) == "plan"
            assert main_screen(app).model.filter.text == ""
    (file,) = (tmp_path / "state" / "runs").iterdir()
    assert file.stat().st_size < 2_000


async def test_a_run_that_failed_since_lands_on_what_ended_it(tmp_path: Path) -> None:
    """It says something else than when it was left."""
    with open_database(tmp_path / "s") as db:
        store, run_id = TraceStore(db), db.create_run("agent").id
        for n in range(5):
            store.record(run_id, Thought(f"step {n}"))
        await left(db, tmp_path / "state", run_id, "g")
        app = ExplorerApp(db, run_id=run_id, state=StateFolder(tmp_path / "state"))
        async with app.run_test(size=(120, 32)) as pilot:
            await settle(pilot)
            assert main_screen(app).tree_view.cursor == 0
            assert not main_screen(app).pinned
        store.record(run_id, Error("E", "gone", recoverable=False))
        db.end_run(run_id, "failed")
        app = ExplorerApp(db, run_id=run_id, state=StateFolder(tmp_path / "state"))
        async with app.run_test(size=(120, 32)) as pilot:
            await settle(pilot)
            assert main_screen(app).tree_view.cursor_seq == 5


async def test_what_was_remembered_wrongly_is_left_out(tmp_path: Path) -> None:
    """A trace that is gone, a view and a filter that there are not, values of other types."""
    with open_database(tmp_path / "s") as db:
        run_id = login_bug(db)
        await left(db, tmp_path / "state", run_id, "g")
        (file,) = (tmp_path / "state" / "runs").iterdir()
        value = json.loads(file.read_text())
        for change, wanted in (
            ({"cursor": "gone"}, "error2"), ({"unfolded": ["gone", "tests"]}, "root"), ({"view": "nowhere"}, "error2"),
            ({"filter": "(tag:"}, "root"), ({"cursor": 7}, "error2"), ({"unfolded": [7]}, "error2"), ({"version": 0}, "error2"),
            ({"pinned": "yes"}, "error2"), ({"label": "OK"}, "error2"), ({"landing": "root"}, "error2"),
        ):  # fmt: skip
            file.write_text(json.dumps({**value, **change}))
            app = ExplorerApp(db, run_id=run_id, state=StateFolder(tmp_path / "state"))
            async with app.run_test(size=(120, 32)) as pilot:
                await settle(pilot)
                assert cursor_id(app) == wanted, change
                assert main_screen(app).model.filter.text == ""
            app.state.flush()


async def test_prompts_remember_what_was_typed(memory: Database, login: str, tmp_path: Path) -> None:
    """Up and down go through it, in another process too; what is being typed is not lost."""
    app = ExplorerApp(memory, run_id=login, state=StateFolder(tmp_path))
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"token", "enter", "slash", "ctrl+u", *"pytest", "enter")
        await settle(pilot)
    app.state.flush()
    app = ExplorerApp(memory, run_id=login, state=StateFolder(tmp_path))
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"new", "up", "up", "up")
        await settle(pilot)
        assert " / token" in screen_text(app)
        await pilot.press("down", "down")
        assert " / new" in screen_text(app)
        await pilot.press("up", "enter")
        await settle(pilot)
        assert main_screen(app).model.search.text == "pytest"


@pytest.mark.parametrize(("size", "no_color"), [((120, 32), False), ((80, 24), True)])
async def test_a_remembered_text_is_replaced_by_typing(
    memory: Database, login: str, size: tuple[int, int], no_color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is selected, without colours too; → and End keep it; a filter that is in force is gone on from."""
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(memory, run_id=login, settings=Settings(theme="dark"))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"token", "enter", "slash")
        await settle(pilot)
        line = app.screen._compositor.render_strips()[-2]
        marked = [piece for piece in line if piece.style is not None and "token" in piece.text]
        assert [piece.text for piece in marked] == ["token"]
        assert marked[0].style.reverse == (True if no_color else None)  # type: ignore[union-attr]
        assert no_color or marked[0].style.bgcolor != line._segments[0].style.bgcolor  # type: ignore[union-attr]
        await pilot.press(*"exited")
        assert " / exited" in screen_text(app)
        for keep in ("right", "end"):
            await pilot.press("enter", "slash", keep, *" 2", *["backspace"] * 2, "left", "right")
            assert main_screen(app).prompt._input.value == "exited"
        await pilot.press("escape", "ampersand", *"tag:io", "enter")
        await settle(pilot)
        await pilot.press("ampersand", *" x", "enter")
        await settle(pilot)
        assert main_screen(app).model.filter.text == "tag:io x"
        await pilot.press("ampersand", "ctrl+u", "enter")
        await settle(pilot)
        await pilot.press("ampersand", *"type:E", "escape", "ampersand", *"tag:shell", "enter")
        await settle(pilot)
        assert main_screen(app).model.filter.text == "tag:shell"


async def test_the_picker_keeps_its_order(memory: Database, login: str, tmp_path: Path) -> None:
    """Not its filter, which would hide runs."""
    good(memory, "a good one", 1_000)
    app = ExplorerApp(memory, state=StateFolder(tmp_path))
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("s", "s", "S", "slash", *"good", "enter")
        await settle(pilot)
    app.state.flush()
    app = ExplorerApp(memory, state=StateFolder(tmp_path))
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        model = board(app).model
        assert (model.sort, model.reverse, model.filter) == ("name", True, "")
        assert [row.run.id for row in model.rows] == [login, "a good one"]
