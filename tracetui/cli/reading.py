"""Commands that read: ``query``, ``tree``, ``show``, ``facets``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.runs import FormatOption, JsonOption, TraceArgument, wants_json
from tracetui.cli.session import as_file, find_run, find_trace, session
from tracetui.errors import RunNotFoundError

if TYPE_CHECKING:
    from tracetui.errors import StorageError
    from tracetui.model.change import Annotation
    from tracetui.model.run import Run
    from tracetui.model.trace import Trace
    from tracetui.querying.ast import Query
    from tracetui.querying.pipeline import Table
    from tracetui.querying.plan import Plan
    from tracetui.storage.backend import RunView
    from tracetui.store.database import Database

RunOrFile = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN|FILE]",
        help="Run (run:x forces one) or a recording [default: $TRACETUI_RUN, newest]",
        autocompletion=completion.runs,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", min=1, help="With markdown: at most so many tokens, 4 characters counted as one"
    ),
]
MOST_EXPLAINED = 3
QUERY_FORMATS = ("table", "json", "jsonl", "ids", "tree", "markdown", "count")


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command(context_settings={"ignore_unknown_options": True})(query)
    app.command()(tree)
    app.command()(show)
    app.command()(facets)


def with_budget(chosen: str, max_tokens: int | None) -> str:
    """Return the format, if a budget has a meaning there.

    :raises UsageError: if it has none.
    """
    if max_tokens is not None and chosen != "markdown":
        raise UsageError("--max-tokens goes with --format markdown")
    return chosen


def chosen_run(name: str | None) -> tuple[Database, Run]:
    """Return the run that RUN or FILE means, with its store: a file's is the derived cache it is read into."""
    path = as_file(name)
    if path is None:
        return session.db, _run_or_no_file(name)
    from tracetui.importing.opening import open_whole

    db, ids = open_whole(path, diagnostics.progress)
    diagnostics.progress("")
    if len(ids) > 1:
        diagnostics.say(f"{path} holds {len(ids)} runs; this is the first")
    return db, db.run(ids[0])


def _run_or_no_file(name: str | None) -> Run:
    """Return the run; a name that looks like a path is said to be no file either."""
    try:
        return find_run(session.db, name)
    except RunNotFoundError:
        if name is None or os.sep not in name:
            raise
    diagnostics.say(f"tracetui: there is no file and no run {name!r}; `tracetui run list` shows the runs")
    raise diagnostics.Ended(diagnostics.NOTHING)


# ---- query -----------------------------------------------------------------------------------------------


def query(
    expression: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXPR]...", help="Query; words are joined", autocompletion=completion.expression
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="Run or recording to search", autocompletion=completion.runs),
    ] = None,
    all_runs: Annotated[bool, typer.Option("--all", help="Search every run of the store")] = False,
    type_name: Annotated[
        list[str] | None,
        typer.Option(
            "--type", help="Type name; repeat for any of several", autocompletion=completion.values_of("type")
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", help="Tag; repeat for all of several", autocompletion=completion.values_of("tag")
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="From this time on: 14:05, -10m, 2026-08-01, +30s")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before this time")] = None,
    parent: Annotated[str | None, typer.Option("--parent", help="Whole id of the trace above")] = None,
    text: Annotated[
        list[str] | None, typer.Option("--text", help="Text contained in it; repeat for all")
    ] = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format", help=", ".join(QUERY_FORMATS), autocompletion=completion.among(*QUERY_FORMATS)
        ),
    ] = "table",
    json: JsonOption = False,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many hits")] = None,
    max_tokens: MaxTokens = None,
    fail_if_any: Annotated[
        bool, typer.Option("--fail-if-any", help="Exit 1 if anything matches, 0 if nothing")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the query as it was understood, and its plan")
    ] = False,
) -> None:
    """Find traces: tracetui query type:Error, or with flags that build the same query

    Exits 0 with hits, 1 without; with --fail-if-any the other way round. docs/query.md has the language
    """
    chosen = with_budget(wants_json(format_name, json, QUERY_FORMATS), max_tokens)
    asked = _asked(expression or [], type_name, tag, since, until, parent, text)
    if all_runs and run is not None:
        raise UsageError("--run and --all exclude each other")
    db, ids = (session.db, [found.id for found in session.db.runs()]) if all_runs else _one(run)
    from tracetui.analysis.asking import surroundings
    from tracetui.querying.search import hints_of, plans

    used: list[Plan] = []
    lost: list[StorageError] | None = [] if all_runs else None

    def kept() -> Iterator[Plan]:
        for plan in plans(db, asked, ids, surroundings(), skip_missing=all_runs, unreadable=lost):
            used.append(plan)
            yield plan

    found = _answer(db, kept(), asked, chosen, limit, max_tokens)
    if explain:
        _explain(asked, used)
    for hint in hints_of(used):
        diagnostics.say(f"hint: {hint}")
    for problem in lost or ():
        diagnostics.say(f"tracetui: {problem}")
    unreadable = sum(len(plan.unreadable) for plan in used)
    if unreadable:
        what = f"{unreadable} trace{'s are' if unreadable > 1 else ' is'} damaged"
        diagnostics.say(f"tracetui: {what} and could not be looked at; `tracetui check` says where")
    if unreadable or lost:
        raise diagnostics.Ended(diagnostics.DAMAGED)
    if found == fail_if_any:
        raise diagnostics.Ended(diagnostics.NOTHING)


