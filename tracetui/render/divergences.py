"""Where many runs part, as lines of text and as plain data for JSON: what ``tracetui compare`` writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tracetui.analysis.divergence import Alternative, Divergence, Parting
from tracetui.analysis.summary import letter, summary
from tracetui.analysis.verdict import folder_of
from tracetui.model.text import printable
from tracetui.render.cells import cut
from tracetui.render.figures import short_id
from tracetui.render.table import table
from tracetui.storage.backend import RunView

MOST_PARTINGS, MOST_WAYS, MOST_RUNS = 8, 4, 12
"""Partings, other ways of one, and runs that are told unless everything is asked for."""
NOT_TAKEN = "not taken"


class Comparison:
    """Compared runs with the steps of each as text. ``views`` are in the order of ``found.runs``."""

    def __init__(self, found: Divergence, views: Sequence[RunView]) -> None:
        self.found = found
        self._views = views
        self._folders = [folder_of(view.run) for view in views]

    def text(self, run: int, seq: int) -> str:
        """Return letter and summary of a step of a run; −1 is a step that was not taken."""
        if seq < 0:
            return NOT_TAKEN
        view = self._views[run]
        mark = letter(view.kinds[seq], view.type_names[view.types[seq]])
        return f"{mark} {summary(view.trace(seq), self._folders[run])}"

    def id(self, run: int, seq: int) -> str | None:
        """Return the id of a step, None for −1."""
        return None if seq < 0 else self._views[run].ids[seq]

    def above(self, place: int) -> str:
        """Return what stands above a place, outermost first."""
        steps: list[str] = []
        parent = self.found.places[place].parent
        while parent >= 0:
            here = self.found.places[parent]
            steps.append(cut(self.text(*here.taken[0]), 40))
            parent = here.parent
        return " > ".join(reversed(steps))

    def way(self, way: Alternative) -> str:
        """Return what the runs of one way did."""
        return self.text(way.run, way.seq)


# ---- text ------------------------------------------------------------------------------------------------


def divergence_lines(told: Comparison, width: int, *, everything: bool = False) -> Iterator[str]:
    """Yield the runs in a line, where they part, most telling first, and each run with where it left the others."""
    found = told.found
    yield heading(found)
    if not found.partings:
        yield f"no step differs in {len(found.places):,}"
    shown = found.partings if everything else found.partings[:MOST_PARTINGS]
    for parting in shown:
        yield ""
        for line in _parting(told, parting, everything=everything):
            yield cut(line, width) if width else line
    if len(shown) < len(found.partings):
        yield ""
        yield f"… {len(found.partings) - len(shown):,} places more where they part (--all)"
    yield ""
    yield from _runs(told, width, everything=everything)


def heading(found: Divergence) -> str:
    """Return "fix-login-bug  31 runs: 28 OK, 3 FAILED; 2 that still go on are left out"."""
    names = dict.fromkeys(member.name or member.run_id for member in found.runs)
    labels = Counter(member.label for member in found.runs)
    ended = ", ".join(f"{count} {label}" for label, count in labels.items())
    left = len(found.left_out)
    more = f"; {left} that still go{'es' if left == 1 else ''} on {'is' if left == 1 else 'are'} left out"
    return f"{printable(', '.join(names))}  {len(found.runs)} runs: {ended}{more if left else ''}"


def _parting(told: Comparison, parting: Parting, *, everything: bool) -> Iterator[str]:
    above = told.above(parting.place)
    yield parting.text()
    yield f"  step {parting.place + 1:,} of {len(told.found.places):,}{f', below {above}' if above else ''}"
    ways = (parting.took, *parting.instead)
    shown = ways if everything else ways[: MOST_WAYS + 1]
    for way in shown:
        failed = f", {way.failed} failed" if way.failed else ""
        yield f"    {len(way.runs):>3}×  {told.way(way)}{_outcome(parting, way)}{failed}"
    if len(shown) < len(ways):
        yield f"    … {len(ways) - len(shown):,} other ways"
    if parting.alike:
        step = "step parts" if parting.alike == 1 else "steps part"
        yield f"  {parting.alike:,} later {step} the same runs"


def _outcome(parting: Parting, way: Alternative) -> str:
    return "  (error)" if parting.way == "outcome" and way is not parting.took else ""


def _runs(told: Comparison, width: int, *, everything: bool) -> Iterator[str]:
    """Yield a table of the runs, those that failed first; good ones that went with the others may be left out."""
    rows = []
    for number, member in sorted(enumerate(told.found.runs), key=lambda each: not each[1].failed):
        first = told.found.first_of(number)
        where = "" if first is None else f"step {first[0].place + 1:,}: {told.way(first[1])}"
        run = member.run_id if everything else short_id(member.run_id, 8)
        rows.append((run, member.label, member.traces, where))
    kept = rows if everything else rows[:MOST_RUNS]
    yield from table(("RUN", "VERDICT", "TRACES", "FIRST LEAVES THE OTHERS AT"), kept, width)
    if len(kept) < len(rows):
        yield f"… {len(rows) - len(kept):,} runs more (--all)"


# ---- JSON ------------------------------------------------------------------------------------------------


def divergence_data(told: Comparison) -> dict[str, Any]:
    """Return runs, partings and every step with the runs that took it; steps are numbered from 0 in pre-order."""
    found = told.found
    return {
        "runs": [_run_data(told, number) for number in range(len(found.runs))],
        "left_out": list(found.left_out),
        "partings": [_parting_data(told, parting) for parting in found.partings],
        "steps": [
            {
                "depth": place.depth, "parent": place.parent if place.parent >= 0 else None,
                "summary": told.text(*place.taken[0]),
                "taken": {found.runs[run].run_id: told.id(run, seq) for run, seq in place.taken},
            }
            for place in found.places
        ],
    }  # fmt: skip


def _run_data(told: Comparison, number: int) -> dict[str, Any]:
    member, first = told.found.runs[number], told.found.first_of(number)
    return {
        "run_id": member.run_id, "name": member.name, "verdict": member.label, "failed": member.failed,
        "traces": member.traces,
        "first": None if first is None else {"step": first[0].place, **_way_data(told, first[1])},
    }  # fmt: skip


def _parting_data(told: Comparison, parting: Parting) -> dict[str, Any]:
    return {
        "step": parting.place, "way": parting.way, "text": parting.text(), "score": parting.score,
        "took": _way_data(told, parting.took), "instead": [_way_data(told, way) for way in parting.instead],
        "later_alike": parting.alike,
    }  # fmt: skip


def _way_data(told: Comparison, way: Alternative) -> dict[str, Any]:
    return {
        "runs": [told.found.runs[run].run_id for run in way.runs], "failed": way.failed,
        "summary": told.way(way), "trace": told.id(way.run, way.seq),
    }  # fmt: skip
