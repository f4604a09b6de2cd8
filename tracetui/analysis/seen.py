"""Which errors were seen before: equal signatures across the runs of a store, and of an opened file.

Owns the counting; which runs there are, and reading them, is the caller's. A signature is that of ``errors``: type,
tool and first lines, with everything volatile taken out. An error that was recovered was seen all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tracetui.analysis.errors import Errors, find_errors, signature
from tracetui.storage.backend import RunView


@dataclass(frozen=True, slots=True)
class Seen:
    """An error as this run has it, and where else it was seen.

    ``first`` and ``last`` are the seqs here; ``others`` is (run id, how often) of other runs in the order in which
    they were looked at, of which there were ``looked_at``.
    """

    signature: str
    first: int
    last: int
    here: int
    others: tuple[tuple[str, int], ...]
    looked_at: int

    def text(self) -> str:
        """Return "7× here, in 4 of 31 other runs"."""
        return f"{self.here}× here, in {len(self.others)} of {self.looked_at} other runs"


def signatures_of(view: RunView, errors: Errors | None = None) -> dict[str, int]:
    """Return how often each error that counts occurs in a run; reads the Error records alone."""
    errors = find_errors(view) if errors is None else errors
    return Counter(signature(view, error.seq) for error in errors.found)


def seen_before(
    view: RunView, others: Iterable[tuple[str, Mapping[str, int]]], errors: Errors | None = None
) -> list[Seen]:
    """Return the errors of a run with the other runs that have them too, most telling first.

    ``others`` gives (run id, ``signatures_of`` it) of every other run. The terminal error comes first, then those
    that other runs have most, then by first occurrence. Empty for a run without errors, where nothing else is read.
    """
    errors = find_errors(view) if errors is None else errors
    places: dict[str, list[int]] = {}
    for error in errors.found:
        places.setdefault(signature(view, error.seq), []).append(error.seq)
    if not places:
        return []
    found: dict[str, list[tuple[str, int]]] = {key: [] for key in places}
    looked_at = 0
    for run_id, counts in others:
        looked_at += 1
        for key in found.keys() & counts.keys():
            found[key].append((run_id, counts[key]))
    terminal = -1 if errors.terminal is None else errors.terminal.seq
    made = [
        Seen(key, seqs[0], seqs[-1], len(seqs), tuple(found[key]), looked_at) for key, seqs in places.items()
    ]
    return sorted(
        made, key=lambda seen: (terminal not in places[seen.signature], -len(seen.others), seen.first)
    )
