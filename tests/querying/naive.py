"""The meaning of a query, read off its definition: every trace is asked, nothing is planned or remembered."""

# ruff: noqa: D102, D103 - the words of the language need no more
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tracetui import Trace
from tracetui.model.trace_type import Custom, Decision, Error, Query, ToolCall
from tracetui.querying.ast import (
    And,
    Compare,
    Equal,
    Expression,
    Glob,
    Literal,
    Not,
    Or,
    Range,
    Regex,
    Related,
    Term,
    Text,
    Value,
)
from tracetui.querying.fields import TRACE_FIELDS, Kind
from tracetui.querying.values import is_number, milliseconds_of, number_of

Traces = list[Trace]
Texts = dict[str, list[str]]
RUN_NAMES = ["run-asked", "asked"]
"""Id and name of the run that is asked."""


class Naive:
    """All traces of a run, asked one by one."""

    def __init__(
        self, traces: Traces, notes: Texts, marks: Texts | None = None, loops: frozenset[int] = frozenset()
    ) -> None:
        self.traces = traces
        self.notes = notes
        self.marks = marks or {}
        self.loops = loops
        self.by_id = {trace.id: trace for trace in traces}
        self._known: dict[tuple[int, int], bool] = {}

    def answer(self, expression: Expression | None) -> list[int]:
        """Return the seqs that match."""
        return [t.seq for t in self.traces if expression is None or self.matches(t, expression)]

    def matches(self, trace: Trace, expression: Expression) -> bool:
        if isinstance(expression, And):
            return all(self.matches(trace, item) for item in expression.items)
        if isinstance(expression, Or):
            return any(self.matches(trace, item) for item in expression.items)
        if isinstance(expression, Not):
            return not self.matches(trace, expression.item)
        if isinstance(expression, Related):
            return any(self.known(t, expression.item) for t in self.relatives(trace, expression.relation))
        if isinstance(expression, Text):
            return any(expression.text.casefold() in text.casefold() for text in self.texts(trace))
        return self.term(trace, expression)

    def known(self, trace: Trace, expression: Expression) -> bool:
        """Ask once about a relative: what asking again would say is no other."""
        key = trace.seq, id(expression)
        if key not in self._known:
            self._known[key] = self.matches(trace, expression)
        return self._known[key]

    # ---- relatives ---------------------------------------------------------------------------------------

    def parent(self, trace: Trace) -> Trace | None:
        return None if trace.parent_missing else self.by_id.get(trace.parent_id or "")

    def children(self, trace: Trace) -> Traces:
        return [t for t in self.traces if self.parent(t) is trace]

    def ancestors(self, trace: Trace) -> Iterator[Trace]:
        above = self.parent(trace)
        while above is not None:
            yield above
            above = self.parent(above)

    def relatives(self, trace: Trace, relation: str) -> Iterable[Trace]:
        parent = self.parent(trace)
        if relation == "parent":
            return [] if parent is None else [parent]
        if relation == "child":
            return self.children(trace)
        if relation == "under":
            return self.ancestors(trace)
        if relation == "has":
            return [t for t in self.traces if any(above is trace for above in self.ancestors(t))]
        return [] if parent is None else [t for t in self.children(parent) if t is not trace]

    # ---- terms -------------------------------------------------------------------------------------------

    def term(self, trace: Trace, term: Term) -> bool:
        name = term.field.name
        if name == "root":
            return any(self.rooted(trace, value) for value in term.values)
        if name == "mark":
            return any(self.marked(trace, value) for value in term.values)
        found = self.values(trace, name, term.field.path)
        kind = TRACE_FIELDS[name].kind
        return any(fits(kind, name, value)(one) for value in term.values for one in found)

    def rooted(self, trace: Trace, value: Value) -> bool:
        if value in (Literal("true"), Literal("false")):
            return (self.parent(trace) is None) == (value == Literal("true"))
        root = [trace, *self.ancestors(trace)][-1]
        return fits(Kind.EXACT, "root", value)(root.id)

    def marked(self, trace: Trace, value: Value) -> bool:
        marks = self.marks.get(trace.id, [])
        if value == Literal("false"):
            return not marks
        return bool(marks) if value == Literal("true") else any(map(contained(value, whole=True), marks))

    def values(self, trace: Trace, name: str, path: tuple[str, ...]) -> list[Any]:
        if name == "text":
            return list(self.texts(trace))
        kind, metadata = trace.trace_type, trace.metadata
        usage: Any = metadata.get("usage", {}) if isinstance(metadata, dict) else {}
        tokens = (
            [usage[key] for key in ("input", "output") if key in usage] if isinstance(usage, dict) else []
        )
        parent = self.parent(trace)
        waits = parent is None and trace.parent_id is not None and trace.parent_id not in self.by_id
        simple: dict[str, Callable[[], list[Any]]] = {
            "type": lambda: [trace.type_name],
            "kind": lambda: [type(kind).__name__],
            "tag": lambda: trace.tags,
            "id": lambda: [trace.id],
            "parent": lambda: [trace.parent_id] if parent is not None or waits else [],
            "depth": lambda: [len(list(self.ancestors(trace)))],
            "children": lambda: [len(self.children(trace))],
            "time": lambda: [trace.timestamp],
            "dur": lambda: some(trace.duration_ms),
            "status": lambda: [trace.status, "quiet"] if trace.status == "open" else [trace.status],
            "open": lambda: [trace.status == "open"],
            "name": lambda: names(kind, metadata),
            "args": lambda: at(getattr(kind, "arguments", None), path),
            "result": lambda: at(getattr(kind, "result", None), path),
            "meta": lambda: at(metadata, path),
            "data": lambda: at(getattr(kind, "data", None), path),
            "options": lambda: list(kind.options) if isinstance(kind, Decision) else [],
            "error": lambda: [kind.error_type, kind.message] if isinstance(kind, Error) else [],
            "model": lambda: (
                [metadata["model"]] if isinstance(metadata, dict) and "model" in metadata else []
            ),
            "tokens": lambda: [sum(tokens)] if tokens else [],
            "tokens.in": lambda: some(usage.get("input")),
            "tokens.out": lambda: some(usage.get("output")),
            "cost": lambda: at(metadata, ("cost", "usd")),
            "truncated": lambda: [isinstance(metadata, dict) and "truncated" in metadata],
            "loop": lambda: [trace.seq in self.loops],
            "run": lambda: RUN_NAMES,
            "orphan": lambda: [trace.parent_missing],
            "note": lambda: self.notes.get(trace.id, []),
            "seq": lambda: [trace.seq],
        }
        return simple[name]() if name in simple else some(getattr(kind, name, None))

    def texts(self, trace: Trace) -> Iterator[str]:
        yield trace.type_name
        yield from trace.tags
        yield from self.notes.get(trace.id, [])
        kind = trace.trace_type
        for value in (getattr(kind, name) for name in type(kind).__dataclass_fields__ if name != "__hash__"):
            yield from scalars(value)
        yield from scalars(trace.metadata)


