from __future__ import annotations

import json

import tracetui
from tests.tui.conftest import login_bug
from tracetui import Thought, ToolCall, TraceStore
from tracetui.formats.native import NativeImporter
from tracetui.formats.record import whole
from tracetui.importing.committer import Committer
from tracetui.importing.exporting import export_lines


def test_what_is_exported_comes_back_without_loss() -> None:
    """Ids, parents, order, times, statuses, bodies, tags, notes, and how the run ended; twice changes nothing."""
    with tracetui.open("memory://") as one, tracetui.open("memory://") as two:
        run_id = login_bug(one)
        store = TraceStore(one)
        store.annotate(run_id, "root", "look \x1b[31m", mark=b"\x00")
        other = one.create_run("open one")
        store.record_with_options(other.id, ToolCall("x", b"\xff"), id="open", open=True)
        store.record_with_options(other.id, Thought("waits"), parent_id="later", await_parent=True)
        for name in (run_id, other.id):
            text = "\n".join(export_lines(one, name))
            for _ in range(2):
                committer = Committer(two)
                committer.commit(whole(NativeImporter("a"), [text.encode()]))
            assert (committer.committed.traces, committer.committed.updates) == (0, 0)
            assert [t.to_json() for t in TraceStore(two).list(name)] == [
                t.to_json() for t in store.list(name)
            ]
            assert TraceStore(two).annotations(name) == store.annotations(name)
            kept, made = one.run(name), two.run(name)
            assert (made.name, made.status, made.created_ms, made.ended_ms, made.tags, made.metadata) == (
                kept.name, kept.status, kept.created_ms, kept.ended_ms, kept.tags, kept.metadata,
            )  # fmt: skip


def test_bare_traces_are_read_and_the_rest_is_counted() -> None:
    """What query prints can be imported; what is none of ours is said."""
    trace = {"id": "a", "trace_type": {"Thought": {"content": "x"}}, "timestamp": 5, "run_id": "r"}
    text = "\n".join([json.dumps(trace), "nonsense", "{}", '{"trace": {"id": "b"}}', "3"])
    batch = whole(NativeImporter("a"), [text.encode()])
    assert [record.draft.id for record in batch.records] == ["a"]
    assert [run.id for run in batch.runs] == ["r"]
    assert sum(batch.skipped.values()) == 4
