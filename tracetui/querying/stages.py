"""The stages after a query's expression: ``| count by name | sort -count | limit 10``.

Owns their grammar and which may follow which. A stage that makes a table has columns, and what follows speaks of those.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.errors import UnknownFieldError
from tracetui.querying.ast import Count, Field, Limit, Select, Sort, Stage, Stats
from tracetui.querying.fields import SUMMABLE, nearest, nearest_field
from tracetui.querying.scanner import Scanner

_STAGES = ("count", "sort", "limit", "stats", "select")
_COLUMNS_OF_STATS = ("count", "sum", "min", "mean", "p50", "p95", "max")


def read_stage(scan: Scanner, before: Sequence[Stage]) -> Stage:
    """Read a stage behind its bar; ``before`` are those that came already."""
    scan.skip_space()
    start = scan.at
    name = scan.bare()
    if name not in _STAGES:
        meant = nearest(name, _STAGES)
        raise scan.wrong(
            f"one of {', '.join(_STAGES)}" + (f"; did you mean {meant}?" if meant else ""), start
        )
    table = next((s for s in before if isinstance(s, Count | Stats | Select)), None)
    if table is not None and name not in ("sort", "limit"):
        raise scan.wrong(f"sort or limit: {name} cannot follow count, stats or select", start)
    return _named(scan, name, table)


def _named(scan: Scanner, name: str, table: Stage | None) -> Stage:
    scan.skip_space()
    if name == "count":
        return _count(scan)
    if name == "limit":
        return _limit(scan)
    if name == "sort":
        return _sort(scan, table)
    if name == "stats":
        return _stats(scan)
    return _select(scan)


def _count(scan: Scanner) -> Count:
    if not scan.peek() or scan.peek() == "|":
        return Count()
    start = scan.at
    if scan.bare() != "by":
        raise scan.wrong('"by" and a field, or nothing', start)
    return Count(_field(scan))


def _limit(scan: Scanner) -> Limit:
    start = scan.at
    word = scan.bare()
    if not (word.isascii() and word.isdigit()) or len(word) > 18:
        raise scan.wrong("a whole number", start)
    return Limit(int(word))


def _sort(scan: Scanner, table: Stage | None) -> Sort:
    descending = scan.peek() == "-"
    scan.at += descending
    return Sort(_field(scan, columns_of(table)), descending)


def _stats(scan: Scanner) -> Stats:
    start = scan.at
    field = _field(scan)
    if scan.fields[field.name].kind not in SUMMABLE:
        raise scan.wrong(f"a field that holds numbers; {field.name} does not", start)
    return Stats(field)


def _select(scan: Scanner) -> Select:
    found = [_field(scan)]
    while scan.skip_space() == ",":
        scan.at += 1
        found.append(_field(scan))
    if scan.peek() not in ("", "|"):
        raise scan.wrong("a comma between fields")
    return Select(tuple(found))


def _field(scan: Scanner, columns: tuple[Field, ...] | None = None) -> Field:
    """Read a field; after a stage that made a table, one of its columns."""
    scan.skip_space()
    found = scan.head()
    end = found.end() if found else scan.at
    if found is None or (scan.text[end : end + 1] not in ("", "|", ",") and not scan.text[end].isspace()):
        raise scan.wrong("a field")
    field = scan.field_of(found) or Field(found[0])
    if columns is not None:
        if field not in columns:
            raise scan.wrong("a column of the table: " + ", ".join(c.name for c in columns))
    elif field.name not in scan.fields:
        raise UnknownFieldError(found[0], nearest_field(found[0], scan.fields), scan.text, scan.at)
    scan.at = end
    return field


def columns_of(table: Stage | None) -> tuple[Field, ...] | None:
    """Return the columns of the table that a stage makes, None if it makes none."""
    if isinstance(table, Count):
        return (*((table.by,) if table.by else ()), Field("count"))
    if isinstance(table, Stats):
        return tuple(Field(name) for name in _COLUMNS_OF_STATS)
    return table.fields if isinstance(table, Select) else None
