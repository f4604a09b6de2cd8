from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import pytest

import tracetui
from tracetui import (
    BatchTooLargeError,
    ClosedError,
    InvalidRunError,
    InvalidTransitionError,
    RunClosedError,
    RunExistsError,
    RunNotFoundError,
    StorageError,
    Thought,
    TraceDraft,
    TraceStore,
    UnreachableError,
)
from tracetui.store.database import Database, open_backend


def test_a_run_keeps_what_it_was_given(db: tracetui.Database) -> None:
    """Name, tags (order and duplicates kept), metadata, times; it begins active and empty."""
    before = time.time_ns() // 1_000_000
    run = db.create_run("fix it", tags=["b", "a", "b"], metadata={"cwd": "/x"})
    assert run.id.startswith("run-")
    assert (run.name, run.status, run.tags, run.metadata) == (
        "fix it",
        "active",
        ("b", "a", "b"),
        {"cwd": "/x"},
    )
    assert (run.traces, run.errors, run.tokens_in, run.cost_usd, run.ended_ms) == (0, 0, 0, 0.0, None)
    assert before <= run.created_ms <= time.time_ns() // 1_000_000
    assert db.run(run.id) == run


def test_runs_are_listed_newest_first(db: tracetui.Database) -> None:
    """By creation; names may repeat, ids may not."""
    for n in range(5):
        db.restore_run(f"r{n}", name="same", created_ms=[30, 10, 50, 20, 40][n])
    assert [run.id for run in db.runs()] == ["r2", "r4", "r0", "r3", "r1"]
    assert [run.id for run in db.runs(fresh=False)] == ["r2", "r4", "r0", "r3", "r1"]
    with pytest.raises(RunExistsError):
        db.create_run(id="r3")
    assert db.run("r3").created_ms == 20


@pytest.mark.parametrize("wrong", ["", "x" * 513, 5])
def test_a_run_id_that_cannot_be_kept_is_refused(db: tracetui.Database, wrong: object) -> None:
    """Nothing is made."""
    with pytest.raises(InvalidRunError):
        db.create_run(id=cast("Any", wrong))
    assert db.runs() == []


def test_a_run_moves_along_its_status_machine(db: tracetui.Database, run_id: str) -> None:
    """Recording needs an active run; paused goes back; ended is archived and then final."""
    store = TraceStore(db)
    db.set_run_status(run_id, "paused")
    with pytest.raises(RunClosedError):
        store.record(run_id, Thought("x"))
    db.set_run_status(run_id, "active")
    trace = store.record(run_id, Thought("x"))
    ended = db.end_run(run_id, "failed")
    assert ended.status == "failed"
    assert ended.ended_ms is not None
    for wanted in ("active", "completed", "failed"):
        with pytest.raises(InvalidTransitionError):
            db.set_run_status(run_id, wanted)
    assert db.run(run_id) == ended
    with pytest.raises(RunClosedError):
        store.record_many(run_id, [TraceDraft(Thought("x"))])
    store.amend(run_id, trace, tags=["later"])
    store.annotate(run_id, trace, "a note")
    assert db.set_run_status(run_id, "archived").ended_ms == ended.ended_ms
    with pytest.raises(InvalidRunError):
        db.end_run(run_id, "paused")
    with pytest.raises(InvalidRunError):
        db.set_run_status(run_id, "done")


def test_a_run_can_be_renamed_and_tagged_after_its_end(db: tracetui.Database, run_id: str) -> None:
    """What is left out stays; a name may be taken away."""
    db.end_run(run_id)
    db.update_run(run_id, name="new", tags=["pinned"])
    run = db.update_run(run_id, metadata={"outcome": {"reward": 1.0}})
    assert (run.name, run.tags, run.metadata) == ("new", ("pinned",), {"outcome": {"reward": 1.0}})
    assert db.update_run(run_id, name=None).name is None
    assert db.update_run(run_id).tags == ("pinned",)


def test_counts_of_a_run_come_from_its_traces(db: tracetui.Database, run_id: str) -> None:
    """Traces, errors, tokens and cost of its model calls, last activity."""
    store = TraceStore(db)
    store.record_with_options(run_id, tracetui.Error("a", "b", recoverable=False), timestamp=10)
    usage: dict[str, Any] = {"usage": {"input": 100, "output": 7}, "cost": {"usd": 0.25}}
    call = store.record_with_options(run_id, tracetui.Custom("LLM"), timestamp=20, open=True)
    store.complete(run_id, call, metadata=usage, end_ms=99)
    run = db.run(run_id)
    assert (run.traces, run.errors, run.tokens_in, run.tokens_out, run.cost_usd) == (2, 1, 100, 7, 0.25)
    assert run.last_ms >= 99


