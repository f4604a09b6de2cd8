"""What the picker says of a run beyond its own figures: made from the run's columns once, kept in the catalog.

A card holds while nothing changes in its run and while whoever writes the run stands as it did: alive, dead, or
unknown. So it is kept as a digest beside the run's entry, and the next list of runs opens no log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracetui.analysis.errors import find_errors
from tracetui.analysis.loops import Loop, find_loops
from tracetui.analysis.rollup import totals
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import LIVE_SECONDS, Liveness, folder_of, judge
from tracetui.errors import TraceTuiError
from tracetui.model.run import ENDED, Owner, Run
from tracetui.model.text import printable
from tracetui.model.trace_type import TOOL_CALL, ToolCall
from tracetui.model.value import pack, unpack
from tracetui.render.cells import cut
from tracetui.render.figures import duration
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.store.database import Database
from tracetui.store.ownership import is_dead
from tracetui.tui.view.minimap import minimap

VERSION = 2
"""Part of every digest: cards of another making are made anew."""
SHAPE_WIDTH = 38
LOOPS = 2
"""So many are named."""
LOOPS_WHILE_LIVE = 5_000
"""Traces; loops of longer runs are looked for when they have ended."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the preview shows of a run; all printable."""

    why: str = ""
    where: str = ""
    loops: str = ""
    top: str = ""
    has_terminal: bool = False
    """Whether an error ended the run."""
    shape: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """The figures of a row of the picker; the preview is read when somebody looks at it."""

    label: str
    standing: str
    errors: int = 0
    recovered: int = 0
    duration_ms: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    loops: int = 0
    packed: bytes = b""

    @property
    def preview(self) -> Preview:
        """Return what the preview shows."""
        if not self.packed:
            return Preview()
        why, where, loops, top, has_terminal, texts, roles, codes = unpack(self.packed)
        shape = tuple((text, roles[code]) for text, code in zip(texts, codes, strict=True))
        return Preview(why, where, loops, top, has_terminal, shape)

    def digest(self) -> bytes:
        """Return the card as bytes."""
        return pack([
            VERSION, self.label, self.standing, self.errors, self.recovered, self.duration_ms, self.tokens,
            self.cost_usd, self.loops, self.packed,
        ])  # fmt: skip


def read_card(digest: bytes) -> Card | None:
    """Return the card that ``digest`` made, None if this is another version's."""
    try:
        version, *values = unpack(digest)
        return Card(*values) if version == VERSION else None
    except (ValueError, TypeError):
        return None


class Standings:
    """How the writers of runs stand at one moment; each process is looked for once."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._dead: dict[Owner, bool] = {}

    def of(self, run: Run) -> str:
        """Return "" for a run that ended, else "owned", "lost", "fresh" or "quiet"."""
        if run.status in ENDED:
            return ""
        dead = [self._is_dead(owner) for owner in run.owners]
        if not all(dead):
            return "owned"
        if dead:
            return "lost"
        return "fresh" if 0 <= self._now_ms - run.last_ms < LIVE_SECONDS * 1000 else "quiet"

    def _is_dead(self, owner: Owner) -> bool:
        known = self._dead.get(owner)
        if known is None:
            known = self._dead[owner] = is_dead(owner)
        return known


def make_card(db: Database, run: Run, standing: str, now_ms: int) -> Card:
    """Return the card of a run; linear in its traces. A run that cannot be read says so."""
    try:
        return _card(db.view(run.id), run, standing, now_ms)
    except TraceTuiError as problem:
        said = printable(str(problem))
        return Card("DAMAGED", standing, packed=_packed(Preview(why=said)))


def _card(view: RunView, run: Run, standing: str, now_ms: int) -> Card:
    errors = find_errors(view)
    verdict = judge(view, now_ms, Liveness(standing == "owned", standing == "lost"), errors)
    figures = totals(view, view.rollup())
    cells = minimap(view, SHAPE_WIDTH, {e.seq for e in errors.found}, verdict.terminal, -1, None)
    shape = tuple((cell.text, cell.role) for cell in cells)
    loops = () if _is_growing(run, standing) else find_loops(view).loops
    preview = Preview(
        verdict.why.removeprefix("ended by "), _where(view, run, verdict.landing),
        _loops(view, run, loops, figures.duration_ms), _top_time(view), verdict.terminal >= 0, shape,
    )  # fmt: skip
    return Card(
        verdict.label, standing, verdict.errors, verdict.recovered, figures.duration_ms,
        figures.tokens_in + figures.tokens_out, figures.cost_usd, len(loops), _packed(preview),
    )  # fmt: skip


def _packed(preview: Preview) -> bytes:
    roles = list(dict.fromkeys(role for _, role in preview.shape))
    texts = "".join(text for text, _ in preview.shape)
    codes = bytes(roles.index(role) for _, role in preview.shape)
    return pack([
        preview.why, preview.where, preview.loops, preview.top, preview.has_terminal, texts, roles, codes,
    ])  # fmt: skip


def _where(view: RunView, run: Run, landing: int) -> str:
    """Return what stands above the trace that one lands on, outermost first."""
    steps: list[str] = []
    node = view.parents[landing] if landing >= 0 else -1
    while node >= 0 and len(steps) < 5:
        steps.append(cut(summary(view.trace(node), folder_of(run)), 24))
        node = view.parents[node]
    return " > ".join(reversed(steps))


def _is_growing(run: Run, standing: str) -> bool:
    """Whether to look for loops would be done again and again: a long run that still goes on."""
    return standing in ("owned", "fresh") and run.traces > LOOPS_WHILE_LIVE


def _loops(view: RunView, run: Run, loops: Sequence[Loop], run_ms: int) -> str:
    """Return the loops that took longest, with their calls, their time and its share of the run."""
    taken = sorted(((_taken_ms(view, loop.seqs), loop) for loop in loops), key=lambda item: -item[0])
    told = []
    for ms, loop in taken[:LOOPS]:
        share = f", {100 * ms // run_ms}% of run" if 0 < ms <= run_ms else ""
        what = cut(summary(view.trace(loop.seqs[0]), folder_of(run)), 40)
        told.append(f"{what} ×{len(loop.seqs)}" + (f" ({duration(ms)}{share})" if ms else ""))
    more = [f"{len(loops) - LOOPS} more"] if len(loops) > LOOPS else []
    return " | ".join([*told, *more])


def _taken_ms(view: RunView, seqs: Iterable[int]) -> int:
    return sum(max(view.ends[seq] - view.timestamps[seq], 0) for seq in seqs if view.ends[seq] != NO_TIME)


def _top_time(view: RunView) -> str:
    """Return the tools that took longest, with their time."""
    found: dict[str, int] = {}
    calls = [seq for seq in view.by_type("ToolCall") if view.kinds[seq] == TOOL_CALL]
    calls.sort(key=lambda seq: 0 if view.ends[seq] == NO_TIME else view.timestamps[seq] - view.ends[seq])
    for seq in calls[:200]:
        try:
            trace = view.trace(seq)
            kind, own = trace.trace_type, trace.duration_ms
        except TraceTuiError:
            continue
        if isinstance(kind, ToolCall) and own:
            found[kind.tool_name] = found.get(kind.tool_name, 0) + own
    best = sorted(found.items(), key=lambda item: -item[1])[:3]
    return " | ".join(f"{printable(name)} {duration(total)}" for name, total in best)
