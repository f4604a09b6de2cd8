"""Pieces of text with roles, turned into what Textual draws. The only way text gets on the screen: never markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from tracetui.tui.theme import style_of


def to_strip(
    pieces: Iterable[tuple[str, str]], *, dark: bool, under: Style | None = None, over: Style | None = None
) -> Strip:
    """Return pieces as one line; ``under`` lies below all of it, ``over`` above."""
    base = under if under is not None else Style.null()
    segments = []
    for text, role in pieces:
        if text:
            style = base + style_of(role, dark=dark)
            segments.append(Segment(text, style if over is None else style + over))
    return Strip(segments)


def to_text(pieces: Iterable[tuple[str, str]], *, dark: bool) -> Text:
    """Return pieces as a text for a widget that renders one."""
    text = Text(no_wrap=True, end="")
    for part, role in pieces:
        text.append(part, style_of(role, dark=dark))
    return text
