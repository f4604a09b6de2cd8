"""Commands that care for a store: ``check``, ``repair``, ``note``."""

from __future__ import annotations

from typing import Annotated

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.runs import FormatOption, JsonOption, NamedRun, TraceArgument, wants_json
from tracetui.cli.session import find_run, find_trace, session


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(check)
    app.command()(repair)
    app.command()(note)


def check(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Run to check [default: all]", autocompletion=completion.runs),
    ] = None,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Report all damage in the store's files, with file and offset; exit 3 if there is any"""
    chosen = wants_json(format_name, json)
    found = session.db.check(None if run is None else find_run(session.db, run).id)
    if chosen == "json":
        output.json(
            [{"path": d.path, "offset": d.offset, "length": d.length, "reason": d.reason} for d in found]
        )
    elif found:
        from tracetui.render.table import table

        rows = [(d.offset, d.length, d.reason, d.path) for d in found]
        output.lines(table(("OFFSET", "BYTES", "WHAT", "FILE"), rows, output.width()))
    else:
        diagnostics.say("no damage found")
    if found:
        raise diagnostics.Ended(diagnostics.DAMAGED)


def repair(run: NamedRun) -> None:
    """Copy what is readable of a damaged run to a fresh log in its place; the original is kept beside it"""
    from tracetui.storage.files.engine import FileEngine

    engine = session.db.backend
    if not isinstance(engine, FileEngine):
        raise diagnostics.UsageError("only runs in files can be repaired")
    done = engine.repair(find_run(session.db, run).id)
    for damage in done.damage:
        diagnostics.say(f"{damage.reason}: {damage.length} bytes at {damage.offset}")
    diagnostics.say(f"{done.traces:,} traces kept; the original is {done.kept_as}")


def note(
    trace: TraceArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note")],
    run: Annotated[
        str | None, typer.Option("--run", help="Run the trace is in", autocompletion=completion.runs)
    ] = None,
    mark: Annotated[bool, typer.Option("--mark", help="Mark the trace too")] = False,
) -> None:
    """Leave a note on a trace and print the note's id alone"""
    from tracetui.store.trace_store import TraceStore

    found, trace_id = find_trace(session.db, trace, run)
    fields = {"mark": True} if mark else {}
    output.line(TraceStore(session.db).annotate(found.id, trace_id, text, **fields))
