"""What the shell offers to complete: runs, traces, formats and the like, by the store that the line names.

Never says anything but completions: a store that cannot be read offers none. Where nothing of these fits, the
shell goes on with the names of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import typer

from tracetui.cli.session import find_run, session
from tracetui.errors import TraceTuiError

MOST = 50
"""So many runs or traces are offered, the newest."""

Offers = list[tuple[str, str]]


def among(*words: str) -> Callable[[str], list[str]]:
    """Return what completes one of a few words."""

    def offer(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return offer


def runs(ctx: typer.Context, incomplete: str) -> Offers:
    """Return names and ids of runs, newest first; a name that needs quoting is told beside its id."""
    return _safe(ctx, incomplete, _runs)


def traces(ctx: typer.Context, incomplete: str) -> Offers:
    """Return ids of traces of the run that the line names, the newest first."""
    return _safe(ctx, incomplete, _traces)


def _safe(
    ctx: typer.Context, incomplete: str, offers: Callable[[typer.Context], Iterator[tuple[str, str]]]
) -> Offers:
    session.store = ctx.find_root().params.get("store")
    try:
        return [offer for offer in offers(ctx) if offer[0].startswith(incomplete)][:MOST]
    except (TraceTuiError, OSError):
        return []


def _runs(_ctx: typer.Context) -> Iterator[tuple[str, str]]:
    found = session.db.runs(fresh=False)
    if found:
        yield "latest", "the newest run"
    for name in dict.fromkeys(run.name for run in found):
        if name and name.isprintable() and not set(name) & set(" \t'\"\\$`"):
            yield name, "the newest run of this name"
    for run in found:
        yield run.id, run.name or run.status


def _traces(ctx: typer.Context) -> Iterator[tuple[str, str]]:
    from tracetui.analysis.summary import summary

    run = find_run(session.db, ctx.params.get("run"), quiet=True)
    view = session.db.view(run.id)
    for seq in reversed(range(view.count)):
        yield view.ids[seq], summary(view.trace(seq))[:60]
