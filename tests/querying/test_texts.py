from __future__ import annotations

import re
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import metadata, texts, trace_types
from tracetui import Trace
from tracetui.model.trace import pack_body
from tracetui.model.trace_type import TraceType
from tracetui.model.value import normalize
from tracetui.querying.ast import Literal
from tracetui.querying.sifting import folded, folding_into_ascii, holding, text_sieve
from tracetui.querying.texts import (
    Needle,
    body_texts,
    leaves,
    plain_texts,
    texts_of,
)
from tracetui.storage.backend import Stretch

FOLDING = ["ß", "ẞ", "ſ", "K", "ﬁ", "ﬅ", "İ", "ŉ", "ǰ", "ẖ", "ẚ", "Σ", "ς", "é", "É", "日"]


@given(
    st.text(st.sampled_from([*"abkstfi", *"ABKSTFI", *FOLDING]), max_size=8),
    st.text(st.sampled_from([*"abkstfi", *FOLDING]), min_size=1, max_size=3),
)
def test_a_text_is_found_whatever_its_case(text: str, wanted: str) -> None:
    """As Unicode folds it; each place is the least stretch of the text itself that holds it."""
    needle = Needle(wanted)
    spans = needle.spans(text)
    assert bool(spans) == needle.found_in(text) == (wanted.casefold() in text.casefold())
    for start, end in spans:
        assert needle.found_in(text[start:end])


@settings(max_examples=500)
@given(
    trace_types(),
    metadata(),
    st.sampled_from([*FOLDING, "a", "e", "7", "1e", "-", ".", "tr", "infin", "nan", "ss", "fi", "\0", "日本"])
    | texts(3),
)
def test_sifting_never_rules_out_a_match(trace_type: TraceType, given_metadata: object, wanted: str) -> None:
    """Bodies that show a text pass its sieve, however it is folded, and in whatever company."""
    body = pack_body(trace_type, normalize(given_metadata, "metadata"))
    sieve = text_sieve([Literal(wanted)])
    trace = Trace("t", None, 0, [], trace_type=trace_type, metadata=normalize(given_metadata, "metadata"))
    shown = [text for _, text in body_texts(trace_type, trace.metadata)]
    if wanted and sieve is not None and any(Needle(wanted).found_in(text) for text in shown):
        assert sieve(stretch_of([b"", body, b"\x90"])) >= {1}


def stretch_of(bodies: list[bytes]) -> Stretch:
    """Return bodies end to end, each owned by its number."""
    ends = list(accumulate(map(len, bodies)))
    return Stretch(b"".join(bodies), range(len(bodies)), [0, *ends[:-1]], ends)


@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"ab", b"a", b"b", b"xab"]), min_size=1, max_size=6))
def test_nothing_is_found_across_two_bodies(bodies: list[bytes]) -> None:
    """They may lie end to end in a log; what owns a hit holds all of it."""
    assert holding(b"ab")(stretch_of(bodies)) == {n for n, body in enumerate(bodies) if b"ab" in body}


@pytest.mark.parametrize("times", [1, 200])
def test_a_rare_pair_is_found_among_many_first_halves(times: int) -> None:
    """Whichever way it is looked for."""
    sieve = folded("k")
    assert sieve is not None
    assert sieve(stretch_of(["é€".encode() * times, "20 \u212a".encode(), "€".encode() * times])) == {1}


def test_every_character_that_folds_into_ascii_is_known() -> None:
    """Or sifting would miss it; letters without case have nothing that folds into them."""
    known = {raw for raw, _ in folding_into_ascii()}
    caseless = re.compile(r"[\u3041-\u30fe\u4e00-\u9fff\uac00-\ud7a3]")
    for code in range(0x80, 0x110000):
        char = chr(code)
        folded = char.casefold()
        if any(each < "\x80" for each in folded):
            assert char.encode("utf-8", "surrogatepass") in known
        if folded != char:
            assert not caseless.search(folded)


@given(trace_types(), metadata())
def test_the_quick_way_to_the_texts_gives_the_same(trace_type: TraceType, given_metadata: object) -> None:
    """With fields or without, in any order."""
    kept = normalize(given_metadata, "metadata")
    values = [getattr(trace_type, name) for name in trace_type.__dataclass_fields__ if name != "__hash__"]
    assert sorted(plain_texts(*[normalize(v, "x") for v in values], kept)) == sorted(
        text for _, text in body_texts(trace_type, kept)
    )


def test_texts_are_told_with_their_path() -> None:
    """Keys are texts too, numbers as they are shown; bytes and null show nothing."""
    value = {"a": [1, 2.5, True, None, b"x"], "b": {"c": "d"}, "n": float("nan"), "i": float("-inf")}
    assert list(leaves(value, "args")) == [
        ("args.a", "a"), ("args.a.0", "1"), ("args.a.1", "2.5"), ("args.a.2", "true"),
        ("args.b", "b"), ("args.b.c", "c"), ("args.b.c", "d"),
        ("args.n", "n"), ("args.n", "NaN"), ("args.i", "i"), ("args.i", "-Infinity"),
    ]  # fmt: skip


def test_deep_values_are_walked_without_recursion() -> None:
    """However deep somebody nests."""
    value: object = "end"
    for _ in range(50_000):
        value = [value]
    assert [text for _, text in leaves(value)] == ["end"]
    assert plain_texts(value) == ["end"]


def test_an_empty_text_has_no_place() -> None:
    """It would mark everything."""
    assert Needle("").spans("abc") == []


def test_all_texts_of_a_trace_are_seen() -> None:
    """Type name, tags, fields, metadata."""
    from tracetui import ToolCall

    trace = Trace(
        "t", None, 0, ["tagged"], trace_type=ToolCall("bash", {"cmd": "ls"}, 3), metadata={"k": "v"}
    )
    assert list(texts_of(trace)) == ["ToolCall", "tagged", "bash", "cmd", "ls", "3", "k", "v"]
