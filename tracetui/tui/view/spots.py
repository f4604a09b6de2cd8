"""Where the time of a run went, as places one can go to: slow spots, idle gaps, the critical path.

Made from a run's timing as of one moment (``spots_of``, in a worker: it reads the bodies of tool calls) and never
changed. What it says of the run may lag behind it; ``rev`` tells of which changes it knows. Going somewhere costs
a bisection.

*Place* of a trace: its row in the pre-order of the whole run, orphans last, whatever is folded or filtered. The
places of a subtree are the half-open range that ``subtree`` gives.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracetui.analysis.bodies import bodies
from tracetui.analysis.timing import Gap, Timing, timing_of
from tracetui.model.trace_type import TOOL_CALL, ToolCall
from tracetui.render.figures import duration
from tracetui.storage.backend import RunView

IDLE, WAITING = "idle", "waiting for you"
_COLUMNS = ("parents", "kinds", "types", "timestamps", "ends", "statuses", "tokens_in", "tokens_out", "costs")


@dataclass(frozen=True, slots=True)
class Spot:
    """A trace worth a look: ``gap_ms`` that nothing ran before it, ``self_ms`` of its own if it is among the slowest."""

    at_ms: int
    seq: int
    gap_ms: int = 0
    self_ms: int = 0

    def why(self) -> str:
        """Return why it is slow, in a few words."""
        parts = [f"nothing ran for {duration(self.gap_ms)} before it"] if self.gap_ms else []
        if self.self_ms:
            parts.append(f"{duration(self.self_ms)} of its own")
        return "slow: " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Spots:
    """Timing of a run with its slow spots, gaps and critical path in order of time.

    ``anchors`` is by gap the trace before which it lies: the outermost that began after the gap did, −1 at the end.
    ``path`` holds each trace of the critical path once, ``path_starts`` and ``path_seqs`` its stretches (seq −1 where
    nothing ran). ``shares`` are names and milliseconds of the path, the longest first.
    """

    rev: int
    timing: Timing
    spots: tuple[Spot, ...]
    anchors: tuple[int, ...]
    path: tuple[int, ...]
    path_starts: Sequence[int]
    path_seqs: Sequence[int]
    shares: tuple[tuple[str, int], ...]
    places: Sequence[int]
    sizes: Sequence[int]
    orphans_from: int
    """The first place of an orphan."""
    _path_places: Sequence[int] = field(repr=False)
    _path_numbers: Mapping[int, int] = field(repr=False)

    def next_spot(self, timestamps: Sequence[int], seq: int, step: int) -> Spot | None:
        """Return the slow spot after (1) or before (−1) a trace in order of time, going round; None if there is none."""
        if not self.spots:
            return None
        here = (timestamps[seq], seq) if seq >= 0 else (self.timing.start_ms - 1, -1)
        at = (
            bisect_right(self.spots, here, key=_key)
            if step > 0
            else bisect_left(self.spots, here, key=_key) - 1
        )
        return self.spots[at % len(self.spots)]

    def next_on_path(self, seq: int) -> int:
        """Return the trace of the critical path after this one; from elsewhere its first, −1 if there is no path."""
        if not self.path:
            return -1
        at = self._path_numbers.get(seq, -1) + 1
        return self.path[at % len(self.path)]

    def subtree(self, seq: int) -> range:
        """Return the places of a trace and all below it; none for a trace that was not known yet."""
        if not 0 <= seq < len(self.places):
            return range(0)
        place = self.places[seq]
        return range(place, place + self.sizes[place])

    def is_on_path(self, seq: int, *, below: bool) -> bool:
        """Whether a trace is on the critical path, or with ``below`` anything of its subtree."""
        found = self.subtree(seq)
        found = found if below else found[:1]
        at = bisect_left(self._path_places, found.start)
        return at < len(self._path_places) and self._path_places[at] in found

    def on_path_at(self, moment_ms: float) -> int:
        """Return the trace that the run's end waited for at a moment, −1 if nothing ran."""
        at = bisect_right(self.path_starts, moment_ms) - 1
        return self.path_seqs[at] if at >= 0 and moment_ms < self.timing.end_ms else -1

    def gap_at(self, moment_ms: float) -> Gap | None:
        """Return the gap around a moment."""
        gaps = self.timing.gaps
        at = bisect_right(gaps, moment_ms, key=lambda gap: gap.start_ms) - 1
        return gaps[at] if at >= 0 and moment_ms < gaps[at].end_ms else None


def _key(spot: Spot) -> tuple[int, int]:
    return spot.at_ms, spot.seq


