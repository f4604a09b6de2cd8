"""Why a run ended as it did, all in one: verdict, sentence, path, just before, loop, seen before, slow spots.

Owns the sentence. For a run that an error ended it names the message with its cause, how often the same call had
been made, and the decision that led to it: "pytest exited 2 (ModuleNotFoundError: No module named 'app.auth') after 7
identical calls of bash pytest -q; the plan chose retry at confidence 0.31". Of other runs it is the verdict's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tracetui.analysis.before import Before, just_before
from tracetui.analysis.errors import Errors, find_errors
from tracetui.analysis.loops import Loop, Loops, find_loops
from tracetui.analysis.seen import Seen, seen_before
from tracetui.analysis.summary import summary
from tracetui.analysis.timing import Gap, Timing, timing_of
from tracetui.analysis.verdict import Liveness, Verdict, folder_of, judge, path_of
from tracetui.errors import TraceTuiError
from tracetui.model.text import first_line, printable
from tracetui.model.trace_type import TOOL_CALL, Decision
from tracetui.storage.backend import RunView

_CAUSE = re.compile(
    r"(?:E\s{1,8})?((?:[A-Za-z_]\w{0,80}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception|Interrupt): \S.{0,300})"
)
_GENERIC = frozenset({"Error", "ToolError", "tool_error", "Exception"})
MOST_SLOW = 3
PLAN = "plan"
"""The tag of a decision that is called a plan."""


@dataclass(frozen=True, slots=True)
class SlowSpot:
    """A gap that is not waiting, or a trace with long self time (then ``gap`` is None); ``ms`` is how long."""

    seq: int
    ms: int
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `tracetui why` says. ``sentence`` is printable, perhaps empty; seqs are −1 where there is none.

    ``path`` leads from a root to the landing. ``loop`` is the one that the failing call is part of, else None;
    ``seen`` are the errors of the run by how telling they are, the terminal one first.
    """

    verdict: Verdict
    sentence: str
    path: tuple[int, ...]
    before: Before
    failing_call: int
    loop: Loop | None
    loops: Loops
    seen: tuple[Seen, ...]
    slow: tuple[SlowSpot, ...]
    timing: Timing

    @property
    def is_ended_by_error(self) -> bool:
        """Whether the run landed on its terminal error."""
        return self.verdict.terminal >= 0 and self.verdict.terminal == self.verdict.landing


def explain(
    view: RunView,
    now_ms: int,
    liveness: Liveness | None = None,
    others: Iterable[tuple[str, Mapping[str, int]]] = (),
) -> Explanation:
    """Return why a run ended as it did; ``others`` are the other runs for ``seen_before``, read only if there are errors."""
    errors = find_errors(view)
    verdict = judge(view, now_ms, liveness, errors)
    loops, timing = find_loops(view), timing_of(view)
    landing = verdict.landing
    path = tuple(path_of(view, landing)) if landing >= 0 else ()
    call = next((seq for seq in reversed(path) if view.kinds[seq] == TOOL_CALL), -1)
    before = just_before(view, landing) if landing >= 0 else Before()
    loop = loops.of(call)
    return Explanation(
        verdict, sentence_of(view, verdict, errors, loops), path, before, call, loop, loops, tuple(seen_before(view, others, errors)),
        tuple(slow_spots(timing)[:MOST_SLOW]), timing,
    )  # fmt: skip


def sentence_of(view: RunView, verdict: Verdict, errors: Errors, loops: Loops, *, brief: bool = False) -> str:
    """Return why a run ended, in one printable line: of the terminal error if it landed there, else the verdict's own.

    A ``brief`` one leaves out which call it was, for places beside the call.
    """
    landing = verdict.landing
    if landing < 0 or landing != verdict.terminal:
        return verdict.why
    call = next((seq for seq in reversed(path_of(view, landing)) if view.kinds[seq] == TOOL_CALL), -1)
    return _sentence(view, errors, call, loops.of(call), just_before(view, landing), brief=brief)


def slow_spots(timing: Timing) -> list[SlowSpot]:
    """Return the slow spots of a run, longest first."""
    gaps = [SlowSpot(gap.before, gap.duration_ms, gap) for gap in timing.gaps if not gap.waiting]
    found = gaps + [SlowSpot(seq, timing.self_ms[seq]) for seq in timing.slow]
    return sorted(found, key=lambda spot: -spot.ms)


# ---- the sentence ----------------------------------------------------------------------------------------


def _sentence(
    view: RunView, errors: Errors, call: int, loop: Loop | None, before: Before, *, brief: bool
) -> str:
    terminal = errors.terminal
    assert terminal is not None  # noqa: S101 - the caller looked
    said = first_line(terminal.message) or terminal.type
    if terminal.type not in _GENERIC and terminal.type not in said:
        said = f"{terminal.type}: {said}"
    cause = cause_of(terminal.message)
    if cause and cause not in said:
        said += f" ({cause})"
    named = summary(view.trace(call), folder_of(view.run)) if call >= 0 and not brief else ""
    if loop is not None:
        said += f" after {len(loop.seqs)} identical calls" + (f" of {named}" if named else "")
    elif named:
        said += f", in {named}"
    return printable(said + _decided(view, before))


def cause_of(message: str) -> str:
    r"""Return the last line of a message that names an exception, "" if none does.

    >>> cause_of("tests exited 1\nTraceback …\nModuleNotFoundError: No module named 'app.auth'\nFAILED")
    "ModuleNotFoundError: No module named 'app.auth'"
    """
    found = ""
    for line in message[:20_000].splitlines():
        if match := _CAUSE.match(line.strip()):
            found = match[1]
    return found


def _decided(view: RunView, before: Before) -> str:
    """Return what the last decision chose, if no call of that tool came after it."""
    if before.decision < 0 or before.decision < before.previous_call:
        return ""
    try:
        trace = view.trace(before.decision)
        kind, metadata, tags = trace.trace_type, trace.metadata, trace.tags
    except TraceTuiError:
        return ""
    if not isinstance(kind, Decision) or not kind.chosen:
        return ""
    sure = metadata.get("confidence") if isinstance(metadata, dict) else None
    told = f" at confidence {sure:g}" if isinstance(sure, int | float) and not isinstance(sure, bool) else ""
    return f"; the {'plan' if PLAN in tags else 'decision'} chose {first_line(kind.chosen)[:100]}{told}"
