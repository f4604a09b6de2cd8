"""Colours by role, in a dark and a light set. Colour is never the only signal: letters, words and glyphs say it too.

Roles name the sixteen colours of a terminal. Where the terminal can, these are ours (``COLOURS``), chosen so that
every role can be read on its ground; where it cannot, or where that is wanted, they are the terminal's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

_DARK = {
    "text": "", "dim": "bright_black", "heading": "bold bright_cyan", "label": "cyan", "string": "", "number": "bright_magenta",
    "constant": "magenta", "brace": "bright_black", "tag": "bright_blue", "warning": "bold yellow", "good": "green",
    "chosen": "bold green", "time": "bright_black", "metric": "cyan", "guide": "bright_black", "fold": "bright_black",
    "orphans": "bold yellow", "error": "bold bright_red", "hit": "black on yellow", "bar": "blue", "bar error": "bright_red",
    "md heading": "bold bright_cyan", "md bold": "bold", "md em": "italic", "md code": "bright_green", "md mark": "cyan",
    "md quote": "italic bright_black", "md link": "underline", "md call": "bright_blue", "md head": "bold bright_cyan",
    "bar path": "bold bright_yellow", "bar idle": "bright_black", "bar open": "bright_green", "gap": "yellow", "gap waiting": "bright_black",
    "badge error": "bold bright_red", "badge loop": "bold yellow", "error text": "bright_red", "failed text": "bright_red", "cancelled text": "yellow",
    "open text": "bold bright_green", "open metric": "bright_green", "live metric": "bold bright_green",
    "letter tool": "bright_blue", "letter decision": "bright_yellow", "letter thought": "bright_black",
    "letter query": "bright_cyan", "letter error": "bold bright_red", "letter model": "bright_magenta",
    "letter agent": "bold bright_green", "letter turn": "bold bright_white", "letter other": "white",
    "map": "bright_black", "map dim": "bright_black", "map failed": "bright_red", "map error": "bold bright_red", "map hit": "black on yellow", "mark": "bold black on bright_cyan", "map mark": "black on bright_cyan",
    "map terminal": "bold white on red", "verdict bad": "bold white on red", "verdict good": "bold black on green",
    "verdict live": "bold black on bright_green", "verdict other": "bold black on yellow", "title": "bold", "key": "bold bright_cyan",
    "cursor": "bold on #1d3a66", "cursor unfocused": "on #303030", "plain cursor": "bold reverse default on default", "plain cursor unfocused": "bold underline", "count": "cyan", "excluded": "bright_red", "chip": "black on cyan",
}  # fmt: skip
_LIGHT = {
    **_DARK, "heading": "bold blue", "label": "blue", "number": "magenta", "tag": "blue", "metric": "blue", "time": "bright_black",
    "open text": "bold green", "open metric": "green", "live metric": "bold green", "letter tool": "blue",
    "letter decision": "bold yellow", "letter query": "cyan", "letter model": "magenta", "letter agent": "bold green",
    "letter turn": "bold black", "letter other": "black", "error text": "red", "failed text": "red", "error": "bold red",
    "badge error": "bold red", "badge loop": "bold yellow", "letter error": "bold red", "map failed": "red", "map error": "bold red", "bar error": "red",
    "md heading": "bold blue", "md code": "green", "md mark": "blue", "md call": "blue", "md head": "bold blue", "bar path": "bold yellow", "bar open": "green", "gap": "yellow", "key": "bold blue",
    "excluded": "red", "warning": "bold yellow", "verdict live": "bold white on green", "verdict good": "bold white on green",
    "cursor": "bold on #bcd3f5", "cursor unfocused": "on #cccccc", "hit": "black on bright_yellow", "map hit": "black on bright_yellow",
    "verdict other": "bold black on bright_yellow", "chip": "bold white on cyan", "mark": "bold white on cyan", "map mark": "white on cyan",
}  # fmt: skip


def _colours(ground: str, text: str, sixteen: str) -> TerminalTheme:
    listed = [_rgb(one) for one in sixteen.split()]
    return TerminalTheme(_rgb(ground), _rgb(text), listed[:8], listed[8:])


def _rgb(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:], 16)


COLOURS = {
    "textual-dark": _colours(
        "#121212", "#e0e0e0",
        "#101214 #c4303a #4cba5c #d9a520 #5b9bf8 #c98bdf #45c4ce #f2f4f6"
        " #929ba5 #ff8178 #62d872 #e8c555 #86bfff #dba4f7 #62d8e2 #ffffff",
    ),
    "textual-light": _colours(
        "#e0e0e0", "#1f1f1f",
        "#101214 #a8121c #0e5c24 #6e4a00 #0a4a9c #7d2483 #005f68 #ffffff"
        " #50565e #a8121c #0e5c24 #ffd24d #0a4a9c #7d2483 #005f68 #000000",
    ),
    "tracetui-contrast": _colours(
        "#000000", "#ffffff",
        "#000000 #b40c0c #3ddc55 #ffc800 #6fb1ff #e59bff #4fe3ee #ffffff"
        " #c3cbd3 #ff9d96 #79f08a #ffe066 #a8d2ff #f0c3ff #86f2f9 #ffffff",
    ),
    "tracetui-colour-blind": _colours(
        "#121212", "#e0e0e0",
        "#101214 #a84400 #4aa8e8 #f0d442 #7fb0e0 #d9a0c4 #6cc5f0 #f2f4f6"
        " #929ba5 #ff9040 #7cc4f5 #f5e36e #a9cdf0 #e8bdd8 #95dafa #ffffff",
    ),
}  # fmt: skip
"""What the sixteen colours are, by Textual's theme: black, red, green, yellow, blue, magenta, cyan, white; then bright."""

