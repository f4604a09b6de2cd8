"""Filters kept under names, over restarts: what the palette offers. Pure, but for the state it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tracetui.model.text import printable
from tracetui.render.cells import cut, pad
from tracetui.tui.view.filtering import check

FILTERS = "filters"
MOST = 100
"""So many are kept; the oldest goes for a new one."""


class State(Protocol):
    """What remembers values by name."""

    def read(self, name: str) -> Mapping[str, Any]:
        """Return what was written last."""
        ...

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Remember a value."""
        ...


def kept(state: State) -> dict[str, str]:
    """Return the filters by name, oldest first; what is no query any more is left out."""
    found = state.read(FILTERS).items()
    return {name: text for name, text in found if isinstance(text, str) and text and check(text) is None}


def rename(state: State, name: str, other: str) -> bool:
    """Call a filter otherwise, in its place; return whether it could be: another one may bear the name."""
    found = kept(state)
    if name not in found or not other or (other != name and other in found):
        return False
    state.write(FILTERS, {(other if each == name else each): text for each, text in found.items()})
    return True


def filter_pieces(kept_filter: tuple[str, str], width: int) -> list[tuple[str, str]]:
    """Return the line of a filter: its name, and the query."""
    name, text = (printable(part) for part in kept_filter)
    room = max(width // 3, 8)
    return [
        (" ", "text"), (pad(cut(name, room), room), "label"), ("  ", "text"),
        (cut(text, max(width - room - 4, 8)), "string"),
    ]  # fmt: skip


def keep(state: State, name: str, text: str) -> None:
    """Keep a filter under a name, in the place of the one that bore it; no text lets go of it."""
    others = {other: query for other, query in kept(state).items() if other != name}
    fresh = {**others, name: text} if text else others
    state.write(FILTERS, dict(list(fresh.items())[-MOST:]))
