"""The language over runs, for the filter of the run picker.

Owns matching one run against an expression of ``RUN_FIELDS``. What the values are, the picker knows: it
gives them by field name. Bare words are looked for in names, verdicts, tags and ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tracetui.querying.ast import And, Expression, Not, Or, Query, Related, Text
from tracetui.querying.comparing import check_of
from tracetui.querying.fields import RUN_FIELDS
from tracetui.querying.grammar import parse
from tracetui.querying.texts import Needle
from tracetui.querying.values import RunClock

_WORDS_IN = ("name", "verdict", "tag", "id")


class RunValues(Protocol):
    """The values of a run by field: a mapping, or what makes them when they are asked for."""

    def get(self, name: str, default: Sequence[Any], /) -> Sequence[Any]:
        """Return the values of a field, ``default`` if it has none."""
        ...


RunTest = Callable[[RunValues], bool]


def parse_run_filter(text: str) -> Query:
    """Read the picker's filter.

    :raises QueryError: as ``parse`` does.
    """
    return parse(text, fields=RUN_FIELDS, stages=False)


def run_matches(query: Query, values: RunValues, now_ms: int) -> bool:
    """Whether a run with these values, by field, matches; a field left out has none.

    >>> run_matches(parse_run_filter("failed tag:auth"), {"verdict": ["FAILED"], "tag": ["auth"]}, 0)
    True
    """
    return run_test(query, now_ms)(values)


def run_test(query: Query, now_ms: int) -> RunTest:
    """Return the filter as a test of one run after the other; times in it are relative to ``now_ms``."""
    if query.where is None:
        return lambda _: True
    return _test(query.where, RunClock(lambda: now_ms, lambda: now_ms, now_ms))


def _test(expression: Expression, clock: RunClock) -> RunTest:
    if isinstance(expression, And | Or):
        tests = [_test(item, clock) for item in expression.items]
        every = all if isinstance(expression, And) else any
        return lambda values: every(test(values) for test in tests)
    if isinstance(expression, Not):
        test = _test(expression.item, clock)
        return lambda values: not test(values)
    if isinstance(expression, Related):
        return lambda _: False
    if isinstance(expression, Text):
        found_in = Needle(expression.text).found_in
        return lambda values: any(found_in(text) for name in _WORDS_IN for text in values.get(name, ()))
    name = expression.field.name
    check = check_of(expression.values, RUN_FIELDS[name].kind, clock)
    return lambda values: any(map(check, values.get(name, ())))
