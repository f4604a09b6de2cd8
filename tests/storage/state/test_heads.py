"""Traces whose heads nobody read yet: they show their run as of the moment they were asked for."""

from __future__ import annotations

import copy
import pickle
import tempfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.state.test_tail import changes
from tracetui import Thought, Trace, TraceDraft, TraceTuiError
from tracetui.model.change import AnyChange, amendment, completion, new_trace
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.memory import MemoryEngine


def seen(trace: Trace) -> tuple[Any, ...]:
    """Return all that a trace says."""
    head = (
        trace.seq,
        trace.status,
        trace.end_ms,
        trace.type_name,
        trace.kind,
        trace.parent_missing,
        trace.depth,
    )
    return trace.to_json(), head


@given(commits=st.lists(st.lists(changes(), min_size=1, max_size=3), max_size=10), index=st.booleans())
@settings(deadline=None)
def test_an_unread_trace_shows_the_moment_it_was_asked_for(
    commits: list[list[AnyChange]], index: bool
) -> None:
    """Whatever is added, ended or adopted before somebody looks: unread and read at once say the same."""
    with tempfile.TemporaryDirectory() as folder:
        engine = FileEngine(folder)
        engine.create_run("r", {"created_ms": 1})
        unread, read = list[Trace](), list[Any]()
        for number, commit in enumerate(commits):
            try:
                engine.append("r", commit)
            except TraceTuiError:
                continue
            if index and number % 3 == 1:
                engine.reindex("r")
                engine = FileEngine(folder)
            unread += engine.scan("r", Index.ALL).items
            read += [seen(trace) for trace in engine.scan("r", Index.ALL).items]
        assert [seen(trace) for trace in unread] == read


def test_an_open_trace_stays_open_for_who_asked_before_it_ended() -> None:
    """Status, end, tags, metadata and parent as of then; who asks again sees what came."""
    engine = MemoryEngine()
    engine.create_run("r", {"created_ms": 1})
    draft = TraceDraft(Thought("t"), id="a", open=True, tags=["x"], parent_id="later", await_parent=True)
    engine.append("r", [new_trace(draft)])
    (before,) = engine.scan("r", Index.ALL).items
    engine.append("r", [completion("a", end_ms=9, tags=["y"], metadata={"k": 1}), amendment("a", tags=["z"])])
    engine.append("r", [new_trace(TraceDraft(Thought("p"), id="later"))])
    after = engine.scan("r", Index.ALL).items[0]
    assert (before.status, before.end_ms, before.tags, before.metadata) == ("open", None, ["x"], None)
    assert (before.parent_id, before.parent_missing) == ("later", True)
    assert (after.status, after.end_ms, after.tags, after.metadata) == ("ok", 9, ["x", "y", "z"], {"k": 1})
    assert (after.parent_id, after.parent_missing) == ("later", False)


def test_an_unread_trace_pickles_and_copies_read() -> None:
    """Neither its run nor its engine travels along."""
    engine = MemoryEngine()
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [new_trace(TraceDraft(Thought("t"), id="a", tags=["x"]))])
    (trace,) = engine.scan("r", Index.ALL).items
    assert seen(pickle.loads(pickle.dumps(engine.scan("r", Index.ALL).items[0]))) == seen(trace)
    assert seen(copy.copy(engine.scan("r", Index.ALL).items[0])) == seen(trace)
    assert seen(copy.deepcopy(engine.scan("r", Index.ALL).items[0])) == seen(trace)
    assert not hasattr(trace, "no_such_field")
