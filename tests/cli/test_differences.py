from __future__ import annotations

import json
from pathlib import Path

import tracetui
from tests.cli.conftest import Run
from tests.cli.test_commands import HOSTILE, store_of
from tests.tui.conftest import login_bug
from tracetui import Thought, ToolCall, TraceStore


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


# ---- compare ---------------------------------------------------------------------------------------------


def five_runs(tmp_path: Path, bad: int = 1, extra: int = 0) -> None:
    """Record five runs of one name, of which ``bad`` left a step out and failed; and one that still goes on."""
    with store_of(tmp_path) as db:
        store = TraceStore(db)
        for n in range(5 + extra):
            run = db.restore_run(f"job-{n:04d}", name="job", created_ms=n + 1)
            store.record(run.id, ToolCall("read", {"path": "a.py"}))
            if n >= bad:
                store.record(run.id, ToolCall("write", {"path": "b.py"}))
            db.end_run(run.id, "failed" if n < bad else "completed")
        store.record(tracetui.Database(db.backend).create_run("job", id="job-live").id, Thought("hm"))


def test_compare_says_where_runs_of_one_name_part(run: Run, tmp_path: Path) -> None:
    """By name or by a run of it; in text and JSON, which also has every step with who took it."""
    five_runs(tmp_path)
    shown = run("compare", "job")
    assert shown.code == 0
    assert shown.lines[0] == "job  5 runs: 4 OK, 1 FAILED; 1 that still goes on is left out"
    assert "4 of 5 took this step; the one that did not failed" in shown.lines
    assert "      4×  T write b.py" in shown.lines
    assert "      1×  not taken, 1 failed" in shown.lines
    assert shown.lines[-5].split() == ["job-0000", "FAILED", "1", "step", "2:", "not", "taken"]
    assert run("compare", "job-0003").out == shown.out
    told = json.loads(run("compare", "job", "--json").out)
    assert (told["name"], told["left_out"], len(told["runs"])) == ("job", ["job-live"], 5)
    (parting,) = told["partings"]
    assert (parting["way"], parting["step"], parting["score"]) == ("step", 1, 1)
    assert parting["instead"][0]["runs"] == ["job-0000"]
    assert len(told["steps"][1]["taken"]) == 4
    assert told["runs"][-1]["first"]["step"] == 1


def test_compare_tells_few_unless_all_is_wanted(run: Run, tmp_path: Path) -> None:
    """The newest runs, the table's head, and what is left out is said."""
    five_runs(tmp_path, extra=10)
    shown = run("compare", "job")
    assert "… 3 runs more (--all)" in shown.lines
    assert "more" not in run("compare", "job", "--all").out
    newest = run("compare", "job", "--last", "4")
    assert "the newest 4 of 16 runs (--last 16 for all)" in newest.err
    assert newest.lines[:2] == ["job  3 runs: 3 OK; 1 that still goes on is left out", "no step differs in 2"]


def test_compare_needs_two_runs(run: Run, tmp_path: Path) -> None:
    """1 if there are not, with the reason; 2 for a recording of several names until one is chosen."""
    two_logins(tmp_path)
    with store_of(tmp_path) as db:
        TraceStore(db).record(db.create_run("alone").id, Thought("x"))
        nameless = db.create_run(id="nameless").id
        TraceStore(db).record(nameless, Thought("x"))
    for name in ("alone", "nameless"):
        alone = run("compare", name)
        assert (alone.code, alone.out) == (1, "")
        assert "nothing to compare" in alone.err
    assert run("compare", "nobody").code == 1
    assert run("compare", "alone", "--name", "alone").code == 2


def test_compare_of_a_recording_with_several_names(run: Run, shared_data: Path) -> None:
    """It names them and how many there are."""
    path = str(shared_data / "openinference" / "vercel-v6-all-spans.json")
    several = run("compare", path)
    assert several.code == 2
    assert "ai.generateText (2)" in several.err
    chosen = run("compare", path, "--name", "ai.generateText")
    assert (chosen.code, chosen.lines[0]) == (0, "ai.generateText  2 runs: 2 ENDED")


def test_compare_shows_hostile_payloads_as_text(run: Run, tmp_path: Path) -> None:
    """In names, steps and the table; in ASCII alone too."""
    with store_of(tmp_path) as db:
        for n in range(2):
            made = db.create_run(HOSTILE, id=f"h{n}")
            TraceStore(db).record(made.id, ToolCall(HOSTILE, {"path": f"{HOSTILE}{n}"}))
            db.end_run(made.id)
    for words in ((), ("--ascii",)):
        shown = run("compare", "h1", *words)
        assert shown.code == 0
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
