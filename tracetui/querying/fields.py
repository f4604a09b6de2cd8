"""The fields of the language: what each is called, what kind of value it has, what it costs to read.

Owns the names, for queries over traces and for the run picker, and the search for the name that was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from tracetui.querying.ast import RELATIONS


class Kind(Enum):
    """What the values of a field are, which decides how a term on it is written and compared."""

    EXACT = "a name: exact, or a glob"
    TEXT = "text: contained, ignoring case"
    NUMBER = "a number, such as 5, 8k, 1.5M or 2..10"
    DURATION = "a duration, such as 200ms, 5s, 1m30s or 1s..5s"
    TIME = "a time, such as 14:05, 2026-08-01, +30s, -10m, end-1m or -10m.."
    FLAG = "true or false"
    PATH = "a value of any shape, by a path of keys"


COMPARABLE = frozenset({Kind.NUMBER, Kind.DURATION, Kind.TIME, Kind.PATH})
SUMMABLE = frozenset({Kind.NUMBER, Kind.DURATION, Kind.PATH})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. ``about`` is one line for completion and help."""

    name: str
    kind: Kind
    about: str


def _table(*rows: tuple[str, Kind, str]) -> dict[str, FieldSpec]:
    return {name: FieldSpec(name, kind, about) for name, kind, about in rows}


TRACE_FIELDS: Mapping[str, FieldSpec] = _table(
    ("type", Kind.EXACT, "type name: ToolCall, Decision, Query, Thought, Error, or a custom trace's own"),
    ("kind", Kind.EXACT, "class: ToolCall, Decision, Query, Thought, Error, Custom"),
    ("tag", Kind.EXACT, "a tag of the trace"),
    ("id", Kind.EXACT, "id of the trace"),
    ("parent", Kind.EXACT, "id of its parent; parent:(…) for a parent that matches"),
    ("root", Kind.EXACT, "true for roots, or the id of the root above it"),
    ("depth", Kind.NUMBER, "number of ancestors"),
    ("children", Kind.NUMBER, "number of children"),
    ("time", Kind.TIME, "when it started"),
    ("dur", Kind.DURATION, "how long it took itself"),
    ("status", Kind.EXACT, "open, ok, error, cancelled; abandoned or lost while open"),
    ("open", Kind.FLAG, "begun and not ended"),
    ("name", Kind.EXACT, "tool, query type, error type, custom name, or metadata's name"),
    ("text", Kind.TEXT, "anything of it that a person can see"),
    ("args", Kind.PATH, "arguments of a tool call"),
    ("result", Kind.PATH, "result of a tool call"),
    ("meta", Kind.PATH, "metadata"),
    ("data", Kind.PATH, "data of a custom trace"),
    ("question", Kind.TEXT, "question of a decision"),
    ("options", Kind.TEXT, "options of a decision"),
    ("chosen", Kind.TEXT, "chosen option of a decision"),
    ("reasoning", Kind.TEXT, "reasoning of a decision"),
    ("query", Kind.TEXT, "text of a query"),
    ("confidence", Kind.NUMBER, "confidence of a thought"),
    ("error", Kind.TEXT, "type or message of an error"),
    ("recoverable", Kind.FLAG, "whether an error was recorded as recoverable"),
    ("model", Kind.EXACT, "model that was called"),
    ("tokens", Kind.NUMBER, "tokens in and out together"),
    ("tokens.in", Kind.NUMBER, "tokens in"),
    ("tokens.out", Kind.NUMBER, "tokens out"),
    ("cost", Kind.NUMBER, "cost in US dollars"),
    ("loop", Kind.FLAG, "whether it is part of a loop"),
    ("orphan", Kind.FLAG, "whether its parent has not come"),
    ("truncated", Kind.FLAG, "whether something of it was cut when it was recorded"),
    ("note", Kind.TEXT, "note that somebody left on it"),
    ("mark", Kind.TEXT, "true if marked, or the mark's own text"),
    ("run", Kind.EXACT, "id or name of its run"),
    ("seq", Kind.NUMBER, "number of the trace in its run"),
)

RUN_FIELDS: Mapping[str, FieldSpec] = _table(
    ("name", Kind.TEXT, "name of the run"),
    ("verdict", Kind.TEXT, "how it ended: ok, failed, cancelled, live, lost, cut off, ended"),
    ("tag", Kind.EXACT, "a tag of the run"),
    ("started", Kind.TIME, "when it began"),
    ("dur", Kind.DURATION, "how long it took"),
    ("errors", Kind.NUMBER, "number of errors"),
    ("tokens", Kind.NUMBER, "tokens in and out together"),
    ("cost", Kind.NUMBER, "cost in US dollars"),
    ("loop", Kind.FLAG, "whether it has a loop"),
    ("live", Kind.FLAG, "whether it still goes on"),
)
"""Fields of the run picker's filter."""

PATH_FIELDS = frozenset(name for name, spec in TRACE_FIELDS.items() if spec.kind is Kind.PATH)

SYNONYMS: Mapping[str, str] = {
    "tool": "name",
    "duration": "dur",
    "duration_ms": "dur",
    "timestamp": "time",
    "tags": "tag",
    "types": "type",
    "arguments": "args",
    "metadata": "meta",
    "content": "text",
    "since": "time",
    "until": "time",
    "parent_id": "parent",
    "trace_id": "id",
    "notes": "note",
    "marked": "mark",
    "descendant": "has",
    "ancestor": "under",
}
"""Names that people try, and the field they mean."""


def nearest(name: str, names: Iterable[str], limit: int | None = None) -> str | None:
    """Return the name that a typist meant, None if none is near.

    Near is one slip (a letter wrong, missing, added, or two swapped), for names longer than four two.

    >>> nearest("tpye", ["tag", "type"]), nearest("https", ["tag", "type"])
    ('type', None)
    """
    wanted = name.casefold()
    allowed = limit if limit is not None else 1 if len(wanted) <= 4 else 2
    ranked = sorted((slips(wanted, other.casefold(), allowed), other) for other in names)
    return ranked[0][1] if ranked and ranked[0][0] <= allowed else None


def nearest_field(name: str, fields: Mapping[str, FieldSpec]) -> str | None:
    """Return the field or relation that was meant; for a dotted name its first part decides."""
    head, dot, rest = name.partition(".")
    known = [*fields, *(RELATIONS if fields is TRACE_FIELDS else ())]
    meant = SYNONYMS.get(name.casefold())
    found = meant if meant in known else nearest(name, known)
    if found is None and dot:
        first = SYNONYMS.get(head.casefold()) or nearest(head, known)
        if first in fields:
            return f"{first}.{rest}" if first in PATH_FIELDS else first
    return found


def slips(one: str, other: str, most: int) -> int:
    """Return the number of slips between two words (optimal string alignment), or ``most`` + 1 if more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        last, before = before, row
        row = [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (char != against))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == against:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
