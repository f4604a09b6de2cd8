from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.strategies import texts
from tracetui.model.text import ascii_only, first_line, printable, stand_ins


@given(texts(40))
def test_no_text_reaches_the_terminal_as_a_command(text: str) -> None:
    """After printable() nothing is left that a terminal obeys or that turns the writing."""
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    shown.encode("utf-8")


@given(texts(40))
def test_a_line_that_is_edited_keeps_its_places(text: str) -> None:
    """Every character has one that stands in for it, itself if it is harmless."""
    shown = stand_ins(text)
    assert len(shown) == len(text)
    assert printable(shown) == shown
    assert all(a == b or printable(a) != a for a, b in zip(text, shown, strict=True))


@given(
    st.text(
        "a👍❤👩💻日한ः\u1112\u1161\u11ab\u0301\u200d\ufe0f\ufe0e\u20e3🇩🇪\U0001f3fb\U0001f3ff\U000e0067",
        max_size=12,
    )
)
def test_no_character_changes_the_width_of_another(text: str) -> None:
    """However terminals join characters, a line is as wide as its characters: columns beside it stay where they are."""
    shown = printable(text)
    assert cell_len(shown) == sum(cell_len(char) for char in shown)


@given(texts(40))
def test_lines_stay_lines_when_asked(text: str) -> None:
    """With newlines, only line feeds remain of all control characters."""
    shown = printable(text, newlines=True)
    assert {c for c in shown if unicodedata.category(c) == "Cc"} <= {"\n"}


@given(texts(40))
def test_ascii_is_ascii(text: str) -> None:
    """For terminals without Unicode every character is ASCII."""
    assert ascii_only(printable(text)).isascii()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]text[/red]", "plain [red]text[/red]"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\tb\r\nc\x7f", "a    b␍␊c␡"),
        ("\ud83d", "\\ud83d"),
        ("日本 e\u0301", "日本 e\u0301"),
        ("👍\U0001f3fd ❤\ufe0f 👩\u200d💻", "👍\\U0001f3fd ❤\\ufe0f 👩\\u200d💻"),
    ],
)
def test_hostile_characters_are_shown(text: str, shown: str) -> None:
    """Escapes, C1, bidirectional marks and surrogates are visible; brackets and wide characters stay."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "line"),
    [("\n\n  x \ny", "x"), ("----\n123\nError: a\n", "Error: a"), ("---\n", "---"), ("", ""), ("\n \n", "")],
)
def test_the_first_line_that_says_something(text: str, line: str) -> None:
    """A line with a letter wins over rules and numbers; else the first that is not blank."""
    assert first_line(text) == line
