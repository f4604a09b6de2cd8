"""``tracetui record``: traces from the shell, one by one, around a command, or in batches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.session import (
    PARENT_VARIABLE,
    find_run,
    json_value,
    session,
    stdin_lines,
    text_or_stdin,
)

if TYPE_CHECKING:
    from tracetui.model.trace_type import TraceType

app = typer.Typer(
    help="Record traces: a step, the end of one, a command, or JSON lines",
    rich_markup_mode=None,
    no_args_is_help=True,
)

RunOption = Annotated[
    str | None,
    typer.Option(
        "--run", help="Run to record into [default: $TRACETUI_RUN, newest]", autocompletion=completion.runs
    ),
]
ParentOption = Annotated[
    str | None, typer.Option("--parent", help="Whole id of the trace above it [default: $TRACETUI_PARENT]")
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Tag; repeat for more")]
MetaOption = Annotated[str | None, typer.Option("--meta", help="Metadata as JSON, @file or -")]
OpenOption = Annotated[bool, typer.Option("--open", help="It has not ended; `record end` completes it")]
IdOption = Annotated[str | None, typer.Option("--id", help="Id to use instead of a new one")]


def _record(
    trace_type: TraceType,
    run: str | None,
    parent: str | None,
    tags: list[str] | None,
    meta: str | None,
    is_open: bool,
    trace_id: str | None,
) -> None:
    from tracetui.store.trace_store import TraceStore

    found = _run_id(run)
    made = TraceStore(session.db).record_with_options(
        found, trace_type, id=trace_id, parent_id=parent_or_surrounding(parent, run), tags=tags or (),
        metadata=json_value("--meta", meta), open=is_open,
    )  # fmt: skip
    output.line(made)


def _run_id(run: str | None) -> str:
    """Return the run's id; a whole id costs no look at the others."""
    return find_run(session.db, run).id


def parent_or_surrounding(parent: str | None, run: str | None) -> str | None:
    """Return the parent that was given, else that of the surrounding process if the run is its run too."""
    if parent is not None or run is not None:
        return parent
    return os.environ.get(PARENT_VARIABLE) or None


