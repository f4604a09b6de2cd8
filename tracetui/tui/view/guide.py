"""The guide: six steps from a run that failed to why it did, one line at a time. Pure; the main screen shows the line.

A step is done when its action was; one that was passed over counts as done with the one after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tracetui.render.cells import cut
from tracetui.tui.actions import Action, first_key


class Step(NamedTuple):
    """An action to try, and what it shows; any of the actions will do."""

    actions: tuple[str, ...]
    says: str


STEPS = (
    Step(
        ("view.enter",),
        "reads what ended the run, and what came just before it",
    ),
    Step(("app.back",), "goes back; calls that failed the same way are one row, ×7 ~loop"),
    Step(("error.previous", "error.next"), "goes from error to error: is it the same every time?"),
    Step(("view.waterfall",), "shows where the time went, and what the end waited for"),
    Step(("view.transcript",), "shows what the model saw and answered, step by step"),
    Step(("run.diff",), "then Enter: the run that worked beside it, where they part"),
)


class Guide:
    """How far somebody has come."""

    def __init__(self, actions: Sequence[Action], steps: Sequence[Step] = STEPS) -> None:
        self._keys = {action.id: first_key(action) for action in actions if action.keys}
        self.steps = [step for step in steps if self._key(step)]
        self.at = 0
        """The step that comes next; past the last one it is all done."""

    def _key(self, step: Step) -> str:
        return next((self._keys[name] for name in step.actions if name in self._keys), "")

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to try."""
        return self.at >= len(self.steps)

    def took(self, action: str) -> bool:
        """Take note of an action; return whether another step comes now."""
        for number in range(self.at, len(self.steps)):
            if action in self.steps[number].actions:
                self.at = number + 1
                return True
        return False

    def line(self, width: int) -> list[tuple[str, str]]:
        """Return the line of the step that comes next, or the words at the end."""
        if self.is_done:
            help_key = self._keys.get("app.help", "?")
            said = f"That was it: the same keys work on your runs. {help_key} says what all others do."
            return [(cut(f" {said}", width), "good")]
        step = self.steps[self.at]
        before = f" Try {self.at + 1} of {len(self.steps)}  "
        key = self._key(step)
        return [
            (before, "dim"),
            (key, "key"),
            (cut(f" {step.says}", max(width - len(before) - len(key), 1)), "text"),
        ]
