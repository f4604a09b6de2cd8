from __future__ import annotations

from itertools import product

import pytest
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.theme import BUILTIN_THEMES

from tests.tui.driving import screen_text, settle
from tracetui import Database
from tracetui.settings import Settings
from tracetui.tui.app import ExplorerApp
from tracetui.tui.theme import _DARK, _LIGHT, CHOICES, COLOURS, style_of

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
    for name, colours in COLOURS.items():
        made = BUILTIN_THEMES[name].to_color_system().generate()
        ground = "#{:02x}{:02x}{:02x}".format(*colours.background_color)
        assert ground == made["background"].lower()
    assert set(CHOICES.values()) <= set(BUILTIN_THEMES)
    assert set(_LIGHT) == set(_DARK)


@pytest.mark.parametrize("theme", ["dark", "light", "terminal", "auto"])
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
        assert app.theme.partition("-")[0] == before.partition("-")[0]
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
