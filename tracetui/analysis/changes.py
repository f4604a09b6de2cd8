"""What changed between two steps that were aligned: part by part, as short printable texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tracetui.analysis.steps import Step, context_of
from tracetui.analysis.volatile import canonical, steady, without_machine_keys
from tracetui.model.text import printable
from tracetui.model.value import dumps
from tracetui.storage.backend import RunView

SHOWN = 160
"""Characters of a value that are shown, from a little before the first that differs."""
_BEFORE = 24


class PartChange(NamedTuple):
    """One part that differs: its name as in the query language, and both values, "" where there is none."""

    part: str
    a: str
    b: str

    def text(self, arrow: str = "→") -> str:
        """Return "chosen: patch → retry"."""
        return f"{self.part}: {self.a or 'none'} {arrow} {self.b or 'none'}"


def changes_between(a: Step, b: Step) -> tuple[PartChange, ...]:
    """Return the parts in which two steps differ, those that they chose first."""
    found = list(_differing(a.chose, b.chose, received=False))
    found += _differing(a.got, b.got, received=True)
    return tuple(found)


def context_changes(a: RunView, b: RunView, seq_a: int, seq_b: int) -> tuple[PartChange, ...]:
    """Return how two model calls were set up otherwise: model and input; nothing if they were not, or are none."""
    given_a, given_b = context_of(a, seq_a), context_of(b, seq_b)
    if given_a == given_b:
        return ()
    return tuple(_differing(given_a, given_b, received=True))


def _differing(a: dict[str, Any], b: dict[str, Any], *, received: bool) -> Iterator[PartChange]:
    for name in dict.fromkeys([*a, *b]):
        one, other = a.get(name), b.get(name)
        if canonical(one, received=received) == canonical(other, received=received):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            one, other = without_machine_keys(one), without_machine_keys(other)
            for key in dict.fromkeys([*one, *other]):
                yield from _change(f"{name}.{key}", one.get(key), other.get(key), received=received)
        else:
            yield from _change(name, one, other, received=received)


def _change(name: str, a: Any, b: Any, *, received: bool) -> Iterator[PartChange]:
    if canonical(a, received=received) != canonical(b, received=received):
        text_a, text_b = _text(a, received=received), _text(b, received=received)
        at = _first_difference(text_a, text_b)
        yield PartChange(printable(name), _excerpt(text_a, at), _excerpt(text_b, at))


def _text(value: Any, *, received: bool) -> str:
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else dumps(value)
    return steady(text, received=received) if len(text) > SHOWN else text


def _first_difference(a: str, b: str) -> int:
    """Return how many characters two texts begin with in common."""
    shorter, step = min(len(a), len(b)), 4096
    at = next((at for at in range(0, shorter, step) if a[at : at + step] != b[at : at + step]), shorter)
    return next((n for n in range(at, min(at + step, shorter)) if a[n] != b[n]), shorter)


def _excerpt(text: str, at: int) -> str:
    """Return the part of a text in which it differs from another from ``at`` on."""
    start = 0 if len(text) <= SHOWN and at < SHOWN else max(at - _BEFORE, 0)
    cut = text[start : start + SHOWN]
    return printable(f"{'…' if start else ''}{cut}{'…' if start + SHOWN < len(text) else ''}")
