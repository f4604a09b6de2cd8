from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.formats.resolver import order
from tracetui.formats.sanitise import (
    MAX_TEXT_BYTES,
    UnreadableError,
    clean_name,
    is_plain,
    parse_json,
    sanitise,
)
from tracetui.model.value import MAX_NAME_BYTES, normalize, pack

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_whatever_json_holds_can_be_stored_afterwards(value: object) -> None:
    """Sanitised values pass the store's own refusals; plain ones are untouched."""
    clean, _ = sanitise(value)
    pack(normalize(clean, "v"))
    raw = json.dumps(value).encode()
    if is_plain(raw):
        assert repr(sanitise(parse_json(raw))[0]) == repr(parse_json(raw))


def test_too_deep_too_long_and_pictures_are_cut_and_said() -> None:
    """The original size stands beside the path."""
    deep: object = 1
    for _ in range(450):
        deep = [deep]
    pack(normalize(sanitise(deep)[0], "v"))
    text, cut = sanitise({"a": "x" * (MAX_TEXT_BYTES + 10)})
    assert cut == {"a": MAX_TEXT_BYTES + 10}
    assert len(text["a"]) <= MAX_TEXT_BYTES + 200
    picture, said = sanitise({"source": {"type": "base64", "media_type": "image/png", "data": "A" * 4000}})
    assert "image png" in str(picture)
    assert said != {}
    url, _ = sanitise("data:image/png;base64," + "A" * 4000)
    assert len(url) < 4000
    many, told = sanitise({str(n): "y" * 1000 for n in range(100)}, budget=20_000)
    assert told
    assert len(str(many)) < 60_000


@pytest.mark.parametrize("raw", [b"{", b"", b"nonsense", b"[" * 100_000])
def test_what_is_no_json_says_so(raw: bytes) -> None:
    """Never an exception of a library."""
    with pytest.raises(UnreadableError):
        parse_json(raw)


def test_broken_utf8_and_endless_numbers_are_read() -> None:
    """The first is replaced, the second is text."""
    assert parse_json(b'"a\xff"') == "a\ufffd"
    assert parse_json(b'{"n": ' + b"9" * 5000 + b"}") == {"n": "9" * 5000}


@given(st.text() | st.integers() | st.none())
def test_names_fit_every_engine(text: object) -> None:
    """Valid UTF-8 of at most 512 bytes, different where the texts are."""
    name = clean_name(text, "fallback")
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name
    assert clean_name("x" * 600) != clean_name("x" * 601)


LINKS = st.lists(
    st.tuples(st.integers(0, 12), st.none() | st.integers(0, 15)), max_size=14, unique_by=lambda item: item[0]
)


@given(LINKS)
def test_parents_come_first_each_once_and_circles_are_cut(links: list[tuple[int, int | None]]) -> None:
    """Whatever the links: every item once, placed ones behind their parent, the rest roots, waiting or cut."""
    placed = order(links, lambda item: str(item[0]), lambda item: None if item[1] is None else str(item[1]))
    assert sorted(p.item for p in placed) == sorted(links)
    seen: set[int] = set()
    ids = {own for own, _ in links}
    for (own, parent), link in placed:
        if link == "placed":
            assert parent in seen
        elif link == "awaits":
            assert parent not in ids
        elif link == "root":
            assert parent is None
        seen.add(own)


def test_a_chain_of_100_000_is_put_in_order() -> None:
    """Given backwards, without recursion."""
    links = [(n, n - 1 if n else None) for n in range(99_999, -1, -1)]
    placed = order(links, lambda item: str(item[0]), lambda item: None if item[1] is None else str(item[1]))
    assert [p.item[0] for p in placed] == list(range(100_000))
