"""The transcript of a run on the screen: what the model saw and said, step by step."""

from __future__ import annotations

from tracetui.tui.view.prose import Row
from tracetui.tui.view.row_text import RowStyle, highlighted
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.transcript import Transcript
from tracetui.tui.widgets.lines import Lines
from tracetui.tui.widgets.run_pane import Place, RunPane


class TranscriptView(RunPane):
    """Entries of one run; what is on the screen and a screen around it is laid out, the rest estimated."""

    name_of_view = "transcript"

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(model, style)
        self.transcript = Transcript(model)
        self._settling = False

    def row_count(self) -> int:
        """Return the number of lines, as far as it is known."""
        return len(self.transcript)

    def row_pieces(self, row: int, width: int) -> Row:  # noqa: ARG002 - laid out before
        """Return what a line says, hits of the search marked."""
        pattern = self.model.search.pattern if self.model.search.text else None
        pieces = self.transcript.pieces(row)
        if pattern is None:
            return pieces
        return [found for text, role in pieces for found in highlighted(text, role, pattern)]

    @property
    def cursor_seq(self) -> int:
        """The trace whose entry the cursor is in, −1 if there is none."""
        return self.key_at(self.cursor)

    def key_at(self, row: int) -> int:
        """Return the trace whose entry a line is in, −1 if there is none."""
        return self.transcript.seq_at(row)

    @property
    def _number(self) -> int:
        return self.transcript.heights.locate(self.cursor)[0] if len(self.transcript.seqs) else -1

    # ---- laying out --------------------------------------------------------------------------------------

    def resize_rows(self) -> None:
        """Lay out for the width there is."""
        width = self.scrollable_content_region.width
        if width and self.transcript.set_width(width):
            self._settle()
        super().resize_rows()

    def watch_cursor(self, before: int, after: int) -> None:  # noqa: ARG002 - laying out may move it on
        """Lay out what the cursor came to."""
        self._settle()
        super().watch_cursor(before, self.cursor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lay out what came into view."""
        super().watch_scroll_y(old_value, new_value)
        self._settle()

    def _settle(self) -> None:
        """Measure what is on the screen and a screen around it; cursor and view stay with what they show."""
        heights, count = self.transcript.heights, len(self.transcript.seqs)
        if self._settling or not count:
            return
        self._settling = True
        total = len(heights)
        cursor, top = heights.locate(self.cursor), heights.locate(round(self.scroll_offset.y))
        for number in {cursor[0], top[0]}:
            self._measure_around(number, count)
        if len(heights) != total:
            self._put_back(cursor, top, 0)
        self._settling = False

    def _measure_around(self, number: int, count: int) -> None:
        heights, page = self.transcript.heights, self.page
        room, at = 2 * page, number
        while at < count and room > 0:
            self.transcript.measure(at)
            room -= heights[at]
            at += 1
        room, at = page, number - 1
        while at >= 0 and room > 0:
            self.transcript.measure(at)
            room -= heights[at]
            at -= 1

    def _put_back(self, cursor: tuple[int, int], held: tuple[int, int], at: int) -> None:
        """Put cursor and view where they were, among entries whose heights are others now; ``held`` is line ``at``."""
        line, held_line = self._line(cursor), self._line(held)
        self.set_reactive(Lines.cursor, line)
        self._version += 1
        self._strips.clear()
        super().resize_rows()
        self.hold(line, held_line - at)
        self.refresh()

    def _line(self, told: tuple[int, int]) -> int:
        """Return the line that is so far in an entry, or its last."""
        heights = self.transcript.heights
        return heights.top(told[0]) + min(told[1], heights[told[0]] - 1)

    # ---- going -------------------------------------------------------------------------------------------

    def go_to(self, row: int) -> None:
        """Put the cursor on a line; the end is the end, whatever was estimated."""
        last = len(self.transcript.seqs) - 1
        if last >= 0 and row >= self.row_count() - 1 and not self.transcript.heights.is_measured(last):
            self._measure_around(last, last + 1)
            self.changed()
            row = self.row_count() - 1
        super().go_to(row)

    def _go_to_entry(self, number: int) -> None:
        """Put the cursor on the first line of an entry, the entry near the top of the screen."""
        if number < 0:
            return
        self._measure_around(number, len(self.transcript.seqs))
        self.changed()
        line = self.transcript.heights.top(number)
        self.go_to(line)
        line = self.transcript.heights.top(number)
        top = self.scroll_offset.y
        if not top <= line < top + self.page * 2 // 3:
            self._scroll_rows(max(line - self.page // 4, 0))

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on the entry of a trace, or what it is below; return whether there is any."""
        self.transcript.sync()
        self._go_to_entry(self.transcript.number_of(seq))
        return len(self.transcript.seqs) > 0

    def line_near(self, seq: int) -> int:
        """Return the first line of the entry of a trace, or of what it is below."""
        number = self.transcript.number_of(seq)
        return self.transcript.heights.top(number) if number >= 0 else 0

    def go_near(self, seq: int) -> None:
        """Put the cursor on the entry of a trace."""
        if seq != self.cursor_seq:
            self._go_to_entry(self.transcript.number_of(seq))

    def stay_at(self, place: Place) -> None:
        """Keep cursor and view in their entries: what is not on the screen may have another height than it had."""
        count = len(self.transcript.seqs) if self.transcript.sync() else 0
        if count:
            self._settling = True
            cursor, held = self._entry_of(place.cursor), self._entry_of(place.held)
            for number in {cursor[0], held[0]}:
                self._measure_around(number, count)
            self._put_back(cursor, held, place.at)
            self._settling = False
        self.changed()

    def _entry_of(self, told: tuple[int, int]) -> tuple[int, int]:
        """Return the entry of a line that a place tells of, and how far in it is."""
        key, offset = told
        return (max(self.transcript.number_of(key), 0), offset) if key != -1 else (0, 0)

    def step(self, by: int) -> None:
        """Go to the next or previous model step or turn."""
        number = self._number
        if number >= 0:
            self._go_to_entry(self.transcript.step_from(number, by))

    # ---- folding -----------------------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Show more of the entry under the cursor, or less."""
        return self._number >= 0 and self._refold(self.transcript.toggle)

    def fold(self, *, more: bool) -> bool:
        """Show more of the entry under the cursor, or less."""
        level = self.transcript.level(self.cursor_seq) + (1 if more else -1)
        return self._number >= 0 and self._refold(lambda number: self.transcript.set_level(number, level))

    def _refold(self, change: object) -> bool:
        number, offset = self.transcript.heights.locate(self.cursor)
        changed = bool(callable(change) and change(number))
        if changed:
            height = self.transcript.heights[number]
            self.set_reactive(Lines.cursor, self.transcript.heights.top(number) + min(offset, height - 1))
            self.changed()
            self._settle()
            self.keep_in_view()
        return changed

    def fold_all(self, *, folded: bool) -> None:
        """Show first lines alone, or the beginning of everything, or all of it."""
        number = self._number
        self.transcript.set_all(folded=folded)
        self._go_to_entry(number)

    def take_news(self) -> None:
        """Show the entries that there are now."""
        self.stay_at(self.place())