def test_what_is_not_there_is_named(db: tracetui.Database) -> None:
    """Every call on a run that does not exist says so."""
    store = TraceStore(db)
    for call in (
        lambda: db.run("none"), lambda: db.end_run("none"), lambda: db.update_run("none", name="x"),
        lambda: db.delete_run("none"), lambda: db.view("none"),
        lambda: store.record("none", Thought("x")),
        lambda: store.record_many("none", []), lambda: store.get("none", "x"), lambda: store.list("none"),
        lambda: store.query_by_tag("none", "x"), lambda: store.types("none"),
        lambda: store.annotations("none"),
        lambda: list(store.follow("none")), lambda: store.get_tree("none", "x"), lambda: store.count("none"),
    ):  # fmt: skip
        with pytest.raises(RunNotFoundError) as refused:
            cast("Any", call)()
        assert refused.value.run_id == "none"


def test_deleting_a_run_removes_all_of_it_and_nothing_else(db: tracetui.Database) -> None:
    """Whoever still holds it gets RunNotFoundError; its id may be used again."""
    store = TraceStore(db)
    for name in ("keep", "drop"):
        db.create_run(id=name)
        store.record(name, Thought(name), tags=[name])
    view = db.view("drop")
    assert db.delete_run("drop") == 1
    with pytest.raises(RunNotFoundError):
        store.record("drop", Thought("x"))
    with pytest.raises(RunNotFoundError):
        view.refresh()
    assert [run.id for run in db.runs()] == ["keep"]
    db.create_run(id="drop")
    assert store.list("drop") == []
    assert len(store.list("keep")) == 1


def test_a_commit_has_a_limit(store: TraceStore, run_id: str) -> None:
    """10,000 changes pass, one more does not, nor do over 64 MiB; nothing of it is written."""
    assert len(store.record_many(run_id, [TraceDraft(Thought(""))] * 10_000)) == 10_000
    with pytest.raises(BatchTooLargeError) as refused:
        store.record_many(run_id, [TraceDraft(Thought(""))] * 10_001)
    assert (refused.value.size, refused.value.limit) == (10_001, 10_000)
    big = [TraceDraft(Thought("x" * (17 << 20)))] * 4
    with pytest.raises(BatchTooLargeError):
        store.record_many(run_id, big)
    assert store.count(run_id) == 10_000


def test_a_process_names_itself_in_the_runs_it_records_into(tmp_path: Path) -> None:
    """Once each, unless it only passes by; a failed record names nobody."""
    path = tmp_path / "store"
    with Database(open_backend(path), owning=False) as passing:
        run = passing.create_run("r")
        TraceStore(passing).record(run.id, Thought("x"))
        assert passing.run(run.id).owners == ()
    with tracetui.open(path) as db:
        with pytest.raises(tracetui.ParentNotFoundError):
            TraceStore(db).record_child(run.id, "none", Thought("x"))
        assert db.run(run.id).owners == ()
        for _ in range(3):
            TraceStore(db).record(run.id, Thought("y"))
        assert [owner.pid for owner in db.run(run.id).owners] == [os.getpid()]
    with tracetui.open(path) as db:
        TraceStore(db).record_many(run.id, [TraceDraft(Thought("z"))] * 10_000)
        assert [owner.pid for owner in db.run(run.id).owners] == [os.getpid()]


def test_a_closed_store_says_so(db: tracetui.Database, run_id: str) -> None:
    """Closing twice is fine, using it is ClosedError."""
    db.close()
    db.close()
    for call in (
        db.runs,
        db.create_run,
        lambda: TraceStore(db).record(run_id, Thought("x")),
    ):
        with pytest.raises(ClosedError):
            cast("Any", call)()


def test_a_place_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A file in the way, or a URL without an engine; passwords never show."""
    (tmp_path / "file").write_text("not a store")
    with pytest.raises(StorageError, match="file"):
        tracetui.open(tmp_path / "file").create_run()
    with pytest.raises(UnreachableError) as refused:
        tracetui.open("redis://user:secret@host/1")
    assert "secret" not in str(refused.value)
    with pytest.raises(ValueError, match="durability"):
        tracetui.open("memory://", durability=cast("Any", "never"))
    with pytest.raises(ValueError, match="recovery"):
        tracetui.open("memory://", recovery=cast("Any", "never"))
