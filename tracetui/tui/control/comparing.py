"""Laying another run beside the one that is open: which one, and when."""

from __future__ import annotations

from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.tui.actions import DIFF
from tracetui.tui.control.showing import Showing
from tracetui.tui.view.header import run_title
from tracetui.tui.view.run_choice import RunChoice, choice_for
from tracetui.tui.widgets.diff import DiffView


class Comparing(Showing):
    """Offers runs to compare with, and shows the diff view."""

    def action_run_diff(self) -> None:
        """Offer the newest good run of the same name, and the others."""
        self.run_worker(self._list_runs, thread=True, group="choice", exclusive=True, exit_on_error=False)

    def action_view_diff(self) -> None:
        """Show the run beside the other one, choosing it first if there is none."""
        pane = self.panes.get(DIFF)
        if isinstance(pane, DiffView) and pane.other_id:
            self.show_view(DIFF)
        else:
            self.action_run_diff()

    def diff_with(self, run_id: str) -> None:
        """Show this run beside another one, which becomes A."""
        if not run_id:
            return
        self.show_view(DIFF)
        pane = self.panes[DIFF]
        if isinstance(pane, DiffView):
            self.call_after_refresh(pane.compare, run_id)

    def _list_runs(self) -> None:
        """In a worker: list the runs there are."""
        try:
            choice = choice_for(self.model.db, self.model.run)
        except TraceTuiError as problem:
            self.app.call_from_thread(self.notify, printable(str(problem)), severity="error", markup=False)
            return
        self.app.call_from_thread(self._offer, choice)

    def _offer(self, choice: RunChoice) -> None:
        from tracetui.tui.screens.choose_run import ChooseRunScreen

        if not choice.rows:
            self.notify("there is no other run here to compare with", markup=False, timeout=3)
        elif self.is_current:
            run = self.model.run
            title = f"Compare {run_title(run.name, run.id)} with"
            self.app.push_screen(ChooseRunScreen(choice, title), lambda chosen: self.diff_with(chosen or ""))
