"""Pieces of text with roles, turned into what Textual draws. The only way text gets on the screen: never markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from tracetui.tui.theme import style_of


def to_strip(pieces: Iterable[tuple[str, str]], *, dark: bool, over: Style | None = None) -> Strip:
    """Return pieces as one line; ``over`` is laid over all of it."""
    segments = [
        Segment(text, style_of(role, dark=dark) + over if over is not None else style_of(role, dark=dark))
        for text, role in pieces
        if text
    ]
    return Strip(segments)


def to_text(pieces: Iterable[tuple[str, str]], *, dark: bool) -> Text:
    """Return pieces as a text for a widget that renders one."""
    text = Text(no_wrap=True, end="")
    for part, role in pieces:
        text.append(part, style_of(role, dark=dark))
    return text
