"""What every view of a run is to its screen: a list of lines whose cursor stands on a trace."""

from __future__ import annotations

from typing import ClassVar

from tracetui.tui.view.row_text import RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.lines import Lines


class RunPane(Lines):
    """One view of a run. Going from view to view keeps the trace under the cursor.

    A view is one file here and one model without Textual in ``tui/view``; ``tui/widgets/views.py`` lists them.
    """

    name_of_view: ClassVar[str]
    """As ``--view`` and the actions say it."""
    full_width: ClassVar[bool] = True
    """Whether it takes the whole body; the detail is then shown on Enter."""

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(id=self.name_of_view)
        self.model = model
        self.row_style = style

    @property
    def cursor_seq(self) -> int:
        """The trace under the cursor, −1 if there is none."""
        raise NotImplementedError  # pragma: no cover - every view says it

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on a trace, unfolding what hides it; return whether it can be shown."""
        raise NotImplementedError  # pragma: no cover - every view says it

    def go_near(self, seq: int) -> None:
        """Put the cursor on a trace, or on what stands nearest to it."""
        self.show_seq(seq)

    def take_news(self) -> None:
        """Show what the model holds now: more traces, another filter, other folds."""
        self.changed()
