"""How large a campaign is, and what it counted: a share with fixed seeds, or with ``--long`` all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

COUNTED = "faults survived"
"""The property of a test's report that holds a row: it comes back from workers too."""


class Row(NamedTuple):
    """A kind of fault: trials taken, and those in which the fault really struck. Violations fail the test."""

    kind: str
    trials: int
    effective: int


@dataclass(frozen=True)
class Campaign:
    """The size of the trials, and where a row for each kind that was done goes."""

    is_long: bool
    keep: Callable[[Row], None]

    def seeds(self, share: int, all_of_them: int) -> Iterator[Random]:
        """Yield a chance for each trial, always the same ones; the share is the beginning of all."""
        for number in range(self.count(share, all_of_them)):
            yield Random(number)

    def seeds_of_part(self, part: int, parts: int, share: int, all_of_them: int) -> Iterator[Random]:
        """Yield every so many-th of the chances, so that the parts together take each once."""
        for number in range(part, self.count(share, all_of_them), parts):
            yield Random(number)

    def count(self, share: int, all_of_them: int) -> int:
        """Return how many trials to take."""
        return all_of_them if self.is_long else share

    def report(self, kind: str, trials: int, effective: int, at_least: float) -> None:
        """Keep what was counted; a test whose faults hardly struck has shown nothing, and fails."""
        self.keep(Row(kind, trials, effective))
        print(f"{kind}: {effective:,} effective of {trials:,} trials, no violation")
        assert trials > 0
        assert effective >= at_least * trials, f"only {effective} of {trials} trials were effective"


def table(rows: Iterable[Row]) -> list[str]:
    """Return the rows as the lines of a table, those of one kind added up."""
    counts: dict[str, tuple[int, int]] = {}
    for kind, trials, effective in rows:
        before = counts.get(kind, (0, 0))
        counts[kind] = before[0] + trials, before[1] + effective
    rows = [Row(kind, *count) for kind, count in counts.items()]
    width = max((len(row.kind) for row in rows), default=0)
    return [
        f"{row.kind:<{width}}  {row.trials:>9,} trials  {row.effective:>9,} effective  0 violations"
        for row in rows
    ]
