"""The filter panes as an editor of the syntax tree: what is included and excluded of each field.

Owns the way from a query to panes and back. What panes cannot show stays in the query, in its order, as
*locked* parts; nothing is dropped. ``PaneState.of(query).query() == query`` up to the order of parts, and
exactly for every query that panes have made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

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
    """What all panes have chosen, and what they cannot show."""

    choices: Mapping[str, Choice] = field(default_factory=lambda: MappingProxyType({}))
    locked: tuple[Expression, ...] = ()
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
        choices: dict[str, Choice] = {}
        locked = []
        for part in reversed(conjuncts(query.where)):  # of two inclusions the last is shown
            made = _chosen(part, choices)
            if made is None:
                locked.append(part)
            else:
                choices[made[0]] = made[1]
        return cls(MappingProxyType(choices), tuple(reversed(locked)), query.stages)

    def query(self) -> Query:
        """Return the query: locked parts first, then the panes in their order."""
        return Query(all_of(*self.locked, *self._parts()), self.stages)

    def _parts(self) -> list[Expression]:
        made: list[Expression] = []
        for name in PANE_FIELDS:
            choice = self.choices.get(name, Choice())
            if choice.include:
                made.append(Term(Field(name), choice.include))
            made += [Not(Term(Field(name), (value,))) for value in choice.exclude]
        return made

    def chips(self) -> list[Chip]:
        """Return the parts of the filter as texts to show, each valid on its own."""
        return [
            *(Chip(print_expression(part), locked=True, part=part) for part in self.locked),
            *(Chip(print_expression(part), locked=False, part=part) for part in self._parts()),
        ]

    def without(self, chip: Chip) -> PaneState:
        """Return the panes without one part of the filter."""
        left = [each.part for each in self.chips() if each != chip]
        return PaneState.of(Query(all_of(*left), self.stages))

    # ---- editing -----------------------------------------------------------------------------------------

    def choice(self, name: str) -> Choice:
        """Return what is chosen of a field."""
        return self.choices.get(name, Choice())

    def turn(self, name: str, value: str | Value, way: str) -> PaneState:
        """Return the panes with a value included or excluded, or no longer if it was."""
        if name not in PANE_FIELDS:
            raise ValueError(f"no pane shows {name!r}")
        made = self.choice(name).turned(Literal(value) if isinstance(value, str) else value, way)
        choices = {key: each for key, each in self.choices.items() if key != name}
        if made != Choice():
            choices[name] = made
        return self._with(choices)

    def during(self, start_ms: int | None, end_ms: int | None) -> PaneState:
        """Return the panes with this range of times instead of another; two Nones clear it."""
        choices = {key: each for key, each in self.choices.items() if key != "time"}
        if start_ms is not None or end_ms is not None:
            ends = [None if end is None else str(end) for end in (start_ms, end_ms)]
            choices["time"] = Choice((Range(*ends),), self.choice("time").exclude)
        return self._with(choices)

    def cleared(self, name: str | None = None) -> PaneState:
        """Return the panes with one field, or everything, locked parts too, let go."""
        if name is None:
            return PaneState(stages=self.stages)
        return self._with({key: each for key, each in self.choices.items() if key != name})

    def _with(self, choices: Mapping[str, Choice]) -> PaneState:
        """Return the panes with these choices; what was locked beside one that is gone may be shown now."""
        return PaneState.of(replace(self, choices=MappingProxyType(choices)).query())


def _chosen(part: Expression, choices: dict[str, Choice]) -> tuple[str, Choice] | None:
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
