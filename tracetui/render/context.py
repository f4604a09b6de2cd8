"""What each model step was given, as lines of text and as plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracetui.analysis.context import ModelStep
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import folder_of
from tracetui.render.figures import count, offset
from tracetui.render.table import table
from tracetui.storage.backend import RunView

_HEAD = ("+TIME", "FROM", "MESSAGES", "NEW", "DROPPED", "IN", "MORE", "LESS", "FULL", "MODEL STEP")


def context_lines(steps: Sequence[ModelStep], view: RunView, width: int) -> Iterator[str]:
    """Yield a table with a row for each model step; FROM says where it is known from."""
    start = min(view.timestamps, default=0)
    folder = folder_of(view.run)
    rows = []
    for step in steps:
        known = step.source == "messages"
        rows.append((
            offset(view.timestamps[step.seq] - start), step.source,
            step.messages if known else "", len(step.new) if known else "", len(step.dropped) if known else "",
            count(step.tokens_in) if step.tokens_in >= 0 else "",
            f"+{count(step.new_tokens)}" if step.new_tokens > 0 else "",
            f"-{count(step.dropped_tokens)}" if step.dropped_tokens > 0 else "",
            "" if step.full is None else f"{step.full:.0%}", summary(view.trace(step.seq), folder),
        ))  # fmt: skip
    yield from table(_HEAD, rows, width)


def context_data(steps: Sequence[ModelStep], view: RunView) -> list[dict[str, Any]]:
    """Return the model steps as plain data; null where something is not known."""
    return [
        {
            "id": view.ids[step.seq], "source": step.source,
            "before": view.ids[step.before] if step.before >= 0 else None,
            "messages": step.messages if step.source == "messages" else None,
            "new": list(step.new) if step.source == "messages" else None,
            "dropped": list(step.dropped) if step.source == "messages" else None,
            "tokens_in": _known(step.tokens_in), "tokens_out": _known(step.tokens_out),
            "new_tokens": _known(step.new_tokens), "dropped_tokens": _known(step.dropped_tokens),
            "window": step.window or None, "full": step.full,
        }
        for step in steps
    ]  # fmt: skip


def _known(tokens: int) -> int | None:
    return tokens if tokens >= 0 else None
