from __future__ import annotations

import json
import math
from collections import ChainMap, deque
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import values
from tracetui.errors import InvalidTraceError
from tracetui.model.value import (
    MAX_DEPTH,
    checked_name,
    checked_tags,
    dumps,
    from_jsonable,
    normalize,
    pack,
    to_jsonable,
    unpack,
)


def nested(depth: int) -> object:
    """Return an int inside ``depth`` lists."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@given(values())
def test_what_is_stored_comes_back_equal_and_of_the_same_types(value: object) -> None:
    """Packing loses nothing of a normalised value: ints stay ints, floats floats, surrogates survive."""
    normal = normalize(value, "v")
    assert repr(unpack(pack(normal))) == repr(normal)


@given(values())
def test_json_of_a_value_is_valid_json_and_comes_back(value: object) -> None:
    """Strict JSON parsers accept the text; all but non-finite floats come back as they were."""
    text = dumps(to_jsonable(normalize(value, "v")))

    def refuse(constant: str) -> object:
        raise AssertionError(constant)

    back = from_jsonable(json.loads(text, parse_constant=refuse))
    assert repr(back) == repr(without_non_finite(value))


def without_non_finite(value: object) -> object:
    """Return the value as JSON output shows its floats."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: without_non_finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_non_finite(item) for item in value]
    return value


def test_any_mapping_or_sequence_may_be_given() -> None:
    """Mappings become dicts, sequences lists, subclasses of plain types plain."""

    class Name(str):
        __slots__ = ()

    class Count(int):
        pass

    given_value = MappingProxyType({Name("a"): (1, deque([2]) and range(2)), "b": ChainMap({"c": Count(3)})})
    normal = normalize(given_value, "v")
    assert normal == {"a": [1, [0, 1]], "b": {"c": 3}}
    assert isinstance(normal, dict)
    assert [type(key) for key in normal] == [str, str]
    assert normalize(bytearray(b"x"), "v") == b"x"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**64, "integer outside"),
        (-(2**63) - 1, "integer outside"),
        ({1: 2}, "key 1 is of type int"),
        ({"a": [object()]}, "a object cannot be stored"),
        ({1, 2}, "a set cannot be stored"),
        (1j, "a complex cannot be stored"),
        (nested(MAX_DEPTH + 1), "nested deeper than 512"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_field_and_reason(value: object, reason: str) -> None:
    """Refusals name the field and what is wrong, before anything is written."""
    with pytest.raises(InvalidTraceError, match=reason) as refused:
        normalize(value, "metadata")
    assert refused.value.field == "metadata"


def test_the_deepest_value_that_is_taken_can_be_read_back() -> None:
    """512 levels pass, and unpack."""
    assert unpack(pack([[normalize(nested(MAX_DEPTH), "v")]])) == [[nested(MAX_DEPTH)]]


def test_a_cyclic_value_is_refused_by_its_depth() -> None:
    """A list that holds itself ends at the depth limit instead of running away."""
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(InvalidTraceError, match="nested deeper"):
        normalize(cycle, "v")


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), 0, True, None, 0.5, "", b""])
def test_limits_are_inclusive(value: object) -> None:
    """The largest and smallest integers, and empty things, are stored."""
    assert unpack(pack(normalize(value, "v"))) == value


def test_printed_json_holds_nothing_that_a_terminal_obeys() -> None:
    """Control characters, C1, bidirectional marks and surrogates are escapes in the text."""
    hostile = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) + "\u202e\u2066\u200f\ud83d\u2028"
    text = dumps({hostile: hostile})
    assert all(char.isprintable() for char in text)
    assert json.loads(text) == {hostile: hostile}


def test_a_dict_that_looks_like_packed_bytes_stays_a_dict() -> None:
    """The key that marks bytes in JSON is escaped where a user's dict has it."""
    for tricky in ({"$bytes": "aGk="}, {"$$bytes": 1}, {"$bytes": b"x"}, b"\x00\xff"):
        assert from_jsonable(json.loads(json.dumps(to_jsonable(tricky)))) == tricky


def test_names_are_measured_in_bytes() -> None:
    """512 bytes of UTF-8 are the limit, whatever the characters."""
    assert checked_name("é" * 256, "tag") == "é" * 256
    with pytest.raises(InvalidTraceError, match="514 bytes long"):
        checked_name("é" * 257, "tag")
    with pytest.raises(InvalidTraceError, match="must not be empty"):
        checked_name("", "id", empty=False)
    with pytest.raises(InvalidTraceError, match="must be a str, not int"):
        checked_name(7, "id")


def test_tags_are_a_sequence_and_not_one_string() -> None:
    """A bare string is most likely a mistake; order and duplicates are kept; 1,000 is the limit."""
    assert checked_tags(iter(["b", "a", "b"])) == ("b", "a", "b")
    for wrong in ("abc", b"abc", 5, [1], ["x"] * 1001):
        with pytest.raises(InvalidTraceError) as refused:
            checked_tags(wrong)
        assert refused.value.field == "tags"


@given(st.binary(max_size=64))
def test_bytes_survive_json(blob: bytes) -> None:
    """Bytes are written as base64 and come back as bytes."""
    assert from_jsonable(json.loads(dumps(blob))) == blob
