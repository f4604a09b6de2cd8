"""The explorer on files that are read while they are shown."""

from __future__ import annotations

import io
from pathlib import Path

from tests.formats.test_claude_code import line, result, use
from tests.importing.test_opening import transcript
from tests.tui.driving import main_screen, screen_text
from tracetui.importing.opening import Opening
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.screens.picker import PickerScreen

BEGIN = transcript(line("user", "fix it", 1), line("assistant", [use("Bash", "t1", {"command": "ls"})], 2))


async def wait_for(app: ExplorerApp, pilot: object, wanted: str) -> None:
    """Wait until something is on the screen."""
    for _ in range(200):
        await pilot.pause(0.05)  # type: ignore[attr-defined]
        if wanted in screen_text(app):
            return
    raise AssertionError(screen_text(app))


async def ended(app: ExplorerApp, pilot: object) -> None:
    """Wait until the application has ended by itself."""
    for _ in range(200):
        await pilot.pause(0.05)  # type: ignore[attr-defined]
        if app.return_value is not None:
            return


async def test_a_file_is_shown_while_it_grows(tmp_path: Path) -> None:
    """First rows at once; what is written later appears, and open calls end."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(BEGIN)
    opening = Opening([str(path)])
    app = ExplorerApp(opening.db, importing=opening, place="s.jsonl")
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await wait_for(app, pilot, "fix it")
        assert isinstance(app.screen, MainScreen)
        await pilot.press("equals_sign")
        await wait_for(app, pilot, "Bash ls")
        with path.open("ab") as file:
            file.write(transcript(line("user", [result("t1", "done")], 3), line("user", "and now this", 4)))
        await wait_for(app, pilot, "and now this")
        view = main_screen(app).model.view
        seq = view.seq_of("t1")
        assert seq is not None
        assert view.statuses[seq] == 1
        app.workers.cancel_all()
    opening.close()


async def test_several_runs_open_the_picker(tmp_path: Path) -> None:
    """A folder of recordings is a board of them."""
    (tmp_path / "a.jsonl").write_bytes(BEGIN)
    (tmp_path / "b.jsonl").write_bytes(BEGIN.replace(b'"s1"', b'"s2"'))
    opening = Opening([str(tmp_path)])
    while opening.step():
        pass
    app = ExplorerApp(opening.db, importing=opening)
    async with app.run_test(size=(120, 32)) as pilot:
        for _ in range(100):
            await pilot.pause(0.05)
            if isinstance(app.screen, PickerScreen) and app.screen.model.total == 2:
                break
        assert isinstance(app.screen, PickerScreen)
        assert app.screen.model.total == 2
        app.workers.cancel_all()
    opening.close()


async def test_a_pipe_ends_and_is_shown(tmp_path: Path) -> None:
    """Standard input to its end; nothing more is waited for."""
    opening = Opening(["-"], stream=io.BytesIO(BEGIN))
    app = ExplorerApp(opening.db, importing=opening)
    async with app.run_test(size=(120, 32)) as pilot:
        await wait_for(app, pilot, "fix it")
        await app.workers.wait_for_complete()
        assert opening.done
    opening.close()


async def test_what_cannot_be_read_ends_the_explorer_with_its_code(tmp_path: Path) -> None:
    """An unknown format is 3 and the problem is kept for the message; an empty pipe is 1."""
    (tmp_path / "x.json").write_bytes(b'{"nothing": 1}\n')
    opening = Opening([str(tmp_path / "x.json")])
    app = ExplorerApp(opening.db, importing=opening)
    async with app.run_test(size=(80, 24)) as pilot:
        await ended(app, pilot)
    assert app.return_value == 3
    assert "no format that is known" in str(app.problem)
    opening.close()
    empty = Opening(["-"], stream=io.BytesIO(b""))
    app = ExplorerApp(empty.db, importing=empty)
    async with app.run_test(size=(80, 24)) as pilot:
        await ended(app, pilot)
    assert app.return_value == 1
    empty.close()
