"""What is told of one row of the diff view: what changed, line by line where there are lines, then both sides. Pure."""

from __future__ import annotations

import difflib
from typing import Any

from tracetui.analysis.changes import PartChange
from tracetui.analysis.diff import CHANGED, EQUAL, ONLY_A, ONLY_B, DiffRow
from tracetui.analysis.steps import Step, step_of
from tracetui.model.value import dumps
from tracetui.render.differences import effect
from tracetui.tui.view.detail import detail
from tracetui.tui.view.diff import DiffModel
from tracetui.tui.view.document import Document
from tracetui.tui.view.header import run_title

Pieces = list[tuple[str, str]]

MAX_COMPARED_LINES, CONTEXT_LINES = 400, 2
"""Lines of a text that are compared between the ends that both have in common, and lines shown around."""


def title(model: DiffModel, row: int) -> Pieces:
    """Return the first line of the detail."""
    at = model.at(row)
    if at < 0:
        return []
    found = model.diff.rows[at]
    first, second = ("B", "A") if model.swapped else ("A", "B")
    words = {EQUAL: "equal", CHANGED: "changed", ONLY_A: f"only in {first}", ONLY_B: f"only in {second}"}
    told = "only its outcome differs: see below it" if found.follows else words[found.kind]
    sign = -1 if model.swapped else 1
    return [
        (f" step {at + 1:,} of {len(model.diff.rows):,} ", "heading"), (f" {told} ", "text"),
        (f" {effect(sign * found.ms, sign * found.tokens)}", "metric"),
    ]  # fmt: skip


def document(model: DiffModel, row: int) -> Document:
    """Return both sides of a row: what changed, then each as a whole."""
    made = Document()
    at = model.at(row)
    if at < 0:
        return made
    found = model.diff.rows[at]
    if found.kind == CHANGED:
        _changes(model, found, made)
    for label, side in zip("AB", model.order, strict=True):
        run, seq = (model.diff.a, model.diff.b)[side], (found.a, found.b)[side]
        made.heading(f"{label}  {run_title(run.name, run.run_id)}")
        if seq < 0:
            made.add("has no such step", "dim")
        else:
            _append(made, detail(model.models[side], seq), keep_links=side == 1)
    return made


def _append(made: Document, other: Document, *, keep_links: bool) -> None:
    """Add another document's lines; links of the run that is not open lead nowhere."""
    start = len(made.lines)
    made.folded |= {start + number for number in other.folded}
    made.lines += other.lines if keep_links else [line._replace(seq=-1) for line in other.lines]


def _changes(model: DiffModel, row: DiffRow, made: Document) -> None:
    steps = step_of(model.models[0].view, row.a), step_of(model.models[1].view, row.b)
    made.heading("what changed")
    for change in row.changes:
        texts = [whole(step, change) for step in steps]
        left, right = texts[model.order[0]], texts[model.order[1]]
        made.add(change.part, "label")
        if "\n" in left or "\n" in right:
            add_line_diff(made, left, right)
        else:
            values = change.a or "none", change.b or "none"
            made.add(f"- {values[model.order[0]]}", "excluded", depth=1)
            made.add(f"+ {values[model.order[1]]}", "good", depth=1)


def whole(step: Step, change: PartChange) -> str:
    """Return all of a part's value as it was recorded, "" if the step has none."""
    parts: dict[str, Any] = {**step.got, **step.chose}
    name, _, key = change.part.partition(".")
    value = parts.get(name)
    if key:
        value = value.get(key) if isinstance(value, dict) else None
    return "" if value is None else value if isinstance(value, str) else dumps(value, indent=2)


def add_line_diff(made: Document, left: str, right: str) -> None:
    """Add the lines that differ, with a little around them; cost does not grow with what both ends share."""
    a, b = left.split("\n"), right.split("\n")
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    before = a[max(head - CONTEXT_LINES, 0) : head]
    after = a[len(a) - tail : len(a) - tail + CONTEXT_LINES]
    a, b = a[head : len(a) - tail], b[head : len(b) - tail]
    left_out = max(len(a), len(b)) - MAX_COMPARED_LINES
    for line in before:
        made.add(f"  {line}", "dim", depth=1)
    for line in _unified(a[:MAX_COMPARED_LINES], b[:MAX_COMPARED_LINES]):
        made.add(line, {"-": "excluded", "+": "good"}.get(line[:1], "dim"), depth=1)
    if left_out > 0:
        made.add(f"… {left_out:,} lines more", "dim", depth=1)
    for line in after if left_out <= 0 else ():
        made.add(f"  {line}", "dim", depth=1)


def _common(a: list[str], b: list[str]) -> int:
    """Return how many elements two lists begin with in common."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _unified(a: list[str], b: list[str]) -> list[str]:
    """Return the lines of both, those of one alone with its sign, stretches in common cut short."""
    found: list[str] = []
    for group in difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(CONTEXT_LINES):
        if found:
            found.append("…")
        for kind, a0, a1, b0, b1 in group:
            if kind == "equal":
                found += [f"  {line}" for line in a[a0:a1]]
            else:
                found += [f"- {line}" for line in a[a0:a1]] + [f"+ {line}" for line in b[b0:b1]]
    return found
