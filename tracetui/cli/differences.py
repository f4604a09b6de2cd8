"""Commands that lay runs beside each other: ``diff``, ``compare``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.reading import chosen_run
from tracetui.cli.runs import FormatOption, JsonOption, wants_json
from tracetui.cli.session import as_file, find_run, session
from tracetui.errors import TraceTuiError

if TYPE_CHECKING:
    from tracetui.analysis.verdict import Verdict
    from tracetui.model.run import Run
    from tracetui.storage.backend import RunView
    from tracetui.store.database import Database


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(diff)
    app.command()(compare)


def verdict_of(view: RunView, run: Run) -> Verdict:
    """Return the verdict on a run as of now."""
    from tracetui.analysis.verdict import Liveness, judge
    from tracetui.model.clock import now_ms
    from tracetui.store.ownership import is_lost, is_owned

    return judge(view, now_ms(), Liveness(is_owned(run), is_lost(run)))


def written(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as the terminal can show them: in ASCII alone, if that was asked for."""
    from tracetui.model.text import ascii_only

    return (ascii_only(line) for line in lines) if session.ascii_only else iter(lines)


def diff(
    a: Annotated[
        str, typer.Argument(metavar="A", help="Run or recording to compare with, usually the good one")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Run or recording that is looked at")],
    everything: Annotated[bool, typer.Option("--all", help="Fold nothing: a line for every step")] = False,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Lay two runs beside each other, aligned, and say where they part: tracetui diff fix-login~1 fix-login

    Times, ids and volatile arguments make no difference. = equal, ~ changed, - only in A, + only in B.
    Exits 0 if the runs are equal, 1 if they differ
    """
    from tracetui.analysis import diff as analysis
    from tracetui.render import differences as render

    chosen = wants_json(format_name, json)
    found = [chosen_run(name) for name in (a, b)]
    views = [db.view(run.id) for db, run in found]
    verdicts = [verdict_of(view, run).label for view, (_, run) in zip(views, found, strict=True)]
    result = analysis.diff(*views)
    sides = render.Sides(*views)
    if chosen == "json":
        output.json(render.as_json(result, sides, (verdicts[0], verdicts[1])))
    else:
        width = output.width()
        output.lines(written(render.heading(result, sides, (verdicts[0], verdicts[1]), width)))
        if not result.equal or everything:
            output.line("")
            shown = render.lines_of(result, sides, everything=everything)
            output.lines(written(render.as_text(shown, width)))
    if not result.equal:
        raise diagnostics.Ended(diagnostics.NOTHING)


# ---- compare ---------------------------------------------------------------------------------------------


def compare(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="Name of the runs, a run of that name, or a recording",
            autocompletion=completion.runs,
        ),
    ],
    only: Annotated[
        str | None, typer.Option("--name", help="Of a recording that holds runs of several names: these")
    ] = None,
    last: Annotated[int, typer.Option("--last", min=2, help="The newest so many runs")] = 100,
    everything: Annotated[bool, typer.Option("--all", help="Tell every place, way and run")] = False,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Compare all runs of one name: where they part, and which way those went that failed

    "28 of 31 took this step; the 3 that did not failed". Exits 1 if there are no two runs to compare
    """
    from tracetui.analysis.divergence import Candidate, diverge
    from tracetui.render import divergences as render

    chosen = wants_json(format_name, json)
    db, runs = _named(name, only)
    if len(runs) > last:
        diagnostics.say(f"the newest {last} of {len(runs)} runs (--last {len(runs)} for all)")
    views, lost = _views(db, runs[:last])
    candidates = [
        Candidate(views[run.id], verdict_of(views[run.id], run).label) for run in runs if run.id in views
    ]
    try:
        found = diverge(
            candidates, lambda n, count: diagnostics.progress(f"comparing {n:,} of {count:,} runs")
        )
    finally:
        diagnostics.progress("")
    if len(found.runs) < 2:
        going = f", {len(found.left_out)} more still going on" if found.left_out else ""
        diagnostics.say(f"{len(found.runs)} run of this name has ended{going}: nothing to compare")
        raise diagnostics.Ended(diagnostics.NOTHING)
    told = render.Comparison(found, [views[member.run_id] for member in found.runs])
    if chosen == "json":
        output.json({"name": runs[0].name, **render.divergence_data(told)})
    else:
        output.lines(written(render.divergence_lines(told, output.width(), everything=everything)))
    if lost:
        raise diagnostics.Ended(diagnostics.DAMAGED)


def _views(db: Database, runs: list[Run]) -> tuple[dict[str, RunView], int]:
    """Return the views of runs by id, and how many cannot be read, which is said."""
    views: dict[str, RunView] = {}
    for run in runs:
        try:
            views[run.id] = db.view(run.id)
        except TraceTuiError as problem:
            diagnostics.say(f"tracetui: {problem}")
    return views, len(runs) - len(views)


def _named(name: str, only: str | None) -> tuple[Database, list[Run]]:
    """Return the runs of one name, newest first, with their store."""
    path = as_file(name)
    if path is None:
        if only is not None:
            raise UsageError("--name goes with a recording; of the store's runs give the name alone")
        return session.db, _of_store(session.db, name.removeprefix("run:"))
    from tracetui.importing.opening import open_whole

    db, ids = open_whole(path)
    runs = [run for run in db.runs() if run.id in set(ids)]
    names = dict.fromkeys(run.name or "" for run in runs)
    if only is None and len(names) > 1:
        shown = ", ".join(
            f"{each} ({sum((run.name or '') == each for run in runs)})" for each in [*names][:8]
        )
        raise UsageError(f"{path} holds runs of {len(names)} names: choose one with --name: {shown}")
    return db, [run for run in runs if only is None or run.name == only]


def _of_store(db: Database, name: str) -> list[Run]:
    runs = db.runs()
    named = [run for run in runs if run.name == name]
    if named:
        return named
    one = find_run(db, name)
    return [run for run in runs if run.name == one.name] if one.name is not None else [one]
