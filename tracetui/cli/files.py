"""Commands around files: ``import``, ``export``, ``open``, ``demo``, ``formats``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.reading import MaxTokens, RunOrFile, chosen_run, with_budget
from tracetui.cli.runs import FormatOption, JsonOption, wants_json
from tracetui.cli.session import as_file, find_run, session
from tracetui.cli.web import is_served
from tracetui.errors import FormatError

if TYPE_CHECKING:
    from tracetui.importing.opening import Imported
    from tracetui.model.run import Run
    from tracetui.store.database import Database


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command("import")(import_files)
    app.command()(export)
    app.command("open")(open_command)
    app.command()(demo)
    app.command()(formats)


def import_files(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Recordings, folders of them, or - for stdin")
    ],
    format_name: Annotated[
        str | None, typer.Option("--format", help="Format, where it is not recognised")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on while the file grows, until interrupted")
    ] = False,
) -> None:
    """Import recordings of other tools into the store; doing it again changes nothing

    The ids of the runs are printed. Exits 3 if a recording that was named, or all in a folder, cannot be used
    """
    from tracetui.importing.opening import files_in, follow_into

    found = [file for path in paths for file in files_in(path)]
    if not found:
        raise UsageError(f"there is no recording in {', '.join(paths)}; name the file itself to try it")
    refused = [path for path in found if not _imported(path, format_name)]
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            growing = [path for path in found if path != "-"]
            follow_into(session.db, growing, format_name=format_name, tell=_said)
    elif set(refused) & set(paths) or len(refused) == len(found):
        raise diagnostics.Ended(diagnostics.DAMAGED)


def _imported(path: str, format_name: str | None) -> bool:
    """Import one recording and say what came of it; return whether it could be used."""
    from tracetui.importing.opening import import_into

    try:
        result = import_into(session.db, path, format_name=format_name, tell=diagnostics.progress)
    except FormatError as problem:
        diagnostics.progress("")
        diagnostics.report(problem)
        return False
    diagnostics.progress("")
    _said(result)
    output.lines(result.run_ids)
    output.flush()
    return True


def _said(result: Imported) -> None:
    diagnostics.say(result.summary())


def export(
    run: RunOrFile = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format", help="jsonl: our own JSON lines, which import reads; markdown: for a reader"
        ),
    ] = "jsonl",
    max_tokens: MaxTokens = None,
    to: Annotated[str | None, typer.Option("--output", "-o", help="File to write; - is stdout")] = None,
) -> None:
    """Export a run: jsonl has its record, traces and notes, a line each; markdown tells why it ended first"""
    if format_name not in ("jsonl", "markdown"):
        raise UsageError(f"--format {format_name}: choose jsonl or markdown")
    with_budget(format_name, max_tokens)
    db, found = chosen_run(run)
    lines = _markdown(db, found, max_tokens) if format_name == "markdown" else _json_lines(db, found)
    if to is None or to == "-":
        output.lines(lines)
        return
    try:
        with Path(to).open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    except OSError as problem:
        raise UsageError(f"{to} cannot be written: {problem.strerror}") from None


def _json_lines(db: Database, found: Run) -> Iterator[str]:
    from tracetui.importing.exporting import export_lines

    return export_lines(db, found.id)


def _markdown(db: Database, found: Run, max_tokens: int | None) -> Iterator[str]:
    from tracetui.cli.differences import verdict_of
    from tracetui.render.markdown import run_markdown

    view = db.view(found.id)
    yield run_markdown(view, verdict_of(view, found), max_tokens).removesuffix("\n")


def open_command(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|FILE]...", help="A run, recordings, or -", autocompletion=completion.runs
        ),
    ] = None,
    trace: Annotated[str | None, typer.Option("--trace", help="Trace to go to")] = None,
    query: Annotated[str, typer.Option("--query", help="Filter to begin with")] = "",
    view: Annotated[
        str, typer.Option("--view", help="View to begin with: tree, waterfall, transcript, stats or diff")
    ] = "tree",
) -> None:
    """Open the explorer: on the runs of the store, on a run, or on any recognised recording, followed while it grows

    Two runs are laid beside each other: tracetui open fix-login~1 fix-login. So are two recordings with --view diff
    """
    open_explorer(what or [], trace=trace, query=query, view=view)


def open_explorer(what: list[str], *, trace: str | None = None, query: str = "", view: str = "tree") -> None:
    """Open the explorer and end with its exit code."""
    _check_screen()
    if not output.is_terminal_input() and "-" not in what and not is_served():
        _terminal_as_input()
    check_view(view)
    paths = [path for name in what if (path := as_file(name)) is not None]
    if paths and len(paths) < len(what):
        raise UsageError(f"{what[0]} and {what[-1]}: give either runs or files")
    if paths:
        raise diagnostics.Ended(_explore_files(paths, trace, query, view))
    from tracetui.tui.exploring import explore
    from tracetui.tui.view.copying import Source

    run_ids = _runs_to_open(what, view)
    code = explore(
        session.db,
        run_id=run_ids[-1] if run_ids else None,
        beside=run_ids[0] if len(run_ids) > 1 else "",
        trace_id=trace,
        query=query,
        view="diff" if len(run_ids) > 1 else view,
        source=Source(_whole(session.db.location)),
        ascii_only=session.ascii_only,
        settings=session.settings,
    )
    raise diagnostics.Ended(code)


def _runs_to_open(what: list[str], view: str) -> list[str]:
    """Return the ids of the runs that are named: none, one, or two to lay beside each other.

    A view that is asked for without a run is one of the newest run.
    """
    if len(what) > 2:
        raise UsageError("name one run, or two to lay beside each other; `tracetui` alone lists all")
    if len(what) == 2 and view not in ("tree", "diff"):
        raise UsageError(f"--view {view} is a view of one run; two are laid beside each other by --view diff")
    names: list[str | None] = [*what] or ([None] if view != "tree" else [])
    return [find_run(session.db, name, quiet=True).id for name in names]


def _whole(location: str) -> str:
    """Return a location as it is from every folder."""
    return location if "://" in location else str(Path(location).absolute())


def _check_screen() -> None:
    if not output.is_terminal() and not is_served():
        raise UsageError("the explorer needs a terminal; `tracetui tree` and `tracetui why` print instead")
    if not diagnostics.is_terminal() and not is_served():
        raise UsageError("the explorer draws through standard error: leave it on the terminal")


def check_view(view: str) -> None:
    """Refuse a view that there is not."""
    from tracetui.tui.widgets.views import VIEWS

    if view not in VIEWS:
        raise UsageError(f"no view {view!r}; there are {', '.join(VIEWS)}")


def _explore_files(paths: list[str], trace: str | None, query: str, view: str) -> int:
    from tracetui.importing.opening import Opening
    from tracetui.tui.exploring import explore
    from tracetui.tui.view.copying import Source

    if "-" in paths:
        data = sys.stdin.buffer
        opening = Opening(paths, stream=_detached(data))
        _terminal_as_input()
    else:
        opening = Opening(paths)
    place = ", ".join(Path(path).name for path in paths) if paths != ["-"] else "standard input"
    try:
        code = explore(
            opening.db,
            trace_id=trace,
            query=query,
            view=view,
            place=place,
            source=Source(_whole(paths[0]), is_file=True) if len(paths) == 1 and paths != ["-"] else None,
            importing=opening,
            ascii_only=session.ascii_only,
            settings=session.settings,
            also_seen=_stores(),
        )
    finally:
        opening.close()
    if code == diagnostics.NOTHING:
        diagnostics.say(f"tracetui: {place}: nothing in it that can be shown; {opening.summary()}")
    return code


def _stores() -> list[Database]:
    """Return the store beside a file that is opened, if there is one that can be read."""
    from tracetui.errors import TraceTuiError

    try:
        return [session.db]
    except TraceTuiError:
        return []


def _detached(stream: Any) -> Any:
    """Return standard input under a descriptor of its own, since the explorer takes 0 for the keyboard."""
    import os

    return os.fdopen(os.dup(stream.fileno()), "rb", buffering=0)


def _terminal_as_input() -> None:
    """Let the explorer read keys from the terminal although standard input is a pipe."""
    import os

    try:
        fd = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise UsageError("the explorer needs a terminal to read keys from") from None
    os.dup2(fd, 0)
    os.close(fd)


def demo() -> None:
    """Open the explorer on the sample runs that come with tracetui: a run that failed, q shows the others"""
    _check_screen()
    from tracetui.samples import copied_samples
    from tracetui.tui.exploring import explore

    with copied_samples() as db:
        newest = db.runs()[0].id
        code = explore(
            db,
            run_id=newest,
            over_picker=True,
            guided=True,
            place="sample runs",
            ascii_only=session.ascii_only,
            settings=session.settings,
            remembers=False,
        )
    raise diagnostics.Ended(code)


def formats(format_name: FormatOption = "table", json: JsonOption = False) -> None:
    """List the formats that can be read and written"""
    from tracetui.formats.registry import FORMATS

    chosen = wants_json(format_name, json)
    rows = [(found.name, found.title, found.where) for found in FORMATS]
    if chosen == "json":
        output.json([dict(zip(("name", "title", "where"), row, strict=True)) for row in rows])
        return
    from tracetui.render.table import table

    output.lines(table(("NAME", "WHAT", "WHERE FOUND"), rows, output.width()))
