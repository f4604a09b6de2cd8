"""How a run ended, in one word and one sentence, and the trace on which a look at it should begin.

*Verdict*, first match: the run's recorded end; a recorded outcome; LIVE; LOST; a terminal error: FAILED; open
calls: CUT OFF; else ENDED, never OK. *Landing*: the terminal error; else the deepest open call that the model did
not go on without; else, for ENDED or failed by score, the last model output; else the root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracetui.analysis.errors import MODEL, Errors, find_errors, left_behind
from tracetui.analysis.summary import output_line, summary
from tracetui.model.run import ACTIVE, CANCELLED, COMPLETED, FAILED, PAUSED, Run
from tracetui.model.text import first_line, printable
from tracetui.model.trace_type import THOUGHT
from tracetui.storage.backend import RunView

LIVE_SECONDS = 60
"""A run without a known owner counts as live for so long after its last news."""

GOOD_LABELS = frozenset({"OK"})
BAD_LABELS = frozenset({"FAILED", "LOST", "CUT OFF"})


@dataclass(frozen=True, slots=True)
class Liveness:
    """What is known of the processes that write a run: some may live, or all are provably dead, or neither."""

    owned: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended. ``why`` is one printable sentence, perhaps empty; ``landing`` a seq, −1 if it is empty."""

    label: str
    why: str
    landing: int
    errors: int
    recovered: int
    terminal: int = -1
    """Seq of the terminal error, −1 if there is none."""

    def text(self) -> str:
        """Return label and counts: "FAILED  9 errors, 2 recovered"."""
        noun = "error" if self.errors == 1 else "errors"
        return f"{self.label}  {self.errors} {noun}, {self.recovered} recovered"


def judge(
    view: RunView, now_ms: int, liveness: Liveness | None = None, errors: Errors | None = None
) -> Verdict:
    """Return the verdict on a run as of now; linear in its open calls and errors."""
    run = view.run
    errors = find_errors(view) if errors is None else errors
    label, why = _label(view, run, errors, now_ms, liveness or Liveness())
    landing = _landing(view, label, errors)
    terminal = -1 if errors.terminal is None else errors.terminal.seq
    if not why and landing >= 0:
        why = _why(view, run, label, errors, landing)
    return Verdict(label, printable(why), landing, len(errors.found), errors.recovered, terminal)


def _label(view: RunView, run: Run, errors: Errors, now_ms: int, liveness: Liveness) -> tuple[str, str]:
    outcome = _outcome(run)
    if run.status == FAILED:
        return "FAILED", ""
    if run.status == CANCELLED:
        return "CANCELLED", ""
    if run.status == COMPLETED and (outcome is None or outcome[0]):
        return "OK", outcome[1] if outcome else ""
    if outcome is not None:
        good, why = outcome
        return ("OK" if good else "FAILED"), why
    if run.status in (ACTIVE, PAUSED):
        if liveness.owned or (not liveness.lost and _is_fresh(run, now_ms)):
            return "LIVE", ""
        if liveness.lost:
            return "LOST", ""
    if errors.terminal is not None:
        return "FAILED", ""
    return ("CUT OFF" if open_calls(view) else "ENDED"), ""


def _is_fresh(run: Run, now_ms: int) -> bool:
    return 0 <= now_ms - run.last_ms < LIVE_SECONDS * 1000


def _outcome(run: Run) -> tuple[bool, str] | None:
    """Return (good, reason) of a recorded outcome: a reward, score or exit status, None if there is none."""
    metadata = run.metadata
    given = metadata.get("outcome") if isinstance(metadata, dict) else None
    if not isinstance(given, Mapping):
        return None
    reason = given.get("reason")
    said = f": {reason}" if isinstance(reason, str) and reason else ""
    for name in ("reward", "score"):
        value = given.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value > 0, f"{name} {value:g}{said}"
    status = given.get("exit_status")
    if status is None:
        return None
    good = status in (0, "0", "ok", "success", "Submitted", "submitted")
    return good, f"exit status {status!s}{said}"


def open_calls(view: RunView) -> list[int]:
    """Return the traces that were begun and have not ended, in seq order."""
    statuses = view.statuses
    found: list[int] = []
    at = -1
    index = getattr(statuses, "index", None)
    if index is None:
        return [seq for seq, status in enumerate(statuses) if status == 0]
    while True:
        try:
            at = index(0, at + 1)
        except ValueError:
            return found
        found.append(at)


def _landing(view: RunView, label: str, errors: Errors) -> int:
    if view.count == 0:
        return -1
    if errors.terminal is not None and label not in ("OK", "CANCELLED"):
        return errors.terminal.seq
    still_open = open_calls(view)
    if still_open:
        behind = left_behind(view, still_open)
        still_open = [seq for seq in still_open if seq not in behind] or still_open
        return max(still_open, key=lambda seq: (depth_of(view, seq), seq))
    if label in ("ENDED", "FAILED"):
        said = _last_said(view)
        if said >= 0:
            return said
    return next(iter(view.roots()), 0)


def _last_said(view: RunView) -> int:
    """Return the last model output or thought, −1 if there is none."""
    models = view.by_type(MODEL)
    thoughts = [seq for seq in reversed(view.by_type("Thought")) if view.kinds[seq] == THOUGHT][:1]
    return max([*models[-1:], *thoughts], default=-1)


def depth_of(view: RunView, seq: int) -> int:
    """Return the number of ancestors."""
    depth, node = 0, view.parents[seq]
    while node >= 0:
        depth, node = depth + 1, view.parents[node]
    return depth


def path_of(view: RunView, seq: int) -> list[int]:
    """Return the ancestors of a trace, outermost first, and the trace itself."""
    path = [seq]
    while (parent := view.parents[path[-1]]) >= 0:
        path.append(parent)
    return path[::-1]


def _why(view: RunView, run: Run, label: str, errors: Errors, landing: int) -> str:
    folder = folder_of(run)
    if errors.terminal is not None and landing == errors.terminal.seq:
        parent = view.parents[landing]
        said = f"{errors.terminal.type}: {first_line(errors.terminal.message)}"
        inside = f", in {summary(view.trace(parent), folder)}" if parent >= 0 else ""
        return ("last error: " if label == "LIVE" else "ended by ") + said + inside
    if view.statuses[landing] == 0:
        verb = "running" if label == "LIVE" else "cut off in"
        return f"{verb} {summary(view.trace(landing), folder)}"
    if label == "OK":
        return ""
    if label == "LIVE":
        return f"last: {summary(view.trace(_newest(view)), folder)}"
    return _last(view, landing, folder)


def _last(view: RunView, landing: int, folder: str) -> str:
    """Return what a run said last; one that never spoke is told by what it gave back, else by the step that began last."""
    trace = view.trace(landing)
    told = summary(trace, folder)
    if view.kinds[landing] == THOUGHT or trace.type_name == MODEL:
        return f"last: {told}"
    if given := output_line(trace):
        return f"{told} answered: {given}"
    last = _newest(view)
    if last == landing:
        return f"last: {told}"
    return f"no model output is recorded; the last step: {summary(view.trace(last), folder)}"


def _newest(view: RunView) -> int:
    """Return the step that began last."""
    return view.by_time(-(2**63), 2**63)[-1]


def folder_of(run: Run) -> str:
    """Return the folder that the run worked in, "" where it is not known."""
    metadata = run.metadata
    cwd = metadata.get("cwd") if isinstance(metadata, dict) else None
    return cwd if isinstance(cwd, str) else ""
