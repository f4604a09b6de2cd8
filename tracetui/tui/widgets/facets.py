"""The filter panes on the screen: types, tags and times with live counts, and the command they amount to."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tracetui.model.text import printable
from tracetui.tui.messages import FilterChanged, PanesClosed, RowActivated
from tracetui.tui.view.facets import EXCLUDE, INCLUDE, Facets
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.lines import Lines


class FacetsList(Lines):
    """The rows of the panes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,plus,i", "include", show=False),
        Binding("x,minus", "exclude", show=False),
        Binding("c", "clear", show=False),
        Binding("escape", "close", show=False),
    ]

    def __init__(self, facets: Facets) -> None:
        super().__init__(id="facets-list")
        self.facets = facets

    def row_count(self) -> int:
        """Return the number of rows."""
        return len(self.facets.rows)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        return self.facets.pieces(row, width)

    def fold_columns(self, row: int) -> range:  # noqa: ARG002 - the same for every row
        """Return the cells of the check mark."""
        return range(1, 4)

    def action_include(self) -> None:
        """Include the value under the cursor."""
        self._turn(INCLUDE)

    def action_exclude(self) -> None:
        """Exclude the value under the cursor."""
        self._turn(EXCLUDE)

    def _turn(self, way: str) -> None:
        if self.facets.turn(self.cursor, way):
            self.post_message(FilterChanged(self.facets.text()))
            self.changed()

    def action_clear(self) -> None:
        """Choose nothing."""
        self.facets.clear()
        self.post_message(FilterChanged(""))
        self.changed()

    def action_close(self) -> None:
        """Put the panes away."""
        self.post_message(PanesClosed())


class FacetsPane(Vertical):
    """The panes with their title and the command."""

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
        self.recount()
        self.list.focus()
        if self.list.cursor == 0:
            self.list.go_to(1)

    def close(self) -> None:
        """Put the panes away."""
        self.remove_class("open")

    def follow(self, text: str) -> None:
        """Take over a query that was typed."""
        self.facets.follow(text)

    def recount(self) -> None:
        """Count anew, under the filter of now."""
        self.facets.recount()
        text = self.facets.text()
        self._command.update(
            f"tracetui query {printable(text)}" if text else "space includes, x excludes, c clears"
        )
        self.list.changed()

    def include(self) -> None:
        """Include the value under the cursor."""
        self.list.action_include()

    def clear(self) -> None:
        """Choose nothing."""
        self.list.action_clear()

    def on_row_activated(self, message: RowActivated) -> None:
        """Include with the mouse."""
        message.stop()
        self.list.action_include()