class _Still:
    """A run's columns as they are now, for a worker that reads them while the run goes on."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self.count = count = view.count
        self.rev = view.rev
        self.run = view.run
        self.type_names = list(view.type_names)
        for name in _COLUMNS:
            setattr(self, name, getattr(view, name)[:count])
        self.parents = array("i", [parent if parent < count else -1 for parent in self.parents])

    parents: Sequence[int]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


def still(view: RunView) -> RunView:
    """Return the columns as they are now; what comes later is not in them. Copies a few columns."""
    copy: Any = _Still(view)
    return copy  # type: ignore[no-any-return]


def spots_of(view: RunView) -> Spots:
    """Return the spots of a run that stands still; linear in it, and reads the bodies of tool calls."""
    timing = timing_of(view)
    places, sizes, orphans_from = places_of(view)
    anchors = tuple(_anchor(view, gap) for gap in timing.gaps)
    first: dict[int, None] = dict.fromkeys(seq for seq in timing.path.seqs if seq >= 0)
    return Spots(
        view.rev, timing, _spots(view, timing), anchors, tuple(first),
        timing.path.starts, timing.path.seqs,
        _shares(view, timing), places, sizes, orphans_from, array("i", sorted(places[seq] for seq in first)),
        {seq: number for number, seq in enumerate(first)},
    )  # fmt: skip


def places_of(view: RunView) -> tuple[Sequence[int], Sequence[int], int]:
    """Return the place of every trace by seq, the size of every subtree by place, and the first place of an orphan."""
    forest = view.forest()
    first, last = array("i"), array("i")
    row = 0
    while row < len(forest):
        root, size = forest.seqs[row], forest.sizes[row]
        (first if view.awaiting(root) is None else last).extend(range(row, row + size))
        row += size
    order = first + last
    places = array("i", bytes(4 * view.count))
    sizes = array("i", bytes(4 * len(order)))
    for place, each in enumerate(order):
        sizes[place] = forest.sizes[each]
        if forest.seqs[each] < view.count:
            places[forest.seqs[each]] = place
    return places, sizes, len(first)


def _anchor(view: RunView, gap: Gap) -> int:
    node = gap.before
    while node >= 0 and (parent := view.parents[node]) >= 0 and view.timestamps[parent] >= gap.start_ms:
        node = parent
    return node


def _spots(view: RunView, timing: Timing) -> tuple[Spot, ...]:
    timestamps = view.timestamps
    slow = set(timing.slow)
    idle = {_ending(view, gap): gap.duration_ms for gap in timing.gaps if not gap.waiting}
    found = [
        Spot(timestamps[seq], seq, idle.get(seq, 0), timing.self_ms[seq] if seq in slow else 0)
        for seq in slow | set(idle)
    ]
    return tuple(sorted(found, key=lambda spot: (spot.at_ms, spot.seq)))


def _ending(view: RunView, gap: Gap) -> int:
    """Return the trace that a gap ends at: the last of all, where nothing timed ended it."""
    if gap.before >= 0:
        return gap.before
    return max(range(view.count), key=lambda seq: (view.timestamps[seq], seq))


def _shares(view: RunView, timing: Timing) -> tuple[tuple[str, int], ...]:
    """Return what the path is made of: tools by name, model calls, what nothing ran in."""
    tools = _tool_names(view, set(timing.path.seqs))
    found: dict[str, int] = {}
    waiting = [gap for gap in timing.gaps if gap.waiting]
    for part in timing.path:
        if part.seq >= 0:
            name = tools.get(part.seq) or view.type_names[view.types[part.seq]].lower()
            found[name] = found.get(name, 0) + part.duration_ms
            continue
        waited = sum(
            max(min(gap.end_ms, part.end_ms) - max(gap.start_ms, part.start_ms), 0)
            for gap in _near(waiting, part.start_ms, part.end_ms)
        )
        found[WAITING] = found.get(WAITING, 0) + waited
        found[IDLE] = found.get(IDLE, 0) + part.duration_ms - waited
    return tuple(sorted(((name, ms) for name, ms in found.items() if ms), key=lambda share: -share[1]))


def _near(gaps: Sequence[Gap], start_ms: int, end_ms: int) -> Sequence[Gap]:
    first = max(bisect_right(gaps, start_ms, key=lambda gap: gap.start_ms) - 1, 0)
    return gaps[first : bisect_left(gaps, end_ms, key=lambda gap: gap.start_ms)]


def _tool_names(view: RunView, seqs: set[int]) -> Mapping[int, str]:
    calls = sorted(seq for seq in seqs if seq >= 0 and view.kinds[seq] == TOOL_CALL)
    return {seq: kind.tool_name for seq, kind, _ in bodies(view, calls) if isinstance(kind, ToolCall)}
