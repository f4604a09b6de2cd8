"""The characters of the screens, in two sets: drawn, and plain ASCII for terminals that have no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters of one cell each, none of them of ambiguous width in common terminals."""

    folded: str
    unfolded: str
    leaf: str
    branch: str
    last: str
    pipe: str
    bar: str
    bar_open: str
    tick: str
    rule: str
    times: str
    eighths: str
    """Bars of one eighth of a cell, two eighths … the whole of it, from the left."""
    rises: str
    """Bars of one eighth of a cell, two eighths … the whole of it, from the foot."""
    right_half: str
    idle: str
    dot: str


DRAWN = Glyphs(
    "▸", "▾", " ", "│ ", "│ ", "│ ", "━", "╍", "╸", "─", "×", "▏▎▍▌▋▊▉█", "▁▂▃▄▅▆▇█", "▐", "─", "·"
)
ASCII = Glyphs(
    ">", "v", " ", "| ", "| ", "| ", "=", "~", "-", "-", "x", "========", "..::++##", "=", "-", "."
)


def glyphs(*, ascii_only: bool) -> Glyphs:
    """Return the set to use."""
    return ASCII if ascii_only else DRAWN
