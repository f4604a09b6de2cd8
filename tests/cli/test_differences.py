from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.test_commands import HOSTILE, store_of
from tests.tui.conftest import login_bug
from tracetui import Thought, TraceStore


def two_logins(tmp_path: Path) -> None:
    """Record the failing run twice, with another number of rounds."""
    with store_of(tmp_path) as db:
        login_bug(db, loops=2, run_id="run-a")
        login_bug(db, loops=4, run_id="run-b")


def test_diff_exits_like_diff(run: Run, tmp_path: Path) -> None:
    """0 for equal runs, 1 for others; an unknown run is said on standard error and is 1 too."""
    two_logins(tmp_path)
    same = run("diff", "run-a", "run-a")
    assert (same.code, same.lines[-1]) == (0, "no difference in 13 steps")
    other = run("diff", "run-a", "run-b")
    assert other.code == 1
    assert "+     T bash pytest -q  ×2" in other.lines
    unknown = run("diff", "run-a", "nobody")
    assert (unknown.code, unknown.out) == (1, "")
    assert "nobody" in unknown.err


def test_diff_as_json_and_of_files(run: Run, tmp_path: Path) -> None:
    """A run beside its own export is equal."""
    two_logins(tmp_path)
    told = json.loads(run("diff", "run-a", "run-b", "--json").out)
    assert (told["equal"], told["steps"]["only_b"]) == (False, 6)
    assert run("export", "run-a", "-o", str(tmp_path / "a.jsonl")).code == 0
    assert run("diff", "run:run-a", str(tmp_path / "a.jsonl")).code == 0


def test_diff_shows_hostile_payloads_as_text(run: Run, tmp_path: Path) -> None:
    """In ASCII alone too."""
    with store_of(tmp_path) as db:
        for name in ("a", "b"):
            TraceStore(db).record(db.create_run(HOSTILE, id=name).id, Thought(f"{HOSTILE} {name}"))
    for words in ((), ("--ascii",)):
        shown = run("diff", "a", "b", *words)
        assert shown.code == 1
        assert not any(char in shown.out for char in "\x1b\x9b\u202e\x07")
    assert shown.out.isascii()
