"""The syntax tree of a query: frozen nodes, compared by value.

Owns what a query can say, not how it is written or answered. Every tree that can be built here can be
printed, and reading the print gives the same tree; the checks in ``__post_init__`` refuse the others with
``ValueError``. Values keep the text that was typed ("5s", "-10m"): relative times mean something only when
a run and a clock are at hand, which is when a query is planned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

RELATIONS = ("parent", "child", "under", "has", "sibling")
"""``under``: some ancestor matches; ``has``: some descendant does; ``sibling``: another child of its parent."""

_PLAIN = re.compile(r'[^\s"()|]+')


def is_plain(text: str) -> bool:
    """Whether the text is one word without whitespace, quotes, parentheses or bars."""
    return _PLAIN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Field:
    """A field by name; ``args``, ``result``, ``meta`` and ``data`` take a path of keys into their value."""

    name: str
    path: tuple[str, ...] = ()


# ---- values ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A word or quoted text, taken as it is: equal on exact fields, contained on text fields."""

    text: str


@dataclass(frozen=True, slots=True)
class Equal:
    """The whole of a text or path value (``:=``), minding case."""

    text: str


@dataclass(frozen=True, slots=True)
class Glob:
    """A word with ``*`` for any characters."""

    pattern: str

    def __post_init__(self) -> None:
        if "*" not in self.pattern or not is_plain(self.pattern) or self.pattern[0] in "~=<>":
            raise ValueError(f"not a glob: {self.pattern!r}")


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression, searched anywhere (``:~``)."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """``low..high``; an end left out is open. Numbers hold both ends, times are half-open."""

    low: str | None
    high: str | None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("a range needs at least one end")
        for end in (self.low, self.high):
            if end is not None and (not is_plain(end) or ".." in end):
                raise ValueError(f"not an end of a range: {end!r}")


@dataclass(frozen=True, slots=True)
class Compare:
    """``<``, ``>`` or ``<=`` against a number or time; ``>=`` is a ``Range``, as are others where they can."""

    op: str
    text: str

    def __post_init__(self) -> None:
        if self.op not in ("<", ">", "<=") or not is_plain(self.text):
            raise ValueError(f"not a comparison: {self.op}{self.text!r}")


Value: TypeAlias = Literal | Equal | Glob | Regex | Range | Compare

# ---- expressions -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """Bare words or quoted text: contained in anything of the trace that a person can see."""

    text: str

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("text to search for must not be empty")


@dataclass(frozen=True, slots=True)
class Term:
    """A field that has one of the values."""

    field: Field
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a term needs a value")
        if self.field.name in RELATIONS and len(self.values) > 1:
            raise ValueError("parent:(…) is a relation; write one term a value")
        if self.field.name in RELATIONS and any(
            isinstance(v, Glob) and ":" in v.pattern for v in self.values
        ):
            raise ValueError("a glob without a colon; parent:(…) takes any expression")


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more."""

    items: tuple[Expression, ...]

    def __post_init__(self) -> None:
        _check_items(self.items)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more."""

    items: tuple[Expression, ...]

    def __post_init__(self) -> None:
        _check_items(self.items)


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but; traces without the value included."""

    item: Expression


@dataclass(frozen=True, slots=True)
class Related:
    """A relative of the trace matches; ``relation`` is one of ``RELATIONS``."""

    relation: str
    item: Expression

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f"no relation {self.relation!r}")


Expression: TypeAlias = Text | Term | And | Or | Not | Related


def _check_items(items: tuple[Expression, ...]) -> None:
    if len(items) < 2:
        raise ValueError("takes two items at least; all_of() and any_of() take any number")


# ---- stages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """How many; with ``by``, how many of each value."""

    by: Field | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a field, or a column of the table before; stable, missing last."""

    by: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """The first so many."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("a limit is not negative")


@dataclass(frozen=True, slots=True)
class Stats:
    """Count, sum, min, mean, p50, p95 and max of a number."""

    of: Field


@dataclass(frozen=True, slots=True)
class Select:
    """The values of these fields, a row a trace."""

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("select needs a field")


Stage: TypeAlias = Count | Sort | Limit | Stats | Select


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, or None for everything, and the stages its hits pass through."""

    where: Expression | None = None
    stages: tuple[Stage, ...] = ()


EVERYTHING = Query()


# ---- building and walking --------------------------------------------------------------------------------


def term(name: str, *values: Value | str) -> Term:
    """Return a term on a field; a str stands for a ``Literal``.

    >>> term("tag", "search", "db").values
    (Literal(text='search'), Literal(text='db'))
    """
    return Term(Field(name), tuple(Literal(v) if isinstance(v, str) else v for v in values))


def all_of(*items: Expression | None) -> Expression | None:
    """Return the conjunction, flat; None stands for everything and drops out."""
    flat = [part for item in items if item is not None for part in conjuncts(item)]
    return None if not flat else flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(*items: Expression) -> Expression:
    """Return the disjunction of one or more, flat."""
    flat = [part for item in items for part in (item.items if isinstance(item, Or) else (item,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def conjuncts(expression: Expression | None) -> list[Expression]:
    """Return the parts that must all hold, nested conjunctions opened."""
    if expression is None:
        return []
    if not isinstance(expression, And):
        return [expression]
    return [part for item in expression.items for part in conjuncts(item)]


def parts(expression: Expression) -> Iterator[Expression]:
    """Yield the expression and every expression in it, outer ones first."""
    pending = [expression]
    while pending:
        here = pending.pop()
        yield here
        if isinstance(here, And | Or):
            pending.extend(reversed(here.items))
        elif isinstance(here, Not | Related):
            pending.append(here.item)
