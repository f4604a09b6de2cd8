"""How much the engine's benchmark does: all of it, or as little as shows that it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Repeats of each measurement, and traces (or runs) of each kind."""

    repeats: int
    singles: int
    durable: int
    batches: int
    per_process: int
    reads: int
    """Traces of the run that is read."""
    rebuilt: int
    big: int
    """Traces of the run that is opened and walked."""
    runs: int


FULL_SIZES = Sizes(7, 2_000, 300, 8, 300, 50_000, 100_000, 1_000_000, 10_000)
FAST_SIZES = Sizes(1, 20, 3, 1, 3, 300, 200, 300, 12)
