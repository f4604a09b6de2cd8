"""Queries with what only analyses know: the field ``loop``. The query language stands below and takes it as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tracetui.querying.ast import Query
from tracetui.querying.execute import surroundings as plain_surroundings
from tracetui.querying.reading import Surroundings
from tracetui.querying.search import search as plain_search
from tracetui.storage.backend import RunView

if TYPE_CHECKING:
    from tracetui.model.trace import Trace
    from tracetui.store.database import Database


def surroundings(now_ms: int | None = None, notes: Mapping[str, Sequence[str]] | None = None) -> Surroundings:
    """Return surroundings in which ``loop:true`` finds the calls that are part of loops."""
    plain = plain_surroundings(now_ms, notes)
    return Surroundings(plain.now_ms, plain.notes, plain.marks, _loops)


def _loops(view: RunView) -> frozenset[int]:
    from tracetui.analysis.loops import loop_seqs

    return loop_seqs(view)


def search(
    db: Database,
    expression: str | Query,
    run_id: str | None = None,
    limit: int | None = None,
) -> Iterator[tuple[str, Trace]]:
    """Yield (run id, trace) for the traces that match: in seq order, runs newest first.

    The stages ``sort`` and ``limit`` apply over all runs, ``limit`` after them; a run that is deleted meanwhile is
    passed over. Of all runs those without times do not match a time term.

    :raises QueryError: if the expression cannot be understood, or makes a table.
    :raises RunNotFoundError: if there is no such run.

    >>> import tracetui
    >>> db = tracetui.open("memory://")
    >>> run = db.create_run()
    >>> call = tracetui.ToolCall("bash", {"command": "make"}, "no rule")
    >>> made = [tracetui.TraceStore(db).record(run.id, call) for _ in range(3)]
    >>> [trace.id for _, trace in tracetui.search(db, "loop:true")] == made
    True
    """
    return plain_search(db, expression, run_id, limit, around=surroundings())
