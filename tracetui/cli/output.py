"""Standard output: the only place that writes it. Data go here and nothing else.

A reader that closes the pipe ends the program quietly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any


class ClosedPipeError(Exception):
    """Nobody reads any more."""


def line(text: str) -> None:
    """Write one line."""
    try:
        sys.stdout.write(text + "\n")
    except UnicodeEncodeError:
        sys.stdout.write(text.encode("ascii", "backslashreplace").decode("ascii") + "\n")
    except BrokenPipeError:
        raise ClosedPipeError from None


def lines(texts: Iterable[str]) -> None:
    """Write lines."""
    for text in texts:
        line(text)


def json(value: Any) -> None:
    """Write a value as indented JSON."""
    from tracetui.model.value import dumps

    line(dumps(value, indent=2))


def json_line(value: Any) -> None:
    """Write a value as one line of JSON."""
    from tracetui.model.value import dumps

    line(dumps(value))


def raw(data: bytes) -> None:
    """Pass bytes through unchanged."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ClosedPipeError from None


def flush() -> None:
    """Hand everything over to the system.

    :raises ClosedPipeError: if nobody reads any more.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ClosedPipeError from None


def give_up() -> None:
    """Make sure that the interpreter does not complain about a closed pipe at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def width() -> int:
    """Return the width of the terminal, 0 if the output is none."""
    return os.get_terminal_size(1).columns if sys.stdout.isatty() else 0


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def is_terminal_input() -> bool:
    """Whether a person types: standard input is a terminal."""
    return sys.stdin.isatty()
