"""``tracetui tail``: the last traces of a run or recording, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli import diagnostics, output
from tracetui.cli.reading import RunOrFile
from tracetui.cli.runs import FormatOption, JsonOption, wants_json
from tracetui.cli.session import as_file, find_run, session

if TYPE_CHECKING:
    from tracetui.model.trace import Trace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tail)


def tail(
    run: RunOrFile = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Traces to begin with")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", "-f", help="Go on until the run ends")
    ] = True,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Print the last traces of a run, and those that come, until it ends; with --json a line each"""
    chosen = wants_json(format_name, json)
    path = as_file(run)
    found = _of_run(run, lines, follow=follow) if path is None else _of_file(path, lines, follow=follow)
    for trace in found:
        if chosen == "json":
            output.json_line(trace.to_json())
        else:
            output.line(_line(trace))
        output.flush()


def _of_run(name: str | None, lines: int, *, follow: bool) -> Iterator[Trace]:
    from tracetui.store.trace_store import TraceStore

    run = find_run(session.db, name)
    start = max(run.traces - lines, 0) - 1
    return TraceStore(session.db).follow(run.id, after_seq=start, timeout=None if follow else 0)


def _of_file(path: str, lines: int, *, follow: bool) -> Iterator[Trace]:
    """Yield the traces of a recording's first run, while the file grows until interrupted."""
    from tracetui.importing.opening import PAUSE_SECONDS, open_followed
    from tracetui.store.trace_store import TraceStore

    with open_followed(path, diagnostics.progress) as opening:
        diagnostics.progress("")
        store, run_id = TraceStore(opening.db), opening.run_ids[0]
        seen = max(store.count(run_id) - lines, 0) - 1
        while True:
            for trace in store.follow(run_id, after_seq=seen, timeout=0):
                seen = trace.seq
                yield trace
            if not follow or opening.done:
                return
            if not opening.step():
                time.sleep(PAUSE_SECONDS)


def _line(trace: Trace) -> str:
    from tracetui.analysis.summary import letter, summary
    from tracetui.render.figures import date

    return f"{date(trace.timestamp)}  {letter(trace.kind_code, trace.type_name)} {summary(trace)}"
