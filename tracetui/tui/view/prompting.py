"""What stands below a prompt: how the text may go on, or a caret below what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.errors import QueryError, QuerySyntaxError, UnknownFieldError
from tracetui.model.text import printable
from tracetui.querying.completion import Candidate
from tracetui.render.cells import cut, width_of
from tracetui.render.figures import count

Pieces = list[tuple[str, str]]


def hint_pieces(candidates: Sequence[Candidate], problem: str, column: int, width: int) -> Pieces:
    """Return the line: a problem if there is one (with a caret in its column), else the candidates.

    >>> hint_pieces((), "a value after dur:", 6, 40)
    [('      ', 'text'), ('^', 'warning'), (' a value after dur:', 'warning')]
    """
    if problem:
        return _pointing(problem, column, width)
    if not candidates:
        return []
    pieces: Pieces = [(" Tab ", "key")]
    used = 5
    for number, candidate in enumerate(candidates):
        text = printable(candidate.text)
        told = f" {count(candidate.count)}" if candidate.count is not None else ""
        size = width_of(text) + len(told) + 2
        if used + size > width:
            break
        pieces += [(text, "title" if number == 0 else "text"), (told + "  ", "dim")]
        used += size
    about = candidates[0].about
    if about and used + width_of(about) + 2 < width and len(candidates) == 1:
        pieces.append((about, "dim"))
    return pieces


def _pointing(problem: str, column: int, width: int) -> Pieces:
    if column < 0:
        return [(cut(f" {problem}", width), "warning")]
    told = cut(f" {problem}", width - 2)
    if column + 1 + width_of(told) <= width:
        return [(" " * column, "text"), ("^", "warning"), (told, "warning")]
    left = cut(f" {problem} ", max(column, 0))
    if width_of(left) == width_of(f" {problem} "):
        return [(" " * (column - width_of(left)), "text"), (left, "warning"), ("^", "warning")]
    return [(told, "warning")]


def place_of(problem: QueryError, text: str) -> int:
    """Return the character a problem is at, −1 if it has no place.

    >>> place_of(UnknownFieldError("typ", "type"), "a typ:Error")
    2
    """
    if isinstance(problem, QuerySyntaxError):
        return problem.position
    if isinstance(problem, UnknownFieldError):
        return text.find(f"{problem.name}:")
    return -1


def words_of(problem: QueryError) -> str:
    """Return what is wrong, without its place, which the caret shows."""
    return problem.expected if isinstance(problem, QuerySyntaxError) else str(problem)
