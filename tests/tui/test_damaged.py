"""Damaged runs in every view: what can be read is shown, what cannot be is said, and nothing ends the explorer."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

import tracetui
from tests.tui.conftest import login_bug
from tests.tui.driving import cursor_id, main_screen, screen_text, settle
from tests.tui.runs import fixing
from tests.tui.test_comparing import compared
from tracetui.storage.files.frame import HEADER_SIZE
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.tui.app import ExplorerApp
from tracetui.tui.widgets.detail import DocumentView

LONG_AGO = 1_790_000_000


def damage(log: Path, kind: str) -> None:
    """Damage a log, or the index beside it, as if that had been so for a while."""
    index = log.with_suffix(".idx")
    content = bytearray(log.read_bytes())
    frames = list(LogFile(Disk(), str(log)).frames(HEADER_SIZE, len(content)))
    if kind != "index":
        index.unlink(missing_ok=True)
    if kind == "hole":
        at = frames[len(frames) // 2].offset
        content[at : at + 30] = b"?" * 30
    elif kind == "body":
        content[content.index(b"pytest exited 2")] ^= 1
    elif kind == "tail":
        content += b"\xa0\x01\x02"
    elif kind == "index":
        data = bytearray(index.read_bytes())
        for at in random.Random(5).sample(range(len(data)), len(data) // 3):
            data[at] ^= 0xFF
        index.write_bytes(data)
    log.write_bytes(content)
    os.utime(log, (LONG_AGO, LONG_AGO))


SAID = {"hole": "1 hole: ", "body": "", "tail": "torn tail: 3 bytes", "index": ""}
"""What the line below the views says of it: a body is looked at when it is shown, an index is made anew."""
LOOKED_AT = {
    "hole": [
        "equals_sign G g",
        "2 G s p",
        "3 G space",
        "4 j",
        "1 f j space escape o",
        "less_than_sign greater_than_sign escape",
    ],
    "body": [
        "equals_sign G g",
        "2 G s",
        "3 G k space",
        "4 j",
        "slash p y enter n escape",
        "ampersand 2 enter y escape",
    ],
    "tail": ["2 p", "3 G"],
    "index": ["equals_sign G g", "slash p y enter"],
}
"""Keys by kind: every view, panes, search, filter and time travel where reading may meet the damage."""


def said_of_damage(app: ExplorerApp) -> str:
    """Return what the line below the views says of damage, of a hole without its bytes."""
    truth = screen_text(app).splitlines()[-2]
    found = re.search(r"(\d+ holes?: )\d+ bytes|torn tail: \d+ bytes", truth)
    return "" if found is None else found[1] or found[0]


@pytest.mark.parametrize("kind", SAID)
async def test_damage_in_every_view(tmp_path: Path, kind: str) -> None:
    """Each view opens and moves, beside another run too, then the board; damage is said all the while, once."""
    with tracetui.open(tmp_path / "s") as db:
        run_id, good = login_bug(db), fixing(db, good=True)
        db.reindex(run_id)
    damage(tmp_path / "s" / "runs" / f"{run_id}.log", kind)
    with tracetui.open(tmp_path / "s") as db:
        app = ExplorerApp(db, run_id=run_id)
        async with app.run_test(size=(140, 40), notifications=True) as pilot:
            await settle(pilot)
            assert said_of_damage(app) == SAID[kind]
            assert main_screen(app).model.view.count == (15 if kind == "hole" else 16)
            await pilot.press("e")
            await settle(pilot)
            assert ("(damaged)" in screen_text(app)) == (kind == "body")
            for keys in LOOKED_AT[kind]:
                await pilot.press(*keys.split())
                await settle(pilot)
                assert "FAILED" in screen_text(app)
                assert said_of_damage(app) == SAID[kind], keys
            app.open_diff(good, run_id)
            view = await compared(pilot, app)
            await pilot.press("n", "equals_sign", "G")
            await settle(pilot)
            assert view.shown is not None
            await pilot.press("r")
            await settle(pilot)
            assert "fix-login-bug" in screen_text(app)


async def test_damage_is_said_and_survived(tmp_path: Path) -> None:
    """A damaged body and a torn tail: the row says damaged, the line below tells of the tail, nothing crashes."""
    with tracetui.open(tmp_path / "s") as db:
        run_id = login_bug(db)
    (log,) = (tmp_path / "s" / "runs").glob("*.log")
    content = bytearray(log.read_bytes())
    at = content.index(b"the token is parsed first")
    content[at] ^= 1
    log.write_bytes(bytes(content) + b"\xa0\x01\x02")
    os.utime(log, (LONG_AGO, LONG_AGO))
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
