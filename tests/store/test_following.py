from __future__ import annotations

import threading

import pytest

import tracetui
from tracetui import RunNotFoundError, Thought, ToolCall, TraceDraft, TraceStore


def test_a_follower_sees_every_trace_once_in_order_and_ends_with_the_run(
    db: tracetui.Database, run_id: str
) -> None:
    """While four threads record, the follower gets the seqs 0, 1, 2 … and returns when the run ended."""
    store = TraceStore(db)
    seen: list[int] = []
    follower = threading.Thread(target=lambda: seen.extend(t.seq for t in store.follow(run_id)))
    follower.start()
    writers = [
        threading.Thread(target=lambda: [store.record(run_id, Thought("x")) for _ in range(50)])
        for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    db.end_run(run_id)
    follower.join(30)
    assert not follower.is_alive()
    assert seen == list(range(200))


def test_following_begins_after_a_seq_and_ends_after_idle_seconds(store: TraceStore, run_id: str) -> None:
    """Only later traces come; without news it returns."""
    store.record_many(run_id, [TraceDraft(Thought(str(n))) for n in range(10)])
    store.amend(run_id, store.list(run_id)[0].id, tags=["x"])
    assert [t.seq for t in store.follow(run_id, after_seq=6, timeout=0)] == [7, 8, 9]
    assert [t.seq for t in store.follow(run_id, timeout=0.01)] == list(range(10))
    assert list(store.follow(run_id, after_seq=9, timeout=0)) == []


def test_changes_tell_everything_in_the_order_of_commits(db: tracetui.Database, run_id: str) -> None:
    """Creation is rev 0; completions, amendments, notes and moves of the run follow."""
    store = TraceStore(db)
    call = store.record_with_options(run_id, ToolCall("a", {}), open=True)
    store.complete(run_id, call, result=1)
    store.amend(run_id, call, tags=["x"])
    note = store.annotate(run_id, call, "look", mark=True)
    db.update_run(run_id, name="new name")
    db.end_run(run_id, "failed")
    changes = list(store.changes(run_id))
    assert [change.rev for change in changes] == list(range(7))
    assert [change.kind for change in changes] == [
        "run", "trace", "completion", "amendment", "annotation", "run", "run",
    ]  # fmt: skip
    assert [change.trace_id for change in changes] == [None, call, call, call, call, None, None]
    assert changes[4].value.id == note
    assert (changes[4].value.note, changes[4].value.fields) == ("look", {"mark": True})
    assert changes[5].value["name"] == "new name"
    assert changes[6].value["status"] == "failed"
    assert [change.rev for change in store.changes(run_id, after_rev=3)] == [4, 5, 6]


def test_a_follower_of_a_deleted_run_is_told(db: tracetui.Database, run_id: str) -> None:
    """It ends with RunNotFoundError instead of waiting for ever."""
    store = TraceStore(db)
    store.record(run_id, Thought("x"))
    stream = store.follow(run_id)
    assert next(stream).seq == 0
    db.delete_run(run_id)
    with pytest.raises(RunNotFoundError):
        next(stream)
