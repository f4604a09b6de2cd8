from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tracetui
from tests.conftest import REPOSITORY
from tracetui import Error, ToolCall, TraceStore
from tracetui.analysis.verdict import judge
from tracetui.samples import copied_samples, samples_folder
from tracetui.store.database import Database, open_backend

LATER_MS = 1_900_000_000_000


def shape(db: Database) -> dict[str, object]:
    """Return what must be the same whenever the samples are made: everything but texts of tools and exact times."""
    found: dict[str, object] = {}
    for run in db.runs():
        view = db.view(run.id)
        found[run.id] = (
            run.name, run.status, run.tags, view.type_counts(), view.tag_counts(), list(view.parents), list(view.statuses),
            len(db.check(run.id)),
        )  # fmt: skip
    return found


def test_the_samples_can_be_made_anew(tmp_path: Path) -> None:
    """The agents run and record runs of the same shape as those that ship."""
    subprocess.run(
        [sys.executable, str(REPOSITORY / "sample_runs" / "make.py"), str(tmp_path / "made")],
        check=True,
        capture_output=True,
    )
    with tracetui.open(tmp_path / "made") as made, copied_samples() as shipped:
        assert shape(made) == shape(shipped)


def test_they_are_small_enough_to_ship() -> None:
    """Together under 4 MB."""
    assert sum(path.stat().st_size for path in samples_folder().rglob("*") if path.is_file()) < 4_000_000


def run_named(db: Database, name: str, number: int = 0) -> tracetui.Run:
    """Return a run by its name, newest first."""
    return [run for run in db.runs() if (run.name or "").startswith(name)][number]


def test_the_newest_failed_run_is_the_login_bug_in_a_loop() -> None:
    """Seven identical calls fail; the last error, not recovered, is where one lands."""
    with copied_samples() as db:
        run = db.runs()[0]
        assert (run.name, run.status) == ("fix-login-bug", "failed")
        calls = [t for t in TraceStore(db).query_by_type(run.id, "ToolCall") if t.status == "error"]
        kinds = [t.trace_type for t in calls]
        assert len({(k.tool_name, str(k.arguments)) for k in kinds if isinstance(k, ToolCall)}) == 1
        assert len(calls) == 7
        view = db.view(run.id)
        verdict = judge(view, LATER_MS)
        assert (verdict.label, verdict.errors, verdict.recovered) == ("FAILED", 7, 0)
        landed = view.trace(verdict.landing).trace_type
        assert isinstance(landed, Error)
        assert "No module named 'app.auth'" in landed.message


def test_the_good_run_of_the_same_name_went_another_way() -> None:
    """It failed once, patched, and passed."""
    with copied_samples() as db:
        run = run_named(db, "fix-login-bug", 1)
        verdict = judge(db.view(run.id), LATER_MS)
        assert (verdict.label, verdict.errors, verdict.recovered) == ("OK", 1, 1)
        assert [d.id for _, d in tracetui.search(db, "type:Decision chosen:patch", run_id=run.id)] != []


def test_research_has_subagents_queries_and_a_recovered_error() -> None:
    """Agents below agents; a missing document was worked around."""
    with copied_samples() as db:
        run = run_named(db, "research-crash-safety")
        view = db.view(run.id)
        assert view.type_counts()["Agent"] == 5
        assert view.type_counts()["Query"] == 3
        assert judge(view, LATER_MS).label == "OK"


def test_one_is_2_000_levels_deep_and_one_10_000_traces_wide() -> None:
    """Their shapes are what they say."""
    with copied_samples() as db:
        deep = db.view(run_named(db, "deep").id)
        assert max(deep.forest().depths) + 1 == 2_000
        wide = db.view(run_named(db, "wide").id)
        assert wide.count == 10_000
        assert len(wide.children(0)) == 9_999


def test_one_was_killed_in_a_call() -> None:
    """The call it hung in is there, open, and is where one lands."""
    with copied_samples() as db:
        run = run_named(db, "crawl-docs")
        view = db.view(run.id)
        verdict = judge(view, LATER_MS)
        assert run.status == "active"
        assert verdict.label == "CUT OFF"
        assert view.trace(verdict.landing).status == "open"
        assert view.type_names[view.types[verdict.landing]] == "ToolCall"


def test_one_file_is_torn_and_says_so() -> None:
    """Its end was lost; what is before it can be read, and recording can go on."""
    with copied_samples() as db:
        run = run_named(db, "research-torn-file")
        assert [damage.reason for damage in db.check(run.id)] == ["torn tail"]
        assert run.status == "active"
        assert run.traces == 24
        TraceStore(db).record(run.id, tracetui.Thought("on"))
        assert db.check(run.id) == []


def test_one_holds_hostile_payloads() -> None:
    """Escapes, C1, bidirectional marks and markup are in it, as they would come from the web."""
    with copied_samples() as db:
        run = run_named(db, "hostile")
        texts = "".join(str(t.to_json()) for t in TraceStore(db).list(run.id))
        said = "".join(str(t.trace_type) for t in TraceStore(db).list(run.id))
        for wanted in ("[@click=app.bell]", "[/]"):
            assert wanted in texts
        for wanted in ("\\x1b]52;c;", "\\x9b31m", "\\u202e", "\\ud83d"):
            assert wanted in said


def test_a_copy_is_changed_and_not_the_samples() -> None:
    """What the demo writes is gone with it."""
    before = {path: path.read_bytes() for path in samples_folder().rglob("*.log")}
    with copied_samples() as db:
        db.delete_run(db.runs()[0].id)
    assert {path: path.read_bytes() for path in samples_folder().rglob("*.log")} == before


def test_without_samples_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without them names the place and the way out."""
    monkeypatch.setattr("tracetui.samples._PACKAGED", tmp_path / "a")
    monkeypatch.setattr("tracetui.samples._CHECKED_OUT", tmp_path / "b")
    with pytest.raises(tracetui.UnreachableError, match="reinstall"):
        samples_folder()


@pytest.mark.parametrize("program", ["fix_login.py", "research.py"])
def test_each_agent_runs_by_itself(tmp_path: Path, program: str) -> None:
    """As its docstring says."""
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "sample_runs" / "agents" / program), "--store", str(tmp_path / "s")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    with Database(open_backend(str(tmp_path / "s"))) as db:
        assert db.run(done.stdout.strip()).status == "completed"
    shutil.rmtree(tmp_path / "s")
