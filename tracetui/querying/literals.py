"""What an operator and a text make on a field: a value of the syntax tree, or what the field takes instead.

Owns the rules by kind of field; must not know where in a query the text stands. What does not fit raises
``ValueError`` with the words that were expected.
"""

from __future__ import annotations

from collections.abc import Callable

from tracetui.querying import values
from tracetui.querying.ast import Compare, Equal, Glob, Literal, Range, Regex, Value
from tracetui.querying.fields import FieldSpec, Kind
from tracetui.querying.patterns import bounded

_FLAGS = {"true": "true", "yes": "true", "false": "false", "no": "false"}


def value_of(spec: FieldSpec, operator: str, text: str, *, quoted: bool) -> Value:
    """Return the value that an operator and a text make on a field.

    :raises ValueError: saying what the field takes.
    """
    if spec.kind in _CHECKS:
        return _measured(spec, operator, text)
    if spec.kind is Kind.FLAG:
        if operator not in ("", "=") or text.lower() not in _FLAGS:
            raise ValueError(f"{spec.name}: true or false")
        return Literal(_FLAGS[text.lower()])
    if operator == "~":
        bounded(text)
        return Regex(text)
    if operator in ("<", ">", "<=", ">="):
        if spec.kind is not Kind.PATH:
            raise ValueError(
                f"no comparison: {spec.name} holds text (quote the value if it begins with {operator})"
            )
        return _measured(spec, operator, text)
    return _worded(spec, operator, text, quoted)


def _worded(spec: FieldSpec, operator: str, text: str, quoted: bool) -> Value:
    if operator == "=":
        return Literal(text) if spec.kind is Kind.EXACT else Equal(text)
    if quoted:
        return Literal(text)
    if spec.kind is Kind.PATH and is_range(text):
        low, _, high = text.partition("..")
        return Range(low or None, high or None)
    return Glob(text) if "*" in text and "(" not in text else Literal(text)


def is_range(text: str) -> bool:
    """Whether a word is a range of numbers, and not, say, a path such as ``../a``.

    >>> is_range("1..5"), is_range("5.."), is_range("../a"), is_range("..")
    (True, True, False, False)
    """
    low, dots, high = text.partition("..")
    return bool(dots and (low or high)) and all(values.is_number(end) for end in (low, high) if end)


def is_backwards(spec: FieldSpec, value: Value) -> bool:
    """Whether a value is a range that ends before it begins; of times only the run knows.

    >>> from tracetui.querying.fields import TRACE_FIELDS
    >>> is_backwards(TRACE_FIELDS["dur"], Range("5s", "200ms")), is_backwards(TRACE_FIELDS["dur"], Range("5s", None))
    (True, False)
    """
    if not isinstance(value, Range) or value.low is None or value.high is None or spec.kind is Kind.TIME:
        return False
    number = values.milliseconds_of if spec.kind is Kind.DURATION else values.number_of
    return number(value.low) > number(value.high)


_CHECKS: dict[Kind, Callable[[str], object]] = {
    Kind.NUMBER: values.number_of,
    Kind.DURATION: values.milliseconds_of,
    Kind.TIME: values.check_time,
}


def _measured(spec: FieldSpec, operator: str, text: str) -> Value:
    """Return a number, duration or time, alone, compared or in a range."""
    if operator == "~":
        raise ValueError(f"{spec.name}: no regular expression, but {spec.kind.value}")
    check = _CHECKS.get(spec.kind, values.number_of)
    text = text.replace(" ", "T") if spec.kind is Kind.TIME else text
    if ".." in text:
        low, _, high = text.partition("..")
        if operator not in ("", "=") or not (low or high):
            raise ValueError(f"{spec.kind.value}")
        for end in (low, high):
            if end:
                check(end)
        return Range(low or None, high or None)
    check(text)
    if operator in ("", "="):
        return Literal(text)
    if operator == ">=":
        return Range(text, None)
    if operator == ("<" if spec.kind is Kind.TIME else "<="):
        return Range(None, text)
    return Compare(operator, text)
