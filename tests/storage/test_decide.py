"""The quick ways to decide and write traces that plainly fit: the same as the way that is for everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui import Thought, TraceDraft, TraceTuiError
from tracetui.model.change import NewTrace, completion, new_trace
from tracetui.storage.decide import TRACE, Commit, decide, decide_trace, decide_traces
from tracetui.storage.files.frame import encode, encode_trace, encode_traces
from tracetui.storage.memory import MemoryEngine
from tracetui.storage.state.tail import Tail

SALT = b"salt"
IDS = st.sampled_from("abcdefgh")
TRACES = st.builds(
    lambda **given: new_trace(TraceDraft(Thought("t"), **given)),
    id=IDS, parent_id=st.sampled_from([None, "", *"abcdefgh"]), await_parent=st.booleans(),
    tags=st.sampled_from([(), ("x",)]), timestamp=st.sampled_from([None, 5, -5]), open=st.booleans(),
    metadata=st.sampled_from([None, 1, {"cost": {"usd": 0.5}}]),
)  # fmt: skip


def tail_of(before: list[NewTrace]) -> Tail:
    """Return the state of a run that has traces already."""
    engine = MemoryEngine()
    engine.create_run("r", {"created_ms": 1})
    if before:
        engine.append("r", before)
    return engine._tail("r")


def decided(tail: Tail, changes: list[NewTrace]) -> Commit | None:
    """Return what the way for everything decides, None if it refuses."""
    try:
        return decide(tail, changes, "error", 77)
    except TraceTuiError:
        return None


@given(st.booleans(), st.lists(TRACES, min_size=1, max_size=5))
def test_traces_that_plainly_fit_are_decided_and_written_alike(
    with_some: bool, changes: list[NewTrace]
) -> None:
    """Times, parents and bytes; what does not fit is not plain, and all that fits is."""
    tail = tail_of([new_trace(TraceDraft(Thought("b"), id=name)) for name in "gh"] if with_some else [])
    known = decided(tail, changes)
    plain = decide_traces(tail, changes, 77)
    assert (plain is None) == (known is None)
    if plain is None or known is None:
        return
    assert (plain.first_seq, plain.first_rev) == (known.first_seq, known.first_rev)
    frame, refs = encode(known, SALT, None, 100)
    made, heads, first_body = encode_traces(plain, SALT)
    assert (made, 100 + first_body) == (frame, refs[0][0])
    assert [tuple(head[-2:]) for head in heads] == [ref[1:] for ref in refs]
    assert (plain.set_ms is None) == all(change.timestamp is not None for change in changes)


@given(TRACES)
def test_one_trace_that_plainly_fits_is_decided_and_written_alike(change: NewTrace) -> None:
    """As many are."""
    tail = tail_of([new_trace(TraceDraft(Thought("b"), id=name)) for name in "gh"])
    known, plain = decided(tail, [change]), decide_trace(tail, change, 77)
    assert (plain is None) == (known is None)
    if plain is not None and known is not None:
        assert known.entries[0].code == TRACE
        made, _, first_body = encode_trace(change, *plain, known.first_seq, known.first_rev, SALT)
        frame, refs = encode(known, SALT)
        assert (made, first_body) == (frame, refs[0][0])


def test_what_is_no_trace_or_comes_too_late_is_not_plain() -> None:
    """Completions, and traces of a run that ended, are for the way that knows what is wrong."""
    tail = tail_of([new_trace(TraceDraft(Thought("b"), id="a", open=True))])
    end = completion("a")
    assert decide_trace(tail, end, 77) is None
    assert decide_traces(tail, [end], 77) is None
    trace = new_trace(TraceDraft(Thought("b"), id="b"))
    tail.record.status = "completed"
    assert decide_trace(tail, trace, 77) is None
    assert decide_traces(tail, [trace, new_trace(TraceDraft(Thought("b"), id="c"))], 77) is None
