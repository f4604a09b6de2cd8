"""Damaged runs in every view: what can be read is shown, what cannot be is said, and nothing ends the explorer."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import tracetui
from tests.tui.conftest import login_bug
from tests.tui.runs import fixing
from tests.tui.test_comparing import compared
from tests.tui.test_explorer import main_screen, screen_text, settle
from tracetui.storage.files.frame import HEADER_SIZE
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.tui.app import ExplorerApp

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


@pytest.mark.parametrize("kind", SAID)
async def test_damage_in_every_view(tmp_path: Path, kind: str) -> None:
    """Tree, waterfall, transcript, figures, diff, panes, search, the board: each opens and moves; damage is said."""
    with tracetui.open(tmp_path / "s") as db:
        run_id, good = login_bug(db), fixing(db, good=True)
        db.reindex(run_id)
    damage(tmp_path / "s" / "runs" / f"{run_id}.log", kind)
    with tracetui.open(tmp_path / "s") as db:
        app = ExplorerApp(db, run_id=run_id)
        async with app.run_test(size=(140, 40), notifications=True) as pilot:
            await settle(pilot)
            assert SAID[kind] in screen_text(app)
            assert main_screen(app).model.view.count == (15 if kind == "hole" else 16)
            await pilot.press("e")
            await settle(pilot)
            assert ("(damaged)" in screen_text(app)) == (kind == "body")
            for keys in (
                "equals_sign G k comma comma g",
                "2 equals_sign G s p k",
                "3 G K space equals_sign k",
                "4 j j G",
                "1 f j j space j j escape o",
                "slash p y t enter n n escape",
                "ampersand t y p e colon E r r o r enter e e y escape",
                "less_than_sign less_than_sign greater_than_sign escape",
            ):
                for key in keys.split():
                    await pilot.press(key)
                await settle(pilot)
                assert "FAILED" in screen_text(app)
                assert SAID[kind] in screen_text(app), keys
            app.open_diff(good, run_id)
            view = await compared(pilot, app)
            await pilot.press("n", "n", "equals_sign", "G")
            await settle(pilot)
            assert view.shown is not None
            await pilot.press("r")
            await settle(pilot)
            assert "fix-login-bug" in screen_text(app)
