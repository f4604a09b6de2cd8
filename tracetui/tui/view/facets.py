"""The filter panes: what there is of each field with counts, and the choices as one syntax tree. Pure.

The query is ``PaneState``, the same tree that the prompt edits: what is typed shows in the panes, what is chosen
in the prompt. What no pane can show stays in it, locked, as a row of its own that can be let go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tracetui.errors import QueryError
from tracetui.querying.ast import EVERYTHING, Compare, Expression, Literal, Not, Range, Text, Value
from tracetui.querying.facets import (
    Facet,
    ValueColumns,
    status_facets,
    tag_facets,
    time_stretches,
    type_facets,
)
from tracetui.querying.flags import query_command
from tracetui.querying.grammar import parse
from tracetui.querying.panes import EXCLUDE, INCLUDE, PaneState
from tracetui.querying.printer import print_expression, print_query
from tracetui.render.figures import duration
from tracetui.tui.view.run_model import RunModel

TITLES = {
    "type": "types", "tag": "tags", "name": "tools and names", "model": "models", "status": "status",
    "dur": "duration", "time": "time", "text": "text",
}  # fmt: skip
"""The panes by the field that they choose from, in their order."""
SHOWN_VALUES = 8
"""Values of a pane that are shown before one asks for all."""
LIMITS_MS = (100, 1_000, 10_000, 60_000)
_DURATIONS: tuple[Value, ...] = (
    Compare("<", "100ms"), Range("100ms", "999ms"), Range("1s", "9999ms"), Range("10s", "59999ms"),
    Range("60s", None),
)  # fmt: skip
CAUGHT_UP_AT_ONCE = 2_000
"""So many new traces are read where they are counted; more are left to a worker."""

HEADING, VALUE, MORE, LOCKED, TEXT, ADD, WAIT = "heading", "value", "more", "locked", "text", "add", "wait"


@dataclass(frozen=True, slots=True)
class FacetRow:
    """One line of the panes. ``value`` is what it chooses, ``part`` the part of the query that it stands for."""

    field: str
    label: str
    kind: str = VALUE
    value: Value | None = None
    part: Expression | None = None
    shown: int = 0
    total: int = 0


class Facets:
    """Choices and rows of the panes of one run."""

    def __init__(self, model: RunModel) -> None:
        self.model = model
        self.state = PaneState()
        self.columns: ValueColumns | None = None
        self.rows: list[FacetRow] = []
        self.brushing: FacetRow | None = None
        """The stretch of time at which a range was begun."""
        self._folded: set[str] = set()
        self._all_shown: set[str] = set()
        self._facets: dict[str, list[FacetRow]] = {}

    # ---- the query ---------------------------------------------------------------------------------------

    def follow(self, text: str) -> None:
        """Take over a query that was typed."""
        if text != self.text():
            try:
                self.state = PaneState.of(parse(text, stages=False))
            except QueryError:  # of an earlier version, or half typed: the filter of the tree stays as it is
                self.state = PaneState.of(EVERYTHING)
            self.brushing = None

    def text(self) -> str:
        """Return the query that the panes make."""
        return print_query(self.state.query())

    def command(self) -> str:
        """Return the shell command that asks the same."""
        return query_command(self.state.query(), self.model.run.id)

    def clear(self) -> None:
        """Choose nothing, keep nothing locked."""
        self.state = self.state.cleared()
        self.brushing = None

    def clear_pane(self, row: int) -> bool:
        """Choose nothing in the pane of a row; return whether anything was chosen."""
        before, name = self.state, self.field_at(row)
        if name == "text":
            for part in [part for part in self.state.locked if _text_of(part) is not None]:
                self.state = self.state.without(part)
        elif name in TITLES:
            self.state = self.state.cleared(name)
        return self.state != before

    def turn(self, row: int, way: str) -> bool:
        """Include or exclude what a row stands for, or no longer; return whether the query is another."""
        if not 0 <= row < len(self.rows):
            return False
        found, before = self.rows[row], self.state
        if found.kind == VALUE and found.value is not None:
            self.state = self.state.turn(found.field, found.value, way)
        elif found.kind == TEXT and found.part is not None:
            self._turn_text(found.part, way)
        elif found.kind == LOCKED and found.part is not None and way == EXCLUDE:
            self.state = self.state.without(found.part)
        return self.state != before

    def _turn_text(self, part: Expression, way: str) -> None:
        """Turn a text round, or let it go if it is chosen that way already."""
        bare = part.item if isinstance(part, Not) else part
        wanted = bare if way == INCLUDE else Not(bare)
        self.state = (
            self.state.without(part) if part == wanted else self.state.having(wanted, instead_of=part)
        )

    def add_text(self, text: str) -> None:
        """Look for a text too."""
        if text and Text(text) not in self.state.parts:
            self.state = self.state.having(Text(text))

    def brush(self, row: int) -> bool:
        """Begin a range of times at a row, or end it there; return whether the query is another."""
        found = self.rows[row] if 0 <= row < len(self.rows) else None
        if found is None or found.field != "time" or not isinstance(found.value, Range):
            return False
        if self.brushing is None:
            self.brushing = found
            return False
        ends = sorted((self.brushing.value, found.value), key=self._place_of)
        self.brushing = None
        low, high = (end for end in ends if isinstance(end, Range))
        self.state = self.state.cleared("time").turn("time", Range(low.low, high.high), INCLUDE)
        return True

    def stretches(self) -> range:
        """Return the rows of the histogram of time, none where its pane is folded or there are no times."""
        known = [row.value for row in self._facets.get("time", ())]
        found = [
            n
            for n, row in enumerate(self.rows)
            if row.field == "time" and row.kind == VALUE and row.value in known
        ]
        return range(found[0], found[-1] + 1) if found else range(0)

    def _place_of(self, value: object) -> int:
        return next((n for n, row in enumerate(self._facets.get("time", ())) if row.value == value), 0)

    def is_brushed(self, row: int, cursor: int) -> bool:
        """Whether a row lies in the range that is begun."""
        if self.brushing is None or self.rows[row].field != "time" or self.rows[row].kind != VALUE:
            return False
        begun = next((n for n, each in enumerate(self.rows) if each.value == self.brushing.value), row)
        return min(begun, cursor) <= row <= max(begun, cursor)

    def state_of(self, row: FacetRow) -> str:
        """Return "include", "exclude" or "" for what a row stands for."""
        if row.kind == TEXT:
            return EXCLUDE if isinstance(row.part, Not) else INCLUDE
        return self.state.choice(row.field).state(row.value) if row.value is not None else ""

    # ---- folding -----------------------------------------------------------------------------------------

    def field_at(self, row: int) -> str:
        """Return the field of the pane that a row is in, "" if there is none."""
        return self.rows[row].field if 0 <= row < len(self.rows) else ""

    def fold(self, row: int, *, folded: bool | None = None) -> int:
        """Fold or unfold the pane of a row; return the row of its heading, −1 if nothing changed."""
        name = self.field_at(row)
        if not name or (name in self._folded) is folded:
            return -1
        self._folded.symmetric_difference_update({name})
        self._lay()
        return self.heading_of(name)

    def is_folded(self, name: str) -> bool:
        """Whether a pane shows its heading alone."""
        return name in self._folded

    def show_all(self, row: int) -> bool:
        """Show every value of the pane of a row that says there are more; return whether it does."""
        found = self.rows[row] if 0 <= row < len(self.rows) else None
        if found is None or found.kind != MORE:
            return False
        self._all_shown.add(found.field)
        self._lay()
        return True

    def heading_of(self, name: str) -> int:
        """Return the row of a pane's heading, −1 if there is no such pane."""
        return next((n for n, row in enumerate(self.rows) if row.field == name and row.kind == HEADING), -1)

    def next_heading(self, row: int, step: int) -> int:
        """Return the row of the next (1) or previous (−1) heading, going round."""
        headings = [n for n, each in enumerate(self.rows) if each.kind == HEADING]
        after = [n for n in headings if n > row] if step > 0 else [n for n in headings if n < row]
        return (after or headings)[0 if step > 0 else -1] if headings else row

    # ---- counts ------------------------------------------------------------------------------------------

    def needs_reading(self) -> bool:
        """Whether names, models and durations have to be read by a worker first."""
        return self.columns is None or self.columns.behind(self.model.columns) > CAUGHT_UP_AT_ONCE

    def recount(self) -> None:
        """Make the rows anew: totals from indices and columns, what is shown from the filter's matches.

        As of a moment totals are of what there was, and cost a look at each of it.
        """
        view, model = self.model.columns, self.model
        count = view.count
        hits = [seq for seq in model.filter.matches if seq < count] if model.is_filtered else None
        there = None if model.moments is None else sorted(model.moments.order[: model.moments.at])
        if self.columns is not None and not self.needs_reading():
            self.columns.catch_up(view)
        of_moment = partial(_counted, there=there, hits=hits)
        self._facets = {
            "type": _values("type", of_moment(partial(type_facets, view))),
            "tag": _values("tag", of_moment(partial(tag_facets, model.view))),
            **self._columned(hits, there),
            "status": _values("status", of_moment(partial(status_facets, model.view))),
            "time": self._times(hits, there), "text": self._texts(),
        }  # fmt: skip
        self._lay()

    def _columned(self, hits: list[int] | None, there: list[int] | None) -> dict[str, list[FacetRow]]:
        columns = self.columns
        if columns is None or self.needs_reading():
            return {name: [FacetRow(name, "reading …", WAIT)] for name in ("name", "model", "dur")}
        known = len(columns)
        hits, there = (
            None if seqs is None else [seq for seq in seqs if seq < known] for seqs in (hits, there)
        )
        found = {
            name: _values(name, _counted(partial(columns.facets, name), hits, there))
            for name in ("name", "model")
        }
        edges = [None, *LIMITS_MS, None]
        counted = _spans_then(columns, self._ended(hits), self._ended(there))
        spans = zip(_DURATIONS, edges, edges[1:], counted, strict=False)
        found["dur"] = [
            FacetRow("dur", _span_label(low, high), VALUE, value, None, shown, total)
            for value, low, high, (shown, total) in spans
        ]
        return found

    def _ended(self, seqs: list[int] | None) -> list[int] | None:
        """Return those whose duration is known as of the moment."""
        past = self.model.past
        if seqs is None or past is None:
            return seqs
        running = frozenset(past.running)
        return [seq for seq in seqs if seq not in running]

    def _times(self, hits: list[int] | None, there: list[int] | None) -> list[FacetRow]:
        if not self.model.has_times:
            return []
        found = time_stretches(self.model.columns, hits=hits)
        if there is not None:
            totals = [each.shown for each in time_stretches(self.model.columns, hits=there)]
            found = [
                replace(each, total=total, shown=total if hits is None else each.shown)
                for each, total in zip(found, totals, strict=True)
                if total
            ]
        start = found[0].start_ms if found else 0
        return [
            FacetRow(
                "time", f"+{duration(each.start_ms - start)} … +{duration(each.end_ms - start)}", VALUE,
                Range(_offset(each.start_ms - start), _offset(each.end_ms - start)), None, each.shown, each.total,
            )
            for each in found
        ]  # fmt: skip

    def _texts(self) -> list[FacetRow]:
        found = [
            FacetRow("text", text, TEXT, part=part)
            for part in self.state.locked
            if (text := _text_of(part)) is not None
        ]
        return [*found, FacetRow("text", "add a text …", ADD)]

    # ---- rows --------------------------------------------------------------------------------------------

    def _lay(self) -> None:
        self.rows = []
        for name, title in TITLES.items():
            found = self._with_chosen(name, self._facets.get(name, []))
            if not found:
                continue
            values = sum(row.kind == VALUE for row in found)
            label = f"{title} ({values:,})" if name in ("type", "tag", "name", "model") and values else title
            self.rows.append(FacetRow(name, label, HEADING))
            if name not in self._folded:
                self.rows += self._first_of(name, found)
        locked = [part for part in self.state.locked if _text_of(part) is None]
        if locked:
            self.rows.append(FacetRow("", "also asked for", HEADING))
            self.rows += [FacetRow("", print_expression(part), LOCKED, part=part) for part in locked]

    def _with_chosen(self, name: str, found: list[FacetRow]) -> list[FacetRow]:
        """Return a pane's rows with those that are chosen and that the run does not have, or has otherwise."""
        if name == "text":
            return found
        choice, known = self.state.choice(name), {row.value for row in found}
        other = [value for value in (*choice.include, *choice.exclude) if value not in known]
        return [*(FacetRow(name, _label(value), VALUE, value) for value in other), *found]

    def _first_of(self, name: str, found: list[FacetRow]) -> list[FacetRow]:
        if len(found) <= SHOWN_VALUES + 1 or name in self._all_shown or name in ("time", "text", "dur"):
            return found
        shown = [row for n, row in enumerate(found) if n < SHOWN_VALUES or self.state_of(row)]
        more = len(found) - len(shown)
        return [*shown, FacetRow(name, f"… {more:,} more", MORE)] if more else shown


