"""Standard output: the only place that writes it. Data go here and nothing else.

A reader that closes the pipe ends the program quietly.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any


class ClosedPipeError(Exception):
    """Nobody reads any more."""


class UnwritableError(Exception):
    """The system does not take the output; the text says why."""


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the system says of a write into what a command ends with."""
    try:
        yield
    except BrokenPipeError:
        raise ClosedPipeError from None
    except OSError as problem:
        raise UnwritableError(f"the output cannot be written: {problem.strerror}") from None


def line(text: str) -> None:
    """Write one line."""
    with _refusals():
        try:
            sys.stdout.write(text + "\n")
        except UnicodeEncodeError:
            sys.stdout.write(text.encode("ascii", "backslashreplace").decode("ascii") + "\n")


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
    with _refusals():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def flush() -> None:
    """Hand everything over to the system.

    :raises ClosedPipeError: if nobody reads any more.
    :raises UnwritableError: if the system does not take it.
    """
    with _refusals():
        sys.stdout.flush()


def take_buffer() -> None:
    """Give standard output a buffer where Python was told to do without (``PYTHONUNBUFFERED``).

    Without one Python passes over what the system did not take of a write, as on a full disk.
    """
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.FileIO):
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw), sys.stdout.encoding, sys.stdout.errors, line_buffering=sys.stdout.isatty()
        )


def give_up() -> None:
    """Make sure that the interpreter does not complain, at its end, about output that nobody took."""
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