def _explain(asked: Query, plans: Sequence[Plan]) -> None:
    """Say how a query was understood, and how it was answered in the first few runs."""
    from tracetui.querying.printer import print_query

    diagnostics.say(print_query(asked) or "(everything)")
    for plan in plans[:MOST_EXPLAINED]:
        if len(plans) > 1:
            diagnostics.say(f"run {plan.reader.run.name or plan.reader.run.id}:")
        diagnostics.say(plan.explain())
    if len(plans) > MOST_EXPLAINED:
        rest = plans[MOST_EXPLAINED:]
        traces, found = sum(plan.reader.count for plan in rest), sum(plan.found for plan in rest)
        diagnostics.say(f"{len(rest)} runs more: {traces} traces, {found} found")


def _one(run: str | None) -> tuple[Database, list[str]]:
    db, found = chosen_run(run)
    return db, [found.id]


def _asked(
    words: list[str],
    types: list[str] | None,
    tags: list[str] | None,
    since: str | None,
    until: str | None,
    parent: str | None,
    texts: list[str] | None,
) -> Query:
    """Return the query that words and flags mean together: the same tree, whichever way it was said."""
    from tracetui.querying.flags import query_of

    parsed = query_of(
        words, types=types or (), tags=tags or (), since=since, until=until,
        parents=[] if parent is None else [parent], texts=texts or (),
    )  # fmt: skip
    for hint in parsed.hints:
        diagnostics.say(f"hint: {hint.message}")
    return parsed.query


def _answer(
    db: Database, plans: Iterator[Plan], asked: Query, chosen: str, limit: int | None, max_tokens: int | None
) -> bool:
    """Write what the query finds; return whether it found anything."""
    from dataclasses import replace
    from itertools import islice

    from tracetui.querying.pipeline import hits_of, makes_table, table_of

    if makes_table(asked.stages):
        if chosen not in ("table", "json"):
            raise UsageError("count, stats and select make a table: choose --format table or json")
        table = table_of(plans, asked.stages)
        _write_table(replace(table, rows=table.rows[:limit]), chosen)
        return any(value not in (0, None) for row in table.rows for value in row)
    found = list(islice(hits_of(plans, asked.stages), limit))
    if chosen == "markdown":
        _write_markdown([(plan.reader.view, seq) for plan, seq in found], asked, max_tokens)
    else:
        _write(db, [(plan.reader.view.run_id, plan.reader.view.trace(seq)) for plan, seq in found], chosen)
    return bool(found)


def _write_markdown(hits: list[tuple[RunView, int]], asked: Query, max_tokens: int | None) -> None:
    from tracetui.querying.printer import print_query
    from tracetui.render.markdown import hits_markdown

    output.line(hits_markdown(hits, print_query(asked), max_tokens).removesuffix("\n"))


