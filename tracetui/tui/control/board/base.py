"""The parts of the run picker, and what all rooms of its control do with them: say where one is, draw anew, do and say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.screen import Screen

from tracetui.errors import TraceTuiError
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.tui.view.board import PickerRow
from tracetui.tui.view.offers import Offer, offer_pieces
from tracetui.tui.view.picker import PickerModel
from tracetui.tui.widgets.bars import Bar
from tracetui.tui.widgets.lines import Lines
from tracetui.tui.widgets.prompt import Prompt
from tracetui.tui.widgets.row_list import RowList
from tracetui.tui.widgets.runs import Preview, RunList

if TYPE_CHECKING:
    from tracetui.tui.app import ExplorerApp


def offer_list(name: str, offers: Sequence[Offer] = ()) -> RowList[Offer]:
    """Return a list of other places."""
    return RowList(lambda offer, width: offer_pieces(offer, width, now_ms()), offers, id=name)


class BoardScreen(Screen[None]):
    """The runs of a store: their model, the widgets that show it, and which run one is on."""

    app: ExplorerApp

    def __init__(self, model: PickerModel) -> None:
        super().__init__()
        self.model = model
        self.list = RunList(model)
        self.preview = Preview()
        self.offers: RowList[Offer] = offer_list("offers")
        self.prompt = Prompt()
        self.touched = False
        """Whether somebody was at the keys: from then on the cursor stays with its run."""

    def disabled_reason(self, action: str) -> str | None:
        """Return why an action can do nothing now, None if it can."""
        raise NotImplementedError  # pragma: no cover - the screen says it

    def reload(self) -> None:
        """List the runs anew."""
        raise NotImplementedError  # pragma: no cover - a room says it

    def offer_where_empty(self) -> None:
        """Offer other places on a board without runs."""
        raise NotImplementedError  # pragma: no cover - a room says it

    def open_offer(self) -> None:
        """Open the place under the cursor of an empty board."""
        raise NotImplementedError  # pragma: no cover - a room says it

    @property
    def lines(self) -> Lines:
        """The lines that keys move in."""
        return self.offers if self.has_class("empty") else self.list

    @property
    def current(self) -> PickerRow | None:
        """The run under the cursor."""
        rows = self.model.rows
        return rows[self.list.cursor] if self.list.cursor < len(rows) else None

    @property
    def current_id(self) -> str:
        """Id of the run under the cursor, "" if there is none."""
        row = self.current
        return row.run.id if row is not None else ""

    def show(self, run_id: str) -> None:
        """Draw the rows anew, the cursor on a run; without one where it is, or where a look should begin."""
        self.set_class(self.model.is_listed and not self.model.total, "empty")
        row = self.model.row_of(run_id) if run_id else -1
        if row >= 0:
            self.list.set_reactive(Lines.cursor, row)
        elif not self.touched:
            self.list.go_to(self.model.first_to_show())
        self.list.changed()
        self.list.keep_in_view()
        self.show_card()
        self.offer_where_empty()

    def keeping_place(self, change: Callable[[], object]) -> None:
        """Do something to the rows; the cursor stays with its run."""
        here = self.current_id
        change()
        self.show(here)

    def show_card(self) -> None:
        """Show the card of the run under the cursor, and the lines around."""
        self.preview.show(self.current)
        for bar in self.query(Bar):
            bar.refresh()

    def say_why_not(self, action: str) -> bool:
        """Say why an action can do nothing now; return whether that is so."""
        reason = self.disabled_reason(action)
        if reason is not None:
            self.notify(reason, markup=False, timeout=2)
        return reason is not None

    def doing(self, action: Callable[[], object]) -> None:
        """Change something in the store, say what went wrong, and look again."""
        try:
            action()
        except TraceTuiError as problem:
            self.notify(printable(str(problem)), severity="error", markup=False)
        self.reload()
