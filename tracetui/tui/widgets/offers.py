"""Other places to look at, a line each."""

from __future__ import annotations

from tracetui.model.clock import now_ms
from tracetui.tui.view.offers import Offer, offer_pieces
from tracetui.tui.widgets.lines import Lines


class OfferList(Lines):
    """The places that are offered."""

    def __init__(self, *, id: str = "offers") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.offers: list[Offer] = []

    def row_count(self) -> int:
        """Return the number of places."""
        return len(self.offers)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        return offer_pieces(self.offers[row], width, now_ms())

    def show(self, offers: list[Offer]) -> None:
        """Show other places."""
        self.offers = offers
        self.changed()

    @property
    def current(self) -> Offer | None:
        """The place under the cursor."""
        return self.offers[self.cursor] if self.cursor < len(self.offers) else None
