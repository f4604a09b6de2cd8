"""Moving the cursor: by lines, screens and siblings, to a trace and back; the detail follows it."""

from __future__ import annotations

import time

from textual.timer import Timer

from tracetui.tui.control.following import Following
from tracetui.tui.messages import CursorMoved, TraceChosen
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.bars import Bar, MinimapBar

DETAIL_SECONDS, DETAIL_AT_ONCE_SECONDS = 0.035, 0.004
"""From a key to its detail: while keys follow each other, and after a rest, when the cursor is painted first all the same."""
REST_SECONDS = 0.1
"""So long without a key is a rest: keys that are held down come at least three times as fast."""


class Moving(Following):
    """Moves in whatever has the focus: the view, the detail, the panes."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._detail_timer: Timer | None = None
        self._moved = 0.0

    def action_cursor_down(self) -> None:
        """Move down."""
        self._move(1)

    def action_cursor_up(self) -> None:
        """Move up."""
        self._move(-1)

    def action_cursor_half_down(self) -> None:
        """Move down half a screen."""
        self._move(self._page() // 2)

    def action_cursor_half_up(self) -> None:
        """Move up half a screen."""
        self._move(-(self._page() // 2))

    def action_cursor_page_down(self) -> None:
        """Move down a screen."""
        self._move(self._page())

    def action_cursor_page_up(self) -> None:
        """Move up a screen."""
        self._move(-self._page())

    def action_cursor_top(self) -> None:
        """Go to the first row."""
        self._move(-(10**9))

    def action_cursor_end(self) -> None:
        """Go back to now, from now to the last row; on a live run, follow it."""
        if self.active() is self.current and self.model.moments is not None:
            self.model.return_to_now()
            self.keeping_place(self.model.apply_filter)
            self.show_detail()
            return
        if self.active() is self.current and self.model.present.label == "LIVE":
            self.action_run_follow()
        else:
            self._move(10**9)

    def action_cursor_next_sibling(self) -> None:
        """Go to the next sibling."""
        self._step(1)

    def action_cursor_previous_sibling(self) -> None:
        """Go to the previous sibling."""
        self._step(-1)

    def action_cursor_back(self) -> None:
        """Go back to where one was before a jump."""
        if not self.say_why_not("cursor.back"):
            self._go_along(self.jumps, self.ahead)

    def action_cursor_forward(self) -> None:
        """Go where one was before going back."""
        if not self.say_why_not("cursor.forward"):
            self._go_along(self.ahead, self.jumps)

    def _go_along(self, way: list[int], behind: list[int]) -> None:
        """Go to the last trace of a way, remembering for the way back where one was."""
        if self.current.cursor_seq >= 0:
            behind.append(self.current.cursor_seq)
        self.unpin()
        self.current.show_seq(way.pop())

    def action_scroll_left(self) -> None:
        """Scroll the detail, or what the view shows, to the left."""
        if not self.detail.has_focus_within and self.current.pan(-1):
            return
        self.detail.view.shift_x = max(self.detail.view.shift_x - 20, 0)
        self.detail.view.changed()

    def action_scroll_right(self) -> None:
        """Scroll the detail to the right, where lines are not wrapped, or what the view shows."""
        if not self.detail.has_focus_within and self.current.pan(1):
            return
        if not self.detail.view.document.wrap:
            self.detail.view.shift_x += 20
            self.detail.view.changed()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Follow the cursor with the detail, a moment later; at once after a rest."""
        if message.sender_id != self.current.id:
            return
        if self._detail_timer is not None:
            self._detail_timer.stop()
        before, self._moved = self._moved, time.monotonic()
        rested = self._moved - before > REST_SECONDS
        self._detail_timer = self.set_timer(
            DETAIL_AT_ONCE_SECONDS if rested else DETAIL_SECONDS, self.show_detail
        )
        self.query_one("#truth", Bar).refresh()
        self.query_one("#why", Bar).refresh()
        self.query_one(MinimapBar).refresh()

    def on_trace_chosen(self, message: TraceChosen) -> None:
        """Go to a trace that was clicked."""
        message.stop()
        self.jump(message.seq)
        self.to_view()

    def _move(self, step: int) -> None:
        target, before = self.active(), self.active().cursor
        target.move(step)
        if target.cursor != before and target is not self.facets.list:
            self.unpin()

    def _step(self, by: int) -> None:
        before = self.current.cursor
        self.current.step(by)
        if self.current.cursor != before:
            self.unpin()

    def _page(self) -> int:
        return self.active().page
