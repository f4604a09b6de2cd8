"""Which parts are shown and how: the detail and its tabs, the metric and times of rows."""

from __future__ import annotations

from tracetui.tui.control.filtering import Filtering
from tracetui.tui.control.folding import Folding
from tracetui.tui.messages import FilterChosen, RowActivated
from tracetui.tui.view.row_text import METRICS, TIME_FORMATS
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.tree_rows import ORPHANS
from tracetui.tui.widgets.run_pane import RunPane
from tracetui.tui.widgets.views import VIEWS


class Showing(Folding, Filtering):
    """Goes between view, panes and detail."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self.panes: dict[str, RunPane] = {self.current.name_of_view: self.current}

    def show_view(self, name: str) -> None:
        """Show another view, its cursor on the same trace; it is made when first shown."""
        if name == self.current.name_of_view:
            return
        seq = self.current.cursor_seq
        self.current.add_class("away")
        pane = self.panes.get(name)
        if pane is None:
            pane = self.panes[name] = VIEWS[name](self.model, self.row_style)
            self.query_one("#work").mount(pane, before=self.detail)
        pane.remove_class("away")
        self.current = pane
        self.set_class(pane.full_width and not pane.detail_below, "full-width")
        self.set_class(pane.detail_below, "detail-below")
        self.remove_class("reading")
        self.call_after_refresh(self._enter_view, seq)

    def _enter_view(self, seq: int) -> None:
        self.current.take_news()
        if seq >= 0:
            self.current.go_near(seq)
        self.current.focus()
        self.show_detail()
        self.redraw()

    def action_view_tree(self) -> None:
        """Show the tree."""
        self.show_view("tree")

    def action_view_waterfall(self) -> None:
        """Show the waterfall."""
        self.show_view("waterfall")

    def action_view_transcript(self) -> None:
        """Show the transcript."""
        self.show_view("transcript")

    def action_view_stats(self) -> None:
        """Show figures by type, tool, model and agent."""
        self.show_view("stats")

    def on_filter_chosen(self, message: FilterChosen) -> None:
        """Show what was chosen in the tree, filtered; the cursor goes to the first that matches."""
        message.stop()
        self.show_view("tree")
        self.apply_filter(message.text)
        self.facets.follow(message.text)

    def action_view_metric(self) -> None:
        """Show another metric."""
        at = METRICS.index(self.row_style.metric)
        self.row_style.metric = METRICS[(at + 1) % len(METRICS)]
        self.redraw(rows=True)

    def action_view_time(self) -> None:
        """Show times another way."""
        at = TIME_FORMATS.index(self.row_style.time_format)
        self.row_style.time_format = TIME_FORMATS[(at + 1) % len(TIME_FORMATS)]
        self.redraw(rows=True)

    def action_view_focus(self) -> None:
        """Go from tree to detail and back, by way of the filter panes if they are open."""
        if self.has_class("narrow"):
            self.toggle_class("reading")
        if self.facets.is_open and self.current.has_focus:
            self.facets.list.focus()
        elif self.detail.has_focus_within or (self.has_class("narrow") and not self.has_class("reading")):
            self.current.focus()
        else:
            self.detail.view.focus()
        self.redraw()

    def action_view_enter(self) -> None:
        """Open the detail; in it, follow the link under the cursor."""
        if self.detail.has_focus_within:
            if self._follow_link():
                return
            self.detail.view.toggle()
        elif self.current.cursor_place == ORPHANS:
            self.action_fold_toggle()
        else:
            self.show_detail()
            self.add_class("reading")
            self.detail.view.focus()
        self.redraw()

    def _follow_link(self) -> bool:
        """Go where the line under the detail's cursor leads, to a trace or to another run; return whether it does."""
        link, run_id = self.detail.view.link(), self.detail.view.run_link()
        if link >= 0:
            self.jump(link)
            self.to_view()
        elif run_id:
            self.app.open_run(run_id)
        return link >= 0 or bool(run_id)

    def on_row_activated(self, message: RowActivated) -> None:
        """Fold with the mouse; with a second click open the detail, or follow a link of it."""
        if message.sender_id == self.detail.view.id:
            message.stop()
            if message.fold:
                self.detail.view.toggle()
            else:
                self._follow_link()
        elif message.sender_id == self.current.id:
            message.stop()
            if message.fold:
                self.action_fold_toggle()
            else:
                self.action_view_enter()

    def action_detail_next_tab(self) -> None:
        """Show the next tab."""
        self.detail.turn_tab(1)

    def action_detail_previous_tab(self) -> None:
        """Show the previous tab."""
        self.detail.turn_tab(-1)

    def action_detail_wrap(self) -> None:
        """Wrap long lines, or not."""
        self.detail.view.toggle_wrap()