OWN = (
    Theme(
        "tracetui-contrast", primary="#ffc800", background="#000000", surface="#000000", panel="#1a1a1a",
        foreground="#ffffff", error="#ff9d96", warning="#ffc800", success="#3ddc55", accent="#4fe3ee",
    ),
    Theme(
        "tracetui-colour-blind", primary="#4aa8e8", background="#121212", surface="#1e1e1e", foreground="#e0e0e0",
        error="#ff9040", warning="#f0d442", success="#4aa8e8", accent="#d9a0c4",
    ),
)  # fmt: skip
"""Themes that Textual does not have: black and white with 7:1 and more, and one whose bad is orange and whose good is blue."""

CHOICES = {
    "dark": "textual-dark",
    "light": "textual-light",
    "contrast": "tracetui-contrast",
    "colour-blind": "tracetui-colour-blind",
    "terminal": "ansi-dark",
    "terminal light": "ansi-light",
}
"""Textual's names of the themes."""


def theme_named(name: str, environment: Mapping[str, str], *, few_colours: bool = False) -> str:
    """Return Textual's name of the theme that is set; without colours, or with few, it is the terminal's own.

    ``auto`` follows ``COLORFGBG``, which some terminals set: its last number is the background, 7 and 15 are light.

    >>> theme_named("auto", {"COLORFGBG": "0;15"}), theme_named("auto", {}), theme_named("light", {"NO_COLOR": "1"})
    ('textual-light', 'textual-dark', 'ansi-light')
    >>> theme_named("auto", {}, few_colours=True), theme_named("dark", {}, few_colours=True)
    ('ansi-dark', 'textual-dark')
    """
    is_light = name == "light" or environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
    if "NO_COLOR" in environment or name == "terminal" or (few_colours and name == "auto"):
        return CHOICES["terminal light" if is_light else "terminal"]
    return CHOICES[("light" if is_light else "dark") if name == "auto" else name]


def next_theme(name: str) -> str:
    """Return the theme after one in the palette's round; of the terminal's own there are two.

    >>> next_theme("textual-dark"), next_theme("tracetui-colour-blind"), next_theme("ansi-dark")
    ('textual-light', 'textual-dark', 'ansi-light')
    """
    kind = name.startswith("ansi")
    round_ = [each for each in CHOICES.values() if each.startswith("ansi") == kind]
    return round_[(round_.index(name) + 1) % len(round_)] if name in round_ else round_[0]


@lru_cache(maxsize=512)
def style_of(role: str, *, dark: bool = True) -> Style:
    """Return the style of a role; " cursor" at its end turns it round."""
    roles = _DARK if dark else _LIGHT
    if role in roles:
        return Style.parse(roles[role])
    if role.endswith(" cursor"):
        return style_of(role.removesuffix(" cursor"), dark=dark) + Style(reverse=True, bold=True)
    return Style.null()
