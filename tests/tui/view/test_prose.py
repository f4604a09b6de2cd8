"""Markdown and plain texts as rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui.model.text import printable
from tracetui.render.cells import width_of
from tracetui.tui.view.prose import markdown, plain, wrap

HOSTILE = "\x1b]52;c;QQ\a [red]x[/] [@click=app.quit]y[/] \u202e日本 **b\x1b[31m** `c\x9b`"


def shown(rows: list[list[tuple[str, str]]]) -> list[str]:
    """Return the text of rows."""
    return ["".join(text for text, _ in row) for row in rows]


def test_markdown_is_drawn_as_what_it_means() -> None:
    """Headings, lists, quotes, rules, fences and emphasis have roles; their marks are gone."""
    rows = markdown(
        "# Plan #\n\n1. read *all* of `a.py`\n- **do**\n> said\n---\n```py\nx = '*'\n```\nsee [it](http://x)",
        60,
    )
    assert shown(rows) == [
        "Plan", "", "1. read all of a.py", "- do", "| said", "-" * 40, "py", "x = '*'", "see it (http://x)",
    ]  # fmt: skip
    roles = {text: role for row in rows for text, role in row}
    assert roles["Plan"] == "md heading"
    assert (roles["all"], roles["a.py"], roles["do"]) == ("md em", "md code", "md bold")
    assert (roles["x = '*'"], roles["it"]) == ("md code", "md link")


def test_words_with_underscores_and_stars_are_left_alone() -> None:
    """Names of code are no emphasis."""
    assert shown(markdown("snake_case_name and 2*3*4 and a * b", 60)) == [
        "snake_case_name and 2*3*4 and a * b"
    ]


def test_nothing_in_a_text_is_obeyed() -> None:
    """Control characters are shown, markup of other systems is text."""
    for rows in (markdown(HOSTILE, 200), plain(HOSTILE, 200)):
        text = "".join(shown(rows))
        assert not set(text) & set("\x1b\a\x9b\u202e")
        assert "[red]x[/]" in text
        assert "[@click=app.quit]" in text


@given(st.text(max_size=200), st.integers(4, 60))
def test_rows_never_are_wider_than_asked(text: str, width: int) -> None:
    """Whatever the text; and a plain one loses nothing but the spaces at which it was broken."""
    assert all(width_of(line) <= width for line in shown(plain(text, width)))
    assert all(width_of(line) <= max(width, 40) for line in shown(markdown(text, width)))
    kept = "".join("".join(shown(plain(text, width))).split())
    assert kept == "".join(printable(text.expandtabs(4), newlines=True).split())


def test_a_lead_stands_before_the_first_row_or_before_all() -> None:
    """A list item hangs, a quote's bar goes down."""
    assert shown(wrap([("aa bb", "text")], 4, ("- ", "m"))) == ["- aa", "  bb"]
    assert shown(wrap([("aa bb", "text")], 4, ("| ", "m"), repeat=True)) == ["| aa", "| bb"]
