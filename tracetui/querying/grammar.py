"""Text to syntax tree: a recursive descent over characters, since what a sign means depends on its place.

Owns the grammar and what is said when text does not follow it; words and places are those of ``scanner``, the stages
those of ``stages``, what a value means to a field is in ``literals``. Any text gives a tree or a ``QueryError``;
nesting is bounded, so no input exhausts the stack. Nothing is looked up in a run here: an unknown tag is
legal, relative times stay text.

The grammar::

    query := or { "|" stage }
    or    := and { "OR" and }       and := unary { ["AND"] unary }       unary := ("NOT" | "-") unary | prim
    prim  := "(" or ")" | relation ":" "(" or ")" | term | word | "quoted text"
    term  := field ":" [op] value | field ":(" value { "OR" value } ")"
    op    := "=" | "~" | ">" | ">=" | "<" | "<="       value := word | "quoted" | glob* | a..b | number[unit]
    stage := count [by f] | sort [-]f | limit n | stats f | select f, f

``relation:term`` is short for ``relation:(term)``. Inside quotes a backslash escapes a quote or a backslash,
any other stays itself. A word may hold balanced parentheses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tracetui.errors import QuerySyntaxError, UnknownFieldError
from tracetui.model.text import printable
from tracetui.querying.ast import (
    RELATIONS,
    And,
    Expression,
    Field,
    Not,
    Or,
    Query,
    Related,
    Stage,
    Term,
    Text,
    Value,
)
from tracetui.querying.fields import COMPARABLE, TRACE_FIELDS, FieldSpec, nearest_field
from tracetui.querying.literals import is_backwards, value_of
from tracetui.querying.scanner import Hint, Scanner
from tracetui.querying.stages import read_stage

MAX_DEPTH = 60
"""Levels of nesting, parentheses and NOTs together."""

_OPERATOR = re.compile(r">=|<=|>|<|=|~")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query, and what a person may want to know about how it was read."""

    query: Query
    hints: tuple[Hint, ...] = ()


def parse(text: str, *, fields: Mapping[str, FieldSpec] = TRACE_FIELDS, stages: bool = True) -> Query:
    """Read a query. The empty text is the query for everything.

    ``stages=False`` refuses the pipeline, as the filter prompt does.

    :raises QuerySyntaxError: where the text leaves the grammar.
    :raises UnknownFieldError: for a word that looks like a term on a field that does not exist.

    >>> parse("type:Error tag:db")
    Query(where=And(items=(Term(field=Field(name='type', path=()), values=(Literal(text='Error'),)), ...
    """
    return parse_with_hints(text, fields=fields, stages=stages).query


def parse_with_hints(
    text: str, *, fields: Mapping[str, FieldSpec] = TRACE_FIELDS, stages: bool = True
) -> Parsed:
    """Read a query as ``parse`` does, with hints on what was taken as text."""
    reader = _Reader(text, fields)
    query = reader.query(stages)
    return Parsed(query, tuple(reader.hints))


