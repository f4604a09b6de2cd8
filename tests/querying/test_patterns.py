from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.querying.patterns import REFUSED, Bounded, _Automaton, literal_pattern

ATOMS = [
    "a", "b", "B", "é", "ß", "k", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "[a-c_]", r"\b", r"\B", "^", "$", r"\A", r"\Z",
    "\n", "_", "(?i:a)", "(?-i:B)", "(?:)",
]  # fmt: skip


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "*?", "+?", "{1,}", "??"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.builds("(?:{}){}".format, inner, repeats),
        st.builds("({}|{})".format, inner, inner),
    )


PATTERNS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "(?m)", "(?s)", "(?i)", "(?a)"]),
    st.recursive(st.sampled_from(ATOMS), _grown, max_leaves=6),
)
TEXTS = st.text(st.sampled_from("abB \n_1éKßſx"), max_size=8)


@settings(max_examples=400)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=4))
def test_the_automaton_finds_what_re_finds(source: str, texts: list[str]) -> None:
    """Character by character, with conditions at the ends of texts and lines; and no needed text is missing, in its case if that matters."""
    found = Bounded(source)
    automaton = _Automaton(found._tree, found._pattern.flags)
    needed = found.needed()
    for text in texts:
        matches = re.search(source, text) is not None
        assert automaton.search(text) is matches
        assert found.search(text) is matches
        if matches and needed:
            assert any(each.casefold() in text.casefold() for each in needed)
            assert not found.minds_case or any(each in text for each in needed)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"(a+)+$", "a" * 20_000 + "b"),
        (r"\s+$", " " * 20_000 + "x"),
        (r"a.*b.*c", "ab" * 10_000),
        ("(?:a?){30}a{30}", "a" * 29),
        (r"(\w+\s?)*;", "word " * 4_000),
        ("(a|aa)+$", "a" * 20_000 + "b"),
    ],
)
def test_no_pattern_stops_the_process(source: str, text: str) -> None:
    """Those that would take hours, or for ever, are answered by looking at each character once."""
    assert not Bounded(source).search(text)


@pytest.mark.parametrize(
    "source", [r"(a*)\1", r"(?=.*a)b", r"(?<!a)b+", r"(?>a*)b", r"a*+b", r"(a)?(?(1)b*|c)", r"(a?){30}\1"]
)
def test_what_cannot_be_bounded_is_refused(source: str) -> None:
    """Back-references and look-around beside open repeats."""
    with pytest.raises(ValueError, match="for ever") as told:
        Bounded(source)
    assert str(told.value) == REFUSED


def test_without_open_repeats_re_answers() -> None:
    """Whatever else is in the pattern."""
    assert Bounded(r"(?<=x)(a|b)\1{2}").search("xaaa")
    assert not Bounded(r"(?<=x)(a|b)\1{2}").search("aaa" * 9_000)


def test_the_states_of_an_automaton_are_few_at_a_time() -> None:
    """A pattern whose states double with each character forgets those that it made, and goes on."""
    found = Bounded("(?:a|b)*a(?:a|b){12}(?:a|b)*c")
    text = "".join("ab"[n * n * 7 % 11 % 2] for n in range(20_000))
    assert not found.search(text)
    assert found.search(text + "c")
    assert found._automaton is not None
    assert len(found._automaton._states) <= 2_000


def test_a_pattern_too_large_for_an_automaton_is_named() -> None:
    """When it is read, not when it is asked."""
    with pytest.raises(ValueError, match="shorter"):
        Bounded("(?:a{0,99}b?){99}c*")
    for depth in range(100, 5_000, 300):
        with suppress(ValueError):
            Bounded("(" * depth + "a" + ")*" * depth)


def test_places_are_told_as_far_as_they_can_be() -> None:
    """Empty matches are no places: such a pattern would mark everything."""
    assert Bounded("x*").spans("axxb") == [(1, 3)]
    assert Bounded("(x+)+").spans("axxb") == []
    assert Bounded("ab").spans("ab ab") == [(0, 2), (3, 5)]


def test_the_search_prompt_takes_literal_text_with_smart_case() -> None:
    """A letter in upper case makes case matter; signs of patterns are signs."""
    assert literal_pattern("no module").search("No Module")
    assert not literal_pattern("No module").search("no module")
    assert literal_pattern("a.b(").search("xa.b(")
    assert literal_pattern("a.b", is_regex=True).search("axb")
    with pytest.raises(ValueError, match="a regular expression"):
        literal_pattern("(", is_regex=True)
