from __future__ import annotations

import re
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import metadata, texts, trace_types
from tracetui import Custom, ToolCall, Trace
from tracetui.model.trace import pack_body
from tracetui.model.trace_type import TraceType
from tracetui.model.value import normalize
from tracetui.querying.ast import Literal
from tracetui.querying.sifting import Sifted, folded, folding_into_ascii, holding, text_sieve
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
    """Bodies that show a text pass its sieve, however it is folded, in whatever company; those that surely do, do."""
    kept = normalize(given_metadata, "metadata")
    found = sifted(wanted, pack_body(trace_type, kept))
    shown = [text for _, text in body_texts(trace_type, kept)]
    if wanted and found is not None:
        does = any(Needle(wanted).found_in(text) for text in shown)
        assert 1 in found.may or not does
        assert does or 1 not in found.surely
        assert found.surely <= found.may


_PACKED = st.recursive(
    st.sampled_from(
        [b"retry", b"re", 0x72, 0x7265, 0x72657472, 2.1e243, "x" * 0x72 + "etry", "y" * 0x74 + "ry"]
    )
    | st.sampled_from(["RETRY", "try", "re", "etry" + "." * (0x72 - 4), "etry" * 60, "é"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["re", "try", "k"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_PACKED, st.sampled_from(["retry", "re", "try", "r", "etry."]))
def test_bytes_that_are_no_text_are_no_text(value: object, wanted: str) -> None:
    """Heads, lengths, numbers and bytes that spell a word: it may stand there, never surely."""
    found = sifted(wanted, pack_body(Custom("c", normalize(value, "data")), None))
    does = any(wanted in text.casefold() for text in plain_texts(normalize(value, "data"), "c"))
    assert found is not None
    assert 1 in found.may or not does
    assert does or 1 not in found.surely


def test_a_text_that_stands_in_a_body_is_sure_without_decoding() -> None:
    """Which is why a common text is found as soon as a rare one."""
    body = pack_body(
        ToolCall("bash", {"cmd": "make"}, "x" * 70_000 + " no Retry", 9), {"k": [1, 2.5, None, b"retry"]}
    )
    for wanted in ("retry", "bash", "cmd", "make", "k"):
        found = sifted(wanted, body)
        assert found is not None
        assert found.surely == {1}


def sifted(wanted: str, body: bytes) -> Sifted | None:
    """Return what the sieve of a text says of a body between others; it is number 1."""
    sieve = text_sieve([Literal(wanted)])
    return None if sieve is None else sieve(stretch_of([b"", body, b"\x90"]))


def stretch_of(bodies: list[bytes]) -> Stretch:
    """Return bodies end to end, each owned by its number."""
    ends = list(accumulate(map(len, bodies)))
    return Stretch(b"".join(bodies), range(len(bodies)), [0, *ends[:-1]], ends)


@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"ab", b"a", b"b", b"xab"]), min_size=1, max_size=6))
def test_nothing_is_found_across_two_bodies(bodies: list[bytes]) -> None:
    """They may lie end to end in a log; what owns a hit holds all of it."""
    assert holding(b"ab")(stretch_of(bodies)).may == {n for n, body in enumerate(bodies) if b"ab" in body}


@pytest.mark.parametrize("times", [1, 200])
def test_a_rare_pair_is_found_among_many_first_halves(times: int) -> None:
    """Whichever way it is looked for."""
    sieve = folded("k")
    assert sieve is not None
    assert sieve(stretch_of(["é€".encode() * times, "20 \u212a".encode(), "€".encode() * times])).may == {1}


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
    trace = Trace(
        "t", None, 0, ["tagged"], trace_type=ToolCall("bash", {"cmd": "ls"}, 3), metadata={"k": "v"}
    )
    assert list(texts_of(trace)) == ["ToolCall", "tagged", "bash", "cmd", "ls", "3", "k", "v"]
