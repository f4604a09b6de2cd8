from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given

from tests.strategies import metadata, trace_types
from tracetui import Custom, Error, InvalidTraceError, Thought, ToolCall, Trace, TraceType
from tracetui.errors import CorruptionError
from tracetui.model.trace import decode_body, fields_of, merge_metadata, pack_body, pack_late
from tracetui.model.trace_type import kind_code, type_name
from tracetui.model.value import Value, dumps, normalize


class Bodies:
    """A source of one body that counts how often it is asked."""

    def __init__(self, body: bytes, added: tuple[bytes, ...] = ()) -> None:
        self.body_bytes, self.added, self.asked = body, added, 0

    def body(self, code: int, where: object) -> tuple[TraceType, Value]:
        """Decode the body."""
        self.asked += 1
        return decode_body(code, self.body_bytes, self.added)


class Broken:
    """A source whose bytes are damaged."""

    def body(self, code: int, where: object) -> tuple[TraceType, Value]:
        """Fail as an engine does."""
        raise CorruptionError("a.log", 7, "bad checksum")


def lazy(trace_type: TraceType, metadata: Value, *added: bytes) -> tuple[Trace, Bodies]:
    """Return a trace whose body waits in a source."""
    source = Bodies(pack_body(trace_type, metadata), added)
    trace = Trace(
        "t",
        "p",
        5,
        ("a", "b", "a"),
        type_name=type_name(trace_type),
        code=kind_code(trace_type),
        source=source,
    )
    return trace, source


def eager(trace_type: TraceType, metadata: Value = None, **more: object) -> Trace:
    """Return a trace that holds its body."""
    return Trace("t", "p", 5, ["a", "b", "a"], trace_type=trace_type, metadata=metadata, **more)  # type: ignore[arg-type]


def test_the_body_is_read_on_first_touch_and_once() -> None:
    """Heads cost nothing of the body; touching it reads once."""
    trace, source = lazy(Thought("x"), {"k": 1})
    assert (trace.id, trace.tags, trace.type_name, trace.kind, trace.status) == (
        "t", ["a", "b", "a"], "Thought", Thought, "ok",
    )  # fmt: skip
    assert source.asked == 0
    assert trace.metadata == {"k": 1}
    assert trace.trace_type == Thought("x")
    assert source.asked == 1


def test_completions_and_amendments_are_merged_in_order() -> None:
    """Late fields are set, metadata merges shallowly, the last wins."""
    trace, _ = lazy(
        ToolCall("a", {}), {"k": {"deep": 1}, "j": 1},
        pack_late({"result": 1}, {"k": 2}), pack_late({}, {"l": 3}), pack_late({"result": 2}, None),
    )  # fmt: skip
    assert trace.trace_type == ToolCall("a", {}, 2)
    assert trace.metadata == {"k": 2, "j": 1, "l": 3}
    assert merge_metadata(None, {"a": 1}) == {"a": 1}


@given(trace_types(), metadata())
def test_equality_is_that_of_the_six_fields(trace_type: TraceType, given_metadata: object) -> None:
    """A lazy trace equals an eager one; status, seq and depth play no part."""
    plain = normalize(given_metadata, "metadata")
    one, _ = lazy(trace_type, plain)
    two = eager(trace_type, plain, status="open", seq=9, depth=3)
    if "nan" not in repr(one.trace_type) + repr(one.metadata):
        assert one == two
    assert one != eager(Thought("another one"))
    assert one != "t"
    with pytest.raises(TypeError):
        hash(one)


@given(trace_types(), metadata())
def test_json_of_a_trace_comes_back(trace_type: TraceType, given_metadata: object) -> None:
    """to_json, text, from_json, to_json is the same text; the keys stand in the promised order."""
    trace, _ = lazy(trace_type, normalize(given_metadata, "metadata"))
    text = dumps(trace.to_json())
    again = Trace.from_json(json.loads(text))
    assert list(trace.to_json()) == [
        "id", "parent_id", "trace_type", "timestamp", "tags", "metadata",
        "run_id", "seq", "status", "end_ms", "duration_ms",
    ]  # fmt: skip
    assert dumps(again.to_json()) == text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"timestamp": 1.5}, "timestamp"),
        ({"timestamp": 2**63}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"status": "lost"}, "status"),
        ({"tags": "abc"}, "tags"),
        ({"parent_id": 3}, "parent_id"),
        ({"end_ms": "now"}, "end_ms"),
        ({"trace_type": {}}, "trace_type"),
    ],
)
def test_json_with_a_wrong_key_is_refused_by_name(change: dict[str, object], field: str) -> None:
    """The error names the key that is missing or wrong."""
    with pytest.raises(InvalidTraceError) as refused:
        Trace.from_json({**eager(Thought("x")).to_json(), **change})
    assert refused.value.field == field


def test_json_may_leave_out_what_the_store_knows() -> None:
    """The six keys are enough, tags and metadata may be left out, an Error's status is "error"."""
    least = {
        "id": "a",
        "trace_type": {"Error": {"error_type": "x", "message": "", "recoverable": True}},
        "timestamp": 1,
    }
    trace = Trace.from_json(least)
    assert (trace.status, trace.tags, trace.metadata, trace.parent_id) == ("error", [], None, None)
    with pytest.raises(InvalidTraceError, match="must be a JSON object"):
        Trace.from_json([])  # type: ignore[arg-type]
    with pytest.raises(InvalidTraceError, match="timestamp: is missing"):
        Trace.from_json({key: value for key, value in least.items() if key != "timestamp"})


def test_a_trace_pickles_materialised() -> None:
    """What is pickled holds its body and no source."""
    trace, source = lazy(Custom("a", {"b": b"c"}), {"k": 1})
    again = pickle.loads(pickle.dumps(trace))
    assert source.asked == 1
    assert again == trace
    assert again.tags == ["a", "b", "a"]


def test_duration_is_the_calls_own_field_or_end_minus_start() -> None:
    """A ToolCall's field wins; without an end nothing is known."""
    assert eager(ToolCall("a", {}, duration_ms=7), end_ms=100).duration_ms == 7
    assert eager(ToolCall("a", {}), end_ms=100).duration_ms == 95
    assert eager(Thought("x"), end_ms=4).duration_ms == -1
    assert eager(Thought("x")).duration_ms is None


def test_a_damaged_body_keeps_its_head_and_says_so() -> None:
    """The head is at hand; the body is an error with file and offset each time it is touched."""
    trace = Trace("t", None, 5, (), type_name="Thought", code=3, source=Broken())
    assert trace.damaged
    assert (trace.id, trace.type_name, repr(trace)) == ("t", "Thought", "<Trace 't' 'Thought' seq=-1 ok>")
    for _ in range(2):
        with pytest.raises(CorruptionError, match=r"a\.log is damaged at byte 7"):
            _ = trace.metadata
    assert not eager(Error("a", "b", recoverable=True)).damaged


def test_fields_come_by_name() -> None:
    """What a screen lists are the type's fields in order."""
    assert fields_of(eager(ToolCall("a", [1]))) == {
        "tool_name": "a", "arguments": [1], "result": None, "duration_ms": None,
    }  # fmt: skip
