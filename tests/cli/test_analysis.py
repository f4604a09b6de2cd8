from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run
from tests.cli.test_commands import store_of
from tests.tui.conftest import login_bug
from tracetui import Thought, TraceStore


def logins(tmp_path: Path) -> None:
    """Record the failing run twice, and one that only thinks."""
    with store_of(tmp_path) as db:
        login_bug(db, loops=2, run_id="run-a")
        login_bug(db, loops=4, run_id="run-b")
        TraceStore(db).record(db.create_run(id="run-c").id, Thought("fine"))


def test_why_names_the_loop_and_where_the_error_was_seen(run: Run, tmp_path: Path) -> None:
    """The sentence has the call, how often it was made, and the choice before it; JSON has the same."""
    logins(tmp_path)
    said = run("why", "run-b")
    assert said.code == 0
    assert said.lines[0] == "FAILED  4 errors, 0 recovered"
    assert said.lines[1].startswith("pytest exited 2")
    assert "after 4 identical calls of bash pytest -q" in said.lines[1]
    assert "last good call of it: none" in said.lines
    assert any(line.startswith("  4× here, in 1 of 2 other runs: ") for line in said.lines)
    told = json.loads(run("why", "run-b", "--json").out)
    assert told["why"] == said.lines[1]
    assert [loop["count"] for loop in told["loops"]] == [4]
    assert told["seen_before"][0]["runs"] == [{"run_id": "run-a", "count": 2}]
    assert told["slow"][0]["trace"]["id"]


def test_seen_before_knows_what_came_since_the_catalog(run: Run, tmp_path: Path) -> None:
    """A run that was recorded after somebody wrote the catalog is looked at too."""
    with store_of(tmp_path) as db:
        login_bug(db, loops=2, run_id="run-a")
        db.runs()
        db.backend.save_catalog()
    with store_of(tmp_path) as db:
        login_bug(db, loops=4, run_id="run-b")
        login_bug(db, loops=3, run_id="run-c")
    told = json.loads(run("why", "run-b", "--json").out)
    assert {other["run_id"] for other in told["seen_before"][0]["runs"]} == {"run-a", "run-c"}


def test_why_of_a_file_looks_into_the_store_too(run: Run, tmp_path: Path) -> None:
    """The same signature in a run of the store was seen before."""
    logins(tmp_path)
    path = str(tmp_path / "b.jsonl")
    assert run("export", "run-b", "-o", path).code == 0
    told = json.loads(run("why", path, "--json").out)
    assert [other["run_id"] for other in told["seen_before"][0]["runs"]] == ["run-a"]


def test_why_of_a_file_makes_no_store(run: Run, tmp_path: Path) -> None:
    """Reading writes nothing, where there is no store either."""
    path = tmp_path / "c.jsonl"
    made = {"trace_type": {"Error": {"error_type": "E", "message": "no", "recoverable": False}}}
    record: dict[str, Any] = {
        "id": "a",
        "parent_id": None,
        "timestamp": 1,
        "tags": [],
        "metadata": None,
        "run_id": "r",
        **made,
    }
    path.write_text(json.dumps(record) + "\n")
    assert run("why", str(path)).lines[1] == "E: no"
    assert not (tmp_path / "store").exists()


def test_stats_by_type_tool_model_and_agent(run: Run, tmp_path: Path) -> None:
    """A table and JSON; an empty answer is 1, another word is usage."""
    logins(tmp_path)
    shown = run("stats", "run-b", "--by", "tool")
    assert shown.code == 0
    assert shown.lines[0].split()[:2] == ["COUNT", "FAIL"]
    assert shown.lines[0].split()[-1] == "TOOL"
    assert any(line.split()[:2] == ["4", "4"] and line.endswith("  bash") for line in shown.lines)
    assert any(line.startswith("critical path ") for line in shown.lines)
    told = json.loads(run("stats", "run-b", "--by", "tool", "--json").out)
    row = next(row for row in told["rows"] if row["name"] == "bash")
    assert (row["count"], row["failed"], row["subtree"]["errors"]) == (4, 4, 4)
    assert told["time"]["span_ms"] >= told["time"]["active_ms"] > 0
    for by in ("type", "model", "agent"):
        assert run("stats", "run-b", "--by", by).code in (0, 1)
    assert run("stats", "run-c", "--by", "tool").code == 1
    assert run("stats", "run-b", "--by", "colour").code == 2


def test_loops_are_0_where_there_is_one(run: Run, tmp_path: Path) -> None:
    """Their calls by id, and the field of the query language finds the same."""
    logins(tmp_path)
    shown = run("loops", "run-b")
    assert (shown.code, shown.lines[0].startswith("loop  bash pytest -q  ×4, all failed: ")) == (0, True)
    told = json.loads(run("loops", "run-b", "--json").out)
    calls = told["loops"][0]["calls"]
    assert run("query", "loop:true", "--run", "run-b", "--format", "ids").lines == calls
    none = run("loops", "run-a")
    assert (none.code, none.out) == (1, "")
    assert "no loops" in none.err


def test_a_long_loop_is_told_in_short_unless_all_is_wanted(run: Run, tmp_path: Path) -> None:
    """The first and last three."""
    with store_of(tmp_path) as db:
        login_bug(db, loops=12, run_id="run-a")
    assert "  … 6 more" in run("loops", "run-a").lines
    assert len(run("loops", "run-a", "--all").lines) > 12


def test_stats_with_context_has_a_row_for_each_model_step(
    run: Run, shared_data: Path, tmp_path: Path
) -> None:
    """In text and JSON, and it says where it is known from; none is 1."""
    path = str(shared_data / "otlp" / "pydantic-ai-default.otlp.jsonl")
    shown = run("stats", path, "--context")
    assert shown.lines[0].split()[:2] == ["+TIME", "FROM"]
    assert len(shown.lines) == 11
    told = json.loads(run("stats", path, "--context", "--json").out)["steps"]
    assert [(step["source"], step["messages"], step["new"]) for step in told[:2]] == [
        ("messages", 2, [0, 1]), ("messages", 4, [3]),
    ]  # fmt: skip
    logins(tmp_path)
    assert run("stats", "run-c", "--context").code == 1
