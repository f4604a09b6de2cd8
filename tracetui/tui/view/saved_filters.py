"""Filters kept under names, over restarts: what the palette offers. Pure, but for the state it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

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


def keep(state: State, name: str, text: str) -> None:
    """Keep a filter under a name, in the place of the one that bore it; no text lets go of it."""
    others = {other: query for other, query in kept(state).items() if other != name}
    fresh = {**others, name: text} if text else others
    state.write(FILTERS, dict(list(fresh.items())[-MOST:]))
