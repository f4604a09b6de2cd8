"""Writing a run of a store as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from tracetui.formats import native
from tracetui.store.database import Database
from tracetui.store.trace_store import TraceStore


def export_lines(db: Database, run_id: str) -> Iterator[str]:
    """Return the lines of our own JSON of a run.

    :raises RunNotFoundError: if there is none of this id.
    """
    store, run = TraceStore(db), db.run(run_id)
    return native.export(run, store.list(run_id), store.annotations(run_id))
