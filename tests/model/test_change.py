from __future__ import annotations

import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui import (
    Custom,
    Decision,
    Error,
    InvalidRunError,
    InvalidTraceError,
    Thought,
    ToolCall,
    TraceDraft,
)
from tracetui.model.change import (
    amendment,
    annotation,
    completion,
    new_trace,
    new_traces,
    run_patch,
    usage_of,
)
from tracetui.model.value import MAX_PACKED_BYTES, unpack


def test_a_draft_is_checked_and_packed() -> None:
    """Names, times and values are settled before an engine sees the change."""
    change = new_trace(
        TraceDraft(ToolCall("a", {"b": (1,)}), tags=iter(["x"]), metadata={"k": (2,)}, timestamp=-5)
    )
    assert change.id.startswith("trace-")
    assert (change.type_name, change.kind, change.timestamp, change.status, change.tags) == (
        "ToolCall",
        0,
        -5,
        1,
        ("x",),
    )
    assert unpack(change.body) == [["a", {"b": [1]}, None, None], {"k": [2]}]


@pytest.mark.parametrize(
    ("draft", "status"),
    [
        (TraceDraft(Thought("a")), 1),
        (TraceDraft(Error("a", "b", recoverable=True)), 2),
        (TraceDraft(Error("a", "b", recoverable=True), status="ok"), 1),
        (TraceDraft(Thought("a"), open=True), 0),
        (TraceDraft(Thought("a"), status="cancelled"), 3),
    ],
)
def test_a_trace_is_finished_unless_it_is_open(draft: TraceDraft, status: int) -> None:
    """An Error is "error", all else "ok", unless said."""
    assert new_trace(draft).status == status


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (TraceDraft(Thought("a"), open=True, status="ok"), "open"),
        (TraceDraft(Thought("a"), open=True, end_ms=3), "open"),
        (TraceDraft(Thought("a"), status="lost"), "status"),
        (TraceDraft(Thought("a"), status="open"), "status"),
        (TraceDraft(Thought("a"), id=""), "id"),
        (TraceDraft(Thought("a"), id="x" * 513), "id"),
        (TraceDraft(Thought("a"), timestamp=cast("Any", 1.0)), "timestamp"),
        (TraceDraft(Thought("a"), end_ms=2**63), "end_ms"),
        (TraceDraft(Thought("a"), metadata=cast("Any", {"k": {1}})), "metadata"),
        (TraceDraft(Thought("a"), parent_id=cast("Any", 4)), "parent_id"),
        (TraceDraft(cast("Any", "Thought")), "trace_type"),
        (TraceDraft(Thought("x" * MAX_PACKED_BYTES)), "body"),
        (TraceDraft(ToolCall("t", {"k": [2**64]})), "arguments"),
        (TraceDraft(ToolCall("t", None, None, 2**64)), "duration_ms"),
        (TraceDraft(Thought("a"), metadata={"k": -(2**63) - 1}), "metadata"),
    ],
)
def test_a_draft_that_cannot_be_stored_is_refused_by_field(draft: TraceDraft, field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidTraceError) as refused:
        new_trace(draft)
    assert refused.value.field == field

    with pytest.raises(InvalidTraceError) as refused:
        new_traces([TraceDraft(Thought("fine")), draft])
    assert refused.value.field == field


