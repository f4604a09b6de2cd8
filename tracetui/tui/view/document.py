"""Text of any size as lines with folds, wrapped to a width: what the detail pane and other readers scroll through.

Owns the lines of one document and which of them are visible. A line's text is kept as recorded and made printable
only when it is drawn, so that a payload of megabytes opens at once: splitting it is all that is done up front, and
of a text with very many lines the rest is made into lines when somebody unfolds it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from tracetui.model.text import printable
from tracetui.model.value import Value, dumps
from tracetui.render.cells import width_of

INDENT = 2
OPEN_ITEMS = 400
"""Containers with more items are folded at first, and made into lines when they are unfolded."""
PART = 1_000
"""Items that are unfolded together in a container of very many."""
LONG_LINE = 20_000
"""Characters from which on a line is wrapped evenly, without looking for words."""
MOST_LINES = 20_000
"""Lines of one text that are there at first."""


class Line(NamedTuple):
    """One line: indentation, label before the text, text as recorded, role; ``size`` lines of its own below it.

    ``seq`` is the trace that the line leads to, −1 if none; ``run_id`` the run, "" if none.
    """

    depth: int
    label: str
    text: str
    role: str = "text"
    size: int = 0
    seq: int = -1
    run_id: str = ""


class Document:
    """Lines with folds. ``layout`` decides for a width which rows there are."""

    def __init__(self, lines: list[Line] | None = None) -> None:
        self.lines: list[Line] = lines if lines is not None else []
        self.folded: set[int] = set()
        self._later: dict[int, Callable[[Document], object]] = {}
        """By line what is to be added below it when it is first unfolded."""
        self._content: set[int] = set()
        """Those of them that are a part of the text; the others lead elsewhere."""
        self._printable: dict[int, str] = {}
        """By line its printable text, where that is another."""
        self.width = 80
        self.wrap = True
        self._row_lines: array[int] = array("I")
        self._row_starts: array[int] = array("I")
        self._rows = 0

    # ---- building ----------------------------------------------------------------------------------------

    def add(
        self,
        text: str,
        role: str = "text",
        *,
        label: str = "",
        depth: int = 0,
        seq: int = -1,
        run_id: str = "",
    ) -> None:
        """Add one line."""
        self.lines.append(Line(depth, label, text, role, 0, seq, run_id))

    def add_folded(
        self,
        text: str,
        fill: Callable[[Document], object],
        role: str = "text",
        depth: int = 0,
        *,
        label: str = "",
        is_content: bool = False,
    ) -> None:
        """Add a line below which ``fill`` adds more when somebody unfolds it; copied too if it ``is_content``."""
        self._later[len(self.lines)] = fill
        if is_content:
            self._content.add(len(self.lines))
        self.lines.append(Line(depth, label, text, role))

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
            self.lines.append(Line(depth, label, "", "label", min(len(parts), MOST_LINES + 1)))
            depth += 1
        self.lines.extend([Line(depth, "", part, role) for part in parts[:MOST_LINES]])
        if len(parts) > MOST_LINES:
            rest = parts[MOST_LINES:]
            self.add_folded(
                f"… {len(rest):,} more lines (Enter shows them)",
                lambda more: more.lines.extend([Line(depth, "", part, role) for part in rest]),
                "warning",
                depth,
                is_content=True,
            )

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
            elif isinstance(item, (dict, list)) and len(item) > OPEN_ITEMS:
                self._add_many(name, item, level)
            elif isinstance(item, (dict, list)) and item:
                stack.append((name, None, level, len(lines)))
                lines.append(Line(level, name, size_of(item), "brace", 1))
                below = list(enumerate(item)) if isinstance(item, list) else list(item.items())
                stack.extend((str(key), part, level + 1, -1) for key, part in reversed(below))
            else:
                lines.append(Line(level, name, scalar(item), scalar_role(item)))

    def _add_many(self, name: str, item: dict[str, Any] | list[Any], level: int) -> None:
        """Add a container of many items, whose lines are made when it is unfolded: in parts, if they are very many."""

        def fill(more: Document) -> None:
            names: Sequence[Any] = range(len(item)) if isinstance(item, list) else list(item)
            if len(item) <= 2 * PART:
                more.add_items(item, names, level + 1)
                return
            for start in range(0, len(item), PART):
                part = names[start : start + PART]
                more.add_folded(
                    f"{part[0]} … {part[-1]}",
                    partial(Document.add_items, item=item, names=part, depth=level + 2),
                    "brace",
                    level + 1,
                    is_content=True,
                )

        self.add_folded(size_of(item), fill, "brace", level, label=name, is_content=True)

    def add_items(self, item: Any, names: Sequence[Any], depth: int) -> None:
        """Add these items of a container."""
        for name in names:
            self.add_value(str(name), item[name], depth)

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
        self._row_lines, self._row_starts, self._rows = rows, starts, len(rows)

    def _lay(self, number: int, line: Line, rows: array[int], starts: array[int]) -> None:
        rows.append(number)
        starts.append(0)
        text = self._shown(number, line)
        first = self._room(line)
        if not self.wrap or (len(text) <= first and (text.isascii() or width_of(text) <= first)):
            return
        rest = max(self.width - self._indent(line) - 2, 8)
        at = breaks(text, first, rest) if len(text) <= LONG_LINE else _even_breaks(text, first, rest)
        rows.extend([number] * len(at))
        starts.extend(at)

    def _shown(self, number: int, line: Line) -> str:
        """Return what a line shows: its text made printable, but for very long ones, which are when they are drawn."""
        if len(line.text) > LONG_LINE or line.text.isprintable():
            return line.text
        found = self._printable.get(number)
        if found is None:
            found = self._printable[number] = printable(line.text)
        return found

    def _indent(self, line: Line) -> int:
        return min(line.depth, 20) * INDENT

    def _room(self, line: Line) -> int:
        label = width_of(line.label) + 2 if line.label else 0
        return max(self.width - self._indent(line) - label - 2, 8)

    def keep_rows(self, rows: int) -> None:
        """Leave out all rows but the first."""
        self._rows = min(rows, len(self._row_lines))

    def __len__(self) -> int:
        return self._rows

    def line_at(self, row: int) -> int:
        """Return the number of the line that a row shows."""
        return self._row_lines[row]

    def folds(self, row: int) -> bool:
        """Whether the line of a row has anything to fold, or to be added below it."""
        number = self._row_lines[row]
        return number in self._later or self.lines[number].size > 0

    def toggle(self, row: int) -> bool:
        """Fold or unfold the line of a row; return whether it has anything to fold."""
        number = self._row_lines[row]
        if number in self._later:
            self._fill(number)
            return True
        if not self.lines[number].size:
            return False
        self.folded.symmetric_difference_update({number})
        self.layout(self.width)
        return True

    def _fill(self, number: int) -> None:
        """Add below a line what was left for later; linear in the lines there are."""
        added = Document()
        self._later.pop(number)(added)
        more = len(added.lines)
        for at, line in enumerate(self.lines[: number + 1]):
            if at == number or (line.size and at + line.size >= number):
                self.lines[at] = line._replace(size=line.size + more)
        self.lines[number + 1 : number + 1] = added.lines
        self._printable.clear()
        self.folded = {n + more if n > number else n for n in self.folded}
        self._later = {n + more if n > number else n: fill for n, fill in self._later.items()}
        self._content = {n + more if n > number else n for n in self._content - {number}}
        for n in added.folded:
            self.folded.add(number + 1 + n)
        for n, fill in added._later.items():
            self._later[number + 1 + n] = fill
        self._content.update(number + 1 + n for n in added._content)
        self.layout(self.width)

    def fold_all(self, *, folded: bool) -> None:
        """Fold or unfold every line that can be."""
        self.folded = {n for n, line in enumerate(self.lines) if line.size} if folded else set()
        self.layout(self.width)

    def pieces(self, row: int, scroll_x: int = 0) -> list[tuple[str, str]]:
        """Return what a row shows, as text with roles; made printable here and nowhere before."""
        number, start = self._row_lines[row], self._row_starts[row]
        line = self.lines[number]
        indent = " " * self._indent(line)
        text = self._shown(number, line)
        last = row + 1 == len(self._row_lines) or self._row_lines[row + 1] != number
        end = len(text) if last else self._row_starts[row + 1]
        if start:
            return [(indent + "  ", "text"), (printable(text[start:end]).rstrip(), line.role)]
        mark = "  "
        if line.size or number in self._later:
            mark = "+ " if number in self.folded or number in self._later else "- "
        found = [(indent, "text"), (mark if line.role != "heading" else "", "fold")]
        if line.label:
            found.append((printable(line.label[:200]) + ": ", "label"))
        shown = (
            (text[:end] if last else text[:end].rstrip())
            if self.wrap
            else text[scroll_x : scroll_x + self.width * 2]
        )
        found.append((printable(shown), line.role))
        return found

    def text(self) -> str:
        """Return the whole document as plain text, folds ignored; what only links elsewhere may be left out."""
        return "\n".join(
            f"{' ' * self._indent(line)}{line.label + ': ' if line.label else ''}{line.text}"
            for line in self._all_lines()
        )

    def _all_lines(self) -> Iterator[Line]:
        for number, line in enumerate(self.lines):
            yield line
            if number in self._content:
                below = Document()
                self._later[number](below)
                yield from below._all_lines()


def breaks(text: str, first: int, rest: int) -> list[int]:
    """Return where a printable text is broken: behind a space where there is one, into rows of so many cells.

    >>> breaks("a few words here", 8, 7), breaks("日本語日本語", 4, 4), breaks("abcdefghij", 4, 4)
    ([6, 12], [2, 4], [4, 8])
    """
    found: list[int] = []
    start, room = 0, first
    while (end := _row_end(text, start, room)) < len(text):
        space = text.rfind(" ", start + room // 2, end + 1)
        start, room = (space + 1 if 0 <= space < end else end if space < 0 else end + 1), rest
        found.append(start)
    return found if not found or found[-1] < len(text) else found[:-1]


def _row_end(text: str, start: int, room: int) -> int:
    """Return the end of what fits into so many cells, one character at least."""
    end = min(start + room, len(text))
    piece = text[start:end]
    if piece.isascii() or width_of(piece) <= room:
        return end
    used = 0
    for at in range(start, end):
        used += width_of(text[at])
        if used > room:
            return max(at, start + 1)
    return end


def _even_breaks(text: str, first: int, rest: int) -> range:
    """Return breaks that fit whatever the characters are: all take a cell, some two, or some are shown as codes."""
    share = 1 if text.isascii() and text.isprintable() else 2 if text.isprintable() else 10
    return range(max(first // share, 1), len(text), max(rest // share, 1))


def size_of(item: dict[str, Any] | list[Any]) -> str:
    """Return how many items a container has, in the braces that it has in JSON."""
    name, many = ("item", "[{}]") if isinstance(item, list) else ("key", "{{{}}}")
    return many.format(f"{len(item)} {name}{'' if len(item) == 1 else 's'}")


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
