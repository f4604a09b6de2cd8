"""Payloads as Markdown that cannot leave its place: fenced, sanitised, cut, and counted in tokens.

The estimate is a rule, not a tokenizer: four ASCII characters are a token, any other character is one of its own.
A *weight* is that in quarters of a token, so that weights of pieces add up to that of the whole.
"""

from __future__ import annotations

import re

from tracetui.model.text import printable

_TICKS = re.compile(r"`+")
_TILDES = re.compile(r"~+")


def weight(text: str) -> int:
    """Return what a text weighs, in quarters of a token.

    >>> weight("abcd"), weight("é日")
    (4, 8)
    """
    return len(text) if text.isascii() else 4 * len(text) - 3 * len(text.encode("ascii", "ignore"))


def tokens(text: str) -> int:
    """Return the estimate of a text's tokens, rounded up.

    >>> tokens("five."), tokens("")
    (2, 0)
    """
    return -(-weight(text) // 4)


def code(text: str) -> str:
    r"""Return one line of payload as a code span: nothing in it is markup, and it cannot be left.

    >>> code("a `b` <i>"), code("``"), code("\x1b")
    ('`` a `b` <i> ``', '` `` `', '`␛`')
    """
    shown = printable(text) or " "
    runs = {len(run) for run in _TICKS.findall(shown)}
    if not runs:
        return f"`{shown}`"
    ticks = "`" * next(n for n in range(1, max(runs) + 2) if n not in runs)
    return f"{ticks} {shown} {ticks}"


def fenced(text: str, language: str = "") -> str:
    r"""Return lines of payload in a fence longer than any in them.

    >>> print(fenced("```\nx"))
    ~~~
    ```
    x
    ~~~
    """
    shown = printable(text, newlines=True)
    ticks = max((len(run) for run in _TICKS.findall(shown)), default=0)
    tildes = max((len(run) for run in _TILDES.findall(shown)), default=0)
    fence = "`" * max(ticks + 1, 3) if ticks < 3 or ticks <= tildes else "~" * max(tildes + 1, 3)
    return f"{fence}{language}\n{shown}\n{fence}"


def cut(text: str, room: int | None) -> tuple[str, int]:
    """Return a payload, printable, in at most ``room`` quarters of a token, and how many characters are left out.

    Beginning and end stay, and what is left out between is said; where not even that has room, nothing stays.
    Without ``room`` all of it stays.
    """
    if room is None or len(text) <= room:
        shown = printable(text, newlines=True)
        if room is None or weight(shown) <= room:
            return shown, 0
    keep = min(len(text) - 1, room)
    while keep > 0:
        after = keep // 3
        gone = len(text) - keep
        shown = (
            f"{_end(text, keep - after, 0)}\n[... {gone:,} characters left out ...]\n{_end(text, 0, after)}"
        )
        size = weight(shown)
        if size <= room:
            return shown, gone
        keep = min(keep - 1, keep * room // size)
    return "", len(text)


def _end(text: str, before: int, after: int) -> str:
    piece = text[:before] if before else text[len(text) - after :]
    return printable(piece, newlines=True)
