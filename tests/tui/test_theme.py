from __future__ import annotations

from itertools import product
from math import dist

import pytest
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.theme import BUILTIN_THEMES

from tests.tui.driving import screen_text, settle
from tracetui import Database
from tracetui.settings import THEMES, Settings
from tracetui.tui.app import ExplorerApp
from tracetui.tui.theme import _DARK, _LIGHT, CHOICES, COLOURS, OWN, style_of

GRAPHIC = {"guide", "brace", "fold"}
"""Roles of lines and marks, which need less contrast than text."""


def lightness(rgb: tuple[int, int, int]) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [
        one / 255 / 12.92 if one / 255 <= 0.03928 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in rgb
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Return the contrast of two colours, by WCAG 2: 1 to 21."""
    low, high = sorted((lightness(one), lightness(other)))
    return (high + 0.05) / (low + 0.05)


def drawn(style: Style, colours: TerminalTheme, under: Style) -> float:
    """Return the contrast of a style's text with its ground."""
    both = under + style if style.bgcolor else style + under
    text = (both.color or Color.default()).get_truecolor(colours, foreground=True)
    ground = (both.bgcolor or Color.default()).get_truecolor(colours, foreground=False)
    return contrast(text, ground)


@pytest.mark.parametrize(("dark", "role"), list(product((True, False), sorted(_DARK))))
def test_every_role_can_be_read(dark: bool, role: str) -> None:
    """On the screen's ground by WCAG's 4.5; on the line of the cursor by 3, which it asks of large or marked text."""
    colours = COLOURS["textual-dark" if dark else "textual-light"]
    least = 3.0 if role in GRAPHIC or role.startswith(("bar", "map")) else 4.5
    assert drawn(style_of(role, dark=dark), colours, Style.null()) >= least
    for cursor in () if role.startswith("map") else ("cursor", "cursor unfocused"):
        assert drawn(style_of(role, dark=dark), colours, style_of(cursor, dark=dark)) >= 3.0


def test_grounds_are_those_of_the_themes() -> None:
    """The colours were chosen for the backgrounds that Textual really draws."""
    known = {**BUILTIN_THEMES, **{theme.name: theme for theme in OWN}}
    for name, colours in COLOURS.items():
        made = known[name].to_color_system().generate()
        ground = "#{:02x}{:02x}{:02x}".format(*colours.background_color)
        assert ground == made["background"].lower()
    assert set(CHOICES.values()) <= set(known)
    assert set(CHOICES) | {"auto"} == {*THEMES, "terminal light"}
    assert set(_LIGHT) == set(_DARK)


@pytest.mark.parametrize(("name", "role"), list(product([theme.name for theme in OWN], sorted(_DARK))))
def test_every_role_of_our_own_themes_can_be_read(name: str, role: str) -> None:
    """As in the dark theme; with high contrast by WCAG's 7 on the ground, and 4.5 on the line of the cursor."""
    colours, high = COLOURS[name], name == "tracetui-contrast"
    is_graphic = role in GRAPHIC or role.startswith(("bar", "map"))
    least = 3.0 if is_graphic else 7.0 if high else 4.5
    assert drawn(style_of(role, dark=True), colours, Style.null()) >= least
    for cursor in () if role.startswith("map") else ("cursor", "cursor unfocused"):
        assert drawn(style_of(role, dark=True), colours, style_of(cursor, dark=True)) >= (
            4.5 if high else 3.0
        )


def seen_without(cones: str, rgb: tuple[int, int, int]) -> tuple[float, ...]:
    """Return a colour as it is seen without red or green cones: the matrices of Machado, Oliveira, Fernandes 2009."""
    matrix = {
        "red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        "green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    }[cones]  # fmt: skip
    linear = [one / 255 / 12.92 if one <= 10 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in rgb]
    seen = [min(max(sum(a * b for a, b in zip(row, linear, strict=True)), 0), 1) for row in matrix]
    return tuple(one * 12.92 if one <= 0.0031308 else 1.055 * one ** (1 / 2.4) - 0.055 for one in seen)


@pytest.mark.parametrize("cones", ["red", "green"])
def test_good_and_bad_stay_apart_without_red_or_green_cones(cones: str) -> None:
    """Their distance is at least four tenths of the cube's side in our theme for that; in the dark one it is less."""

    def apart(theme: str, good: str, bad: str) -> float:
        colours = COLOURS[theme]
        seen = [
            seen_without(cones, (style_of(role).color or Color.default()).get_truecolor(colours))
            for role in (good, bad)
        ]
        return dist(*seen)

    for good, bad in (("good", "excluded"), ("bar", "bar error"), ("open text", "error text")):
        assert apart("tracetui-colour-blind", good, bad) >= 0.4
    assert apart("textual-dark", "open text", "error text") < apart(
        "tracetui-colour-blind", "open text", "error text"
    )


@pytest.mark.parametrize("theme", ["dark", "light", "contrast", "colour-blind", "terminal", "auto"])
async def test_every_theme_draws(memory: Database, login: str, theme: str) -> None:
    """The run is on the screen, and the other of light and dark is one action away."""
    app = ExplorerApp(memory, run_id=login, settings=Settings(theme=theme))
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        before = app.theme
        assert "ended by" in screen_text(app)
        app.action_app_theme()
        await settle(pilot)
        assert "ended by" in screen_text(app)
        assert app.theme.startswith("ansi") == before.startswith("ansi")
        assert app.theme != before


async def test_without_colours_nothing_has_one(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR leaves bold, reverse and underline; the cursor is still seen."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        lines = app.screen._compositor.render_strips()
        drawn_with = [segment.style for line in lines for segment in line if segment.style is not None]
        assert {str(one.color or "default") for one in drawn_with} == {"Color('default', ColorType.DEFAULT)"}
        assert {one.bgcolor for one in drawn_with} <= {None, Color.default()}
        assert any(one.reverse for one in drawn_with)
        assert app.native_ansi_color
        assert app.theme == "ansi-dark"
