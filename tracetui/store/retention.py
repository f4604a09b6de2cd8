"""Which runs may go: the rules of ``gc``, as a choice that touches nothing.

Safe whatever the rules say: a run tagged ``pinned``, a run that is active or paused, and the newest runs that are
to be kept. An active run goes only where quiet ones are asked for, after seven days without news, and while no owner
of it is known to live. Every rule narrows: a run goes if all that are given let it go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.model.run import ACTIVE, PAUSED, UNREADABLE, Run
from tracetui.store.ownership import is_alive

PINNED = "pinned"
QUIET_MS = 7 * 86_400_000
"""How long an active run must have been silent to count as left behind."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A run as it lies in a store: what it takes, and when its files were last written."""

    run: Run
    size: int
    """Bytes, with all that lies beside the log."""
    written_ms: int

    @property
    def last_ms(self) -> int:
        """The last sign of life: an old recording that was imported today is not old."""
        return max(self.run.last_ms, self.written_ms)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for; None asks for nothing."""

    keep: int | None = None
    """Number of newest runs that stay."""
    older_ms: int | None = None
    """Only runs without news for so long go."""
    size: int | None = None
    """Only so many go, longest without news first, that the store takes no more bytes than this."""
    include_quiet: bool = False

    @property
    def removes(self) -> bool:
        """Whether any rule lets a run go."""
        return self.keep is not None or self.older_ms is not None or self.size is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run with what becomes of it, and why."""

    holding: Holding
    goes: bool
    reason: str


def judged(holdings: Sequence[Holding], rules: Rules, now_ms: int) -> list[Verdict]:
    """Return what becomes of each run, newest created first."""
    newest = sorted(holdings, key=lambda held: (held.run.created_ms, held.run.id), reverse=True)
    total = sum(held.size for held in holdings)
    verdicts: dict[str, Verdict] = {}
    rank = {held.run.id: number for number, held in enumerate(newest, 1)}
    for held in sorted(newest, key=lambda held: held.last_ms):
        why = stays_because(held, rules, rank[held.run.id], now_ms)
        if why is None and rules.size is not None and total <= rules.size:
            why = "the store is small enough"
        if why is None:
            total -= held.size
        verdicts[held.run.id] = Verdict(held, why is None, why or _goes_because(rules))
    return [verdicts[held.run.id] for held in newest]


def stays_because(held: Holding, rules: Rules, rank: int, now_ms: int) -> str | None:
    """Return why a run stays whatever else goes, None if it may go; the newest run has rank 1."""
    if (safe := safe_because(held, now_ms, include_quiet=rules.include_quiet)) is not None:
        return safe
    if not rules.removes:
        return "no rule lets them go"
    if rules.keep is not None and rank <= rules.keep:
        return f"one of the newest {rules.keep}"
    if rules.older_ms is not None and now_ms - held.last_ms < rules.older_ms:
        return "not old enough"
    return None


def safe_because(held: Holding, now_ms: int, *, include_quiet: bool) -> str | None:
    """Return why a run is safe from everything, None if it is not."""
    run = held.run
    if PINNED in run.tags:
        return PINNED
    if run.status == UNREADABLE:  # what it was is not known: repair or a person decides
        return UNREADABLE
    if run.status not in (ACTIVE, PAUSED):
        return None
    if any(map(is_alive, run.owners)):
        return f"{run.status}: a process that writes it lives"
    if not include_quiet:
        return run.status
    return None if now_ms - held.last_ms >= QUIET_MS else f"{run.status}, silent for less than 7 days"


def _goes_because(rules: Rules) -> str:
    said = []
    if rules.keep is not None:
        said.append(f"beyond the newest {rules.keep}")
    if rules.older_ms is not None:
        said.append("old enough")
    if rules.size is not None:
        said.append("the store is too large")
    return ", ".join(said)
