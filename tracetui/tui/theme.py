"""Colours by role, in a dark and a light set. Colour is never the only signal: letters, words and glyphs say it too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from rich.style import Style

_DARK = {
    "text": "", "dim": "bright_black", "heading": "bold bright_cyan", "label": "cyan", "string": "", "number": "bright_magenta",
    "constant": "magenta", "brace": "bright_black", "tag": "bright_blue", "warning": "bold yellow", "good": "green",
    "chosen": "bold green", "time": "bright_black", "metric": "cyan", "guide": "bright_black", "fold": "bright_black",
    "orphans": "bold yellow", "error": "bold bright_red", "hit": "black on yellow", "bar": "blue", "bar error": "bright_red",
    "bar path": "bold bright_yellow", "bar idle": "bright_black", "bar open": "bright_green", "gap": "yellow", "gap waiting": "bright_black",
    "badge error": "bold bright_red", "badge loop": "bold yellow", "error text": "bright_red", "failed text": "bright_red", "cancelled text": "yellow",
    "open text": "bold bright_green", "open metric": "bright_green", "live metric": "bold bright_green",
    "letter tool": "bright_blue", "letter decision": "bright_yellow", "letter thought": "bright_black",
    "letter query": "bright_cyan", "letter error": "bold bright_red", "letter model": "bright_magenta",
    "letter agent": "bold bright_green", "letter turn": "bold bright_white", "letter other": "white",
    "map": "bright_black", "map dim": "bright_black", "map failed": "red", "map error": "bright_red", "map hit": "black on yellow",
    "map terminal": "bold white on red", "verdict bad": "bold white on red", "verdict good": "bold black on green",
    "verdict live": "bold black on bright_green", "verdict other": "bold black on yellow", "title": "bold", "key": "bold bright_cyan",
    "cursor": "bold on #34507a", "cursor unfocused": "on #3a3a3a", "count": "cyan", "excluded": "bright_red", "chip": "black on cyan",
}  # fmt: skip
_LIGHT = {
    **_DARK, "heading": "bold blue", "label": "blue", "number": "magenta", "tag": "blue", "metric": "blue", "time": "bright_black",
    "open text": "bold green", "open metric": "green", "live metric": "bold green", "letter tool": "blue",
    "letter decision": "bold yellow", "letter query": "cyan", "letter model": "magenta", "letter agent": "bold green",
    "letter turn": "bold black", "letter other": "black", "error text": "red", "failed text": "red", "error": "bold red",
    "badge error": "bold red", "badge loop": "bold dark_orange3", "letter error": "bold red", "map error": "red", "bar error": "red", "bar path": "bold dark_orange3", "bar open": "green", "gap": "dark_orange3", "key": "bold blue",
    "excluded": "red", "warning": "bold dark_orange3", "verdict live": "bold white on green", "verdict good": "bold white on green",
    "cursor": "bold on #bcd3f5", "cursor unfocused": "on #d8d8d8",
}  # fmt: skip


def theme_named(name: str, environment: Mapping[str, str]) -> str:
    """Return Textual's name of the theme that is set; without colours, or with the terminal's own, it is ``textual-ansi``.

    ``auto`` follows ``COLORFGBG``, which some terminals set: its last number is the background, 7 and 15 are light.

    >>> theme_named("auto", {"COLORFGBG": "0;15"}), theme_named("auto", {}), theme_named("light", {"NO_COLOR": "1"})
    ('textual-light', 'textual-dark', 'textual-ansi')
    """
    if environment.get("NO_COLOR") or name == "terminal":
        return "textual-ansi"
    if name == "auto":
        name = "light" if environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
    return f"textual-{name}"


@lru_cache(maxsize=512)
def style_of(role: str, *, dark: bool = True) -> Style:
    """Return the style of a role; " cursor" at its end turns it round."""
    if os.environ.get("NO_COLOR") and role in ("cursor", "cursor unfocused"):
        return Style(reverse=True, bold=role == "cursor")
    name, is_cursor = (role.removesuffix(" cursor"), True) if role.endswith(" cursor") else (role, False)
    style = Style.parse((_DARK if dark else _LIGHT).get(name, ""))
    return style + Style(reverse=True, bold=True) if is_cursor else style
