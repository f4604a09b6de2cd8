"""The commands that care for a store: every problem told with its place, indexes made anew, old runs let go."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

import tracetui
from tests.cli.conftest import Run
from tracetui import Thought, TraceDraft, TraceStore
from tracetui.store.database import Database, open_backend

TEXT = "what the model said, at some length and with little news " * 60


def recorded(tmp_path: Path, runs: int = 3, traces: int = 20) -> None:
    """Record runs that ended, run-0 the oldest."""
    with tracetui.open(tmp_path / "store") as db:
        for n in range(runs):
            db.restore_run(f"run-{n}", name=f"job {n}", created_ms=1_000 * (n + 1))
            TraceStore(db).record_many(
                f"run-{n}", [TraceDraft(Thought(TEXT), id=f"t{k}") for k in range(traces)]
            )
            db.end_run(f"run-{n}")


def runs_of(tmp_path: Path) -> list[str]:
    """Return the names of the files in the folder of runs."""
    return sorted(path.name for path in (tmp_path / "store" / "runs").iterdir())


def test_a_run_that_cannot_be_read_says_so_and_stays(run: Run, tmp_path: Path) -> None:
    """In the list without a date, on standard error with what helps; no rule of gc takes it."""
    made = run("run", "start", "x").lines[0]
    log = next((tmp_path / "store" / "runs").glob("*.log"))
    log.write_bytes(b"x" * 64 + log.read_bytes()[64:])
    found = run("run", "list")
    assert (found.code, found.lines[-1].split()) == (0, [made, "unreadable", "0", "0"])
    assert f"run {made} cannot be read" in found.err
    assert "tracetui check" in found.err
    assert json.loads(run("run", "list", "--json").out)[0]["status"] == "unreadable"
    run("gc", "--keep", "0", "--older", "1d", "--include-quiet")
    assert log.exists()


def test_check_tells_every_problem_and_what_helps(run: Run, tmp_path: Path) -> None:
    """Log, mark of a failed sync, index, catalog, what is left over: each with file and offset, and exit code 3."""
    recorded(tmp_path)
    store = tmp_path / "store"
    assert run("reindex").code == 0
    assert run("reindex", "run-1").code == 0
    assert run("check").code == 0
    index, catalog, log = store / "runs" / "run-1.idx", store / "catalog.idx", store / "runs" / "run-0.log"
    for path, at in ((index, -10), (catalog, 30), (log, -3)):
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
    (store / "runs" / "run-2.log.failed").touch()
    (store / ".new-1-ab").write_bytes(b"x")
    os.utime(store / ".new-1-ab", (1, 1))
    found = run("check", "--json")
    assert found.code == 3
    told = {Path(problem["path"]).name: problem for problem in json.loads(found.out)}
    assert set(told) == {"run-1.idx", "catalog.idx", "run-0.log", "run-2.log", ".new-1-ab"}
    assert told["run-1.idx"]["offset"] > 64
    assert "section" in told["run-1.idx"]["reason"]
    assert told["catalog.idx"]["offset"] > 0 or told["catalog.idx"]["reason"]
    shown = run("check")
    assert all(word in shown.err for word in ("tracetui repair", "tracetui reindex", "tracetui gc"))
    assert all(
        word in shown.err
        for word in ("the last commit is not whole", "nobody writes to that run until it is repaired")
    )
    assert len(shown.lines) == 6
    assert run("check", "run-1").code == 3
    for cure in (
        ("reindex", "run-1"),
        ("reindex",),
        ("repair", "run-0"),
        ("repair", "run-2"),
        ("gc", "--keep", "9"),
    ):
        assert run(*cure).code == 0, cure
    assert run("check").code == 0


def test_reindex_makes_what_is_derived(run: Run, tmp_path: Path) -> None:
    """All that are large enough and the catalog, or one run; a run with damage says what to do first."""
    recorded(tmp_path, runs=2)
    recorded(tmp_path / "large", runs=1, traces=1200)
    done = run("reindex")
    assert done.code == 0
    assert "0 indexes and the catalog are made anew" in done.err
    assert (tmp_path / "store" / "catalog.idx").exists()
    assert "run-0.idx" not in runs_of(tmp_path)
    assert "indexed job 0, 20 traces" in run("reindex", "run-0").err
    assert "run-0.idx" in runs_of(tmp_path)
    assert "1 indexes" in run("--store", str(tmp_path / "large" / "store"), "reindex").err
    log = tmp_path / "store" / "runs" / "run-1.log"
    content = bytearray(log.read_bytes())
    content[70] ^= 1
    log.write_bytes(content)
    refused = run("reindex", "run-1")
    assert refused.code == 3
    assert "tracetui repair" in refused.err
    assert run("reindex", "nobody").code == 1


def test_gc_lets_runs_go_and_says_so(run: Run, tmp_path: Path) -> None:
    """A table of what would go, then of what went; why the others stay; sizes in units that --size reads."""
    recorded(tmp_path)
    run("run", "tag", "run-0", "pinned")
    before = runs_of(tmp_path)
    dry = run("gc", "--keep", "1", "--compress", "--dry-run")
    assert dry.code == 0
    assert runs_of(tmp_path) == before
    assert [line.split()[0] for line in dry.lines] == ["WHAT", "compress", "delete"]
    assert "would be freed" in dry.err
    done = run("gc", "--keep", "1", "--compress")
    assert done.out == dry.out
    assert "1 stay: pinned" in done.err
    assert "are freed" in done.err
    assert runs_of(tmp_path) == ["run-0.log", "run-2.log"]
    assert run("show", "run-2/t7").code == 0
    assert TEXT[:40] in run("show", "run-2/t7").out
    nothing = run("gc", "--keep", "1", "--json")
    assert {outcome["action"] for outcome in json.loads(nothing.out)} == {"keep"}


def test_gc_by_age_and_size(run: Run, tmp_path: Path) -> None:
    """Age is that of the last news or of the file; size counts everything that stays."""
    recorded(tmp_path)
    old = time.time() - 40 * 86_400
    for n in range(2):
        os.utime(tmp_path / "store" / "runs" / f"run-{n}.log", (old, old))
    assert json.loads(run("gc", "--older", "30d", "--json").out)[0]["action"] == "keep"
    assert len(runs_of(tmp_path)) == 3
    held = json.loads(run("gc", "--size", "1GB", "--json").out)
    assert [outcome["reason"] for outcome in held] == ["the store is small enough"] * 3
    run("gc", "--size", str(held[0]["bytes"]))
    assert len(runs_of(tmp_path)) == 1


def test_live_runs_are_safe_unless_quiet_ones_are_asked_for(run: Run, tmp_path: Path) -> None:
    """An active run stays; with --include-quiet too, until it was silent for seven days."""
    run("run", "start", "live", "--id", "live")
    assert "1 stay: active" in run("gc", "--keep", "0").err
    assert "silent for less than 7 days" in run("gc", "--keep", "0", "--include-quiet").err
    with Database(open_backend(tmp_path / "store"), owning=False) as db:
        db.restore_run("quiet", created_ms=1)
    os.utime(tmp_path / "store" / "runs" / "quiet.log", (1, 1))
    assert "2 stay: active" in run("gc", "--keep", "0").err
    assert run("gc", "--keep", "0", "--include-quiet").code == 0
    assert runs_of(tmp_path) == ["live.log"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what may go"), (("--older", "30x"), "--older 30x: a duration"), (("--size", "2 GB"), "500MB or 2GB"),
        (("--keep", "-1"), ""), (("--size", "-5"), "not negative"), (("--keep", "1", "--format", "xml"), "table, json"),
    ],
)  # fmt: skip
def test_gc_refuses_what_it_does_not_understand(run: Run, words: tuple[str, ...], said: str) -> None:
    """Usage has exit code 2 and says what would be right; nothing goes."""
    refused = run("gc", *words)
    assert refused.code == 2
    assert said in refused.err


@pytest.mark.parametrize("command", [("gc", "--keep", "1"), ("reindex",), ("repair", "x")])
def test_only_stores_in_files_need_this_care(run: Run, command: tuple[str, ...]) -> None:
    """A store in memory has no files."""
    refused = run("--store", "memory://", *command)
    assert refused.code in (1, 2)
    assert command[0] == "repair" or "only a store in files" in refused.err
