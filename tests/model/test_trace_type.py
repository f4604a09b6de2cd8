from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any, cast

import pytest
from hypothesis import given

from tests.strategies import trace_types
from tracetui import Custom, Decision, Error, InvalidTraceError, Query, Thought, ToolCall, TraceType
from tracetui.model.trace_type import (
    KINDS,
    build,
    field_values,
    kind_code,
    late_values,
    type_from_json,
    type_name,
    type_to_json,
    with_late,
)

EXAMPLES: list[TraceType] = [
    ToolCall("bash", {"command": "ls"}, "a\nb", 12),
    Decision("which?", ["a", "b"], "a", "cheap"),
    Query("sql", "select 1", 1),
    Thought("hm", 0.5),
    Error("ValueError", "no", recoverable=False),
    Custom("Agent", {"name": "planner"}),
]


def test_there_are_six_types_with_the_promised_fields_in_order() -> None:
    """Names and order of the fields are public."""
    assert {kind.__name__: [field.name for field in fields(kind)] for kind in KINDS} == {
        "ToolCall": ["tool_name", "arguments", "result", "duration_ms"],
        "Decision": ["question", "options", "chosen", "reasoning"],
        "Query": ["query_type", "query", "results_count"],
        "Thought": ["content", "confidence"],
        "Error": ["error_type", "message", "recoverable"],
        "Custom": ["name", "data"],
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=type_name)
def test_types_are_frozen_and_unhashable(example: TraceType) -> None:
    """Their values may be lists and dicts, so they are compared and never hashed."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(example)
    with pytest.raises(FrozenInstanceError):
        setattr(example, fields(example)[0].name, "x")


def test_type_names_are_class_names_and_the_custom_one_is_the_users() -> None:
    """A custom trace named like a class has that type name and another kind."""
    assert [type_name(example) for example in EXAMPLES] == [
        "ToolCall", "Decision", "Query", "Thought", "Error", "Agent",
    ]  # fmt: skip
    assert type_name(Custom("Thought")) == "Thought"
    assert kind_code(Custom("Thought")) != kind_code(Thought(""))


@given(trace_types())
def test_json_is_externally_tagged_and_comes_back(trace_type: TraceType) -> None:
    """One key, the class; reading it gives an equal type (non-finite numbers become strings)."""
    shown = json.loads(json.dumps(type_to_json(trace_type), allow_nan=False))
    assert list(shown) == [type(trace_type).__name__]
    again = type_to_json(type_from_json(shown))
    assert again == shown


@given(trace_types())
def test_a_body_keeps_every_field(trace_type: TraceType) -> None:
    """Building from the kept values gives the type back."""
    assert repr(build(kind_code(trace_type), field_values(trace_type))) == repr(trace_type)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (ToolCall(cast("Any", 5), {}), "tool_name"),
        (ToolCall("a", {1: 2}), "arguments"),  # type: ignore[dict-item]
        (ToolCall("a", {}, result=cast("Any", object())), "result"),
        (ToolCall("a", {}, duration_ms=cast("Any", 1.5)), "duration_ms"),
        (ToolCall("a", {}, duration_ms=True), "duration_ms"),
        (Decision("q", "abc", "a"), "options"),
        (Decision("q", [cast("Any", 1)], "a"), "options"),
        (Query("a", cast("Any", None)), "query"),
        (Thought("a", cast("Any", "high")), "confidence"),
        (Error("a", "b", cast("Any", 1)), "recoverable"),
        (Custom("x" * 513), "name"),
        (Custom(cast("Any", None)), "name"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_name(wrong: TraceType, field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidTraceError) as refused:
        field_values(wrong)
    assert refused.value.field == field


def test_something_else_is_no_trace_type() -> None:
    """Only the six classes are taken."""
    with pytest.raises(InvalidTraceError, match="a dict is none of ToolCall"):
        kind_code({})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Thought", "an object with one key"),
        ({"Thought": {}, "Error": {}}, "an object with one key"),
        ({"Dream": {}}, "'Dream' is none of"),
        ({"Thought": []}, "must be an object"),
        ({"Thought": {"content": "a", "mood": 1}}, "no field 'mood'"),
        ({"Thought": {}}, "lacks 'content'"),
        ({"Error": {"error_type": "a"}}, "lacks 'message' and 'recoverable'"),
        ({"Thought": {"content": 1}}, "must be a str"),
    ],
)
def test_json_that_is_no_type_says_what_is_wrong(value: object, reason: str) -> None:
    """A clear reason instead of Python's own words."""
    with pytest.raises(InvalidTraceError, match=reason):
        type_from_json(value)


def test_late_fields_replace_and_custom_data_merges() -> None:
    """Only Custom.data is merged, and only if both are dicts."""
    assert with_late(EXAMPLES[0], {"result": 3, "duration_ms": 4}) == ToolCall(
        "bash", {"command": "ls"}, 3, 4
    )
    assert with_late(EXAMPLES[5], {"data": {"out": 1}}) == Custom("Agent", {"name": "planner", "out": 1})
    assert with_late(EXAMPLES[5], {"data": [1]}) == Custom("Agent", [1])
    assert with_late(Custom("a", 1), {"data": {"b": 2}}) == Custom("a", {"b": 2})


def test_late_fields_are_those_with_a_default() -> None:
    """Any other name is refused at the call."""
    assert late_values({"result": (1,), "confidence": 1}) == {"result": [1], "confidence": 1}
    with pytest.raises(InvalidTraceError, match="not a field that a completion may give"):
        late_values({"content": "x"})
    with pytest.raises(InvalidTraceError, match="must be an int"):
        late_values({"results_count": "many"})


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_confidence_that_json_does_not_have_comes_back(number: float) -> None:
    """It is a string in JSON, and a number again when it is read."""
    shown = json.loads(json.dumps(type_to_json(Thought("x", number)), allow_nan=False))
    assert isinstance(shown["Thought"]["confidence"], str)
    assert repr(type_from_json(shown)) == repr(Thought("x", number))