def some(value: object) -> list[Any]:
    return [] if value is None else [value]


def names(kind: object, metadata: object) -> list[str]:
    own = [kind.tool_name] if isinstance(kind, ToolCall) else []
    own += [kind.query_type] if isinstance(kind, Query) else []
    own += [kind.error_type] if isinstance(kind, Error) else []
    own += [kind.name] if isinstance(kind, Custom) else []
    named = metadata.get("name") if isinstance(metadata, dict) else None
    return own + ([named] if isinstance(named, str) else [])


def at(value: Any, path: tuple[str, ...]) -> list[Any]:
    if value is None and not path:
        return []
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return []
        value = value[key]
    return [value]


def scalars(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from scalars(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from scalars(inner)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, str | int | float):
        yield str(value)


def fits(kind: Kind, name: str, value: Value) -> Callable[[Any], bool]:
    """Return the test of one value, for the kinds of values that the strategies make."""
    if kind in (Kind.NUMBER, Kind.DURATION, Kind.TIME):
        return measured(kind, value)
    if kind is Kind.FLAG:
        return lambda found: found is (value == Literal("true"))
    if kind is Kind.EXACT:
        return exact(value)
    if kind is Kind.TEXT:
        return contained(value, whole=name != "text")
    return of_any_shape(value)


def measured(kind: Kind, value: Value) -> Callable[[Any], bool]:
    read = milliseconds_of if kind is Kind.DURATION else number_of
    if isinstance(value, Range):
        low, high = value.low, value.high
        return lambda found: (
            (low is None or found >= read(low))
            and (high is None or (found < read(high) if kind is Kind.TIME else found <= read(high)))
        )
    if isinstance(value, Compare):
        limit = read(value.text)
        return lambda found: {"<": found < limit, ">": found > limit, "<=": found <= limit}[value.op]
    return lambda found: isinstance(value, Literal) and found == read(value.text)


def exact(value: Value) -> Callable[[Any], bool]:
    if isinstance(value, Glob):
        pattern = ".*".join(map(re.escape, value.pattern.split("*")))
        return lambda found: re.fullmatch(pattern, found, re.DOTALL) is not None
    if isinstance(value, Regex):
        return lambda found: re.search(value.pattern, found) is not None
    return lambda found: isinstance(value, Literal) and found == value.text


def contained(value: Value, *, whole: bool) -> Callable[[Any], bool]:
    if isinstance(value, Glob) and whole:
        pattern = ".*".join(map(re.escape, value.pattern.split("*")))
        return lambda found: re.fullmatch(pattern, found, re.DOTALL | re.IGNORECASE) is not None
    if isinstance(value, Glob):
        inside = "[^\n]*".join(re.escape(piece) for piece in value.pattern.split("*") if piece)
        return lambda found: re.search(inside, found, re.IGNORECASE) is not None
    if isinstance(value, Regex):
        return lambda found: re.search(value.pattern, found, re.IGNORECASE) is not None
    if isinstance(value, Equal):
        return lambda found: found == value.text
    return lambda found: isinstance(value, Literal) and value.text.casefold() in found.casefold()


def of_any_shape(value: Value) -> Callable[[Any], bool]:
    if isinstance(value, Range | Compare):
        inner = measured(Kind.NUMBER, value)
        return lambda found: isinstance(found, int | float) and not isinstance(found, bool) and inner(found)
    text = contained(value, whole=True)

    def test(found: Any) -> bool:
        if isinstance(found, int | float) and not isinstance(found, bool):
            if isinstance(value, Literal) and is_number(value.text):
                return bool(found == number_of(value.text))
            return text(str(found))
        if found is None:
            return isinstance(value, Literal | Equal) and value.text == "null"
        return any(map(text, scalars(found)))

    return test
