"""The list of other places to look at: gives the one that was chosen."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from tracetui.tui.messages import RowActivated
from tracetui.tui.view.header import footer
from tracetui.tui.view.offers import Offer, headline
from tracetui.tui.widgets.bars import Bar
from tracetui.tui.widgets.offers import OfferList


class OfferScreen(ModalScreen[Offer]):
    """Places opened lately, and recordings of this folder."""

    DEFAULT_CSS = """
    OfferScreen { align: center middle; }
    OfferScreen Vertical { width: 90%; height: 70%; background: $surface; border: round $primary; }
    OfferScreen OfferList { height: 1fr; }
    """

    def __init__(self, offers: list[Offer]) -> None:
        super().__init__()
        self.list = OfferList(id="other-places")
        self.list.offers = offers

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical():
            yield Bar(lambda _: [(f" Open: {headline(self.list.offers)}", "heading")], id="offers-title")
            yield self.list
            yield Bar(lambda width: footer([("Enter", "open"), ("Esc", "close")], width), id="offers-keys")

    def on_mount(self) -> None:
        """Take the keys."""
        self.list.focus()

    def on_row_activated(self, message: RowActivated) -> None:
        """Open with a second click."""
        message.stop()
        self._choose()

    def on_key(self, event: events.Key) -> None:
        """Move, choose or leave."""
        event.stop()
        if step := self.list.step_of(event):
            self.list.move(step)
        elif event.key == "enter":
            self._choose()
        elif event.key in ("escape", "q"):
            self.dismiss(None)

    def _choose(self) -> None:
        offer = self.list.current
        if offer is not None and offer.why_not:
            self.notify(offer.why_not, severity="warning", markup=False, timeout=4)
        elif offer is not None:
            self.dismiss(offer)
