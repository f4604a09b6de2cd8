"""The detail of one trace on the screen: a title with tabs, and its document."""

from __future__ import annotations

from textual.app import ComposeResult, RenderResult
from textual.containers import Vertical
from textual.widget import Widget

from tracetui.model.text import printable
from tracetui.model.value import dumps
from tracetui.tui.view.detail import TABS, detail, title
from tracetui.tui.view.document import Document
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.lines import Lines
from tracetui.tui.widgets.pieces import to_text


class DocumentView(Lines):
    """A document, line by line."""

    def __init__(self) -> None:
        super().__init__(id="document")
        self.document = Document()
        self._laid = 0

    def row_count(self) -> int:
        """Return the number of rows at this width."""
        width = self.scrollable_content_region.width
        if width and width != self._laid:
            self._laid = width
            self.document.layout(width)
        return len(self.document)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:  # noqa: ARG002 - laid out before
        """Return what a row says."""
        return self.document.pieces(row, self.shift_x)

    def show(self, document: Document) -> None:
        """Show another document from its top."""
        document.wrap = self.document.wrap
        self.document = document
        self._laid = 0
        self.shift_x = 0
        self.set_reactive(Lines.cursor, 0)
        self.changed()
        self.scroll_to(y=0, animate=False, immediate=True)

    def toggle(self) -> bool:
        """Fold or unfold at the cursor."""
        if self.cursor < len(self.document) and self.document.toggle(self.cursor):
            self.changed()
            return True
        return False

    def toggle_wrap(self) -> bool:
        """Wrap long lines or scroll sideways; return whether they wrap now."""
        self.document.wrap = not self.document.wrap
        self._laid = 0
        self.shift_x = 0
        self.changed()
        return self.document.wrap

    def link(self) -> int:
        """Return the trace that the line under the cursor leads to, −1 if none."""
        if self.cursor >= len(self.document):
            return -1
        return self.document.lines[self.document.line_at(self.cursor)].seq

    def run_link(self) -> str:
        """Return the run that the line under the cursor leads to, "" if none."""
        if self.cursor >= len(self.document):
            return ""
        return self.document.lines[self.document.line_at(self.cursor)].run_id

    def fold_columns(self, row: int) -> range:
        """Return the cells of the fold mark."""
        line = self.document.lines[self.document.line_at(row)]
        start = 2 * min(line.depth, 20)
        return range(start, start + 2) if self.document.folds(row) else range(0)


class DetailTitle(Widget):
    """Kind, status and offset of the trace, and the tabs."""

    DEFAULT_CSS = "DetailTitle { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[tuple[str, str]] = []
        self.tab = TABS[0]
        self.has_tabs = True

    def render(self) -> RenderResult:
        """Draw the line."""
        tabs: list[tuple[str, str]] = [("  ", "text")]
        for name in TABS if self.has_tabs else ():
            tabs.append((f" {name} ", "title cursor" if name == self.tab else "dim"))
        return to_text([*self.pieces, *tabs], dark=bool(self.app.current_theme.dark))


class DetailPane(Vertical):
    """Everything about one trace."""

    DEFAULT_CSS = "DetailPane { background: $background; } DocumentView { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="detail")
        self.model: RunModel | None = None
        self.seq = -1
        self.title_line = DetailTitle()
        self.view = DocumentView()

    def compose(self) -> ComposeResult:
        """Lay out title and document."""
        yield self.title_line
        yield self.view

    def show(self, model: RunModel, seq: int) -> None:
        """Show a trace; −1 shows nothing."""
        self.model, self.seq = model, seq
        self.title_line.has_tabs = True
        if 0 <= model.tree.trace_of(seq) < model.view.count:
            self.title_line.pieces = title(model, seq)
            self.view.show(detail(model, seq, self.title_line.tab))
        else:
            self.title_line.pieces = []
            self.view.show(Document())
        self.title_line.refresh()

    def show_own(self, pieces: list[tuple[str, str]], document: Document) -> None:
        """Show what a view tells of a row that is more than its trace."""
        self.seq, self.title_line.pieces = -1, pieces
        self.title_line.has_tabs = False
        self.view.show(document)
        self.title_line.refresh()

    def text(self) -> str:
        """Return all that the tab says, whatever is folded; JSON on the raw one."""
        if self.model is None or not 0 <= self.seq < self.model.view.count:
            return ""
        if self.title_line.tab == "Raw":
            return printable(dumps(self.model.trace(self.seq).to_json(), indent=2), newlines=True)
        return self.view.document.text()

    def ending(self) -> str:
        """Return what a file with this text is called by at its end."""
        return ".json" if self.title_line.tab == "Raw" else ".txt"

    def turn_tab(self, step: int) -> None:
        """Show the next or previous tab."""
        self.title_line.tab = TABS[(TABS.index(self.title_line.tab) + step) % len(TABS)]
        if self.model is not None and self.title_line.has_tabs:
            self.show(self.model, self.seq)
