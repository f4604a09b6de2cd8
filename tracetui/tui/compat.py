"""Quirks of Textual that the explorer works around, each with the version it was seen in."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip


def with_offsets(strip: Strip, x: int, y: int) -> Strip:
    """Return a strip that takes part in selection: a widget that draws lines itself must say where they are.

    Textual 8.2.8: ``Strip.apply_offsets`` marks each segment with its place; without it nothing can be selected.
    """
    return strip.apply_offsets(x, y)


def plain_text(strips: list[Strip]) -> str:
    """Return the text of strips, line by line, ends stripped."""
    return "\n".join(
        "".join(segment.text for segment in strip if isinstance(segment, Segment)).rstrip()
        for strip in strips
    )
