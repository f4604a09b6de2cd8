"""What is done with runs: open, mark, compare, rename, tag, pin, delete."""

from __future__ import annotations

from tracetui.model.text import printable
from tracetui.tui.control.board.arranging import Arranging
from tracetui.tui.messages import PromptSubmitted, RowActivated
from tracetui.tui.screens.ask import AskScreen
from tracetui.tui.view.board import PickerRow
from tracetui.tui.view.picker import PickerModel
from tracetui.tui.view.tagging import tag_words, tags_of_words


class Changing(Arranging):
    """Changes are asked for by the id of the run they are meant for, wherever the cursor is by then."""

    def __init__(self, model: PickerModel) -> None:
        super().__init__(model)
        self._asked: PickerRow | None = None

    def on_row_activated(self, message: RowActivated) -> None:
        """Open with a second click."""
        message.stop()
        self.action_run_open()

    def action_run_open(self) -> None:
        """Open the run under the cursor."""
        if self.current is None and self.offers.current is not None and self.has_class("empty"):
            self.open_offer()
        elif not self.say_why_not("run.open"):
            self.touched = True
            self.model.calm(self.current_id)
            self.app.open_run(self.current_id)

    # ---- two runs ----------------------------------------------------------------------------------------

    def action_picker_mark(self) -> None:
        """Mark the run for a diff, or unmark it."""
        if not self.say_why_not("picker.mark"):
            self.model.mark(self.current_id)
            self._move(1 if self.current_id in self.model.marked else 0)
            self.show_card()

    def action_picker_diff(self) -> None:
        """Lay the marked runs beside each other, or the run and the newest good one of its name."""
        if not self.say_why_not("picker.diff"):
            sides = self.model.sides(self.current_id)
            if sides is not None:
                self.app.open_diff(*sides)

    # ---- name, tags --------------------------------------------------------------------------------------

    def action_picker_rename(self) -> None:
        """Rename the run under the cursor."""
        row = self.current
        if not self.say_why_not("picker.rename") and row is not None:
            self._ask("rename", " name: ", row, printable(row.run.name or ""))

    def action_picker_tag(self) -> None:
        """Change the tags of the run under the cursor."""
        row = self.current
        if not self.say_why_not("picker.tag") and row is not None:
            self._ask("tags", " tags: ", row, tag_words(row.run.tags))

    def _ask(self, purpose: str, label: str, row: PickerRow, text: str) -> None:
        self._asked = row
        self.prompt.ask(purpose, label, text)
        self.show_card()

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Take the new name, or the new tags."""
        row = self._asked
        if message.purpose not in ("rename", "tags") or row is None:
            return
        message.stop()
        if message.purpose == "rename":
            self._rename(row, message.text.strip())
        else:
            self._tag(row, message.text)

    def _rename(self, row: PickerRow, name: str) -> None:
        if name and name != printable(row.run.name or ""):
            self.doing(lambda: self.model.db.update_run(row.run.id, name=name))
        self.leave_prompt()

    def _tag(self, row: PickerRow, text: str) -> None:
        try:
            tags = tags_of_words(text, row.run.tags)
        except ValueError:
            self.prompt.hint(
                "a quotation mark is not closed; tags are words, in quotes where they hold spaces"
            )
            return
        if tags != list(row.run.tags):
            self.doing(lambda: self.model.db.update_run(row.run.id, tags=tags))
        self.leave_prompt()

    def action_picker_pin(self) -> None:
        """Pin the run, or let it go: a pinned run is never cleaned away."""
        row = self.current
        if not self.say_why_not("picker.pin") and row is not None:
            tags = row.run.tags
            fresh = [tag for tag in tags if tag != "pinned"] if "pinned" in tags else [*tags, "pinned"]
            self.doing(lambda: self.model.db.update_run(row.run.id, tags=fresh))

    # ---- for good ----------------------------------------------------------------------------------------

    def action_picker_delete(self) -> None:
        """Delete the run under the cursor, after asking."""
        row = self.current
        if not self.say_why_not("picker.delete") and row is not None:
            name, run_id = printable(row.run.name or row.run.id), row.run.id
            said = f"Delete {name} …{printable(run_id[-4:])} and its {row.run.traces:,} traces for good?"
            if "pinned" in row.run.tags:
                said += " It is pinned."
            self.app.push_screen(AskScreen(said), lambda sure: self._delete(run_id) if sure else None)

    def _delete(self, run_id: str) -> None:
        self.doing(lambda: self.model.db.delete_run(run_id))
