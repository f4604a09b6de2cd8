"""Comparing: what a term asks of a value that was read.

Owns the meaning of exact and contained, of globs, ranges and comparisons, for each kind of field. A missing
value never gets here, so it matches nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from tracetui.querying.ast import Compare, Equal, Glob, Literal, Range, Regex, Value
from tracetui.querying.fields import Kind
from tracetui.querying.patterns import Bounded, bounded
from tracetui.querying.texts import Needle, leaves, shown
from tracetui.querying.values import (
    RunClock,
    glob_pattern,
    is_number,
    milliseconds_of,
    number_of,
    time_of,
)

Check = Callable[[Any], bool]
Finder = Callable[[str], list[tuple[int, int]]]
INFINITE = float("inf")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, ">": operator.gt, "<=": operator.le}


def check_of(values: Sequence[Value], kind: Kind, clock: RunClock) -> Check:
    """Return the predicate on one value that holds if any of a term's values fits."""
    made = [_check(value, kind, clock) for value in values]
    return made[0] if len(made) == 1 else lambda found: any(check(found) for check in made)


def _check(value: Value, kind: Kind, clock: RunClock) -> Check:
    if kind is Kind.EXACT:
        return exact(value)
    if kind is Kind.TEXT:
        return contained(value)
    if kind is Kind.FLAG:
        wanted = _written(value) == "true"
        return lambda found: found is wanted
    if kind is Kind.PATH:
        return _of_any_shape(value)
    return within(value, kind, clock)


def exact(value: Value) -> Check:
    """Return the test of a name: equal, a glob or a regular expression, minding case."""
    if isinstance(value, Glob):
        pattern = glob_pattern(value.pattern)
        return lambda found: pattern.fullmatch(found) is not None
    if isinstance(value, Regex):
        return bounded(value.pattern).search
    wanted = _written(value)
    return lambda found: found == wanted


def contained(value: Value) -> Check:
    """Return the test of a text: holds it, ignoring case; a glob fits the whole, ``=`` is the whole."""
    if isinstance(value, Glob):
        pattern = glob_pattern(value.pattern, ignore_case=True)
        return lambda found: pattern.fullmatch(found) is not None
    if isinstance(value, Regex):
        return bounded(value.pattern, ignore_case=True).search
    wanted = _written(value)
    if isinstance(value, Equal):
        return lambda found: found == wanted
    return Needle(wanted).found_in


def _written(value: Value) -> str:
    if isinstance(value, Literal | Equal):
        return value.text
    raise ValueError(f"a value that this field does not take: {value!r}")


# ---- numbers, durations, times ---------------------------------------------------------------------------


def within(value: Value, kind: Kind, clock: RunClock) -> Check:
    """Return the test of a number, duration or time."""
    if isinstance(value, Compare) and kind is not Kind.TIME:
        limit = (milliseconds_of if kind is Kind.DURATION else number_of)(value.text)
        compare = _COMPARE[value.op]
        return lambda found: compare(found, limit)
    low, high = moments(value, clock) if kind is Kind.TIME else _bounds(value, kind)
    return lambda found: low <= found <= high


def _bounds(value: Value, kind: Kind) -> tuple[float, float]:
    read = milliseconds_of if kind is Kind.DURATION else number_of
    if isinstance(value, Range):
        low = -INFINITE if value.low is None else read(value.low)
        return low, INFINITE if value.high is None else read(value.high)
    only = read(_written(value))
    return only, only


def moments(value: Value, clock: RunClock) -> tuple[float, float]:
    """Return the first and the last millisecond that fit.

    A time alone covers as much as it is written: a day, a minute, a second. Times are whole milliseconds,
    so the half-open end of a range is the millisecond before.
    """
    if isinstance(value, Range):
        low = -INFINITE if value.low is None else time_of(value.low, clock)[0]
        return low, INFINITE if value.high is None else time_of(value.high, clock)[0] - 1
    if isinstance(value, Compare):
        at = time_of(value.text, clock)[0]
        return (at + 1, INFINITE) if value.op == ">" else (-INFINITE, at - (value.op == "<"))
    start, width = time_of(_written(value), clock)
    return start, start + width - 1


# ---- values of any shape ---------------------------------------------------------------------------------


def _of_any_shape(value: Value) -> Check:
    """Return the test of a value at a path: its number, its text, or any text within it."""
    if isinstance(value, Range | Compare):
        fits = within(value, Kind.NUMBER, RunClock(int, int, 0))
        return lambda found: _is_number(found) and fits(found)
    text = contained(value)
    number = number_of(value.text) if isinstance(value, Literal) and is_number(value.text) else None
    is_null = isinstance(value, Literal | Equal) and value.text == "null"

    def check(found: Any) -> bool:
        if found is None:
            return is_null
        if isinstance(found, dict | list):
            return any(text(leaf) for _, leaf in leaves(found))
        if number is not None and _is_number(found):
            return bool(found == number)
        leaf = shown(found)
        return leaf is not None and text(leaf)

    return check


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


# ---- all the text of a trace -----------------------------------------------------------------------------


def pattern_of_text(value: Value) -> Bounded | None:
    """Return the pattern that a value of ``text:`` is searched with, None if it is a text to be contained.

    A glob is found anywhere here, since nobody means the whole of a result with it.
    """
    if isinstance(value, Regex):
        return bounded(value.pattern, ignore_case=True)
    if isinstance(value, Glob):
        pieces = [re.escape(piece) for piece in value.pattern.split("*") if piece]
        return bounded("[^\\n]*?".join(pieces), ignore_case=True)
    return bounded(rf"\A{re.escape(value.text)}\Z") if isinstance(value, Equal) else None


def finder_of(value: Value) -> Finder:
    """Return the function that gives the places of a value of ``text:`` in a text."""
    pattern = pattern_of_text(value)
    return Needle(_written(value)).spans if pattern is None else pattern.spans
