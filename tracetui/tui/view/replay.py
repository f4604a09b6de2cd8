"""How the moments of a run follow each other when it is played: how long to wait, and how many come then. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tracetui.tui.view.moments import Moments

LONGEST_SECONDS = 2.0
"""However long nothing happened, the next moment comes after so long."""
FRAME_SECONDS = 0.1
"""What comes within this time comes at once."""
STEP_SECONDS = 0.5


class Speed(NamedTuple):
    """How fast: so many times as it was; 0 is a trace at a time, in equal steps."""

    title: str
    short: str
    times: int


SPEEDS = {
    "1": Speed("as fast as it was, but no wait over 2 s", "1x", 1),
    "2": Speed("10 times as fast", "10x", 10),
    "3": Speed("100 times as fast", "100x", 100),
    "4": Speed("two traces a second, whenever they came", "by trace", 0),
}
"""By the key that chooses it."""


def next_step(moments: Moments, speed: Speed) -> tuple[float, int]:
    """Return how many seconds to wait, and by how many moments to go on then; 0 moments at the end."""
    if moments.is_last:
        return 0.0, 0
    if not speed.times or not moments.has_times:
        return STEP_SECONDS, 1
    due = moments.came_ms(moments.at)
    wait = max(due - moments.time_ms, 0) / 1000 / speed.times
    until = due + FRAME_SECONDS * 1000 * speed.times
    by = 1
    while moments.at + by < len(moments) and moments.came_ms(moments.at + by) < until:
        by += 1
    return min(max(wait, FRAME_SECONDS), LONGEST_SECONDS), by