def _write_table(made: Table, chosen: str) -> None:
    if chosen == "json":
        output.json(made.to_json())
        return
    from tracetui.render.table import table
    from tracetui.render.values import shown_as

    rows = [[shown_as(*cell) for cell in zip(row, made.kinds, strict=True)] for row in made.rows]
    output.lines(table([name.upper() for name in made.columns], rows, output.width()))


def _write(db: Database, hits: list[tuple[str, Trace]], chosen: str) -> None:
    if chosen == "count":
        output.line(str(len(hits)))
    elif chosen == "ids":
        output.lines(trace.id for _, trace in hits)
    elif chosen == "jsonl":
        for _, trace in hits:
            output.json_line(trace.to_json())
    elif chosen == "json":
        output.json([trace.to_json() for _, trace in hits])
    elif chosen == "tree":
        output.lines(_as_tree(db, hits))
    elif hits:
        output.lines(_as_table(db, hits))


def _as_table(db: Database, hits: list[tuple[str, Trace]]) -> Iterator[str]:
    from tracetui.analysis.summary import summary
    from tracetui.render.figures import date
    from tracetui.render.table import table

    runs = {run_id: db.run(run_id) for run_id in dict.fromkeys(run_id for run_id, _ in hits)}
    many = len(runs) > 1
    rows = [
        (
            *([runs[run_id].name or run_id[-4:]] if many else []),
            trace.id[-8:] if trace.id.startswith("trace-") else trace.id,
            date(trace.timestamp),
            trace.type_name,
            trace.status,
            ",".join(trace.tags),
            summary(trace),
        )
        for run_id, trace in hits
    ]
    head = (*(["RUN"] if many else []), "ID", "TIME", "TYPE", "STATUS", "TAGS", "WHAT")
    return table(head, rows, output.width())


def _as_tree(db: Database, hits: list[tuple[str, Trace]]) -> Iterator[str]:
    """Yield the hits with their ancestors, as trees; the ancestors that are no hits stand in brackets."""
    from tracetui.analysis.summary import letter, summary

    by_run: dict[str, set[int]] = {}
    for run_id, trace in hits:
        seq = db.view(run_id).seq_of(trace.id)
        by_run.setdefault(run_id, set()).add(-1 if seq is None else seq)
    for run_id, seqs in by_run.items():
        view = db.view(run_id)
        shown = set(seqs)
        for seq in seqs:
            node = view.parents[seq]
            while node >= 0 and node not in shown:
                shown.add(node)
                node = view.parents[node]
        forest = view.forest()
        for seq, depth in zip(forest.seqs, forest.depths, strict=True):
            if seq in shown:
                text = (
                    f"{letter(view.kinds[seq], view.type_names[view.types[seq]])} {summary(view.trace(seq))}"
                )
                yield "  " * min(depth, 40) + (text if seq in seqs else f"[{text}]")


# ---- tree, show, facets ----------------------------------------------------------------------------------


