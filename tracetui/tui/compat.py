"""Quirks of Textual that the explorer works around, each with the version it was seen in."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual.app import ComposeResult
from textual.color import Color
from textual.command import CommandInput, CommandPalette, SearchIcon
from textual.filter import LineFilter
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from tracetui.model.text import stand_ins


def with_offsets(strip: Strip, x: int, y: int) -> Strip:
    """Return a strip that takes part in selection: a widget that draws lines itself must say where they are.

    Textual 8.2.8: ``Strip.apply_offsets`` marks each segment with its place; without it nothing can be selected.
    """
    return strip.apply_offsets(x, y)


def resize_content(view: ScrollView, size: Size) -> None:
    """Say how large the content of a view is; the screen is laid out anew only if a scroll bar comes or goes.

    Textual 8.2.8: to set ``virtual_size`` lays out and paints the whole screen, though no widget's place depends on it
    where the height is not ``auto``: 15 ms each time that the detail shows another trace.
    """
    if view.styles.auto_dimensions or not view.container_size:
        view.virtual_size = size
    elif size != view.virtual_size:
        view.set_reactive(ScrollView.virtual_size, size)
        view._scroll_update(size)  # noqa: SLF001 - what the layout does with it


def plain_text(strips: list[Strip]) -> str:
    """Return the text of strips, line by line, ends stripped."""
    return "\n".join(
        "".join(segment.text for segment in strip if isinstance(segment, Segment)).rstrip()
        for strip in strips
    )


class PlainInput(Input):
    """A line to type into that shows its text as text: what is recorded gets into filters, names and tags.

    Textual 8.2.8: ``Input`` draws control characters and bidirectional marks of its value as they are.
    """

    @property
    def _value(self) -> Text:
        return Text(stand_ins(self.value), no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return cell_len(stand_ins(self.value[:position]))


class PlainCommandInput(CommandInput, PlainInput):
    """The palette's line to type into."""


class PlainPalette(CommandPalette):
    """The palette, whose search text is shown as text.

    Textual 8.2.8: it makes its own ``Input``, into which anything can be pasted, behind an emoji.
    """

    def compose(self) -> ComposeResult:
        """Lay out as ever, with another line to type into."""
        for widget in super().compose():
            if isinstance(widget, CommandInput):
                yield PlainCommandInput(placeholder=widget.placeholder, select_on_focus=False)
                continue
            if isinstance(widget, SearchIcon):
                widget.icon = ":"
            yield widget


def as_markup(text: str) -> str:
    r"""Return markup that shows a text as it is.

    Textual 8.2.8: the palette parses title and help of a command, and the parser's own ``escape`` misses some tags.

    >>> as_markup("[/]")
    '\\[/]'
    """
    return text.replace("[", "\\[")


class AsciiFilter(LineFilter):
    """Turns everything that is drawn into ASCII of the same width: our glyphs, borders, scroll bars and payloads.

    Textual 8.2.8: line filters see every strip of every widget, borders and scroll bars included.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's
        """Return the segments in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(ascii_of(segment.text), segment.style, segment.control)
            for segment in segments
        ]


_PLAIN = str.maketrans(
    "…→×─━│┃▸▾·−–—“”‘’╸╍↑↓←●○✓█▔▕▏▊▎┌┐└┘╭╮╰╯├┤┬┴┼▁▂▃▄▅▆▇",
    "~>x-=||>v.---\"\"''-~^v<*ov#-||||+++++++++++++_______",
)


def ascii_of(text: str) -> str:
    """Return a text in ASCII, as wide as before; what has no plain form becomes question marks.

    >>> ascii_of("▾ a → b… é日")
    'v a > b~ ???'
    """
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in text.translate(_PLAIN))
