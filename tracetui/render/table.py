"""Tables and trees as plain lines, measured in cells. What stands in them is made printable here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tracetui.model.text import printable

MAX_COLUMN = 60


def table(head: Sequence[str], rows: Iterable[Sequence[object]], width: int = 0) -> Iterator[str]:
    """Yield the lines of a table, columns as wide as they need, the last one cut at ``width`` (0: not at all).

    >>> list(table(["ID", "NAME"], [["a", "one"], ["bb", None]]))
    ['ID  NAME', 'a   one', 'bb']
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        min(max(cell_len(row[n]) for row in [list(head), *cells]), MAX_COLUMN)
        for n in range(max(len(head) - 1, 0))
    ]
    for row in [list(head), *cells]:
        fixed = [set_cell_size(text, size) for text, size in zip(row, widths, strict=False)]
        line = "  ".join([*fixed, row[-1]]).rstrip()
        yield set_cell_size(line, width).rstrip() if width and cell_len(line) > width else line


def _cell(value: object) -> str:
    return "" if value is None else printable(str(value))


def tree_lines(rows: Iterable[tuple[int, str]]) -> Iterator[str]:
    """Yield rows of (depth, text) as an indented tree; beyond 40 levels the depth is a number.

    >>> list(tree_lines([(0, "a"), (1, "b"), (2, "c")]))
    ['a', '  b', '    c']
    """
    for depth, text in rows:
        indent = "  " * depth if depth <= 40 else "  " * 40 + f"+{depth - 40} "
        yield indent + text
