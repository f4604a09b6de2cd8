"""The run picker: a live board of the runs of a store, with a preview of the one under the cursor.

It lays out, says which keys work now, and goes back; what keys do is in ``tracetui.tui.control.board``.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.widgets import Static

from tracetui.model.text import printable
from tracetui.render.cells import cut_middle, pad
from tracetui.tui.actions import PICKER, actions_of, first_key
from tracetui.tui.control.board.changing import Changing
from tracetui.tui.control.board.keeping import Keeping
from tracetui.tui.control.board.offering import Offering
from tracetui.tui.view.header import footer
from tracetui.tui.view.offers import headline
from tracetui.tui.view.picker_rows import heading, sort_at
from tracetui.tui.widgets.bars import Bar

SIDE_BY_SIDE_FROM = 100
"""Width in cells from which on the card is beside the runs; narrower, a brief one is below them."""
BELOW_FROM = 18
"""Height in lines from which on there is room for a card below the runs."""
BRIEF_LINES = 8
EMPTY = """
  No runs here yet.

  Record one:       tracetui run start my-run
                    tracetui record thought "hello"
  Open a recording: tracetui open FILE     (`tracetui formats` lists which)
  See an example:   tracetui demo          (a run that failed, one that worked)
"""
_NEEDS_RUN = {
    "run.open", "picker.rename", "picker.delete", "picker.pin", "picker.tag", "picker.mark", "picker.diff",
}  # fmt: skip


class PickerScreen(Changing, Keeping, Offering):
    """All runs of the store."""

    DEFAULT_CSS = f"""
    PickerScreen #board {{ height: 1fr; layout: horizontal; }}
    PickerScreen RunList {{ width: 3fr; height: 1fr; }}
    PickerScreen #nothing {{ display: none; height: 1fr; width: 1fr; }}
    PickerScreen #nothing Static {{ height: auto; }}
    PickerScreen #nothing Bar, PickerScreen #nothing RowList {{ display: none; }}
    PickerScreen.offering #nothing Bar {{ display: block; }}
    PickerScreen.offering #nothing RowList {{ display: block; height: 1fr; }}
    PickerScreen.stacked #board {{ layout: vertical; }}
    PickerScreen.stacked RunList {{ width: 1fr; }}
    PickerScreen.stacked Preview {{ width: 1fr; height: {BRIEF_LINES}; border-left: none; border-top: solid $surface-lighten-2; }}
    PickerScreen.low Preview {{ display: none; }}
    PickerScreen.empty RunList, PickerScreen.empty Preview {{ display: none; }}
    PickerScreen.empty #nothing {{ display: block; }}
    PickerScreen.empty #heading {{ display: none; }}
    """
    BINDINGS = [  # noqa: RUF012 - Textual's name and shape
        Binding(action.keys, action.method, action.title, show=False, id=action.id)
        for action in actions_of(PICKER)
        if action.keys
    ]

    def compose(self) -> ComposeResult:
        """Lay out title, rows, preview."""
        yield Bar(self._title, id="title")
        yield Bar(lambda width: heading(self.list.size.width or width, self.model.sort), id="heading")
        with Container(id="board"):
            yield self.list
            yield self.preview
            with Vertical(id="nothing"):
                yield Static(EMPTY, markup=False)
                yield Bar(
                    lambda _: [(f"  Or open with Enter: {headline(self.offers.rows)}", "heading")],
                    id="offered",
                )
                yield self.offers
        yield self.prompt
        yield Bar(lambda width: footer(self._keys(), width), id="footer")

    def on_resize(self) -> None:
        """Put the card beside the runs, below them, or away."""
        size = self.app.size
        stacked = size.width < SIDE_BY_SIDE_FROM
        self.preview.brief = stacked
        self.set_class(stacked, "stacked")
        self.set_class(stacked and size.height < BELOW_FROM, "low")

    def on_click(self, event: events.Click) -> None:
        """Sort by the column whose title was clicked."""
        self.touched = True
        if event.widget is not None and event.widget.id == "heading":
            self.sort_by(sort_at(event.x, self.list.size.width))

    def _title(self, width: int) -> list[tuple[str, str]]:
        model = self.model
        said = f"{model.counts()}   sort: {model.sort} {'^' if model.reverse else 'v'}"
        if model.filter:
            said = f"filter: {printable(model.filter)}   {len(model.rows):,} of {said}"
        alarm = f" {len(model.alarmed)} failed meanwhile " if model.alarmed else ""
        room = width - len(said) - len(alarm) - 2
        where = cut_middle(printable(self.app.place), max(room - 12, 8))
        return [(pad(f" tracetui  {where}", room), "title"), (alarm, "verdict bad"), (f" {said} ", "dim")]

    def _keys(self) -> list[tuple[str, str]]:
        if self.prompt.is_open:
            own = [("Tab", "complete")] if self.prompt.purpose == "runs" else []
            return [("Enter", "keep"), ("Esc", "clear" if own else "leave"), *own]
        shown = actions_of(PICKER, self.app.actions)
        return [
            (first_key(action), action.footer)
            for action in shown
            if action.footer and action.keys and self.disabled_reason(action.id) is None
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Let keys go to the prompt while it asks."""
        return not self.prompt.is_open

    def disabled_reason(self, action: str) -> str | None:
        """Return why an action can do nothing now, None if it can."""
        if action == "run.open" and self.offers.current is not None and self.has_class("empty"):
            return None
        if action in _NEEDS_RUN and self.current is None:
            return "there is no run here"
        if action == "picker.diff" and self.model.sides(self.current_id) is None:
            return "mark another run with space: there is no good run of this name to compare with"
        return None

    def action_picker_back(self) -> None:
        """Clear the filter, then the marks, then go back to the run one came from."""
        if self.model.filter:
            self.clear_filter()
        elif self.model.marked:
            self.model.marked = []
            self.show(self.current_id)
        elif self.app.has_run:
            self.app.pop_screen()

    def action_picker_quit(self) -> None:
        """Go back, quit at the top."""
        self.app.exit()
