"""Syntax tree to text: the inverse of ``grammar``.

``parse(print_query(tree)) == tree`` for every tree; the text never begins with ``-`` (a shell would take it
for an option) and is as short as that allows.
"""

from __future__ import annotations

import re

from tracetui.querying.ast import (
    And,
    Compare,
    Count,
    Equal,
    Expression,
    Field,
    Glob,
    Limit,
    Literal,
    Not,
    Or,
    Query,
    Regex,
    Related,
    Sort,
    Stage,
    Stats,
    Term,
    Text,
    Value,
)
from tracetui.querying.fields import TRACE_FIELDS, FieldSpec, Kind

_KEYWORDS = frozenset({"AND", "OR", "NOT", "and", "or", "not"})
_SAFE_TEXT = re.compile(r'[^\s"()|:\-][^\s"()|:]*')
_SAFE_VALUE = re.compile(r'[^\s"()|*~=<>\-][^\s"()|*]*')
_SAFE_REGEX = re.compile(r'[^\s"()|][^\s()|"]*')
_SAFE_SEGMENT = re.compile(r"[\w$@/-]+")
_UNQUOTED_KINDS = frozenset({Kind.NUMBER, Kind.DURATION, Kind.TIME, Kind.FLAG})


def print_query(query: Query) -> str:
    """Return the text of a query; the query for everything is the empty text.

    >>> from tracetui.querying.grammar import parse
    >>> print_query(parse('-tag:retry dur:>=5s (a "b c")|sort -cost'))
    'NOT tag:retry dur:5s.. (a "b c") | sort -cost'
    """
    head = "" if query.where is None else print_expression(query.where)
    return (
        " | ".join([*([head] if head else []), *map(print_stage, query.stages)])
        if head
        else "".join(f"{' ' if n else ''}| {print_stage(stage)}" for n, stage in enumerate(query.stages))
    )


def print_expression(expression: Expression) -> str:
    """Return the text of an expression."""
    if isinstance(expression, Text):
        return _text(expression.text)
    if isinstance(expression, Term):
        return print_term(expression)
    if isinstance(expression, Not):
        return f"NOT {_operand(expression.item)}"
    if isinstance(expression, Related):
        return f"{expression.relation}:({print_expression(expression.item)})"
    joint = " OR " if isinstance(expression, Or) else " "
    within = _branch if isinstance(expression, Or) else _operand
    return joint.join(within(item) for item in expression.items)


def _operand(item: Expression) -> str:
    text = print_expression(item)
    return f"({text})" if isinstance(item, And | Or) else text


def _branch(item: Expression) -> str:
    text = print_expression(item)
    return f"({text})" if isinstance(item, Or) else text


def _text(text: str) -> str:
    return text if _SAFE_TEXT.fullmatch(text) and text not in _KEYWORDS else quote(text)


def quote(text: str) -> str:
    r"""Return the text in quotes.

    >>> print(quote('say "no"'))
    "say \"no\""
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def print_field(field: Field) -> str:
    """Return a field with its path.

    >>> print_field(Field("meta", ("usage", "a.b")))
    'meta.usage."a.b"'
    """
    return ".".join((field.name, *(s if _SAFE_SEGMENT.fullmatch(s) else quote(s) for s in field.path)))


def print_term(term: Term) -> str:
    """Return a term, with parentheses where it has several values."""
    shown = [print_value(value, term.field) for value in term.values]
    return f"{print_field(term.field)}:{shown[0] if len(shown) == 1 else '(' + ' OR '.join(shown) + ')'}"


def print_value(value: Value, field: Field) -> str:
    """Return a value as it stands after the colon of its field."""
    if isinstance(value, Literal):
        return _literal(value.text, field)
    if isinstance(value, Equal):
        return f"={value.text if _is_safe(value.text, field) else quote(value.text)}"
    if isinstance(value, Glob):
        return value.pattern
    if isinstance(value, Regex):
        return f"~{value.pattern if _SAFE_REGEX.fullmatch(value.pattern) else quote(value.pattern)}"
    if isinstance(value, Compare):
        return value.op + value.text
    return f"{value.low or ''}..{value.high or ''}"


def _literal(text: str, field: Field) -> str:
    spec: FieldSpec | None = TRACE_FIELDS.get(field.name)
    if spec is not None and spec.kind in _UNQUOTED_KINDS and _SAFE_REGEX.fullmatch(text):
        return text
    return text if _is_safe(text, field) else quote(text)


def _is_safe(text: str, field: Field) -> bool:
    """Whether a literal reads as itself without quotes on any field."""
    if field.name == "parent" and ":" in text:
        return False
    return _SAFE_VALUE.fullmatch(text) is not None and ".." not in text and text not in _KEYWORDS


def print_stage(stage: Stage) -> str:
    """Return a stage without its bar."""
    if isinstance(stage, Count):
        return f"count by {print_field(stage.by)}" if stage.by else "count"
    if isinstance(stage, Sort):
        return f"sort {'-' if stage.descending else ''}{print_field(stage.by)}"
    if isinstance(stage, Limit):
        return f"limit {stage.count}"
    if isinstance(stage, Stats):
        return f"stats {print_field(stage.of)}"
    return "select " + ", ".join(map(print_field, stage.fields))


__all__ = [
    "print_expression", "print_field", "print_query", "print_stage", "print_term", "print_value", "quote",
]  # fmt: skip