@app.command()
def tool(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the tool")],
    args: Annotated[str | None, typer.Option("--args", help="Arguments as JSON, @file or -")] = None,
    result: Annotated[str | None, typer.Option("--result", help="Result as JSON, @file or -")] = None,
    duration_ms: Annotated[int | None, typer.Option("--duration-ms", help="Milliseconds it took")] = None,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
    is_open: OpenOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Record a tool call and print its id alone"""
    from tracetui.model.trace_type import ToolCall

    made = ToolCall(name, json_value("--args", args), json_value("--result", result), duration_ms)
    _record(made, run, parent, tag, meta, is_open, id)


@app.command()
def decision(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What was to be decided; - is stdin")],
    option: Annotated[list[str], typer.Option("--option", help="One of the options; repeat for more")],
    chosen: Annotated[str, typer.Option("--chosen", help="The option that was chosen")],
    reasoning: Annotated[str | None, typer.Option("--reasoning", help="Why; - is stdin")] = None,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
    is_open: OpenOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Record a decision and print its id alone"""
    from tracetui.model.trace_type import Decision

    why = None if reasoning is None else text_or_stdin(reasoning)
    _record(Decision(text_or_stdin(question), option, chosen, why), run, parent, tag, meta, is_open, id)


@app.command()
def query(
    query_type: Annotated[str, typer.Argument(metavar="TYPE", help="Kind of query, such as sql or search")],
    text: Annotated[str, typer.Argument(metavar="QUERY", help="The query itself; - is stdin")],
    results: Annotated[int | None, typer.Option("--results", help="Number of results")] = None,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
    is_open: OpenOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Record a query for information and print its id alone"""
    from tracetui.model.trace_type import Query

    _record(Query(query_type, text_or_stdin(text), results), run, parent, tag, meta, is_open, id)


@app.command()
def thought(
    content: Annotated[str, typer.Argument(metavar="CONTENT", help="The thought; - is stdin")],
    confidence: Annotated[float | None, typer.Option("--confidence", help="How sure, usually 0 to 1")] = None,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
    is_open: OpenOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Record a thought and print its id alone"""
    from tracetui.model.trace_type import Thought

    _record(Thought(text_or_stdin(content), confidence), run, parent, tag, meta, is_open, id)


@app.command()
def error(
    error_type: Annotated[str, typer.Argument(metavar="TYPE", help="Type of the error")],
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="What it said; - is stdin")],
    recoverable: Annotated[bool, typer.Option("--recoverable", help="The agent can go on after it")] = False,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Record an error and print its id alone"""
    from tracetui.model.trace_type import Error

    _record(Error(error_type, text_or_stdin(message), recoverable), run, parent, tag, meta, False, id)


@app.command()
def custom(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Type name, such as Agent or Checkpoint")],
    data: Annotated[str | None, typer.Option("--data", help="Data as JSON, @file or -")] = None,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
    is_open: OpenOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Record a custom trace and print its id alone"""
    from tracetui.model.trace_type import Custom

    _record(Custom(name, json_value("--data", data)), run, parent, tag, meta, is_open, id)


@app.command()
def end(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="Whole id of an open trace")],
    result: Annotated[
        str | None, typer.Option("--result", help="Result (or data) as JSON, @file or -")
    ] = None,
    status: Annotated[
        str,
        typer.Option(
            "--status",
            help="ok, error or cancelled",
            autocompletion=completion.among("ok", "error", "cancelled"),
        ),
    ] = "ok",
    results: Annotated[int | None, typer.Option("--results", help="Number of results of a query")] = None,
    confidence: Annotated[float | None, typer.Option("--confidence", help="Confidence of a thought")] = None,
    reasoning: Annotated[str | None, typer.Option("--reasoning", help="Reasoning of a decision")] = None,
    run: RunOption = None,
    tag: TagOption = None,
    meta: MetaOption = None,
) -> None:
    """Complete an open trace"""
    from tracetui.errors import TraceNotFoundError
    from tracetui.store.trace_store import TraceStore

    store = TraceStore(session.db)
    run_id = _run_id(run)
    found = store.get(run_id, trace)
    if found is None:
        raise TraceNotFoundError(trace)
    late: dict[str, Any] = {}
    if result is not None:
        late["data" if found.kind.__name__ == "Custom" else "result"] = json_value("--result", result)
    given = {"results_count": results, "confidence": confidence, "reasoning": reasoning}
    late |= {name: value for name, value in given.items() if value is not None}
    store.complete(run_id, trace, status=status, tags=tag or (), metadata=json_value("--meta", meta), **late)


@app.command(context_settings={"ignore_unknown_options": True})
def exec(  # noqa: A001 - the public name of the command
    command: Annotated[
        list[str], typer.Argument(metavar="CMD...", help="The command and its arguments, behind --")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it [default: the command's name]")
    ] = None,
    run: RunOption = None,
    parent: ParentOption = None,
    tag: TagOption = None,
) -> None:
    """Run a command and record it: its arguments, output's tail, exit code and duration; exits as it does"""
    from tracetui.cli.execution import execute

    code = execute(
        session.db,
        _run_id(run),
        session.location,
        command,
        name,
        parent_or_surrounding(parent, run),
        tag or [],
    )
    raise diagnostics.Ended(code)


@app.command()
def batch(run: RunOption = None) -> None:
    """Record JSON lines from standard input, 500 a commit, and print their ids

    A line is a trace's JSON; id, timestamp, tags and metadata may be left out, open and await_parent added
    """
    from tracetui.cli.batch import record_lines
    from tracetui.store.trace_store import TraceStore

    record_lines(TraceStore(session.db), _run_id(run), stdin_lines())
