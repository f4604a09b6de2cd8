"""Folding rows, and showing a subtree alone."""

from __future__ import annotations

from tracetui.tui.control.base import RunScreen
from tracetui.tui.widgets.bars import Bar


class Folding(RunScreen):
    """Folds what has the focus: rows of the tree, parts of a value, the panes' choices."""

    def action_fold_toggle(self) -> None:
        """Fold or unfold."""
        if self.detail.has_focus_within:
            self.detail.view.toggle()
        else:
            self.refold(self.current.toggle())

    def action_fold_close(self) -> None:
        """Fold, or go to the parent."""
        row = self.current.tree_row
        if self.active() is not self.current or self.current.fold(more=False) or row < 0:
            return
        if self.model.tree.fold(row):
            self.refold(True)
        elif (above := self.model.tree.parent_row(row)) >= 0:
            self.unpin()
            self.current.go_to_tree_row(above)

    def action_fold_open(self) -> None:
        """Unfold, or go to the first child."""
        tree, row = self.model.tree, self.current.tree_row
        if self.active() is not self.current or self.current.fold(more=True) or row < 0:
            return
        if tree.unfold(row):
            self.refold(True)
        elif row + 1 < len(tree) and tree.depths[row + 1] > tree.depths[row]:
            self.unpin()
            self.current.go_to_tree_row(row + 1)

    def action_fold_all(self) -> None:
        """Fold everything."""
        if self.detail.has_focus_within:
            self.detail.view.document.fold_all(folded=True)
            self.detail.view.changed()
            return
        self.keeping_place(lambda: self.current.fold_all(folded=True))

    def action_fold_none(self) -> None:
        """Unfold everything."""
        if self.detail.has_focus_within:
            self.detail.view.document.fold_all(folded=False)
            self.detail.view.changed()
            return
        self.keeping_place(lambda: self.current.fold_all(folded=False))

    def action_view_zoom(self) -> None:
        """Show the subtree under the cursor alone."""
        seq = self.current.cursor_seq
        if seq >= 0:
            self.keeping_place(lambda: self.model.tree.zoom(seq))

    def action_view_unzoom(self) -> None:
        """Show everything again."""
        if not self.say_why_not("view.unzoom"):
            self.keeping_place(lambda: self.model.tree.zoom(None))

    def refold(self, changed: bool) -> None:
        """Draw the rows that a fold changed."""
        if changed:
            self.current.take_news()
            self.query_one("#truth", Bar).refresh()
