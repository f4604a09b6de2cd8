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
    """Return the text in at most ``most`` lines of ``width`` cells, between words if they are not long.

    The last line is marked if something is missing.

    >>> chopped("abcdef", 4, 2), chopped("abcdef", 2, 2), chopped("ab cd ef", 6, 2), chopped("", 4, 2)
    (['abcd', 'ef'], ['ab', 'c…'], ['ab cd', 'ef'], [])
    """
    lines: list[str] = []
    rest = text[: width * (most + 1)]
    while rest and len(lines) < most:
        line = chop_cells(rest, width)[0]
        if len(line) < len(rest) and rest[len(line)] != " " and (at := line.rfind(" ")) >= len(line) // 2:
            line = line[:at]
        lines.append(line)
        rest = rest[len(line) :].lstrip(" ")
    if rest:
        lines[-1] = cut(lines[-1] + ELLIPSIS, width)
    return lines


def cut_tail(text: str, width: int) -> str:
    """Return the text in at most ``width`` cells; of a path at its end the tail is kept, as that tells it from others.

    >>> cut_tail("read_file src/very/deep/app/auth.py", 24), cut_tail("just some words", 9)
    ('read_file …/app/auth.py', 'just som…')
    """
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        return text
    head, _, last = text.rpartition(" ")
    room = width - cell_len(head) - 2
    if "/" not in last.rstrip("/") or not head or room < width // 3:
        return cut(text, width)
    tail = last
    while cell_len(tail) > room:
        tail = tail[max(cell_len(tail) - room, 1) :]
    tail = tail[tail.find("/") :] if 0 <= tail.find("/") < len(tail) // 2 else tail
    return f"{head} {ELLIPSIS}{tail}"


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
