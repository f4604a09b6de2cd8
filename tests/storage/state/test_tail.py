"""The state of a run in memory: the same when rebuilt from the log; deciding reads it and changes nothing."""

from __future__ import annotations

import tempfile

from hypothesis import given
from hypothesis import strategies as st

from tests.storage.invariants import assert_consistent
from tracetui import Custom, Thought, TraceDraft, TraceTuiError, TraceType
from tracetui.model.change import AnyChange, amendment, annotation, completion, new_trace
from tracetui.storage.backend import NO_TIME
from tracetui.storage.decide import decide
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.memory import MemoryEngine
from tracetui.storage.state.tail import Tail

IDS = st.sampled_from("abcdefgh")
TAGS = st.lists(st.sampled_from(["x", "y", "xy"]), max_size=3)


@st.composite
def traces(draw: st.DrawFn) -> AnyChange:
    """Any trace of few ids, its parent there or not, its time in order or not."""
    kinds: list[TraceType] = [Thought("t"), Custom("LLM"), Custom("Thought")]
    kind = draw(st.sampled_from(kinds))
    draft = TraceDraft(
        kind, id=draw(IDS), parent_id=draw(st.none() | IDS), await_parent=True, tags=draw(TAGS),
        timestamp=draw(st.integers(-3, 3) | st.sampled_from([NO_TIME, 2**63 - 1])), open=draw(st.booleans()),
    )  # fmt: skip
    return new_trace(draft)


def changes() -> st.SearchStrategy[AnyChange]:
    """Any change of a trace."""
    return st.one_of(
        traces(),
        st.builds(lambda name: completion(name, end_ms=9), IDS),
        st.builds(lambda name, tags: amendment(name, tags=tags, metadata={"k": 1}), IDS, TAGS),
        st.builds(lambda name: annotation(name, "n", {}), IDS),
    )


def answers(tail: Tail) -> object:
    """Return all that a run's indices know."""
    forest = tail.forest()
    return (
        [tail.trace(seq).to_json() for seq in range(tail.count)], list(forest.seqs), list(forest.depths),
        tail.type_counts(), tail.tag_counts(), tail.annotations(), tail.rev, tail.next_seq, tail.record.last_set_ms,
        [(c.rev, c.kind, c.trace_id, c.seq) for c in tail.changes(-1)], list(tail.by_time(NO_TIME, 2**63)),
    )  # fmt: skip


def held(engine: MemoryEngine | FileEngine, run_id: str) -> Tail:
    """Return an engine's indices of a run."""
    return engine._tail(run_id)


@given(commits=st.lists(st.lists(changes(), min_size=1, max_size=4), max_size=8))
def test_indices_are_the_same_when_read_back(commits: list[list[AnyChange]]) -> None:
    """What a writer holds in memory after its commits is what a reader builds from the log."""
    with tempfile.TemporaryDirectory() as folder:
        engine = FileEngine(folder)
        engine.create_run("r", {"created_ms": 1})
        for commit in commits:
            try:
                engine.append("r", commit)
            except TraceTuiError:
                continue
        written = held(engine, "r")
        read = held(FileEngine(folder), "r")
        assert answers(read) == answers(written)
        assert_consistent(read)
        engine.close()


def test_deciding_changes_nothing() -> None:
    """A decision is a value: the state is the same until it is applied."""
    engine = MemoryEngine()
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [new_trace(TraceDraft(Thought("t"), id="a", open=True))])
    tail = held(engine, "r")
    before = answers(tail)
    commit = decide(tail, [completion("a"), new_trace(TraceDraft(Thought("t"), id="b"))], "error", 77)
    assert (commit.first_seq, commit.first_rev, commit.traces, len(commit.entries)) == (1, 2, 1, 2)
    assert answers(tail) == before
