"""Runs to compare one with: those of its name first, and which of them is offered. Pure, but for reading the store."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.errors import TraceTuiError
from tracetui.model.run import Run
from tracetui.store.database import Database
from tracetui.tui.view.board import Board, PickerRow
from tracetui.tui.view.picker import PickerModel

LOOKED_AT = 40
"""Runs of the same name whose verdict is worked out, newest first, until a good one is found."""


class RunChoice:
    """The runs beside one, newest of its name first, and the row that is offered: its newest good one."""

    def __init__(self, picker: PickerModel, rows: Sequence[PickerRow], run: Run) -> None:
        self.picker = picker
        others = [row for row in rows if row.run.id != run.id]
        self._all = [row for row in others if row.run.name == run.name]
        self._all += [row for row in others if row.run.name != run.name]
        self._like = sum(row.run.name == run.name for row in others)
        self.rows = self._all
        self.offered = self._offered()

    def _offered(self) -> int:
        like = self.rows[: self._like]
        for labels in (("OK",), ("ENDED",)):
            for number, row in enumerate(like):
                if row.label in labels:
                    return number
        return next((number for number, row in enumerate(like) if not row.is_bad), 0)

    def filter(self, text: str) -> None:
        """Keep the runs that have every word in name, id, verdict or tags."""
        words = text.casefold().split()
        self.rows = [row for row in self._all if all(word in _said(row) for word in words)]


def _said(row: PickerRow) -> str:
    run = row.run
    return " ".join([run.name or "", run.id, row.label, *run.tags]).casefold()


def choice_for(db: Database, run: Run) -> RunChoice:
    """Return the runs to choose from; makes the cards of a few runs of the same name that have none yet."""
    picker, board = PickerModel(db), Board(db)
    rows = board.rows() or []
    like = [row for row in rows if row.run.name == run.name and row.run.id != run.id]
    for row in like[:LOOKED_AT]:
        if row.card is None:
            try:
                row.card = board.make(row.run)
            except TraceTuiError:
                continue  # a run that cannot be read is listed without a verdict
        if row.label == "OK":
            break
    return RunChoice(picker, rows, run)
