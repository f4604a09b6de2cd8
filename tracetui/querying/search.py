"""Searching a store: one run, or all of them, by the query language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from tracetui.errors import QueryError, RunNotFoundError, StorageError
from tracetui.model.trace import Trace
from tracetui.querying.ast import Query
from tracetui.querying.grammar import parse
from tracetui.querying.pipeline import hits_of
from tracetui.querying.plan import Plan
from tracetui.querying.reading import Surroundings

if TYPE_CHECKING:
    from tracetui.store.database import Database


def search(
    db: Database,
    expression: str | Query,
    run_id: str | None = None,
    limit: int | None = None,
    *,
    around: Surroundings | None = None,
) -> Iterator[tuple[str, Trace]]:
    """Yield (run id, trace) for the traces that match: in seq order, runs newest first.

    The stages ``sort`` and ``limit`` apply over all runs, ``limit`` after them; a run that is deleted
    meanwhile is passed over. Of all runs those without times do not match a time term.

    :raises QueryError: if the expression cannot be understood, or makes a table.
    :raises RunNotFoundError: if there is no such run.

    >>> import tracetui
    >>> db = tracetui.open("memory://")
    >>> run = db.create_run()
    >>> made = tracetui.TraceStore(db).record(run.id, tracetui.Thought("look at auth.py"), tags=["plan"])
    >>> [trace.id == made for _, trace in search(db, "tag:plan auth")]
    [True]
    """
    query = parse(expression) if isinstance(expression, str) else expression
    ids = [run.id for run in db.runs()] if run_id is None else [db.run(run_id).id]
    hits = hits_of(plans(db, query, ids, around, skip_missing=run_id is None), query.stages)
    return ((plan.reader.view.run_id, plan.reader.view.trace(seq)) for plan, seq in islice(hits, limit))


def plans(
    db: Database,
    query: Query,
    run_ids: list[str],
    around: Surroundings | None = None,
    *,
    skip_missing: bool = False,
    unreadable: list[StorageError] | None = None,
) -> Iterator[Plan]:
    """Yield the query made ready for each run, all as of one moment.

    With ``skip_missing`` runs that were deleted meanwhile, or cannot answer, are passed over. Those whose files cannot be
    read are passed over if there is a list to tell that in: ``unreadable``.
    """
    moment = around or Surroundings()
    for run_id in run_ids:
        try:
            plan = Plan(db.view(run_id), query, moment)
        except (RunNotFoundError, QueryError):
            if not skip_missing:
                raise
            continue
        except StorageError as problem:
            if unreadable is None:
                raise
            unreadable.append(problem)
            continue
        yield plan


def hints_of(plans: Sequence[Plan]) -> list[str]:
    """Return the hints that hold in every run that was asked: a tag that one run has is no slip.

    Of those that name the nearest in some runs only, one that does.
    """
    told: dict[str, tuple[int, str]] = {}
    for plan in plans:
        for hint in dict.fromkeys(plan.hints):
            head = hint.partition(", nearest: ")[0]
            count, longest = told.get(head, (0, ""))
            told[head] = count + 1, max(longest, hint, key=len)
    return [hint for count, hint in told.values() if count == len(plans)]
