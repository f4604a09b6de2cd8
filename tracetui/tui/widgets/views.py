"""The views of a run, in the order of their keys."""

from __future__ import annotations

from tracetui.tui.widgets.diff import DiffView
from tracetui.tui.widgets.run_pane import RunPane
from tracetui.tui.widgets.stats import StatsView
from tracetui.tui.widgets.transcript import TranscriptView
from tracetui.tui.widgets.tree import TraceTreeView
from tracetui.tui.widgets.waterfall import WaterfallView

VIEWS: dict[str, type[RunPane]] = {
    view.name_of_view: view for view in (TraceTreeView, WaterfallView, TranscriptView, StatsView, DiffView)
}
