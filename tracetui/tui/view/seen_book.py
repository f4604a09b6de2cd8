"""Which errors the runs around one had, read once: for "seen before". Reads logs, so for workers.

Runs without errors are not opened. The newest come first, and after ``SECONDS`` no more are opened: what is said is
then of those that were looked at, and their number is told with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from tracetui.analysis.errors import Errors
from tracetui.analysis.seen import Seen, seen_before, signatures_of
from tracetui.errors import TraceTuiError
from tracetui.model.run import Run
from tracetui.storage.backend import RunView
from tracetui.store.database import Database

SECONDS = 5.0


class SeenBook:
    """The error signatures of the runs of some stores, kept while a run does not change."""

    def __init__(self, stores: Sequence[Database]) -> None:
        self._stores = tuple(stores)
        self._kept: dict[tuple[str, str], tuple[tuple[int, int, int], Mapping[str, int]]] = {}
        self.names: dict[str, str] = {}
        """Names of the runs that were looked at, by id."""

    def seen(self, view: RunView, errors: Errors) -> tuple[Seen, ...]:
        """Return the errors of a run with the other runs that had them, most telling first.

        :raises TraceTuiError: if the run itself cannot be read.
        """
        return tuple(seen_before(view, self.others(view.run_id), errors))

    def others(self, run_id: str) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield the other runs, each with how often it had which error, the newest of each store first."""
        end = time.monotonic() + SECONDS
        for store in self._stores:
            try:
                runs = store.runs(fresh=False)
            except TraceTuiError:
                continue
            for run in runs:
                if time.monotonic() > end:
                    return
                if run.id != run_id:
                    self.names[run.id] = run.name or ""
                    yield run.id, self._signatures(store, run)

    def _signatures(self, store: Database, run: Run) -> Mapping[str, int]:
        if not run.errors:
            return {}
        place, state = (store.location, run.id), (run.traces, run.errors, run.last_ms)
        kept = self._kept.get(place)
        if kept is not None and kept[0] == state:
            return kept[1]
        try:
            counts: Mapping[str, int] = signatures_of(store.view(run.id))
        except TraceTuiError:
            counts = {}
        self._kept[place] = state, counts
        return counts
