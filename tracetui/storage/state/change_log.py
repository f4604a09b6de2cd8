"""Every change of a run by rev: what it was, whom it concerned, and what is kept of it beside the columns."""

from __future__ import annotations

from typing import Any, ClassVar

from tracetui.storage.decide import RUN, TRACE
from tracetui.storage.state.columns import Base, Columns
from tracetui.storage.state.gaps import Gaps

Note = tuple[int, str, int, Any]
"""An annotation: row of its trace, id, time, and where its body lies."""


class ChangeLog(Columns):
    """The changes of a run in the order of commits; also its notes and its own changes, which are few."""

    ROOM = "changes"
    CODES: ClassVar = {"codes": "b", "rows": "i", "items": "i"}
    codes: Any
    rows: Any
    """Row of the trace concerned, −1 for the run."""
    items: Any
    """Number of the addition, note or run change in the list of its kind; −1 for a trace."""

    def __init__(self, base: Base | None = None) -> None:
        kept: dict[str, Any] = {"changes": 0} if base is None else base.value("run")
        super().__init__(base, kept["changes"])
        self.gaps = Gaps.unpack(kept.get("rev_gaps", ()))
        self.notes: list[Note] = [
            (row, name, time, tuple(ref)) for row, name, time, ref in kept.get("notes", ())
        ]
        self.run_changes: list[dict[str, Any]] = list(kept.get("run_changes", ()))

    def __len__(self) -> int:
        return self._covered if self._is_fixed else len(self.codes)

    @property
    def rev(self) -> int:
        """The rev that the next change will get."""
        return self.gaps.number(len(self))

    def add(self, code: int, row: int, item: int = -1) -> None:
        """Note a change."""
        if self._is_fixed:
            self.grow()
        self.codes.append(code)
        self.rows.append(row)
        self.items.append(item)

    def add_traces(self, rows: range) -> None:
        """Note new traces."""
        if self._is_fixed:
            self.grow()
        self.codes.extend(bytes([TRACE]) * len(rows))
        self.rows.extend(rows)
        self.items.extend([-1] * len(rows))

    def add_run_change(self, values: dict[str, Any]) -> None:
        """Note a change of the run itself."""
        self.add(RUN, -1, len(self.run_changes))
        self.run_changes.append(values)

    def kept(self) -> dict[str, Any]:
        """Return what an index keeps of this beside the columns."""
        return {
            "changes": len(self), "rev_gaps": self.gaps.pack(), "notes": self.notes,
            "run_changes": self.run_changes,
        }  # fmt: skip
