"""A list of lines of any length, drawn one by one as they come into view: the ground of every list of ours.

Cost follows the lines on the screen, never the lines there are. It owns cursor, scrolling, the mouse and selection;
what a line says is the subclass's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracetui.tui.compat import plain_text, resize_content, with_offsets
from tracetui.tui.messages import CursorMoved, PlaceTaken, RowActivated
from tracetui.tui.theme import style_of
from tracetui.tui.widgets.pieces import to_strip

if TYPE_CHECKING:
    from textual.selection import Selection

_CACHE = 4096


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """A virtual list with a cursor. Subclasses give ``row_count`` and ``row_pieces``.

    The keys of its base, which scroll without the cursor, are not inherited: arrows are the screens' own.
    """

    DEFAULT_CSS = """
    Lines { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; background: $background; }
    """

    foot_lines: ClassVar[int] = 0
    """Lines below it that do not scroll."""

    cursor: reactive[int] = reactive(0, init=False)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._strips: dict[tuple[Any, ...], Strip] = {}
        self._version = 0
        self._laid_page = 0
        self.shift_x = 0

    # ---- for subclasses ----------------------------------------------------------------------------------

    def row_count(self) -> int:
        """Return the number of lines."""
        return 0

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a line shows."""
        raise NotImplementedError  # pragma: no cover - every list says it

    @property
    def head_lines(self) -> int:
        """Lines above the list that do not scroll."""
        return 0

    def edge_pieces(self, line: int, width: int) -> list[tuple[str, str]]:
        """Return what a line says that does not scroll: 0 is the first above the list, −1 the last below it."""
        raise NotImplementedError  # pragma: no cover - every list with such lines says it

    def fold_columns(self, row: int) -> range:  # noqa: ARG002 - for subclasses
        """Return the cells of a line on which a click folds."""
        return range(0)

    # ---- drawing -----------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Draw all lines anew: what they say has changed."""
        self._version += 1
        self._strips.clear()
        self.resize_rows()
        self.refresh()

    def redraw_rows(self, rows: list[int]) -> None:
        """Draw some lines anew: what they say has changed."""
        for key in [key for key in self._strips if key[0] in rows]:
            del self._strips[key]
        for row in rows:
            self._refresh_row(row)

    def _refresh_row(self, row: int) -> None:
        self.refresh(Region(0, row - self.scroll_offset.y + self.head_lines, self.size.width, 1))

    def resize_rows(self) -> None:
        """Tell the scroll bar how many lines there are."""
        height = self.row_count() + self.head_lines + self.foot_lines
        resize_content(self, Size(self.scrollable_content_region.width, height))
        self.cursor = max(min(self.cursor, self.row_count() - 1), 0)

    def on_resize(self) -> None:
        """Draw for the new size, and keep the cursor in view, unless one had scrolled away from it."""
        top, page = self.scroll_offset.y, self._laid_page
        self._laid_page = self.page
        self.changed()
        if not page or top <= self.cursor < top + page:
            self.keep_in_view()

    def step_of(self, event: events.Key) -> int:
        """Return by how many rows a key moves in a list of a dialog, 0 if it does not."""
        page = self.page
        steps = {
            "j": 1,
            "down": 1,
            "k": -1,
            "up": -1,
            "pagedown": page,
            "pageup": -page,
            "g": -(10**9),
            "G": 10**9,
        }
        return steps.get(event.key) or steps.get(event.character or "") or 0

    @property
    def is_dark(self) -> bool:
        """Whether the theme is dark."""
        return bool(self.app.current_theme.dark)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width, height = self.scrollable_content_region.size
        if y < self.head_lines or y >= height - self.foot_lines:
            return self._draw_edge(y if y < self.head_lines else y - height, width)
        row = y - self.head_lines + self.scroll_offset.y
        if row >= self.row_count():
            return Strip.blank(width, self.rich_style)
        at_cursor = row == self.cursor
        key = (
            row,
            width,
            at_cursor,
            self.has_focus if at_cursor else False,
            self.shift_x,
            self._version,
            self.app.theme,
        )
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > _CACHE:
                self._strips.clear()
            strip = self._strips[key] = self._draw(row, width, at_cursor=at_cursor)
        return with_offsets(self._selected(strip, row), 0, row)

    def _draw(self, row: int, width: int, *, at_cursor: bool) -> Strip:
        over = None
        if at_cursor:
            plain = "plain " if self.app.native_ansi_color else ""
            role = f"{plain}cursor" if self.has_focus else f"{plain}cursor unfocused"
            over = style_of(role, dark=self.is_dark)
        strip = to_strip(self.row_pieces(row, width), dark=self.is_dark, under=self.rich_style, over=over)
        return strip.adjust_cell_length(
            width, (self.rich_style + over) if over is not None else self.rich_style
        )

    def _draw_edge(self, line: int, width: int) -> Strip:
        strip = to_strip(self.edge_pieces(line, width), dark=self.is_dark, under=self.rich_style)
        return strip.adjust_cell_length(width, self.rich_style)

    def _selected(self, strip: Strip, row: int) -> Strip:
        selection = self.text_selection
        if selection is None or (span := selection.get_span(row)) is None:
            return strip
        start, end = span
        end = strip.cell_length if end == -1 else end
        before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
        style = self.screen.get_component_rich_style("screen--selection")
        return Strip.join([before, middle.apply_style(style), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that is selected, as it stands on the screen."""
        width = self.scrollable_content_region.width
        rows = range(self.row_count())
        start = selection.start.y if selection.start else 0
        end = selection.end.y if selection.end else len(rows) - 1
        strips = [self._draw(row, width, at_cursor=False) for row in rows[start : min(end + 1, start + 2000)]]
        text = "\n" * start + plain_text(strips)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's signature
        """Draw the selection."""
        self._strips.clear()
        self.refresh()

    # ---- moving ------------------------------------------------------------------------------------------

    def watch_cursor(self, before: int, after: int) -> None:
        """Draw the two lines that changed, keep the cursor in view, tell the screen."""
        for row in (before, after):
            self._refresh_row(row)
        self.keep_in_view()
        self.post_message(CursorMoved(self.id or "", after))

    def go_to(self, row: int) -> None:
        """Put the cursor on a line, the nearest there is."""
        self.cursor = max(min(row, self.row_count() - 1), 0)

    def move(self, step: int) -> None:
        """Move the cursor by lines."""
        self.go_to(self.cursor + step)

    @property
    def page(self) -> int:
        """Lines of the list on the screen."""
        return max(self.scrollable_content_region.height - self.head_lines - self.foot_lines, 1)

    def shows(self, row: int) -> bool:
        """Whether a line is on the screen."""
        return self.scroll_offset.y <= row < self.scroll_offset.y + self.page

    def hold(self, cursor: int, top: int) -> None:
        """Put the cursor and the topmost line where they are after news: nobody moved them."""
        self.set_reactive(Lines.cursor, max(min(cursor, self.row_count() - 1), 0))
        if max(top, 0) != self.scroll_offset.y:
            self.scroll_to(y=max(top, 0), animate=False, immediate=True)

    def keep_in_view(self) -> None:
        """Scroll so that the cursor is on the screen."""
        top, height = self.scroll_offset.y, self.page
        if self.cursor < top:
            self._scroll_rows(self.cursor)
        elif self.cursor >= top + height:
            self._scroll_rows(self.cursor - height + 1)

    def center(self) -> None:
        """Scroll so that the cursor is in the middle third."""
        top, height = self.scroll_offset.y, self.page
        if not top + height // 4 <= self.cursor < top + height - height // 4:
            self._scroll_rows(max(self.cursor - height // 2, 0))

    def _scroll_rows(self, row: int) -> None:
        """Scroll so that a row is the first on the screen; again after the layout, if it does not reach so far yet."""
        self.scroll_to(y=row, animate=False, immediate=True)
        if self.scroll_offset.y != row and self.row_count() > self.page:
            self.call_after_refresh(self.scroll_to, y=row, animate=False, immediate=True)

    def on_focus(self) -> None:
        """Show the cursor as focused."""
        self.refresh()

    def on_blur(self) -> None:
        """Show the cursor as unfocused."""
        self.refresh()

    # ---- the mouse ---------------------------------------------------------------------------------------

    def _place_taken(self) -> None:
        self.post_message(PlaceTaken(self.id or ""))

    def on_mouse_down(self) -> None:
        """Say that a place was taken, before anything moves under the mouse."""
        self._place_taken()

    def on_mouse_scroll_up(self) -> None:
        """Say that a place was taken with the wheel; the base scrolls."""
        self._place_taken()

    def on_mouse_scroll_down(self) -> None:
        """Say so where there is anything further down."""
        if self.scroll_offset.y < self.max_scroll_y:
            self._place_taken()

    def on_scroll_to(self) -> None:
        """Say that a place was taken by dragging the scroll bar; the base scrolls, here and below."""
        self._place_taken()

    def on_scroll_up(self) -> None:
        """Say that a place was taken by a click above the handle of the scroll bar."""
        self._place_taken()

    def on_scroll_down(self) -> None:
        """Say that a place was taken by a click below it."""
        self._place_taken()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; on a fold glyph or a second time, say so."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = offset.y - self.head_lines + self.scroll_offset.y
        if not self.scroll_offset.y <= row < min(self.scroll_offset.y + self.page, self.row_count()):
            return
        self.cursor = row
        if offset.x in self.fold_columns(row):
            self.post_message(RowActivated(self.id or "", row, fold=True))
        elif event.chain == 2:
            self.post_message(RowActivated(self.id or "", row))
