"""Text to syntax tree: a recursive descent over characters, since what a sign means depends on its place.

Owns the grammar and what is said when text does not follow it. Any text gives a tree or a ``QueryError``;
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
from tracetui.querying import values
from tracetui.querying.ast import (
    RELATIONS,
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
    Range,
    Regex,
    Related,
    Select,
    Sort,
    Stage,
    Stats,
    Term,
    Text,
    Value,
)
from tracetui.querying.fields import (
    COMPARABLE,
    PATH_FIELDS,
    SUMMABLE,
    TRACE_FIELDS,
    FieldSpec,
    Kind,
    nearest,
    nearest_field,
)
from tracetui.querying.patterns import bounded

MAX_DEPTH = 60
"""Levels of nesting, parentheses and NOTs together."""

_HEAD = re.compile(r'([A-Za-z_][A-Za-z_0-9-]*)((?:\.(?:"(?:[^"\\]|\\.)*"|[^\s":()|.,]+))*)')
_SEGMENT = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^\s":()|.,]+))', re.DOTALL)
_KEYWORD = re.compile(r"(AND|OR|NOT)(?![^\s()])")
_OPERATOR = re.compile(r">=|<=|>|<|=|~")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_FLAGS = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_STAGES = ("count", "sort", "limit", "stats", "select")
_COLUMNS_OF_STATS = ("count", "sum", "min", "mean", "p50", "p95", "max")


@dataclass(frozen=True, slots=True)
class Hint:
    """Something legal that may not be what was meant, at a character from 0."""

    position: int
    message: str


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


class _Reader:
    """A place in a text, and the productions of the grammar from there."""

    def __init__(self, text: str, fields: Mapping[str, FieldSpec]) -> None:
        self.text = text
        self.fields = fields
        self.relations = RELATIONS if fields is TRACE_FIELDS else ()
        self.at = 0
        self.depth = 0
        self.hints: list[Hint] = []

    # ---- places in the text ------------------------------------------------------------------------------

    def wrong(self, expected: str, position: int | None = None) -> QuerySyntaxError:
        return QuerySyntaxError(self.text, self.at if position is None else position, expected)

    def hint(self, position: int, message: str) -> None:
        self.hints.append(Hint(position, message))

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> str:
        while self.peek().isspace():
            self.at += 1
        return self.peek()

    def at_break(self) -> bool:
        char = self.peek()
        return not char or char.isspace() or char in ")|"

    def keyword(self, word: str) -> bool:
        """Pass over a keyword if it stands here."""
        self.skip_space()
        found = _KEYWORD.match(self.text, self.at)
        if found is None or found[1] != word:
            return False
        self.at = found.end()
        return True

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
            found.append(self.stage(found))
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
            if not char or char in ")|" or self.next_is_or():
                return items[0] if len(items) == 1 else And(tuple(items))
            self.keyword("AND")
            items.append(self.unary())

    def next_is_or(self) -> bool:
        found = _KEYWORD.match(self.text, self.at)
        return found is not None and found[1] == "OR"

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
        if not char or char in ")|" or _KEYWORD.match(self.text, self.at):
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

    def word(self, *, regex: bool = False) -> str:
        """Read up to whitespace, or a bar or parenthesis that the word does not itself balance."""
        start, depth, text = self.at, 0, self.text
        while self.at < len(text):
            char = text[self.at]
            if char.isspace() or (depth == 0 and (char == ")" or (char == "|" and not regex))):
                break
            depth += (char == "(") - (char == ")")
            self.at += 2 if regex and char == "\\" and not text[self.at + 1 : self.at + 2].isspace() else 1
        self.at = min(self.at, len(text))
        return text[start : self.at]

    def quoted(self) -> str:
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            raise self.wrong('a closing quote (inside quotes, \\" is a quote)', self.at)
        self.at = found.end()
        if not self.at_break():
            raise self.wrong("a space after the closing quote")
        return _ESCAPED.sub(r"\1", found[1])

    # ---- terms and relations -----------------------------------------------------------------------------

    def named(self) -> Expression | None:
        """Read a term or a relation, None if the word here is text."""
        found = _HEAD.match(self.text, self.at)
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

    def field_of(self, found: re.Match[str]) -> Field | None:
        """Return the field that a match names, None if there is none of that name."""
        if found[0] in self.fields:
            return Field(found[0])
        if found[1] not in PATH_FIELDS or found[1] not in self.fields:
            return None
        segments = (
            _ESCAPED.sub(r"\1", piece[1]) if piece[1] is not None else piece[2]
            for piece in _SEGMENT.finditer(found[2])
        )
        return Field(found[1], tuple(segments))

    def is_value(self, position: int) -> bool:
        """Whether ``parent:`` is followed by an id and not by an expression."""
        if self.text[position : position + 1] == "(":
            return False
        found = _HEAD.match(self.text, position)
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
            if self.skip_space() in ("", ")", "|") or _KEYWORD.match(self.text, self.at):
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
            return value_of(spec, operator, text, quoted=quoted)
        except ValueError as problem:
            raise self.wrong(str(problem), begin) from None

    # ---- stages ------------------------------------------------------------------------------------------

    def stage(self, before: list[Stage]) -> Stage:
        self.skip_space()
        start = self.at
        name = self.bare()
        if name not in _STAGES:
            meant = nearest(name, _STAGES)
            raise self.wrong(
                f"one of {', '.join(_STAGES)}" + (f"; did you mean {meant}?" if meant else ""), start
            )
        table = next((s for s in before if isinstance(s, Count | Stats | Select)), None)
        if table is not None and name not in ("sort", "limit"):
            raise self.wrong(f"sort or limit: {name} cannot follow count, stats or select", start)
        return self.stage_named(name, table)

    def bare(self) -> str:
        found = re.compile(r"[^\s|,]*").match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def stage_named(self, name: str, table: Stage | None) -> Stage:
        self.skip_space()
        if name == "count":
            return self.count()
        if name == "limit":
            return self.limit()
        if name == "sort":
            return self.sort(table)
        if name == "stats":
            return self.stats()
        return self.select()

    def count(self) -> Count:
        if not self.peek() or self.peek() == "|":
            return Count()
        start = self.at
        if self.bare() != "by":
            raise self.wrong('"by" and a field, or nothing', start)
        return Count(self.stage_field())

    def limit(self) -> Limit:
        start = self.at
        word = self.bare()
        if not (word.isascii() and word.isdigit()) or len(word) > 18:
            raise self.wrong("a whole number", start)
        return Limit(int(word))

    def sort(self, table: Stage | None) -> Sort:
        descending = self.peek() == "-"
        self.at += descending
        return Sort(self.stage_field(columns_of(table)), descending)

    def stats(self) -> Stats:
        start = self.at
        field = self.stage_field()
        if self.fields[field.name].kind not in SUMMABLE:
            raise self.wrong(f"a field that holds numbers; {field.name} does not", start)
        return Stats(field)

    def select(self) -> Select:
        found = [self.stage_field()]
        while self.skip_space() == ",":
            self.at += 1
            found.append(self.stage_field())
        if self.peek() not in ("", "|"):
            raise self.wrong("a comma between fields")
        return Select(tuple(found))

    def stage_field(self, columns: tuple[Field, ...] | None = None) -> Field:
        """Read a field; after a stage that made a table, one of its columns."""
        self.skip_space()
        found = _HEAD.match(self.text, self.at)
        end = found.end() if found else self.at
        if found is None or (self.text[end : end + 1] not in ("", "|", ",") and not self.text[end].isspace()):
            raise self.wrong("a field")
        field = self.field_of(found) or Field(found[0])
        if columns is not None:
            if field not in columns:
                raise self.wrong("a column of the table: " + ", ".join(c.name for c in columns))
        elif field.name not in self.fields:
            raise UnknownFieldError(found[0], nearest_field(found[0], self.fields), self.text, self.at)
        self.at = end
        return field


def columns_of(table: Stage | None) -> tuple[Field, ...] | None:
    """Return the columns of the table that a stage makes, None if it makes none."""
    if isinstance(table, Count):
        return (*((table.by,) if table.by else ()), Field("count"))
    if isinstance(table, Stats):
        return tuple(Field(name) for name in _COLUMNS_OF_STATS)
    return table.fields if isinstance(table, Select) else None


# ---- values by kind of field -----------------------------------------------------------------------------


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
