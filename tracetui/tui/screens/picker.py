"""The run picker: a live board of the runs of a store, with a preview of the one under the cursor."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult, RenderResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import get_current_worker

from tracetui.errors import TraceTuiError
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.render.cells import cut_middle, pad
from tracetui.tui.actions import PICKER, actions_of, first_key
from tracetui.tui.messages import CursorMoved, PromptCancelled, PromptChanged, PromptSubmitted, RowActivated
from tracetui.tui.screens.ask import AskScreen
from tracetui.tui.view.card import Card
from tracetui.tui.view.header import footer
from tracetui.tui.view.picker import (
    SORTS,
    PickerModel,
    PickerRow,
    card_lines,
    heading,
    row_pieces,
)
from tracetui.tui.widgets.bars import Bar
from tracetui.tui.widgets.lines import Lines
from tracetui.tui.widgets.pieces import to_text
from tracetui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tracetui.tui.app import ExplorerApp

RELOAD_SECONDS = 1.0
RELOAD_AT_LEAST_SECONDS = 10.0
SHARE_OF_TIME = 100
"""A listing may take a hundredth of the time: with many runs it comes more rarely."""
HAND_OVER_SECONDS = 0.1
EMPTY = """
  No runs here yet.

  Record one:       tracetui run start my-run
                    tracetui record thought "hello"
  Open a recording: tracetui open FILE     (Claude Code transcripts, OTLP JSON; `tracetui formats` lists them)
  See an example:   tracetui demo
