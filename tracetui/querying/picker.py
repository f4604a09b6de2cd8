"""The language over runs, for the filter of the run picker.

Owns matching one run against an expression of ``RUN_FIELDS``. What the values are, the picker knows: it
gives them by field name. Bare words are looked for in names, verdicts and tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracetui.querying.ast import And, Expression, Not, Or, Query, Related, Text
from tracetui.querying.comparing import check_of
from tracetui.querying.fields import RUN_FIELDS
from tracetui.querying.grammar import parse
from tracetui.querying.texts import Needle
from tracetui.querying.values import RunClock

_WORDS_IN = ("name", "verdict", "tag")


def parse_run_filter(text: str) -> Query:
    """Read the picker's filter.

    :raises QueryError: as ``parse`` does.
    """
    return parse(text, fields=RUN_FIELDS, stages=False)


def run_matches(query: Query, values: Mapping[str, Sequence[Any]], now_ms: int) -> bool:
    """Whether a run with these values, by field, matches; a field left out has none.

    >>> run_matches(parse_run_filter("failed tag:auth"), {"verdict": ["FAILED"], "tag": ["auth"]}, 0)
    True
    """
    return query.where is None or _matches(
        query.where, values, RunClock(lambda: now_ms, lambda: now_ms, now_ms)
    )


def _matches(expression: Expression, values: Mapping[str, Sequence[Any]], clock: RunClock) -> bool:
    if isinstance(expression, And):
        return all(_matches(item, values, clock) for item in expression.items)
    if isinstance(expression, Or):
        return any(_matches(item, values, clock) for item in expression.items)
    if isinstance(expression, Not):
        return not _matches(expression.item, values, clock)
    if isinstance(expression, Related):
        return False
    if isinstance(expression, Text):
        needle = Needle(expression.text)
        return any(needle.found_in(text) for name in _WORDS_IN for text in values.get(name, ()))
    check = check_of(expression.values, RUN_FIELDS[expression.field.name].kind, clock)
    return any(map(check, values.get(expression.field.name, ())))
