"""Standard error and the exit codes: the only place that writes the one and decides the other.

0 fine · 1 nothing found, or a check fired · 2 usage, or a value or state that is refused · 3 damaged or unreadable
data · 4 locked or unreachable store · 130 interrupted
"""

from __future__ import annotations

import sys

from tracetui.errors import (
    CorruptionError,
    FormatError,
    FormatVersionError,
    ParentNotFoundError,
    QuerySyntaxError,
    RunNotFoundError,
    StorageError,
    TraceNotFoundError,
    TraceTuiError,
    UnknownFieldError,
)

OK, NOTHING, USAGE, DAMAGED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130


class UsageError(Exception):
    """The command was not given as it should be."""


class Ended(Exception):
    """The command ends with an exit code; everything was said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def is_terminal() -> bool:
    """Whether a person sees standard error: the explorer draws through it."""
    return sys.stderr.isatty()


def _printable(text: str, *, newlines: bool = False) -> str:
    """As ``model.text`` has it; a command that has nothing to say needs none of its regular expressions."""
    from tracetui.model.text import printable

    return printable(text, newlines=newlines)


def say(text: str) -> None:
    """Write a line to standard error; hostile characters are shown as text."""
    try:
        sys.stderr.write(_printable(text, newlines=True) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def progress(text: str) -> None:
    """Write over the last line of progress, on a terminal alone."""
    if is_terminal():
        sys.stderr.write("\r\x1b[K" + _printable(text))
        sys.stderr.flush()


def report(problem: TraceTuiError) -> int:
    """Say what went wrong and return the exit code for it."""
    say(f"tracetui: {problem}")
    if isinstance(problem, QuerySyntaxError | UnknownFieldError) and problem.text:
        from tracetui.querying.grammar import caret

        say(caret(problem))
    return code_of(problem)


def code_of(problem: TraceTuiError) -> int:
    """Return the exit code of an error."""
    if isinstance(problem, (RunNotFoundError, TraceNotFoundError, ParentNotFoundError)):
        return NOTHING
    if isinstance(problem, (CorruptionError, FormatVersionError, FormatError)):
        return DAMAGED
    if isinstance(problem, StorageError):
        return UNREACHABLE
    return USAGE