"""


class RunList(Lines):
    """The rows of the picker."""

    def __init__(self, model: PickerModel) -> None:
        super().__init__(id="runs")
        self.model = model

    def row_count(self) -> int:
        """Return the number of runs shown."""
        return len(self.model.rows)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        return row_pieces(self.model.rows[row], width, now_ms())


class Preview(Widget):
    """What is known of the run under the cursor."""

    DEFAULT_CSS = "Preview { width: 2fr; padding: 0 1; border-left: solid $surface-lighten-2; }"

    def __init__(self) -> None:
        super().__init__(id="preview")
        self.row: PickerRow | None = None

    def render(self) -> RenderResult:
        """Draw the card."""
        dark = bool(self.app.current_theme.dark)
        if self.row is None:
            return to_text([(EMPTY, "dim")], dark=dark)
        text = to_text([], dark=dark)
        for line in card_lines(self.row, self.size.width):
            text.append_text(to_text([*line, ("\n", "text")], dark=dark))
        return text


class PickerScreen(Screen[None]):
    """All runs of the store."""

    DEFAULT_CSS = """
    PickerScreen Horizontal { height: 1fr; }
    PickerScreen RunList { width: 3fr; height: 1fr; }
    PickerScreen.narrow Preview { display: none; }
    PickerScreen.empty RunList { display: none; }
    PickerScreen.empty Preview { display: block; border-left: none; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's name and shape
        Binding(action.keys, action.method, action.title, show=False)
        for action in actions_of(PICKER)
        if action.keys
    ]

    app: ExplorerApp

    def __init__(self, model: PickerModel) -> None:
        super().__init__()
        self.model = model
        self.list = RunList(model)
        self.preview = Preview()
        self.prompt = Prompt()
        self._touched = False
        self._renamed = ""
        self._busy = False
        self._took = self._next = 0.0

    def compose(self) -> ComposeResult:
        """Lay out title, rows, preview."""
        yield Bar(self._title, id="title")
        yield Bar(lambda width: heading(self.list.size.width or width), id="heading")
        with Horizontal():
            yield self.list
            yield self.preview
        yield self.prompt
        yield Bar(lambda width: footer(self._keys(), width), id="footer")

    def on_mount(self) -> None:
        """List the runs."""
        self.list.focus()
        self.reload()
        self.set_interval(RELOAD_SECONDS, self._reload_in_time)

    def on_key(self) -> None:
        """Note that somebody is at the keys: from now on the cursor stays with its run."""
        self._touched = True

    def on_click(self) -> None:
        """Note the same of the mouse."""
        self._touched = True

    def on_resize(self) -> None:
        """Leave the preview out where it has no room."""
        self.set_class(self.app.size.width < 100, "narrow")

    def on_screen_resume(self) -> None:
        """Look again when one comes back."""
        self.reload()

    def _title(self, width: int) -> list[tuple[str, str]]:
        said = f"{self.model.counts()}   sort: {self.model.sort}"
        if self.model.filter:
            said = f"filter: {printable(self.model.filter)}   {len(self.model.rows)} of {said}"
        where = cut_middle(printable(self.app.place), max(width - len(said) - 14, 8))
        return [(pad(f" tracetui  {where}", width - len(said) - 1), "title"), (said + " ", "dim")]

    def _keys(self) -> list[tuple[str, str]]:
        if self.prompt.is_open:
            return [("Enter", "keep"), ("Esc", "clear")]
        return [(first_key(a), a.footer) for a in actions_of(PICKER, self.app.actions) if a.footer and a.keys]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Let keys go to the prompt while it asks."""
        return not self.prompt.is_open

    def disabled_reason(self, action: str) -> str | None:
        """Return why an action can do nothing now, None if it can."""
        needs_run = {"run.open", "picker.rename", "picker.delete", "picker.pin"}
        return "there is no run here" if action in needs_run and self.current is None else None

    @property
    def current(self) -> PickerRow | None:
        """The run under the cursor."""
        rows = self.model.rows
        return rows[self.list.cursor] if self.list.cursor < len(rows) else None

    # ---- keeping up --------------------------------------------------------------------------------------

    def _reload_in_time(self) -> None:
        if time.monotonic() >= self._next:
            self.reload()

    def reload(self) -> None:
        """List the runs anew; the cursor stays with its run."""
        if not self.is_current or self._busy:
            return
        self._busy = True
        self.run_worker(self._load, thread=True, group="load", exit_on_error=False)

    def _load(self) -> None:
        """In a worker: list the runs as the catalog has them, then as they are, then make the cards missing."""
        board = self.model.board
        try:
            if not self.model.is_listed:
                self.app.call_from_thread(self._take, board.rows(fresh=False))
            start = time.monotonic()
            rows = board.rows()
            self._took = time.monotonic() - start
            missing = self.app.call_from_thread(self._take, rows)
            done = self._make_cards(missing)
            board.save()
        except TraceTuiError as problem:
            self.app.call_from_thread(self._failed, printable(str(problem)))
        else:
            self.app.call_from_thread(self._settle, done)

    def _make_cards(self, missing: list[PickerRow]) -> int:
        """In a worker: make cards, and hand them over ten times a second; return how many."""
        worker = get_current_worker()
        made: list[tuple[PickerRow, Card]] = []
        handed = time.monotonic()
        for row in missing:
            if worker.is_cancelled:
                break
            made.append((row, self.model.board.make(row.run)))
            if time.monotonic() - handed > HAND_OVER_SECONDS:
                self.app.call_from_thread(self._fill, made)
                made, handed = [], time.monotonic()
        if made:
            self.app.call_from_thread(self._fill, made)
        return len(missing)

    def _failed(self, said: str) -> None:
        self._busy = False
        self.notify(said, severity="error", markup=False)

    def _take(self, rows: list[PickerRow] | None) -> list[PickerRow]:
        """Show what was listed; return the rows that miss a card."""
        if rows is not None:
            here = self._here()
            self.model.show(rows)
            self._show(here)
        return self.model.missing()

    def _here(self) -> str:
        return self.current.run.id if self.current and self._touched else ""

    def _fill(self, cards: list[tuple[PickerRow, Card]]) -> None:
        self.model.fill(cards)
        if cards and not self._touched:
            self.list.go_to(self.model.first_to_show())
        self.list.changed()
        self._show_card()

    def _settle(self, done: int) -> None:
        self._busy = False
        if done:
            here = self._here()
            self.model.arrange()
            self._show(here)
        self._next = time.monotonic() + min(self._took * SHARE_OF_TIME, RELOAD_AT_LEAST_SECONDS)

    def _show(self, here: str) -> None:
        self.set_class(not self.model.rows and not self.model.filter, "empty")
        row = self.model.row_of(here) if here else -1
        if row >= 0:
            self.list.set_reactive(Lines.cursor, row)
        elif not self._touched:
            self.list.go_to(self.model.first_to_show())
        self.list.changed()
        self._show_card()

    def _show_card(self) -> None:
        self.preview.row = self.current
        self.preview.refresh()
        for bar in self.query(Bar):
            bar.refresh()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the card of the run under the cursor."""
        message.stop()
        self._show_card()

    def on_row_activated(self, message: RowActivated) -> None:
        """Open with a second click."""
        message.stop()
        self.action_run_open()

    # ---- actions -----------------------------------------------------------------------------------------

    def _move(self, step: int) -> None:
        self._touched = True
        self.list.move(step)

    def action_picker_down(self) -> None:
        """Move down."""
        self._move(1)

    def action_picker_up(self) -> None:
        """Move up."""
        self._move(-1)

    def action_picker_page_down(self) -> None:
        """Move down a screen."""
        self._move(self.list.page)

    def action_picker_page_up(self) -> None:
        """Move up a screen."""
        self._move(-self.list.page)

    def action_picker_top(self) -> None:
        """Go to the first run."""
        self._move(-(10**9))

    def action_picker_end(self) -> None:
        """Go to the last run."""
        self._move(10**9)

    def action_run_open(self) -> None:
        """Open the run under the cursor."""
        if self.current is not None:
            self._touched = True
            self.app.open_run(self.current.run.id)

    def action_picker_sort(self) -> None:
        """Sort by another column."""
        here = self.current.run.id if self.current else ""
        self.model.sort = SORTS[(SORTS.index(self.model.sort) + 1) % len(SORTS)]
        self.model.arrange()
        self._show(here)

    def action_picker_filter(self) -> None:
        """Filter the runs."""
        self.prompt.ask("runs", " filter & ", self.model.filter)
        self._show_card()

    def on_prompt_changed(self, message: PromptChanged) -> None:
        """Filter while one types."""
        message.stop()
        if message.purpose == "runs":
            self.model.filter = message.text
            self.model.arrange()
            self._show(self.current.run.id if self.current else "")

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Keep the filter, or the new name."""
        message.stop()
        self.prompt.close()
        self.list.focus()
        if message.purpose == "rename" and message.text.strip():
            self._doing(lambda: self.model.db.update_run(self._renamed, name=message.text.strip()))
        self._show_card()

    def on_prompt_cancelled(self, message: PromptCancelled) -> None:
        """Clear the filter."""
        message.stop()
        self.list.focus()
        if message.purpose == "runs":
            self._clear_filter()

    def _clear_filter(self) -> None:
        self.model.filter = ""
        self.model.arrange()
        self._show("")

    def action_picker_rename(self) -> None:
        """Rename the run under the cursor."""
        if self.current is not None:
            self._renamed = self.current.run.id
            self.prompt.ask("rename", " name: ", self.current.run.name or "")
            self._show_card()

    def action_picker_pin(self) -> None:
        """Pin the run, or let it go: a pinned run is never cleaned away."""
        row = self.current
        if row is not None:
            tags = row.run.tags
            fresh = [tag for tag in tags if tag != "pinned"] if "pinned" in tags else [*tags, "pinned"]
            self._doing(lambda: self.model.db.update_run(row.run.id, tags=fresh))

    def action_picker_delete(self) -> None:
        """Delete the run under the cursor, after asking."""
        row = self.current
        if row is not None:
            said = (
                f"Delete {printable(row.run.name or row.run.id)} and its {row.run.traces:,} traces for good?"
            )
            run_id = row.run.id
            self.app.push_screen(AskScreen(said), lambda sure: self._delete(run_id) if sure else None)

    def _delete(self, run_id: str) -> None:
        """Delete the run that was asked about, wherever the cursor is by now."""
        self._doing(lambda: self.model.db.delete_run(run_id))

    def _doing(self, action: Callable[[], object]) -> None:
        try:
            action()
        except TraceTuiError as problem:
            self.notify(printable(str(problem)), severity="error", markup=False)
        self.reload()

    def action_picker_back(self) -> None:
        """Clear the filter, or go back to the run one came from."""
        if self.model.filter:
            self._clear_filter()
        elif self.app.has_run:
            self.app.pop_screen()

    def action_picker_quit(self) -> None:
        """Go back, quit at the top."""
        self.app.exit()
