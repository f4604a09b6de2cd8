"""The filter panes: types, tags and times of a run with counts, and the query that the choices make. Pure.

What the panes cannot show of a query stays in it, locked, before what they add.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tracetui.model.text import printable
from tracetui.render.cells import cut, pad, pad_left
from tracetui.render.figures import count, duration
from tracetui.tui.view.run_model import RunModel

TIME_BUCKETS = 12
INCLUDE, EXCLUDE = "include", "exclude"


@dataclass(slots=True)
class Choice:
    """What is included and excluded of one field."""

    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)

    __hash__ = None  # type: ignore[assignment]

    def turn(self, value: str, way: str) -> None:
        """Include or exclude a value, or take it out again."""
        wanted, other = (self.include, self.exclude) if way == INCLUDE else (self.exclude, self.include)
        if value in other:
            other.remove(value)
        if value in wanted:
            wanted.remove(value)
        else:
            wanted.append(value)

    def state(self, value: str) -> str:
        """Return "include", "exclude" or ""."""
        return INCLUDE if value in self.include else EXCLUDE if value in self.exclude else ""


@dataclass(slots=True)
class FacetRow:
    """One line of the panes: a heading (``value`` None), or a value with its counts."""

    field: str
    label: str
    value: str | None = None
    shown: int = 0
    total: int = 0

    __hash__ = None  # type: ignore[assignment]


class Facets:
    """Choices and rows of the panes of one run."""

    def __init__(self, model: RunModel) -> None:
        self.model = model
        self.locked = ""
        self.choices = {"type": Choice(), "tag": Choice(), "time": Choice()}
        self.rows: list[FacetRow] = []

    def follow(self, text: str) -> None:
        """Take over a query that was typed: it is locked unless it is what the panes say already."""
        if text != self.text():
            self.locked = text
            self.choices = {name: Choice() for name in self.choices}

    def text(self) -> str:
        """Return the query that the panes make."""
        parts = [f"({self.locked})" if self.locked and self._any() else self.locked]
        for name, choice in self.choices.items():
            words = [_word(value) for value in choice.include]
            if len(words) == 1:
                parts.append(f"{name}:{words[0]}")
            elif words:
                parts.append(f"{name}:({' OR '.join(words)})" if name != "time" else _times(words))
            parts += [f"NOT {name}:{_word(value)}" for value in choice.exclude]
        return " ".join(filter(None, parts))

    def _any(self) -> bool:
        return any(choice.include or choice.exclude for choice in self.choices.values())

    def clear(self) -> None:
        """Choose nothing, keep nothing locked."""
        self.locked = ""
        self.choices = {name: Choice() for name in self.choices}

    def turn(self, row: int, way: str) -> bool:
        """Include or exclude the value of a row; return whether there is one."""
        if row >= len(self.rows) or self.rows[row].value is None:
            return False
        found = self.rows[row]
        self.choices[found.field].turn(str(found.value), way)
        return True

    # ---- counts ------------------------------------------------------------------------------------------

    def recount(self) -> None:
        """Make the rows anew, from the indices, and under the filter from its matches."""
        view, model = self.model.view, self.model
        matches = model.filter.matches if model.is_filtered else None
        types, tags = view.type_counts(), view.tag_counts()
        shown_types: Counter[str] = Counter(types)
        shown_tags: Counter[str] = Counter(tags)
        if matches is not None:
            shown_types = Counter(view.type_names[view.types[seq]] for seq in matches)
            shown_tags = Counter(tag for seq in matches for tag in set(view.tags_of(seq)))
        self.rows = [FacetRow("type", f"types ({len(types)})")]
        self.rows += _values("type", types, shown_types)
        self.rows.append(FacetRow("tag", f"tags ({len(tags)})"))
        self.rows += _values("tag", tags, shown_tags)
        if model.has_times and view.count:
            self.rows.append(FacetRow("time", "time"))
            self.rows += self._times(matches)

    def _times(self, matches: set[int] | None) -> list[FacetRow]:
        view, totals = self.model.view, self.model.totals
        start, length = totals.start_ms, max(totals.duration_ms, 1) + 1
        step = max(-(-length // TIME_BUCKETS), 1)
        rows = []
        for number in range(TIME_BUCKETS):
            low, high = start + number * step, start + (number + 1) * step
            if low > totals.end_ms:
                break
            seqs = view.by_time(low, high)
            shown = len(seqs) if matches is None else sum(1 for seq in seqs if seq in matches)
            label = f"+{duration(low - start)} … +{duration(high - start)}"
            rows.append(FacetRow("time", label, f"{low}..{high}", shown, len(seqs)))
        return rows

    def pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row shows: its mark, value, counts and a bar of its share."""
        found = self.rows[row]
        if found.value is None:
            return [(pad(f" {found.label}", width), "heading")]
        state = self.choices[found.field].state(found.value)
        mark = {INCLUDE: "[+] ", EXCLUDE: "[-] "}.get(state, "[ ] ")
        counts = f"{count(found.shown)}/{count(found.total)}"
        room = width - 5 - 12
        role = {INCLUDE: "chosen", EXCLUDE: "excluded"}.get(state, "text" if found.shown else "dim")
        return [
            (" " + mark, role), (pad(cut(printable(found.label), room), room), role),
            (pad_left(counts, 11) + " ", "count" if found.shown else "dim"),
        ]  # fmt: skip


def _values(name: str, totals: dict[str, int], shown: Counter[str]) -> list[FacetRow]:
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return [FacetRow(name, value or "(empty)", value, shown.get(value, 0), total) for value, total in ordered]


def _times(words: list[str]) -> str:
    return "(" + " OR ".join(f"time:{word}" for word in words) + ")"


def _word(text: str) -> str:
    """Return a value as the query language takes it: quoted unless it is one plain word."""
    plain = text and not any(char.isspace() or char in '"()|*:~=<>\\' for char in text) and text[0] != "-"
    if plain and text not in ("OR", "AND", "NOT", "or", "and", "not"):
        return text
    if ".." in text and text.replace("..", "").replace("-", "").isdigit():
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
