"""The filter panes on the screen: what there is of each field with live counts, and the command they amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.querying.facets import ValueColumns
from tracetui.querying.panes import EXCLUDE, INCLUDE
from tracetui.tui.actions import FACETS, actions_in
from tracetui.tui.messages import FilterChanged, FilterToSave, PanesClosed, RowActivated, TextWanted
from tracetui.tui.view.facet_text import row_pieces
from tracetui.tui.view.facets import ADD, HEADING, MORE, FacetRow, Facets
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from tracetui.tui.app import ExplorerApp


class FacetsList(Lines):
    """The rows of the panes."""

    app: ExplorerApp
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, action.method, action.title, show=False, id=action.id)
        for action in actions_in(FACETS)
    ]

    def __init__(self, facets: Facets) -> None:
        super().__init__(id="facets-list")
        self.facets = facets
        self._pressed: FacetRow | None = None
        """The stretch of time on which the mouse was pressed, until the next press: a click comes after the release."""
        self._dragged = False

    def row_count(self) -> int:
        """Return the number of rows."""
        return len(self.facets.rows)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        return row_pieces(self.facets, row, width, glyphs(ascii_only=self.app.ascii_only), self.cursor)

    def fold_columns(self, row: int) -> range:  # noqa: ARG002 - the same for every row
        """Return the cells of the check mark."""
        return range(4)

    def watch_cursor(self, before: int, after: int) -> None:
        """Show how far a range that is begun reaches."""
        super().watch_cursor(before, after)
        if self.facets.brushing is not None:
            self.changed()

    # ---- a range of times with the mouse -----------------------------------------------------------------

    @property
    def allow_select(self) -> bool:
        """Whether a press begins to select text: over the histogram of time it begins a range."""
        return super().allow_select and self._row_at(self.app.mouse_position.y - self.region.y) < 0

    def _row_at(self, y: int) -> int:
        """Return the stretch of time at a line of the widget, −1 if there is none."""
        row = y + self.scroll_offset.y
        return row if row in self.facets.stretches() else -1

    @on(events.MouseDown)
    def _press(self, event: events.MouseDown) -> None:
        row = self._row_at(event.y) if event.button == 1 else -1
        self._pressed, self._dragged = (self.facets.rows[row] if row >= 0 else None), False
        if row >= 0:
            self.capture_mouse()

    @on(events.MouseMove)
    def _drag(self, event: events.MouseMove) -> None:
        """Begin the range as soon as the mouse leaves its row; beyond the histogram it ends with it."""
        times = self.facets.stretches()
        if self._pressed is None or self.app.mouse_captured is not self or not times:
            return
        row = max(min(event.y + self.scroll_offset.y, times[-1]), times[0])
        if not self._dragged and self.facets.rows[row] != self._pressed:
            self._dragged, self.facets.brushing = True, self._pressed
        if self._dragged and self.facets.brushing is not None:
            self.cursor = row
            self.changed()

    @on(events.MouseUp)
    def _release(self) -> None:
        if self.app.mouse_captured is self:
            self.let_go()
            if self._dragged and self.facets.brushing is not None and self.facets.brush(self.cursor):
                self._tell()

    def let_go(self) -> None:
        """Listen to the mouse no longer than it is here."""
        self.release_mouse()

    @on(events.Click)
    def _click(self, event: events.Click) -> None:
        """Include a stretch that was pressed and not dragged from, once for two clicks beside its mark."""
        if self._pressed is None:
            return
        event.prevent_default()
        row = self._row_at(event.y)
        if not self._dragged and row >= 0 and (event.chain == 1 or event.x in self.fold_columns(row)):
            self.cursor = row
            self.action_facets_include()

    # ---- actions -----------------------------------------------------------------------------------------

    def action_facets_include(self) -> None:
        """Include the value under the cursor, unfold a pane, show more values, ask for a text."""
        kind = self.facets.rows[self.cursor].kind if self.cursor < len(self.facets.rows) else ""
        if kind == HEADING:
            self._fold(None)
        elif kind == MORE:
            self.facets.show_all(self.cursor)
            self.changed()
        elif kind == ADD:
            self.post_message(TextWanted())
        else:
            self._turn(INCLUDE)

    def action_facets_exclude(self) -> None:
        """Exclude the value under the cursor; let go of a part that no pane shows."""
        self._turn(EXCLUDE)

    def _turn(self, way: str) -> None:
        if self.facets.turn(self.cursor, way):
            self._tell()

    def _tell(self) -> None:
        self.post_message(FilterChanged(self.facets.text()))
        self.changed()

    def action_facets_clear(self) -> None:
        """Choose nothing in this pane."""
        if self.facets.clear_pane(self.cursor):
            self._tell()

    def action_facets_clear_all(self) -> None:
        """Choose nothing."""
        self.facets.clear()
        self._tell()

    def action_facets_brush(self) -> None:
        """Begin a range of times at the row under the cursor, or end it there."""
        if self.facets.brush(self.cursor):
            self._tell()
        elif self.facets.brushing is not None:
            self.notify("move to the other end and press b again", markup=False, timeout=3)
            self.changed()
        else:
            self.notify("a range is chosen among the times", markup=False, timeout=2)

    def action_facets_save(self) -> None:
        """Keep the filter under a name."""
        self.post_message(FilterToSave())

    def action_facets_fold(self) -> None:
        """Fold the pane."""
        self._fold(folded=True)

    def action_facets_unfold(self) -> None:
        """Unfold the pane."""
        self._fold(folded=False)

    def _fold(self, folded: bool | None) -> None:
        row = self.facets.fold(self.cursor, folded=folded)
        if row >= 0:
            self.changed()
            self.go_to(row)

    def action_facets_next(self) -> None:
        """Go to the next pane."""
        self.go_to(self.facets.next_heading(self.cursor, 1))

    def action_facets_previous(self) -> None:
        """Go to the previous pane."""
        self.go_to(self.facets.next_heading(self.cursor, -1))

    def action_facets_close(self) -> None:
        """Let go of a range that is begun, or put the panes away."""
        if self.facets.brushing is not None:
            self.facets.brushing = None
            self.changed()
        else:
            self.post_message(PanesClosed())


class FacetsPane(Vertical):
    """The panes and the command."""

    DEFAULT_CSS = """
    FacetsPane { width: 40; display: none; border-right: solid $surface-lighten-2; }
    FacetsPane.open { display: block; }
    FacetsPane FacetsList { height: 1fr; }
    FacetsPane Static { height: auto; max-height: 4; color: $text-muted; padding: 0 1; }
    """

    def __init__(self, model: RunModel) -> None:
        super().__init__(id="facets")
        self.facets = Facets(model)
        self.list = FacetsList(self.facets)
        self._command = Static("", markup=False)
        self._reading = False
        self._read_rev = -1

    def compose(self) -> ComposeResult:
        """Lay out rows and command."""
        yield self.list
        yield self._command

    @property
    def is_open(self) -> bool:
        """Whether the panes are shown."""
        return self.has_class("open")

    def open(self, text: str) -> None:
        """Show the panes for the filter that is set."""
        self.follow(text)
        self.add_class("open")
        if self.facets.columns is not None and self._read_rev != self.facets.model.columns.rev:
            self._read()  # what was amended since may have other names
        self.recount()
        self.list.focus()
        if self.list.cursor == 0:  # once it has its height: else the list would scroll to its only line
            self.call_after_refresh(self.list.go_to, 1)

    def close(self) -> None:
        """Put the panes away."""
        self.list.let_go()
        self.remove_class("open")

    def follow(self, text: str) -> None:
        """Take over a query that was typed."""
        self.facets.follow(text)
        if self.is_open:
            self.recount()

    def recount(self) -> None:
        """Count anew, under the filter of now; the cursor stays with its row."""
        here = self._here()
        self.facets.recount()
        if self.facets.needs_reading():
            self._read()
        chosen = bool(self.facets.text())
        said = self.facets.command() if chosen else "Space includes, x excludes, c clears"
        self._command.update(printable(said))
        self.list.changed()
        self._go_back_to(here)

    def _here(self) -> tuple[str, str, str]:
        rows, at = self.facets.rows, self.list.cursor
        return (rows[at].field, rows[at].kind, rows[at].label) if at < len(rows) else ("", "", "")

    def _go_back_to(self, here: tuple[str, str, str]) -> None:
        if here[0] and self._here() != here:
            rows = [(row.field, row.kind, row.label) for row in self.facets.rows]
            heading = self.facets.heading_of(here[0])
            if here in rows:
                self.list.go_to(rows.index(here))
            elif heading >= 0:
                self.list.go_to(heading)

    def _read(self) -> None:
        """Let a worker read what stands in bodies."""
        if not self._reading:
            self._reading = True
            self.run_worker(self._read_columns, thread=True, group="facets", exit_on_error=False)

    def _read_columns(self) -> None:
        """In a worker: read names, models and durations, by a handle of its own, which stands still."""
        model = self.facets.model
        try:
            view = model.db.view(model.run.id)
            found, rev = ValueColumns.read(view), view.rev
        except TraceTuiError as problem:
            self.app.call_from_thread(self.notify, printable(str(problem)), severity="error", markup=False)
            return
        self.app.call_from_thread(self._take_columns, found, rev)

    def _take_columns(self, found: ValueColumns, rev: int) -> None:
        self._reading = False
        self._read_rev = rev
        self.facets.columns = found
        if self.is_open:
            self.recount()

    def on_row_activated(self, message: RowActivated) -> None:
        """Include with the mouse."""
        message.stop()
        self.list.action_facets_include()