def caret(problem: QuerySyntaxError | UnknownFieldError, width: int = 76) -> str:
    """Return two lines for a terminal: the query, cut to ``width`` around the place, and a caret under it.

    >>> print(caret(QuerySyntaxError("dur:>x", 5, "a duration")))
    dur:>x
         ^
    """
    start = max(0, min(problem.position - width // 2, len(problem.text) - width))
    shown = printable(problem.text[start : start + width])
    before = printable(problem.text[start : problem.position])
    return f"{shown}\n{' ' * sum(_cells(char) for char in before)}^"


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class _Reader(Scanner):
    """The productions of the grammar, from a place in a text."""

    def __init__(self, text: str, fields: Mapping[str, FieldSpec]) -> None:
        super().__init__(text, fields)
        self.relations = RELATIONS if fields is TRACE_FIELDS else ()
        self.depth = 0

    def deeper(self, inner: Callable[[], Expression]) -> Expression:
        if self.depth >= MAX_DEPTH:
            raise self.wrong(f"at most {MAX_DEPTH} levels of nesting")
        self.depth += 1
        expression = inner()
        self.depth -= 1
        return expression

    # ---- query, or, and, unary ---------------------------------------------------------------------------

    def query(self, stages: bool) -> Query:
        char = self.skip_space()
        where = None if not char or char == "|" else self.either()
        found: list[Stage] = []
        while self.skip_space():
            if self.peek() != "|":
                raise self.wrong('nothing that this ")" closes is open; quote it to search for it')
            if not stages:
                raise self.wrong(
                    'no stages here ("|" belongs to `tracetui query`); quote it to search for it'
                )
            self.at += 1
            found.append(read_stage(self, found))
        return Query(where, tuple(found))

    def either(self) -> Expression:
        items = [self.both()]
        while self.keyword("OR"):
            items.append(self.both())
        return items[0] if len(items) == 1 else Or(tuple(items))

    def both(self) -> Expression:
        items = [self.unary()]
        while True:
            char = self.skip_space()
            if not char or char in ")|" or self.next_keyword() == "OR":
                return items[0] if len(items) == 1 else And(tuple(items))
            self.keyword("AND")
            items.append(self.unary())

    def unary(self) -> Expression:
        if self.keyword("NOT"):
            return Not(self.deeper(self.unary))
        if self.peek() != "-":
            return self.primary()
        start = self.at
        self.at += 1
        if self.at_break():
            raise self.wrong('a term directly after "-"; quote it to search for it')
        if self.peek() == "-":
            self.hint(start, 'each "-" means NOT; quote the word to search for it as text')
        return Not(self.deeper(self.unary))

    # ---- prim --------------------------------------------------------------------------------------------

    def primary(self) -> Expression:
        char = self.skip_space()
        if not char or char in ")|" or self.next_keyword():
            raise self.wrong("a term, a word or quoted text")
        if char == "(":
            return self.group()
        if char == '"':
            start = self.at
            text = self.quoted()
            if not text:
                raise self.wrong("text between the quotes", start)
            return Text(text)
        return self.named() or self.word_as_text()

    def group(self) -> Expression:
        start = self.at
        self.at += 1
        if self.skip_space() == ")":
            raise self.wrong("an expression between the parentheses")
        inner = self.deeper(self.either)
        self.close(start)
        return inner

    def close(self, start: int) -> None:
        if self.skip_space() != ")":
            raise self.wrong(f'")" for the "(" at character {start + 1}')
        self.at += 1

    def word_as_text(self) -> Expression:
        start = self.at
        word = self.word()
        if word in ("and", "or", "not"):
            self.hint(start, f"{word} is searched as text; the operator is {word.upper()}")
        elif ":" in word[:-1] or (word.endswith(":") and len(word) > 1):
            self.hint(start, f"{word.partition(':')[0]}: is no field; searched as text")
        return Text(word)

    # ---- terms and relations -----------------------------------------------------------------------------

    def named(self) -> Expression | None:
        """Read a term or a relation, None if the word here is text."""
        found = self.head()
        if found is None or self.text[found.end() : found.end() + 1] != ":":
            return None
        name, start = found[0], self.at
        rest = self.text[found.end() + 1 : found.end() + 2]
        field = self.field_of(found)
        if name in self.relations and not (field and self.is_value(found.end() + 1)):
            self.at = found.end() + 1
            return self.related(name)
        if field is None:
            meant = nearest_field(name, self.fields)
            if (meant is None and not found[2]) or not rest or rest.isspace():
                return None
            raise UnknownFieldError(name, meant, self.text, start)
        self.at = found.end() + 1
        return self.term(field, start)

    def is_value(self, position: int) -> bool:
        """Whether ``parent:`` is followed by an id and not by an expression."""
        if self.text[position : position + 1] == "(":
            return False
        found = self.head(position)
        named = found is not None and self.text[found.end() : found.end() + 1] == ":"
        return not (named and found and (found[0] in self.relations or self.field_of(found) is not None))

    def related(self, relation: str) -> Expression:
        if self.at_break():
            raise self.wrong(f"an expression after {relation}:, such as {relation}:(type:Error)")
        if self.peek() == "(":
            return Related(relation, self.group())
        return Related(relation, self.deeper(self.unary))

    def term(self, field: Field, start: int) -> Term:
        spec = self.fields[field.name]
        if self.at_break():
            shell = "; in the shell, quote the query: a shell took `>5s`" if spec.kind in COMPARABLE else ""
            raise self.wrong(f"a value after {self.text[start : self.at]}{shell}")
        if self.peek() == "(":
            return Term(field, self.value_group(spec))
        begin = self.at
        value = self.value(spec)
        try:
            return Term(field, (value,))
        except ValueError as problem:
            raise self.wrong(str(problem), begin) from None

    def value_group(self, spec: FieldSpec) -> tuple[Value, ...]:
        start = self.at
        self.at += 1
        found: list[Value] = []
        while True:
            if self.skip_space() in ("", ")", "|") or self.next_keyword():
                raise self.wrong("a value")
            found.append(self.value(spec))
            if not self.keyword("OR"):
                break
        if self.skip_space() not in (")", ""):
            raise self.wrong(f'OR or ")": {spec.name}:(…) holds values with OR between them')
        self.close(start)
        return tuple(found)

    # ---- values ------------------------------------------------------------------------------------------

    def value(self, spec: FieldSpec) -> Value:
        found = _OPERATOR.match(self.text, self.at)
        operator = found[0] if found else ""
        self.at += len(operator)
        if self.at_break():
            raise self.wrong(f"a value after {operator}")
        quoted = self.peek() == '"'
        begin = self.at
        text = self.quoted() if quoted else self.word(regex=operator == "~")
        try:
            value = value_of(spec, operator, text, quoted=quoted)
        except ValueError as problem:
            raise self.wrong(str(problem), begin) from None
        if is_backwards(spec, value):
            self.hint(begin, f"{text} ends before it begins, so nothing is in it")
        return value
