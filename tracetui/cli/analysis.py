"""Commands that say what a run comes to: ``why``, ``stats``, ``loops``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli import diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.differences import written
from tracetui.cli.reading import RunOrFile, chosen_run
from tracetui.cli.runs import FormatOption, JsonOption, wants_json
from tracetui.cli.session import as_file, session
from tracetui.errors import TraceTuiError

if TYPE_CHECKING:
    from tracetui.model.run import Run
    from tracetui.storage.backend import RunView
    from tracetui.store.database import Database

ByOption = Annotated[str, typer.Option("--by", help="type, tool, model or agent")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(why)
    app.command()(stats)
    app.command()(loops)


def why(run: RunOrFile = None, format_name: FormatOption = "table", json: JsonOption = False) -> None:
    """Say how a run ended and why: verdict, what ended it and where, what came before, loops, seen before, slow spots"""
    from tracetui.analysis.explanation import explain
    from tracetui.analysis.verdict import Liveness
    from tracetui.model.clock import now_ms
    from tracetui.render import analyses as render
    from tracetui.store.ownership import is_lost, is_owned

    chosen = wants_json(format_name, json)
    db, found = chosen_run(run)
    view = db.view(found.id)
    runs = _other_runs(db, found, from_file=as_file(run) is not None)
    told = explain(view, now_ms(), Liveness(is_owned(found), is_lost(found)), _signatures(runs))
    if chosen == "json":
        output.json({"run_id": found.id, "name": found.name, **render.why_data(told, view)})
        return
    names = {other.id: other.name or "" for _, other in runs}
    output.lines(written(render.why_lines(told, view, names)))


def _other_runs(db: Database, found: Run, *, from_file: bool) -> list[tuple[Database, Run]]:
    """Return the other runs of the store, and of the file that was opened."""
    runs = [(db, other) for other in db.runs() if other.id != found.id]
    if from_file:
        try:
            runs += [(session.db, other) for other in session.db.runs() if other.id != found.id]
        except TraceTuiError as problem:
            diagnostics.say(f"tracetui: the store was not looked at for the same errors: {problem}")
    return runs


def _signatures(runs: list[tuple[Database, Run]]) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the errors of runs; those without any are not opened, and those that cannot be read have none."""
    from tracetui.analysis.seen import signatures_of

    for db, run in runs:
        counts: dict[str, int] = {}
        if run.errors:
            try:
                counts = signatures_of(db.view(run.id))
            except TraceTuiError as problem:
                diagnostics.say(f"tracetui: {problem}")
        yield run.id, counts


def stats(
    run: RunOrFile = None,
    by: ByOption = "type",
    context: Annotated[
        bool, typer.Option("--context", help="A row for each model step: what was new, dropped, how full")
    ] = False,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Count and sum up a run by type, tool, model or agent: how many, failed, how long, tokens, cost, own and below

    Tokens count where a model was called, not again on what wraps it. docs/analyses.md has the exact meanings
    """
    from tracetui.analysis.prices import estimate_costs
    from tracetui.analysis.statistics import BY, statistics
    from tracetui.analysis.timing import timing_of
    from tracetui.render import analyses as render

    chosen = wants_json(format_name, json)
    wanted = next((name for name in BY if name == by), None)
    if wanted is None:
        raise UsageError(f"--by {by}: choose one of {', '.join(BY)}")
    db, found = chosen_run(run)
    view = db.view(found.id)
    if context:
        _write_context(view, chosen)
        return
    timing = timing_of(view)
    rows = statistics(view, wanted, timing, estimate_costs(view, session.settings.pricing))
    if chosen == "json":
        output.json({"run_id": found.id, **render.statistics_data(rows, timing, by)})
    else:
        output.lines(written(render.statistics_lines(rows, timing, by, output.width())))
    if not rows:
        raise diagnostics.Ended(diagnostics.NOTHING)


def _write_context(view: RunView, chosen: str) -> None:
    from tracetui.analysis.context import context_of
    from tracetui.render import context as render

    steps = context_of(view)
    if chosen == "json":
        output.json({"run_id": view.run_id, "steps": render.context_data(steps, view)})
    else:
        output.lines(written(render.context_lines(steps, view, output.width())))
    if not steps:
        raise diagnostics.Ended(diagnostics.NOTHING)


def loops(
    run: RunOrFile = None,
    everything: Annotated[bool, typer.Option("--all", help="Name every call of a long loop")] = False,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Find calls that were made again and again with the same outcome, and what they wasted; and fan-out

    Exits 0 if there is a loop, 1 if there is none
    """
    from tracetui.analysis.loops import find_loops
    from tracetui.render import analyses as render

    chosen = wants_json(format_name, json)
    db, run_found = chosen_run(run)
    view = db.view(run_found.id)
    found = find_loops(view)
    if chosen == "json":
        output.json({"run_id": run_found.id, **render.loops_data(found, view)})
    else:
        output.lines(written(render.loops_lines(found, view, everything=everything)))
        if not found.loops:
            diagnostics.say("no loops")
    if not found.loops:
        raise diagnostics.Ended(diagnostics.NOTHING)