_ANY: Any = st.none() | st.sampled_from(
    [7, 2**64, 0.5, "s", True, b"b", ["l", ("t",)], {"k": {"n": 1}}, {1: 2}, {2}]
)
_KINDS = st.one_of(
    st.builds(
        ToolCall,
        st.sampled_from(["grep", cast("Any", 3)]),
        _ANY,
        _ANY,
        st.none() | st.sampled_from([3, 2**64]),
    ),
    st.builds(Decision, st.just("q"), st.sampled_from([["a"], ("a", "b"), cast("Any", "ab")]), st.just("a")),
    st.builds(Thought, st.just("t"), st.sampled_from([None, 0.5, 1])),
    st.builds(Custom, st.sampled_from(["LLM", "x" * 600]), _ANY),
    st.builds(Error, st.just("E"), st.just("m"), st.booleans()),
)
_DRAFTS = st.builds(
    TraceDraft, _KINDS, id=st.sampled_from(["a", "b", "x" * 171, "", "é" * 300]), parent_id=st.sampled_from([None, "a", ""]),
    await_parent=st.booleans(), tags=st.sampled_from([(), ("x", "y"), ["x"], cast("Any", "x"), ["x" * 513], [cast("Any", 1)]]),
    metadata=st.sampled_from([None, {"usage": {"input": 3, "output": 4}, "cost": {"usd": 0.5}}, "text"]) | _ANY,
    timestamp=st.sampled_from([None, 5, -(2**63), 2**63]), end_ms=st.sampled_from([None, 6, cast("Any", True)]),
    status=st.sampled_from([None, "ok", "error", "lost"]), open=st.sampled_from([False, False, True]),
)  # fmt: skip


def outcome(make: Any) -> object:
    """Return what is made, or how it is refused."""
    try:
        return repr(make())
    except InvalidTraceError as problem:
        return str(problem)


@given(st.lists(_DRAFTS, max_size=3))
def test_many_drafts_become_what_each_of_them_becomes(drafts: list[TraceDraft]) -> None:
    """By column or one by one: the same changes, or the same refusal of the first draft that cannot be stored."""
    assert outcome(lambda: new_traces(drafts)) == outcome(lambda: [new_trace(draft) for draft in drafts])


def test_usage_is_read_from_the_reserved_keys() -> None:
    """Numbers only; anything else is unknown."""
    assert usage_of({"usage": {"input": 3, "output": 4.0}, "cost": {"usd": 0.5}}) == (3, 4, 0.5)
    unknowns: list[Any] = [
        None,
        [],
        {"usage": 3, "cost": 3},
        {"usage": {"input": "3", "output": -1}, "cost": {"usd": True}},
    ]
    for unknown in unknowns:
        tokens_in, tokens_out, cost = usage_of(unknown)
        assert (tokens_in, tokens_out) == (-1, -1)
        assert math.isnan(cost)
    assert math.isnan(usage_of({"cost": {"usd": math.inf}})[2])


def test_completions_say_what_they_bring() -> None:
    """Late fields by name, and whether metadata has to merge."""
    change = completion("t", status="error", late_fields={"result": "x"}, metadata={"k": 1})
    assert (change.late, change.has_metadata, change.mergeable, change.status) == (("result",), True, True, 2)
    with pytest.raises(InvalidTraceError, match="'open' is none of ok, error, cancelled"):
        completion("t", status="open")


def test_only_a_mapping_amends() -> None:
    """Metadata that cannot be merged is refused at the call."""
    assert amendment("t", metadata={"k": 1}).has_metadata
    assert not amendment("t", tags=["x"]).has_metadata
    with pytest.raises(InvalidTraceError, match="only a mapping"):
        amendment("t", metadata=[1])


def test_annotations_are_notes_with_fields() -> None:
    """Note and fields are packed; a note is text."""
    change = annotation("t", "look here", {"mark": True})
    assert unpack(change.body) == ["look here", {"mark": True}]
    assert change.id.startswith("note-")
    with pytest.raises(InvalidTraceError, match="note: must be a str"):
        annotation("t", cast("Any", 5), {})


@pytest.mark.parametrize("wrong", [{"name": 5}, {"name": "x" * 513}, {"tags": "abc"}, {"metadata": {1: 2}}])
def test_a_run_refuses_what_it_cannot_keep(wrong: dict[str, object]) -> None:
    """As InvalidRunError, with the field."""
    with pytest.raises(InvalidRunError):
        run_patch(wrong)


def test_a_run_patch_keeps_what_was_given_and_nothing_else() -> None:
    """A name may be taken away."""
    assert run_patch({"name": None, "tags": ("a",)}).values == {"name": None, "tags": ["a"]}
    assert run_patch({}).values == {}


def test_a_custom_name_is_its_type_name() -> None:
    """The index sees the user's own name."""
    assert new_trace(TraceDraft(Custom("Agent"))).type_name == "Agent"
