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


# ---- Markdown --------------------------------------------------------------------------------------------


def test_markdown_of_a_run_a_trace_and_hits(run: Run, tmp_path: Path) -> None:
    """Each with a budget if wanted; to a file too, and of a recording."""
    two_logins(tmp_path)
    whole = run("export", "run-a", "--format", "markdown")
    assert (whole.code, whole.lines[0]) == (0, "# `fix-login-bug`: FAILED  2 errors, 0 recovered")
    short = run("export", "run-a", "--format", "markdown", "--max-tokens", "200")
    assert len(short.out) <= 800 < len(whole.out)
    assert "Left out: " in short.lines[-1]
    assert run("export", "run-a", "--format", "markdown", "-o", str(tmp_path / "a.md")).out == ""
    assert (tmp_path / "a.md").read_text() == whole.out
    assert run("export", "run-a", "-o", str(tmp_path / "a.jsonl")).code == 0
    of_file = run("export", str(tmp_path / "a.jsonl"), "--format", "markdown")
    assert of_file.out == whole.out
    step = run("show", "run-a/error1", "--markdown")
    assert "## Path" in step.lines
    assert run("show", "run-a/error1", "--format", "markdown").out == step.out
    hits = run("query", "type:Error", "--run", "run-a", "--format", "markdown", "--max-tokens", "150")
    assert hits.lines[0] == "# 2 traces found by `type:Error`"
    none = run("query", "tag:none", "--run", "run-a", "--format", "markdown")
    assert (none.code, none.lines) == (1, ["# 0 traces found by `tag:none`"])


def test_a_budget_is_refused_where_it_means_nothing(run: Run, tmp_path: Path) -> None:
    """For other formats, and below one token."""
    two_logins(tmp_path)
    assert run("export", "run-a", "--max-tokens", "10").code == 2
    assert run("export", "run-a", "--format", "yaml").code == 2
    assert run("show", "run-a/error1", "--max-tokens", "10").code == 2
    assert run("query", "--run", "run-a", "--max-tokens", "10").code == 2
    assert run("export", "run-a", "--format", "markdown", "--max-tokens", "0").code == 2
