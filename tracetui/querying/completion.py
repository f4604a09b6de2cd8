"""What may stand where the cursor is: fields, relations, names with their counts, stages.

Owns the candidates for the shell, the prompt and the panes. Reads indices; bodies only of the newest few
thousand traces, for names of tools and models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tracetui.model.trace import STATUS_NAMES
from tracetui.model.trace_type import KIND_NAMES
from tracetui.querying.ast import RELATIONS, Field, Literal
from tracetui.querying.fields import PATH_FIELDS, TRACE_FIELDS, FieldSpec, Kind
from tracetui.querying.printer import print_value
from tracetui.querying.reading import Reader
from tracetui.storage.backend import RunView

MOST = 50
_SAMPLE = 5000
_NEGATION = re.compile(r"-+")
_GROUPED = re.compile(r"([A-Za-z_][\w.-]*):\((?:[^()|]*\sOR\s)?\s*$")
_STAGES = {
    "count": "how many; count by FIELD: of each value",
    "sort": "sort FIELD, sort -FIELD: largest first",
    "limit": "limit N: the first so many",
    "stats": "stats FIELD: sum, mean, percentiles",
    "select": "select FIELD, FIELD: a table of these",
}
_RELATION_ABOUT = {
    "parent": "its parent matches",
    "child": "some child matches",
    "under": "some ancestor matches",
    "has": "some descendant matches",
    "sibling": "another child of its parent matches",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may replace the characters ``[start, end)`` of the query; ``count`` of traces if known."""

    text: str
    start: int
    end: int
    about: str = ""
    count: int | None = None


def complete(
    text: str,
    cursor: int | None = None,
    view: RunView | None = None,
    fields: Mapping[str, FieldSpec] = TRACE_FIELDS,
) -> list[Candidate]:
    """Return the candidates at the cursor, at most 50: names by count, fields in their order.

    >>> [candidate.text for candidate in complete("type:Error ta")]
    ['tag:']
    """
    at = len(text) if cursor is None else min(cursor, len(text))
    before = text[:at]
    start, bar = _place(before)
    if bar is not None:
        return _stage_candidates(before, bar, at, fields)[:MOST]
    word = before[start:]
    dashes = _NEGATION.match(word)
    start, word = (start + dashes.end(), word[dashes.end() :]) if dashes else (start, word)
    grouped = _GROUPED.search(before[:start])
    if grouped and grouped[1] in fields and grouped[1] not in RELATIONS:
        return _values(grouped[1], word, start, at, view, fields)[:MOST]
    head, colon, rest = word.partition(":")
    while colon and head in RELATIONS and ":" in rest:
        start += len(head) + 1
        head, colon, rest = rest.partition(":")
    if colon and (head in fields or head.partition(".")[0] in PATH_FIELDS):
        return _values(head, rest, start + len(head) + 1, at, view, fields)[:MOST]
    return [] if colon else _names(word, start, at, fields)[:MOST]


def _place(before: str) -> tuple[int, int | None]:
    """Return where the word at the end begins, and the bar before the stage there, None in the expression."""
    start, bar, depth = 0, None, 0
    is_quoted = is_escaped = False
    for place, char in enumerate(before):
        if is_quoted:
            is_quoted = char != '"' or is_escaped
            is_escaped = char == "\\" and not is_escaped
        elif char == '"':
            is_quoted = True
        elif char.isspace() or char in "()|":
            start = place + 1
            depth += (char == "(") - (char == ")")
            bar = place if char == "|" and depth <= 0 else bar
    return start, bar


def _names(word: str, start: int, end: int, fields: Mapping[str, FieldSpec]) -> list[Candidate]:
    found = [
        Candidate(f"{name}{'.' if spec.kind is Kind.PATH else ':'}", start, end, spec.about)
        for name, spec in fields.items()
        if name.startswith(word)
    ]
    if fields is TRACE_FIELDS:
        found += [
            Candidate(f"{name}:(", start, end, _RELATION_ABOUT[name])
            for name in RELATIONS
            if name.startswith(word)
        ]
    found += [
        Candidate(f"{name} ", start, end, "operator")
        for name in ("AND", "OR", "NOT")
        if word and name.startswith(word)
    ]
    return found


def _stage_candidates(before: str, bar: int, end: int, fields: Mapping[str, FieldSpec]) -> list[Candidate]:
    stage = before[bar + 1 :]
    words = stage.split()
    word = "" if not words or stage[-1].isspace() else words[-1]
    start = end - len(word)
    if len(words) <= 1 and (word or not words):
        return [Candidate(f"{n} ", start, end, about) for n, about in _STAGES.items() if n.startswith(word)]
    if words[0] == "limit":
        return []
    if words[0] == "count" and (len(words) < 2 or (len(words) == 2 and word)):
        return [Candidate("by ", start, end, "by the values of a field")] if "by".startswith(word) else []
    dash = len(word) - len(word.lstrip("-"))
    return [
        Candidate(name, start + dash, end, spec.about)
        for name, spec in fields.items()
        if name.startswith(word[dash:])
    ]


def _values(
    name: str, typed: str, start: int, end: int, view: RunView | None, fields: Mapping[str, FieldSpec]
) -> list[Candidate]:
    """Return the values of a field that begin with what is typed, then those that hold it."""
    wanted = typed.lstrip("=").strip('"').casefold()
    counted = _counted(name, view, fields)
    ranked = [(not value.casefold().startswith(wanted), -(count or 0), value) for value, count in counted]
    counts = dict(counted)
    return [
        Candidate(print_value(Literal(value), Field(name)), start, end, "", counts[value])
        for _, _, value in sorted(ranked)
        if wanted in value.casefold()
    ]


def _counted(
    name: str, view: RunView | None, fields: Mapping[str, FieldSpec]
) -> list[tuple[str, int | None]]:
    spec = fields.get(name)
    if spec is not None and spec.kind is Kind.FLAG:
        return [("true", None), ("false", None)]
    if name == "kind":
        return [(kind, None) for kind in KIND_NAMES]
    if name == "status":
        return [(status, None) for status in (*STATUS_NAMES, "abandoned", "lost", "quiet")]
    if view is None:
        return []
    if name == "type":
        return _pairs(view.type_counts().items())
    if name == "tag":
        return _pairs(view.tag_counts().items())
    if name in ("name", "model", "chosen"):
        return _pairs(_sampled(view, name).items())
    return [(view.ids[seq], None) for seq in range(min(view.count, MOST))] if name in ("id", "parent") else []


def _pairs(items: Iterable[tuple[str, int]]) -> list[tuple[str, int | None]]:
    return [(value, count) for value, count in items]


def _sampled(view: RunView, name: str) -> Counter[str]:
    """Count the values of a field over the newest traces."""
    reader, field = Reader(view), Field(name)
    found: Counter[str] = Counter()
    for seq in range(max(0, reader.count - _SAMPLE), reader.count):
        found.update(value for value in reader.values(field, seq) if isinstance(value, str))
    return found
