"""Text measured in terminal cells: cut and padded to a width, wide characters counted as two. Pure."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS = "…"


def cut(text: str, width: int) -> str:
    """Return the text in at most ``width`` cells, its end marked if something is missing.

    >>> cut("abcdef", 4), cut("日本語", 4), cut("ab", 4)
    ('abc…', '日…', 'ab')
    """
    if width <= 0:
        return ""
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        return text
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def cut_middle(text: str, width: int) -> str:
    """Return the text with its middle left out: paths and ids tell most at their ends.

    >>> cut_middle("/home/dev/project/app.py", 12)
    '/home…app.py'
    """
    if cell_len(text) <= width:
        return text
    keep = max(width - 1, 0)
    head = keep // 2
    tail = keep - head
    return set_cell_size(text, head) + ELLIPSIS + (text[-tail:] if tail else "")


def chopped(text: str, width: int, most: int) -> list[str]:
    """Return the text in at most ``most`` lines of ``width`` cells; the last is marked if something is missing.

    >>> chopped("abcdef", 4, 2), chopped("abcdef", 2, 2), chopped("", 4, 2)
    (['abcd', 'ef'], ['ab', 'c…'], [])
    """
    parts = chop_cells(text[: width * most + 1], width) if text else []
    if len(parts) > most:
        parts[most - 1 :] = [cut(parts[most - 1] + parts[most], width)]
    return parts


def pad(text: str, width: int) -> str:
    """Return the text in exactly ``width`` cells."""
    shown = cut(text, width)
    return shown + " " * (width - cell_len(shown))


def pad_left(text: str, width: int) -> str:
    """Return the text in exactly ``width`` cells, to the right."""
    shown = cut(text, width)
    return " " * (width - cell_len(shown)) + shown


def width_of(text: str) -> int:
    """Return the cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)
