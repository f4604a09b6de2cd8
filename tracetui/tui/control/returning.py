"""Coming back to a run: to where one was, if the run still says what it said; and noting where one is."""

from __future__ import annotations

from tracetui.tui.actions import DIFF
from tracetui.tui.control.following import Following
from tracetui.tui.control.showing import Showing
from tracetui.tui.view.filtering import check
from tracetui.tui.view.group_folds import is_group, key_of
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.run_state import RunState, restore_folds, state_of, still_holds

NOTE_SECONDS = 5.0
"""From one look to the next whether somebody is somewhere else."""


class Returning(Showing, Following):
    """Notes the place while one looks and when one leaves, so that a killed explorer loses seconds."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._noted_place: tuple[object, ...] = ()

    def on_mount(self) -> None:
        """Begin to note the place."""
        self.set_interval(NOTE_SECONDS, self.note_place)

    def on_unmount(self) -> None:
        """Note where one was at last."""
        self.note_place()

    def note_place(self) -> None:
        """Remember where one is, if that is somewhere else than when it was last noted."""
        model, seq = self.model, self.current.cursor_seq
        view = self.current.name_of_view if self.current.name_of_view != DIFF else self.tree_view.name_of_view
        place = (
            self.current.cursor_place,
            view,
            model.filter.text,
            model.is_filtered,
            len(model.tree),
            model.present.label,
            self.pinned,
        )
        if place != self._noted_place and model.view.count:
            self._noted_place = place
            on_group = is_group(self.current.cursor_place)
            self.app.remember_run(model, state_of(model, seq, view, pinned=self.pinned, on_group=on_group))

    def return_to(self, state: RunState) -> bool:
        """Go where one was, with its folds and filter; return whether the run still says what it said."""
        model = self.model
        seq = model.view.seq_of(state.cursor) if state.cursor else None
        if seq is None or not still_holds(state, model):
            return False
        restore_folds(state, model)
        self.current.take_news()
        self.pinned = state.pinned and model.present.label == "LIVE"
        if self.pinned:
            self.go_to_newest()
        elif not (state.on_group and self.current.show_seq(key_of(seq))):
            self.current.show_seq(seq)
        if state.filter and check(state.filter) is None:
            self.apply_filter(state.filter)
        return True
