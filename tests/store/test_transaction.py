from __future__ import annotations

from typing import cast

import pytest

import tracetui
from tracetui import (
    ClosedError,
    Custom,
    InvalidTraceError,
    ParentNotFoundError,
    RunClosedError,
    RunNotFoundError,
    Thought,
    ToolCall,
    TraceCompletedError,
    TraceExistsError,
    TraceNotFoundError,
    TraceStore,
)


def test_the_seeds_extension_records_custom_traces(db: tracetui.Database, run_id: str) -> None:
    """Name, data and metadata are as the seed has them; the child hangs below its parent."""
    with db.transaction(run_id) as txn:
        plan = txn.trace_record("plan", {"k": 1})
        step = txn.trace_record_child(plan, "step", {"k": 2})
    store = TraceStore(db)
    one, two = store.list(run_id)
    assert (one.id, one.trace_type, one.metadata) == (plan, Custom("plan", {"k": 1}), {"k": 1})
    assert (two.id, two.parent_id, two.type_name) == (step, plan, "step")
    assert [child.id for child in store.get_children(run_id, plan)] == [step]


def test_an_exception_leaves_nothing(db: tracetui.Database, run_id: str) -> None:
    """Not even what was recorded before it."""
    with pytest.raises(ZeroDivisionError), db.transaction(run_id) as txn:  # noqa: PT012
        txn.record(Thought("a"))
        _ = 1 / 0
    assert db.run(run_id).traces == 0
    with db.transaction(run_id):
        pass
    assert len(list(TraceStore(db).changes(run_id, timeout=0))) == 1


def test_reads_see_own_writes_over_the_latest_commit(db: tracetui.Database, run_id: str) -> None:
    """What is pending is seen inside and not outside; what others commit meanwhile is seen too."""
    store = TraceStore(db)
    call = store.record_with_options(run_id, ToolCall("a", {}), open=True, metadata={"k": 1}, tags=["x"])
    with db.transaction(run_id) as txn:
        mine = txn.record_child(call, Thought("mine"))
        txn.complete(call, result=3, status="error", end_ms=9, metadata={"l": 2}, tags=["y"])
        txn.amend(call, metadata={"k": 5}, tags=["z"])
        inside = txn.get(call)
        assert inside is not None
        assert (inside.trace_type, inside.metadata) == (ToolCall("a", {}, 3), {"k": 5, "l": 2})
        assert (inside.tags, inside.status, inside.end_ms) == (["x", "y", "z"], "error", 9)
        assert store.get(run_id, mine) is None
        outside = store.get(run_id, call)
        assert outside is not None
        assert outside.status == "open"
        theirs = store.record(run_id, Thought("theirs"))
        assert txn.get(theirs) is not None
        assert txn.get("none") is None
    after = store.get(run_id, call)
    assert after == inside
    assert after is not None
    assert (after.status, after.end_ms) == ("error", 9)


def test_mistakes_show_at_the_call_and_the_rest_can_still_be_committed(
    db: tracetui.Database, run_id: str
) -> None:
    """Each refusal leaves the transaction as it was."""
    store = TraceStore(db)
    done = store.record_with_options(run_id, Thought("done"), id="done", metadata=[1])
    with db.transaction(run_id) as txn:
        thought = txn.record_with_options(Thought("a"), id="a", open=True)
        with pytest.raises(TraceExistsError):
            txn.record_with_options(Thought("b"), id="a")
        with pytest.raises(TraceExistsError):
            txn.record_with_options(Thought("b"), id="done")
        with pytest.raises(ParentNotFoundError):
            txn.record_child("none", Thought("b"))
        with pytest.raises(TraceNotFoundError):
            txn.complete("none")
        with pytest.raises(TraceNotFoundError):
            txn.amend("none", tags=["x"])
        with pytest.raises(TraceCompletedError):
            txn.complete(done)
        with pytest.raises(InvalidTraceError, match="result: a Thought takes no such field"):
            txn.complete(thought, result=1)
        with pytest.raises(InvalidTraceError, match="no mapping"):
            txn.amend(done, metadata={"k": 1})
        with pytest.raises(InvalidTraceError):
            txn.record(Thought(cast("str", 5)))
        txn.complete(thought, confidence=1)
        with pytest.raises(TraceCompletedError):
            txn.complete(thought)
    assert [trace.id for trace in store.list(run_id)] == ["done", "a"]
    assert store.list(run_id)[1].trace_type == Thought("a", 1)


def test_the_commit_decides_again(db: tracetui.Database, run_id: str) -> None:
    """An id that somebody else recorded meanwhile refuses the whole transaction."""
    store = TraceStore(db)
    with pytest.raises(TraceExistsError), db.transaction(run_id) as txn:  # noqa: PT012
        txn.record_with_options(Thought("mine"), id="x")
        txn.record(Thought("mine too"))
        store.record_with_options(run_id, Thought("theirs"), id="x")
    assert [trace.trace_type for trace in store.list(run_id)] == [Thought("theirs")]


def test_a_transaction_needs_an_active_run_that_exists(db: tracetui.Database, run_id: str) -> None:
    """The run is looked at when it begins and at each record; after its end it is closed."""
    with pytest.raises(RunNotFoundError):
        db.transaction("none")
    with db.transaction(run_id) as txn:
        parent = txn.record_with_options(Thought("later"), parent_id="p", await_parent=True, id="c")
        assert txn.get(parent) is not None
    with pytest.raises(ClosedError):
        txn.record(Thought("after"))
    with pytest.raises(ClosedError), txn:
        pass
    db.end_run(run_id)
    with db.transaction(run_id) as txn:
        with pytest.raises(RunClosedError, match="is completed"):
            txn.record(Thought("x"))
        txn.amend("c", tags=["after the end"])
    assert TraceStore(db).tags(run_id) == {"after the end": 1}
