"""The diff view on the screen: this run beside another one, compared in a worker, folded where they are equal."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.binding import Binding, BindingType

from tracetui.analysis.diff import diff
from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.render.cells import cut
from tracetui.tui.actions import DIFF, actions_in
from tracetui.tui.messages import CursorMoved
from tracetui.tui.view import diff_detail, diff_text
from tracetui.tui.view.diff import DiffModel
from tracetui.tui.view.document import Document
from tracetui.tui.view.row_text import RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.run_pane import Pieces, RunPane

AGAIN_SECONDS, SHARE_OF_TIME = 2.0, 5.0
"""A run that goes on is compared again after so long, and after so many times what the last comparison took."""


class DiffView(RunPane):
    """The open run (B) beside another (A)."""

    name_of_view = DIFF
    detail_below: ClassVar[bool] = True
    head_lines: ClassVar[int] = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, action.method, action.title, show=False, id=action.id)
        for action in actions_in(DIFF)
    ]

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(model, style)
        self.other_id = ""
        self.shown: DiffModel | None = None
        self._said = "no run to compare with was chosen; d offers some"
        self._wanted_seq = -1
        self._compared = 0
        self._busy = False
        self._ended, self._took = 0.0, 0.0

    # ---- comparing ---------------------------------------------------------------------------------------

    def compare(self, run_id: str) -> None:
        """Lay another run beside this one; its rows come when the worker has them."""
        self.other_id = run_id
        self.shown = None
        self._said = "comparing the runs…"
        self._wanted_seq = -1
        self._begin()
        self.changed()

    def _begin(self) -> None:
        self._busy = True
        self._compared = self.model.view.count
        self.run_worker(self._compare, thread=True, group="diff", exclusive=True, exit_on_error=False)

    def _compare(self) -> None:
        """In a worker: read the other run, align both."""
        run_id, started = self.other_id, time.monotonic()
        try:
            known = self.shown.models[0] if self.shown is not None else None
            other = known or RunModel(self.model.db, run_id)
            if known is not None:
                known.absorb(known.refresh())
            mine = RunModel(self.model.db, self.model.run.id)  # stands still, and at now
            made = DiffModel(diff(other.view, mine.view), (other, mine))
        except TraceTuiError as problem:
            self.app.call_from_thread(self._fail, run_id, printable(str(problem)))
            return
        self.app.call_from_thread(self._take, run_id, made, time.monotonic() - started)

    def _fail(self, run_id: str, said: str) -> None:
        self._busy = False
        if run_id == self.other_id:
            self._said = said
            self.changed()

    def _take(self, run_id: str, made: DiffModel, took: float) -> None:
        """Show what was compared: at the first divergence, or where one was before."""
        if run_id != self.other_id or not self.is_mounted:
            return
        self._busy = False
        self._ended, self._took = time.monotonic(), took
        before, self.shown = self.shown, made
        if before is not None:
            self._stay(before, made)
        else:
            row = made.row_of_seq(self._wanted_seq) if self._wanted_seq >= 0 else made.first_row
            self.changed()
            self.go_to(max(row, 0))
            self.center()
        self.post_message(CursorMoved(self.id or "", self.cursor))

    def _stay(self, before: DiffModel, made: DiffModel) -> None:
        """Show a new comparison as the one before was shown: same folds, same rows on the screen."""
        made.show_as(before)
        top = self.scroll_offset.y
        held = self.cursor if self.shows(self.cursor) else top
        cursor, now = _same_place(before, made, self.cursor), _same_place(before, made, held)
        self.changed()
        self.hold(cursor, now - (held - top))

    def take_news(self) -> None:
        """Compare again if this run grew, not too often."""
        self.changed()
        grown = self.shown is not None and self._compared != self.model.view.count
        pause = max(AGAIN_SECONDS, SHARE_OF_TIME * self._took)
        if grown and not self._busy and time.monotonic() - self._ended > pause:
            self._begin()

    # ---- what a view is ----------------------------------------------------------------------------------

    def row_count(self) -> int:
        """Return the number of visible rows."""
        return len(self.shown.rows) if self.shown is not None else 1

    def row_pieces(self, row: int, width: int) -> Pieces:
        """Return what a row says."""
        if self.shown is None:
            return [(" " + cut(self._said, width - 2), "dim")]
        return diff_text.row_pieces(self.shown, row, width, self.row_style.glyphs)

    def edge_pieces(self, line: int, width: int) -> Pieces:  # noqa: ARG002 - there is one
        """Return what the signs mean."""
        return diff_text.legend(self.shown, width)

    @property
    def cursor_seq(self) -> int:
        """The trace of the open run under the cursor, −1 where only the other run has one."""
        return self.key_at(self.cursor)

    def key_at(self, row: int) -> int:
        """Return the trace of the open run in a row, −1 where only the other run has one."""
        return self.shown.seqs(row)[1] if self.shown is not None else self._wanted_seq

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on a trace of the open run, unfolding what hides it."""
        if self.shown is None:
            self._wanted_seq = seq
            return True
        row = self.shown.row_of_seq(seq)
        if row >= 0 and self.shown.rows[row].at < 0:
            self.shown.toggle(row, opened=True)
            row = self.shown.row_of_seq(seq)
            self.changed()
        if row >= 0:
            self.go_to(row)
            self.center()
        return row >= 0

    def line_near(self, seq: int) -> int:
        """Return the row of a trace of the open run."""
        row = self.shown.row_of_seq(seq) if self.shown is not None else -1
        return row if row >= 0 else self.cursor

    def go_to_newest(self) -> None:
        """Stay where one is: what is new is compared, and is no reason to leave a difference."""
        self.take_news()

    def step(self, by: int) -> None:
        """Go to the next or previous difference."""
        self._to_difference(by)

    def toggle(self) -> bool:
        """Fold or unfold."""
        return self._toggle(None)

    def fold_all(self, *, folded: bool) -> None:
        """Fold or unfold everything."""
        if self.shown is not None:
            at = self.shown.at(self.cursor)
            self.shown.fold_all(folded=folded)
            self.changed()
            self.go_to(self.shown.row_of(at) if at >= 0 else 0)

    def heading(self, width: int) -> Pieces:
        """Return both runs, and at which difference one is."""
        if self.shown is None:
            return []
        return diff_text.heading(self.shown, self.cursor, width, diff_text.passed_over(self.model))

    def detail(self) -> tuple[Pieces, Document] | None:
        """Return both sides of the row."""
        if self.shown is None:
            return [], Document()
        return diff_detail.title(self.shown, self.cursor), diff_detail.document(self.shown, self.cursor)

    def fold_columns(self, row: int) -> range:
        """Return the cells on which a click folds: all of a folded line."""
        return range(self.size.width) if self.shown is not None and self.shown.rows[row].at < 0 else range(0)

    # ---- actions -----------------------------------------------------------------------------------------

    def action_diff_next(self) -> None:
        """Go to the next difference."""
        self._to_difference(1)

    def action_diff_previous(self) -> None:
        """Go to the previous difference."""
        self._to_difference(-1)

    def _to_difference(self, step: int) -> None:
        if self.shown is None:
            return
        row = self.shown.next_difference(self.cursor, step)
        if row < 0:
            self.notify("the runs do not differ", markup=False, timeout=2)
            return
        self.go_to(row)
        self.center()

    def action_diff_swap(self) -> None:
        """Swap the sides."""
        if self.shown is not None:
            self.shown.swapped = not self.shown.swapped
            self.changed()
            self.post_message(CursorMoved(self.id or "", self.cursor))

    def action_diff_close(self) -> None:
        """Fold."""
        self._toggle(False)

    def action_diff_open(self) -> None:
        """Unfold."""
        self._toggle(True)

    def _toggle(self, opened: bool | None) -> bool:
        row = self.shown.toggle(self.cursor, opened=opened) if self.shown is not None else -1
        if row >= 0:
            self.changed()
            self.go_to(row)
        return row >= 0


def _same_place(before: DiffModel, made: DiffModel, row: int) -> int:
    """Return the row of a new comparison where the traces of a row of the one before stand."""
    a, b = before.seqs(row)
    return made.row_of_seq(b, 1) if b >= 0 else made.row_of_seq(a, 0) if a >= 0 else made.first_row
