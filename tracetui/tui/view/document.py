"""Text of any size as lines with folds, wrapped to a width: what the detail pane and other readers scroll through.

Owns the lines of one document and which of them are visible. A line's text is kept as recorded and made printable
only when it is drawn, so that a payload of megabytes opens at once: splitting it is all that is done up front.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any, NamedTuple

from tracetui.model.text import printable
from tracetui.model.value import Value, dumps
from tracetui.render.cells import width_of

MAX_LINE = 20_000_000
INDENT = 2
OPEN_ITEMS = 400
"""Containers with more items are folded at first."""


class Line(NamedTuple):
    """One line: indentation, label before the text, text as recorded, role; ``size`` lines of its own below it.

    ``seq`` is the trace that the line leads to, −1 if none.
    """

    depth: int
    label: str
    text: str
    role: str = "text"
    size: int = 0
    seq: int = -1


class Document:
    """Lines with folds. ``layout`` decides for a width which rows there are."""

    def __init__(self, lines: list[Line] | None = None) -> None:
        self.lines: list[Line] = lines if lines is not None else []
        self.folded: set[int] = set()
        self.width = 80
        self.wrap = True
        self._row_lines: array[int] = array("I")
        self._row_starts: array[int] = array("I")

    # ---- building ----------------------------------------------------------------------------------------

    def add(self, text: str, role: str = "text", *, label: str = "", depth: int = 0, seq: int = -1) -> None:
        """Add one line."""
        self.lines.append(Line(depth, label, text, role, 0, seq))

    def heading(self, text: str) -> None:
        """Add a heading, with an empty line before it."""
        if self.lines:
            self.add("")
        self.add(text, "heading")

    def add_text(self, label: str, text: str, role: str = "string", depth: int = 0) -> None:
        """Add a text: on one line with its label, or below it line by line."""
        if "\n" not in text:
            self.lines.append(Line(depth, label, text, role))
            return
        parts = text.split("\n")
        if label:
            self.lines.append(Line(depth, label, "", "label", len(parts)))
            depth += 1
        self.lines.extend([Line(depth, "", part, role) for part in parts])

    def add_value(self, label: str, value: Value, depth: int = 0) -> None:
        """Add a value of any shape; containers get lines of their own below their label."""
        lines = self.lines
        stack: list[tuple[str, Any, int, int]] = [(label, value, depth, -1)]
        while stack:
            name, item, level, head = stack.pop()
            if head >= 0:
                lines[head] = lines[head]._replace(size=len(lines) - head - 1)
                continue
            if isinstance(item, str):
                self.add_text(name, item, depth=level)
            elif isinstance(item, (dict, list)) and item:
                stack.append((name, None, level, len(lines)))
                many = f"{len(item)} items" if isinstance(item, list) else f"{len(item)} keys"
                if len(item) > OPEN_ITEMS:
                    self.folded.add(len(lines))
                lines.append(
                    Line(level, name, f"[{many}]" if isinstance(item, list) else f"{{{many}}}", "brace", 1)
                )
                below = list(enumerate(item)) if isinstance(item, list) else list(item.items())
                stack.extend((str(key), part, level + 1, -1) for key, part in reversed(below))
            else:
                lines.append(Line(level, name, scalar(item), scalar_role(item)))

    # ---- layout ------------------------------------------------------------------------------------------

    def layout(self, width: int) -> None:
        """Decide which rows there are at a width; linear in the lines that are not folded away."""
        self.width = max(width, 10)
        rows, starts = array("I"), array("I")
        number, total = 0, len(self.lines)
        while number < total:
            line = self.lines[number]
            self._lay(number, line, rows, starts)
            number += line.size + 1 if number in self.folded else 1
        self._row_lines, self._row_starts = rows, starts

    def _lay(self, number: int, line: Line, rows: array[int], starts: array[int]) -> None:
        length = len(line.text)
        first = self._room(line)
        if not self.wrap or length <= first:
            rows.append(number)
            starts.append(0)
            return
        rows.append(number)
        starts.append(0)
        rest = max(self.width - self._indent(line) - 2, 8)
        at = range(first, length, rest)
        rows.extend([number] * len(at))
        starts.extend(at)

    def _indent(self, line: Line) -> int:
        return min(line.depth, 20) * INDENT

    def _room(self, line: Line) -> int:
        label = width_of(line.label) + 2 if line.label else 0
        return max(self.width - self._indent(line) - label - 2, 8)

    def __len__(self) -> int:
        return len(self._row_lines)

    def line_at(self, row: int) -> int:
        """Return the number of the line that a row shows."""
        return self._row_lines[row]

    def toggle(self, row: int) -> bool:
        """Fold or unfold the line of a row; return whether it has anything to fold."""
        number = self._row_lines[row]
        if not self.lines[number].size:
            return False
        self.folded.symmetric_difference_update({number})
        self.layout(self.width)
        return True

    def fold_all(self, *, folded: bool) -> None:
        """Fold or unfold every line that can be."""
        self.folded = {n for n, line in enumerate(self.lines) if line.size} if folded else set()
        self.layout(self.width)

    def pieces(self, row: int, scroll_x: int = 0) -> list[tuple[str, str]]:
        """Return what a row shows, as text with roles; made printable here and nowhere before."""
        number, start = self._row_lines[row], self._row_starts[row]
        line = self.lines[number]
        indent = " " * self._indent(line)
        if start:
            room = max(self.width - self._indent(line) - 2, 8)
            return [(indent + "  ", "text"), (printable(line.text[start : start + room]), line.role)]
        mark = ("+ " if number in self.folded else "- ") if line.size else "  "
        found = [(indent, "text"), (mark if line.role != "heading" else "", "fold")]
        if line.label:
            found.append((printable(line.label[:200]) + ": ", "label"))
        shown = (
            line.text[scroll_x : scroll_x + self.width * 2]
            if not self.wrap
            else line.text[: self._room(line)]
        )
        found.append((printable(shown), line.role))
        return found

    def text(self) -> str:
        """Return the whole document as plain text, folds ignored."""
        return "\n".join(
            f"{' ' * self._indent(line)}{line.label + ': ' if line.label else ''}{line.text}"
            for line in self.lines
        )


def scalar(value: object) -> str:
    """Return a scalar as JSON shows it."""
    if isinstance(value, bytes):
        return f"({len(value)} bytes) {value[:60]!r}"
    return dumps(value)


def scalar_role(value: object) -> str:
    """Return the role that colours a scalar."""
    if isinstance(value, bool) or value is None:
        return "constant"
    return "number" if isinstance(value, (int, float)) else "string"


def value_document(value: Value) -> Document:
    """Return a document of one value."""
    document = Document()
    if isinstance(value, Mapping):
        for key, item in value.items():
            document.add_value(str(key), item)
    else:
        document.add_value("", value)
    return document