def tree(
    run: RunOrFile = None,
    root: Annotated[str | None, typer.Option("--root", help="Trace to begin with")] = None,
    depth: Annotated[int | None, typer.Option("--depth", help="Levels to show below the roots")] = None,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Print the tree of a run, or of one trace"""
    chosen = wants_json(format_name, json)
    db, found = chosen_run(run)
    view = db.view(found.id)
    start = None
    if root is not None:
        _, trace_id = find_trace(db, root, found.id)
        start = view.seq_of(trace_id)
    forest = view.forest(start)
    rows = [
        (level, seq)
        for seq, level in zip(forest.seqs, forest.depths, strict=True)
        if depth is None or level <= depth
    ]
    if chosen == "json":
        output.json([{"depth": level, **view.trace(seq).to_json()} for level, seq in rows])
    else:
        output.lines(_tree_lines(view, found, rows))
    if not rows:
        diagnostics.say(f"run {found.name or found.id} has no traces")
        raise diagnostics.Ended(diagnostics.NOTHING)


def _tree_lines(view: Any, run: Run, rows: list[tuple[int, int]]) -> Iterator[str]:
    from tracetui.analysis.summary import letter, summary
    from tracetui.analysis.verdict import folder_of
    from tracetui.render.table import tree_lines
    from tracetui.storage.backend import NO_TIME

    folder = folder_of(run)
    statuses = (f"  ({_open_words(run)})", "", "  (error)", "  (cancelled)")

    def text(seq: int) -> str:
        end, status = view.ends[seq], statuses[view.statuses[seq]]
        took = "" if end == NO_TIME or end == view.timestamps[seq] else f"  {end - view.timestamps[seq]}ms"
        orphan = "  (parent not received)" if view.awaiting(seq) is not None else ""
        kind = letter(view.kinds[seq], view.type_names[view.types[seq]])
        return f"{kind} {summary(view.trace(seq), folder)}{status}{took}{orphan}"

    return tree_lines((level, text(seq)) for level, seq in rows)


def _open_words(run: Run) -> str:
    """Return what is said of a step that has not ended: open, and for how long nothing was heard, or its fate."""
    from tracetui.model.clock import now_ms
    from tracetui.render.figures import quiet_for
    from tracetui.store.ownership import open_as

    fate = open_as(run)
    if fate != "quiet":
        return fate or "open"
    quiet = quiet_for(run.last_ms, now_ms())
    return f"open, {quiet}" if quiet else "open"


def show(
    trace: TraceArgument,
    run: Annotated[
        str | None,
        typer.Option("--run", help="Run or recording the trace is in", autocompletion=completion.runs),
    ] = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            help="table, json or markdown",
            autocompletion=completion.among("table", "json", "markdown"),
        ),
    ] = "table",
    json: JsonOption = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Same as --format markdown: the trace and what is below it")
    ] = False,
    max_tokens: MaxTokens = None,
) -> None:
    """Show everything about a trace"""
    asked = wants_json("markdown" if markdown else format_name, json, ("table", "json", "markdown"))
    chosen = with_budget(asked, max_tokens)
    db, found, trace_id = _chosen_trace(trace, run)
    if chosen == "markdown":
        from tracetui.render.markdown import trace_markdown

        view = db.view(found.id)
        seq = view.seq_of(trace_id) or 0
        output.line(trace_markdown(view, seq, max_tokens).removesuffix("\n"))
        return
    value = db.backend.get(found.id, (trace_id,))[0]
    assert value is not None  # noqa: S101 - it was found just now
    if chosen == "json":
        output.json(value.to_json())
    else:
        output.lines(_fields(value))
        output.lines(map(_note_line, db.backend.annotations(found.id, trace_id)))


def _chosen_trace(trace: str, run: str | None) -> tuple[Database, Run, str]:
    """Return the trace that [RUN/]TRACE means, in a recording if ``--run`` names one."""
    if as_file(run) is None:
        return (session.db, *find_trace(session.db, trace, run))
    db, found = chosen_run(run)
    return (db, *find_trace(db, trace, found.id))


def _fields(trace: Trace) -> Iterator[str]:
    """Yield what is known of a trace, a field a line or more."""
    from tracetui.model.text import printable
    from tracetui.model.value import dumps

    for key, item in trace.to_json().items():
        if item is None or item == []:
            continue
        text = item if isinstance(item, str) else dumps(item, indent=2 if isinstance(item, dict) else None)
        yield f"{key}: {printable(text, newlines=True)}"


def _note_line(note: Annotation) -> str:
    from tracetui.model.text import printable
    from tracetui.model.value import dumps

    text = "damaged" if note.damaged else printable(note.note)
    return f"note: {text} {dumps(dict(note.fields)) if note.fields else ''}".rstrip()


def facets(run: RunOrFile = None, format_name: FormatOption = "table", json: JsonOption = False) -> None:
    """Count the traces of a run by type and tag"""
    chosen = wants_json(format_name, json)
    db, found = chosen_run(run)
    view = db.view(found.id)
    counts = {"types": view.type_counts(), "tags": view.tag_counts()}
    if chosen == "json":
        output.json(counts)
        return
    from tracetui.render.table import table

    rows = [
        (kind.removesuffix("s"), count, name)
        for kind, named in counts.items()
        for name, count in sorted(named.items(), key=lambda item: (-item[1], item[0]))
    ]
    output.lines(table(("FIELD", "TRACES", "VALUE"), rows, output.width()))
