"""``tracetui run``: beginning, ending, listing and changing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.session import find_run, json_value, session

if TYPE_CHECKING:
    from tracetui.model.run import Run

app = typer.Typer(help="Start, end, list and change runs", rich_markup_mode=None, no_args_is_help=True)

RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", help="Id, part of one, name, name~1 or latest [default: $TRACETUI_RUN, newest]",
        autocompletion=completion.runs,
    ),
]  # fmt: skip
NamedRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Id, part of one, name, name~1 or latest", autocompletion=completion.runs
    ),
]
TraceArgument = Annotated[
    str,
    typer.Argument(
        metavar="[RUN/]TRACE", help="Id of a trace, or a unique part of it", autocompletion=completion.traces
    ),
]
FormatOption = Annotated[
    str, typer.Option("--format", help="table or json", autocompletion=completion.among("table", "json"))
]
JsonOption = Annotated[bool, typer.Option("--json", help="Same as --format json")]


def wants_json(format_name: str, json: bool, allowed: tuple[str, ...] = ("table", "json")) -> str:
    """Return the format to write.

    :raises UsageError: if there is no such format.
    """
    chosen = "json" if json else format_name
    if chosen not in allowed:
        raise diagnostics.UsageError(f"--format {chosen}: choose one of {', '.join(allowed)}")
    return chosen


@app.command()
def start(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="What to call the run")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Id to use instead of a new one")] = None,  # noqa: A002
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag of the run; repeat for more")] = None,
    meta: Annotated[str | None, typer.Option("--meta", help="Metadata as JSON, @file or -")] = None,
) -> None:
    """Start a run and print its id alone: export TRACETUI_RUN=$(tracetui run start fix)"""
    run = session.db.create_run(name, id=id, tags=tag or (), metadata=json_value("--meta", meta))
    output.line(run.id)


@app.command()
def end(
    run: RunArgument = None,
    status: Annotated[
        str,
        typer.Option(
            "--status",
            help="completed, failed, cancelled or archived",
            autocompletion=completion.among("completed", "failed", "cancelled", "archived"),
        ),
    ] = "completed",
) -> None:
    """End a run"""
    session.db.end_run(find_run(session.db, run).id, status)


@app.command("list")
def list_runs(
    limit: Annotated[int | None, typer.Option("--limit", help="List at most so many, newest first")] = None,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """List the runs of the store, newest first; exit 1 if there are none"""
    from tracetui.model.run import UNREADABLE

    chosen = wants_json(format_name, json)
    found = session.db.runs()[:limit]
    if chosen == "json":
        output.json([run.to_json() for run in found])
    else:
        from tracetui.model.clock import now_ms
        from tracetui.render.figures import date
        from tracetui.render.table import table

        now = now_ms()
        rows = [
            (
                run.id,
                _standing(run, now),
                "" if run.status == UNREADABLE else date(run.created_ms),
                run.traces,
                run.errors,
                ",".join(run.tags),
                run.name,
            )
            for run in found
        ]
        if rows:
            head = ("ID", "STATUS", "CREATED", "TRACES", "ERRORS", "TAGS", "NAME")
            output.lines(table(head, rows, output.width()))
    for run in found:
        if run.status == UNREADABLE:
            diagnostics.say(f"tracetui: run {run.id} cannot be read: {run.damage[0].reason}")
    if not found:
        diagnostics.say(f"no runs in {session.location}")
        raise diagnostics.Ended(diagnostics.NOTHING)


def _standing(run: Run, now_ms: int) -> str:
    """Return a run's status as of now: one that goes on may be lost, or quiet for long."""
    from tracetui.render.figures import quiet_for
    from tracetui.store.ownership import is_lost, is_owned

    if run.status != "active":
        return run.status
    if is_lost(run):
        return "lost"
    return run.status if is_owned(run) else quiet_for(run.last_ms, now_ms) or run.status


@app.command()
def show(run: RunArgument = None, format_name: FormatOption = "table", json: JsonOption = False) -> None:
    """Show everything about a run but its traces"""
    chosen = wants_json(format_name, json)
    found = find_run(session.db, run)
    if chosen == "json":
        output.json(found.to_json())
        return
    from tracetui.render.table import table

    rows = [(key, _shown(value)) for key, value in found.to_json().items() if value not in (None, [], {})]
    output.lines(table(("FIELD", "VALUE"), rows, output.width()))


def _shown(value: object) -> str:
    from tracetui.model.value import dumps

    return value if isinstance(value, str) else dumps(value)


@app.command()
def rename(
    run: NamedRun,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name")],
) -> None:
    """Rename a run"""
    session.db.update_run(find_run(session.db, run).id, name=name)


@app.command()
def tag(
    run: NamedRun,
    tags: Annotated[
        list[str], typer.Argument(metavar="TAG...", help="Tags to add; with --remove to take away")
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tags away")] = False,
) -> None:
    """Add tags to a run, or take them away; a run tagged pinned is never cleaned away"""
    found = find_run(session.db, run)
    own = found.tags
    kept = [tag for tag in own if tag not in tags] if remove else list(dict.fromkeys([*own, *tags]))
    session.db.update_run(found.id, tags=kept)


@app.command()
def delete(
    run: NamedRun,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
) -> None:
    """Delete a run and all its traces; asks on a terminal, else needs --yes"""
    import sys

    found = find_run(session.db, run)
    if not yes:
        if not sys.stdin.isatty():
            raise diagnostics.UsageError("run delete needs --yes where nobody can be asked")
        diagnostics.say(f"Delete {found.name or found.id} and its {found.traces:,} traces for good? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise diagnostics.Ended(diagnostics.NOTHING)
    session.db.delete_run(found.id)
