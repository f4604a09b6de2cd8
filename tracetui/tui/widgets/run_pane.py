"""What every view of a run is to its screen: a list of lines whose cursor stands on a trace."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from tracetui.tui.view.document import Document
from tracetui.tui.view.row_text import RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.lines import Lines

Pieces = list[tuple[str, str]]


class Place(NamedTuple):
    """Where one is in a view, told by what is there: numbers of lines do not outlive news.

    A line is told by the key of what it shows and how many lines it is from the line nearest to that key.
    """

    cursor: tuple[int, int]
    held: tuple[int, int]
    """The line that stays where it is on the screen: the cursor's if it is in view, else the topmost."""
    at: int
    """Which line of the screen that is."""


class RunPane(Lines):
    """One view of a run. Going from view to view keeps the trace under the cursor.

    A view is one file here and one model without Textual in ``tui/view``; ``tui/widgets/views.py`` lists them.
    """

    name_of_view: ClassVar[str]
    """As ``--view`` and the actions say it; the scope of its own actions too."""
    full_width: ClassVar[bool] = True
    """Whether it takes the whole body; the detail is then shown on Enter."""
    has_axis: ClassVar[bool] = False
    """Whether it lies on an axis that can be zoomed."""
    detail_below: ClassVar[bool] = False
    """Whether it takes the whole width, and the detail stands below it where there is room."""

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(id=self.name_of_view)
        self.model = model
        self.row_style = style

    @property
    def cursor_seq(self) -> int:
        """The trace under the cursor, −1 if there is none."""
        raise NotImplementedError  # pragma: no cover - every view says it

    def key_at(self, row: int) -> int:
        """Return what a line shows, for going back to it: a trace, or what else a view has rows of; −1 for nothing."""
        raise NotImplementedError  # pragma: no cover - every view says it

    @property
    def cursor_place(self) -> int:
        """The key of the line that the cursor stands on."""
        return self.key_at(self.cursor)

    def place(self) -> Place:
        """Return where one is, for ``stay_at``; asked before anything changes."""
        top = self.scroll_offset.y
        held = self.cursor if self.shows(self.cursor) else top
        return Place(self._told(self.cursor), self._told(held), held - top)

    def _told(self, row: int) -> tuple[int, int]:
        key = self.key_at(row)
        return key, row - self.line_near(key) if key != -1 else row

    def _line_of(self, told: tuple[int, int]) -> int:
        key, offset = told
        line = self.line_near(key) + offset if key != -1 else offset
        return max(min(line, self.row_count() - 1), 0)

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on a trace, unfolding what hides it; return whether it can be shown."""
        raise NotImplementedError  # pragma: no cover - every view says it

    def line_near(self, seq: int) -> int:
        """Return the line that shows a trace, or stands nearest to it; no fold is opened."""
        raise NotImplementedError  # pragma: no cover - every view says it

    def go_near(self, seq: int) -> None:
        """Put the cursor on a trace, or on what stands nearest to it; no fold is opened."""
        self.go_to(self.line_near(seq))
        self.center()

    def stay_at(self, place: Place) -> None:
        """Keep the cursor on its row, and what one looks at where it is on the screen, whatever came above it."""
        self.take_news()
        self.hold(self._line_of(place.cursor), self._line_of(place.held) - place.at)

    def go_to_newest(self) -> None:
        """Put the cursor on the newest trace, without opening a fold."""
        self.take_news()
        self.go_near(self.model.view.count - 1)

    @property
    def tree_row(self) -> int:
        """The row of the tree that the cursor stands on, −1 where the view shows no rows of the tree."""
        return -1

    def go_to_tree_row(self, row: int) -> None:
        """Put the cursor on a row of the tree; nothing where the view shows none."""

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (−1) sibling, or step of the view."""
        if self.tree_row >= 0:
            self.go_to_tree_row(self.model.tree.sibling_row(self.tree_row, by))

    def toggle(self) -> bool:
        """Fold or unfold what is under the cursor; return whether that changed anything."""
        return self.tree_row >= 0 and self.model.tree.toggle(self.tree_row)

    def fold(self, *, more: bool) -> bool:  # noqa: ARG002 - for subclasses
        """Show more or less of what is under the cursor, in a view that folds by itself; return whether it did."""
        return False

    def fold_all(self, *, folded: bool) -> None:
        """Fold or unfold everything."""
        (self.model.tree.fold_all if folded else self.model.tree.unfold_all)()

    def to_gap_before(self, seq: int) -> None:
        """Put the cursor on the idle gap before a trace; nothing where the view shows no gaps."""

    def pan(self, direction: int) -> bool:  # noqa: ARG002 - for subclasses
        """Move what is shown to the left (−1) or right (1); return whether the view can."""
        return False

    def open_rows(self) -> list[int]:
        """Return the lines on the screen of calls that still run: their durations tick."""
        return []

    def tick(self) -> None:
        """Show how long calls that still run have taken by now."""
        if self.open_rows():
            self.changed()

    def take_news(self) -> None:
        """Show what the model holds now: more traces, another filter, other folds."""
        self.changed()

    def heading(self, width: int) -> Pieces:  # noqa: ARG002 - for views
        """Return what the screen's second line says instead of why the run ended, [] for nothing."""
        return []

    def detail(self) -> tuple[Pieces, Document] | None:
        """Return title and document of the row under the cursor, None for those of its trace."""
        return None
