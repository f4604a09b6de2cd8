from __future__ import annotations

from pathlib import Path

import pytest

import tracetui
from tests.querying.conftest import Example
from tracetui import QuerySyntaxError, RunNotFoundError, Thought, TraceStore
from tracetui.querying.grammar import parse
from tracetui.querying.search import hints_of, plans


def test_one_run_or_all_are_searched(example: Example) -> None:
    """Runs newest first, traces in seq order, the limit over all."""
    later = example.db.create_run("later")
    TraceStore(example.db).record(later.id, Thought("timeout"))
    everywhere = [(run_id, trace.seq) for run_id, trace in tracetui.search(example.db, "timeout")]
    assert sorted(everywhere) == sorted([(later.id, 0), (example.run_id, 3), (example.run_id, 8)])
    assert [run.id for run in example.db.runs()] == list(dict.fromkeys(run_id for run_id, _ in everywhere))
    assert len(list(tracetui.search(example.db, "timeout", limit=2))) == 2
    assert [t.seq for _, t in tracetui.search(example.db, "timeout", example.run_id, 1)] == [3]
    assert [t.id for _, t in tracetui.search(example.db, parse("type:LLM | sort -cost | limit 1"))] == [
        "small"
    ]


def test_mistakes_are_said_at_the_call(example: Example) -> None:
    """Before anything is asked for."""
    with pytest.raises(QuerySyntaxError):
        tracetui.search(example.db, "(")
    with pytest.raises(RunNotFoundError):
        tracetui.search(example.db, "a", "nobody")
    with pytest.raises(tracetui.QueryError):
        tracetui.search(example.db, "| count")


def test_a_run_that_cannot_answer_is_passed_over_among_many(example: Example) -> None:
    """Alone it refuses."""
    example.db.create_run("timeless", id="timeless", metadata={"time": "none"})
    assert len(list(tracetui.search(example.db, "time:+0s..", limit=3))) == 3
    with pytest.raises(tracetui.QueryError, match="no times"):
        list(tracetui.search(example.db, "time:+0s..", "timeless"))
    with pytest.raises(RunNotFoundError):
        list(plans(example.db, parse(""), ["gone"]))
    assert list(plans(example.db, parse(""), ["gone"], skip_missing=True)) == []


def test_a_name_that_one_run_has_is_no_slip(example: Example) -> None:
    """Of many runs a hint is what holds in all of them, with the nearest that any has."""
    later = example.db.create_run("later")
    TraceStore(example.db).record(later.id, Thought("x"), tags=["only"])
    ids = [later.id, example.run_id]

    def hints(text: str) -> list[str]:
        used = list(plans(example.db, parse(text), ids))
        return hints_of(used)

    assert hints("tag:only") == hints("tag:db") == []
    assert hints("tag:plam") == ["no tag plam: 0 in the index, nearest: plan"]
    assert hints_of([]) == []


def test_files_give_the_same_answers(tmp_path: Path) -> None:
    """Packed bodies are sifted on the disk; reads write nothing."""
    from tests.querying.conftest import drafts

    with tracetui.open(tmp_path / "store") as db:
        run = db.create_run()
        store = TraceStore(db)
        store.record_many(run.id, drafts())
        store.complete(run.id, "hung", status="cancelled", result={"said": "Straße 77"})
        for text in (
            "STRASSE",
            "77",
            "timeout",
            "type:Error",
            "result.said:~7+",
            "name:read_file",
            "exit_code",
        ):
            naive = [t.id for _, t in tracetui.search(db, text)]
            assert naive, text
        assert [t.id for _, t in tracetui.search(db, "STRASSE")] == ["hung"]


def test_damage_is_told_and_the_rest_is_found(tmp_path: Path) -> None:
    """A body that cannot be read does not match, and is not passed over in silence."""
    from tests.querying.conftest import drafts
    from tracetui.querying.plan import Plan

    with tracetui.open(tmp_path / "store") as db:
        run = db.create_run()
        TraceStore(db).record_many(run.id, drafts())
        TraceStore(db).record(run.id, Thought("after"))
    (log,) = [
        path
        for path in (tmp_path / "store").rglob("*")
        if path.is_file() and b"how to fix" in path.read_bytes()
    ]
    log.write_bytes(log.read_bytes().replace(b"how to fix", b"how to fax"))
    with tracetui.open(tmp_path / "store") as db:
        plan = Plan(db.view(run.id), parse("timeout"))
        assert [db.view(run.id).ids[seq] for seq in plan.seqs()] == ["failed"]
        assert list(plan.unreadable) == [8]
        assert "checksum" in plan.unreadable[8]