def _counted(
    count: Callable[[list[int] | None], list[Facet]], hits: list[int] | None, there: list[int] | None
) -> list[Facet]:
    """Return the values of a field with their counts, as of a moment if it is said what was there."""
    if there is None:
        return count(hits)
    totals = {each.value: each.shown for each in count(there)}
    shown = totals if hits is None else {each.value: each.shown for each in count(hits)}
    found = [Facet(value, shown.get(value, 0), total) for value, total in totals.items() if total]
    return sorted(found, key=lambda each: (-each.total, each.value))


def _spans_then(
    columns: ValueColumns, hits: list[int] | None, there: list[int] | None
) -> list[tuple[int, int]]:
    found = columns.spans(LIMITS_MS, hits)
    if there is None:
        return found
    totals = columns.spans(LIMITS_MS, there)
    return [
        (total if hits is None else shown, total)
        for (shown, _), (total, _) in zip(found, totals, strict=True)
    ]


def _values(name: str, found: list[Facet]) -> list[FacetRow]:
    return [
        FacetRow(name, each.value or "(empty)", VALUE, Literal(each.value), None, each.shown, each.total)
        for each in found
    ]


def _text_of(part: Expression) -> str | None:
    """Return the text that a part of the query looks for, or must not find; None for other parts."""
    bare = part.item if isinstance(part, Not) else part
    return bare.text if isinstance(bare, Text) else None


def _span_label(low: int | None, high: int | None) -> str:
    if low is None:
        return f"below {duration(high)}"
    return f"{duration(low)} … {duration(high)}" if high is not None else f"{duration(low)} and more"


def _offset(ms: int) -> str:
    """Return a distance from the run's start as the query language writes it."""
    return f"+{ms // 1000}s" if ms % 1000 == 0 else f"+{ms}ms"


def _label(value: Value) -> str:
    """Return a chosen value as it is written."""
    if isinstance(value, Range):
        return f"{value.low or ''}..{value.high or ''}"
    return getattr(value, "text", "") or getattr(value, "pattern", "") or "(empty)"
