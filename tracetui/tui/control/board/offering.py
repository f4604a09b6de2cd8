"""Other places from the board: stores and recordings opened lately, and what other tools recorded of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracetui.importing.discovery import recordings_of
from tracetui.tui.control.board.base import BoardScreen, offer_list
from tracetui.tui.screens.listing import Choice, ListScreen
from tracetui.tui.view.offers import Offer, folder_offers, headline, recent_offers
from tracetui.tui.view.picker import PickerModel


class Offering(BoardScreen):
    """Looks for recordings in a worker; in a browser none are offered, since they are the server's."""

    def __init__(self, model: PickerModel) -> None:
        super().__init__(model)
        self._offered = False

    def offer_where_empty(self) -> None:
        """Offer other places on a board without runs, once."""
        if self.has_class("empty") and not self._offered and not self.app.is_web:
            self._offered = True
            self._gather(self._show_offers)

    def _show_offers(self, offers: list[Offer]) -> None:
        self.offers.show(offers)
        self.set_class(bool(offers), "offering")
        if self.has_class("empty") and offers:
            self.offers.focus()
        self.show_card()

    def action_picker_elsewhere(self) -> None:
        """Offer what was opened lately, and this folder's recordings."""
        self._gather(self._offer)

    def _offer(self, offers: list[Offer]) -> None:
        if not offers:
            self.notify(
                "nothing else was opened lately, and nothing recorded in this folder", markup=False, timeout=4
            )
        elif self.is_current:
            rows = offer_list("other-places", offers)
            title = f"Open: {headline(offers)}"
            dialog = ListScreen(title, rows, {"enter": "open"}, refusal=lambda offer: offer.why_not)
            self.app.push_screen(dialog, self._open)

    def _open(self, choice: Choice[Offer] | None) -> None:
        if choice is not None:
            self.app.open_elsewhere(choice.row.source)

    def open_offer(self) -> None:
        """Open the place under the cursor of an empty board."""
        offer = self.offers.current
        if offer is not None and offer.why_not:
            self.notify(offer.why_not, severity="warning", markup=False, timeout=4)
        elif offer is not None:
            self.app.open_elsewhere(offer.source)

    def _gather(self, tell: Callable[[list[Offer]], None]) -> None:
        recent = recent_offers(self.app.state.read("recent"), self.app.source)

        def look() -> None:
            found = folder_offers(recordings_of(Path.cwd()))
            known = {offer.source.location for offer in found}
            offers = [*(offer for offer in recent if offer.source.location not in known), *found]
            self.app.call_from_thread(tell, sorted(offers, key=lambda offer: bool(offer.why_not)))

        self.run_worker(look, thread=True, group="offers", exclusive=True, exit_on_error=False)
