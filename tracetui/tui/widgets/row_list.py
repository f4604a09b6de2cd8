"""Rows of any kind, a line each, drawn by a pure function: what dialogs list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tracetui.tui.widgets.lines import Lines

Pieces = list[tuple[str, str]]


Row = TypeVar("Row")


class RowList(Lines, Generic[Row]):
    """A list whose rows are values; ``draw`` gives the line of one in so many cells."""

    def __init__(
        self,
        draw: Callable[[Row, int], Pieces],
        rows: Sequence[Row] = (),
        *,
        id: str,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.draw, self.rows = draw, rows

    def row_count(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def row_pieces(self, row: int, width: int) -> Pieces:
        """Return what a row says."""
        return self.draw(self.rows[row], width)

    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.rows = rows
        self.changed()

    @property
    def current(self) -> Row | None:
        """The row under the cursor, None in an empty list."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None
