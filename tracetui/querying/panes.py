"""The filter panes as an editor of the syntax tree: what is included and excluded of each field.

Owns the way from a query to panes and back. What panes cannot show stays in the query as *locked* parts; nothing is
dropped, and every part keeps its place, so that a query is one text wherever it was made:
``PaneState.of(query).query() == query``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tracetui.querying.ast import (
    Expression,
    Field,
    Literal,
    Not,
    Query,
    Range,
    Stage,
    Term,
    Value,
    all_of,
    conjuncts,
)
from tracetui.querying.printer import print_expression

PANE_FIELDS = ("type", "tag", "time", "dur", "name", "model", "status")
INCLUDE, EXCLUDE = "include", "exclude"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is included and excluded of one field, in the order of choosing."""

    include: tuple[Value, ...] = ()
    exclude: tuple[Value, ...] = ()

    def turned(self, value: Value, way: str) -> Choice:
        """Return the choice with a value included or excluded, or no longer if it was."""
        include = tuple(each for each in self.include if each != value)
        exclude = tuple(each for each in self.exclude if each != value)
        if way == INCLUDE:
            return Choice(include if value in self.include else (*include, value), exclude)
        return Choice(include, exclude if value in self.exclude else (*exclude, value))

    def state(self, value: Value) -> str:
        """Return "include", "exclude" or ""."""
        return INCLUDE if value in self.include else EXCLUDE if value in self.exclude else ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of a filter, as valid query text; a locked one no pane can show."""

    text: str
    locked: bool
    part: Expression


@dataclass(frozen=True, slots=True)
class PaneState:
    """The parts of a filter that must all hold, in the order in which they were written or chosen."""

    parts: tuple[Expression, ...] = ()
    stages: tuple[Stage, ...] = ()

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, query: Query) -> PaneState:
        """Return the panes of a query.

        >>> from tracetui.querying.grammar import parse
        >>> state = PaneState.of(parse("type:(Error OR LLM) NOT tag:retry timeout"))
        >>> [chip.text for chip in state.chips() if chip.locked]
        ['timeout']
        """
        return cls(tuple(conjuncts(query.where)), query.stages)

    def query(self) -> Query:
        """Return the query."""
        return Query(all_of(*self.parts), self.stages)

    def _read(self) -> tuple[dict[str, Choice], list[str | None]]:
        """Return what is chosen of each field, and the field whose pane shows each part, None if it is locked."""
        choices: dict[str, Choice] = {}
        fields: list[str | None] = []
        for part in reversed(self.parts):  # of two inclusions the last is shown
            made = _chosen(part, choices)
            fields.append(made and made[0])
            if made is not None:
                choices[made[0]] = made[1]
        return choices, fields[::-1]

    @property
    def locked(self) -> tuple[Expression, ...]:
        """The parts that no pane can show."""
        return tuple(part for part, name in zip(self.parts, self._read()[1], strict=True) if name is None)

    def chips(self) -> list[Chip]:
        """Return the parts of the filter as texts to show, each valid on its own."""
        shown = zip(self.parts, self._read()[1], strict=True)
        return [Chip(print_expression(part), locked=name is None, part=part) for part, name in shown]

    def choice(self, name: str) -> Choice:
        """Return what is chosen of a field."""
        return self._read()[0].get(name, Choice())

    # ---- editing -----------------------------------------------------------------------------------------

    def without(self, part: Expression) -> PaneState:
        """Return the panes without a part of the filter."""
        return replace(self, parts=tuple(each for each in self.parts if each != part))

    def having(self, part: Expression, instead_of: Expression | None = None) -> PaneState:
        """Return the panes with one more part, at the place of another if that is given."""
        if instead_of is None:
            return replace(self, parts=(*self.parts, part))
        return replace(self, parts=tuple(part if each == instead_of else each for each in self.parts))

    def turn(self, name: str, value: str | Value, way: str) -> PaneState:
        """Return the panes with a value included or excluded, or no longer if it was."""
        if name not in PANE_FIELDS:
            raise ValueError(f"no pane shows {name!r}")
        return self._put(
            name, self.choice(name).turned(Literal(value) if isinstance(value, str) else value, way)
        )

    def during(self, start_ms: int | None, end_ms: int | None) -> PaneState:
        """Return the panes with this range of times instead of another; two Nones clear it."""
        ends = [None if end is None else str(end) for end in (start_ms, end_ms)]
        include = () if ends == [None, None] else (Range(*ends),)
        return self._put("time", Choice(include, self.choice("time").exclude))

    def cleared(self, name: str | None = None) -> PaneState:
        """Return the panes with one field, or everything, locked parts too, let go."""
        return PaneState(stages=self.stages) if name is None else self._put(name, Choice())

    def _put(self, name: str, choice: Choice) -> PaneState:
        """Return the panes with this choice of a field: parts that stay keep their places, new ones come last."""
        parts: list[Expression] = []
        included, left = choice.include, list(choice.exclude)
        for part, shown in zip(self.parts, self._read()[1], strict=True):
            kept: Expression | None = part
            if shown == name and isinstance(part, Not):
                kept = _excluding(name, tuple(value for value in left if value in _values(part)))
                left = [value for value in left if value not in _values(part)]
            elif shown == name:
                kept, included = (Term(Field(name), included) if included else None), ()
            parts += [] if kept is None else [kept]
        parts += [Term(Field(name), included)] if included else []
        parts += [Not(Term(Field(name), (value,))) for value in left]
        return replace(self, parts=tuple(parts))


def _values(part: Expression) -> tuple[Value, ...]:
    """Return the values that a NOT keeps out."""
    return part.item.values if isinstance(part, Not) and isinstance(part.item, Term) else ()


def _excluding(name: str, values: tuple[Value, ...]) -> Expression | None:
    return Not(Term(Field(name), values)) if values else None


def _chosen(part: Expression, choices: Mapping[str, Choice]) -> tuple[str, Choice] | None:
    """Return the field and its choice with a part taken in, None if panes cannot show the part."""
    term = part.item if isinstance(part, Not) else part
    if not isinstance(term, Term) or term.field.name not in PANE_FIELDS or term.field.path:
        return None
    if not all(isinstance(value, Literal | Range) for value in term.values):
        return None
    name = term.field.name
    choice = choices.get(name, Choice())
    if any(value in (*choice.include, *choice.exclude) for value in term.values):
        return None
    if len(set(term.values)) < len(term.values):
        return None
    if isinstance(part, Not):
        return name, Choice(choice.include, (*term.values, *choice.exclude))
    return None if choice.include else (name, Choice(term.values, choice.exclude))
