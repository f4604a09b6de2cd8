"""Commands that care for a store: ``check``, ``repair``, ``reindex``, ``gc``, ``note``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli import completion, diagnostics, output
from tracetui.cli.runs import FormatOption, JsonOption, NamedRun, TraceArgument, wants_json
from tracetui.cli.session import as_file, find_run, find_trace, session

if TYPE_CHECKING:
    from tracetui.model.run import Run
    from tracetui.storage.files.engine import FileEngine
    from tracetui.store.collecting import Outcome
    from tracetui.store.database import Database
    from tracetui.store.retention import Rules


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(check)
    app.command()(repair)
    app.command()(reindex)
    app.command()(gc)
    app.command()(note)


def check(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Run to check [default: all]", autocompletion=completion.runs),
    ] = None,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Report every problem of the store's files, with file and offset; exit 3 if there is any"""
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
        _explain({d.reason for d in found})
        _advise({d.path.rpartition(".")[2] if ".new" not in d.path else "new" for d in found})
    else:
        diagnostics.say("no damage found")
    if found:
        raise diagnostics.Ended(diagnostics.DAMAGED)


_MEANINGS = (
    ("torn tail", "a torn tail: the last commit is not whole; the next writer cuts it off and keeps those bytes beside the log"),
    ("frame", "a frame that is none: those bytes cannot be read any more, the commits in them are lost, all others are read"),
    ("bod", "a body that does not hold: what that trace says is lost, for a repair too, and the trace is shown as damaged"),
    ("sync failed", "a failed sync: nobody writes to that run until it is repaired, for the disk may not have what it said it has"),
)  # fmt: skip
"""Words in reasons of damage, and what they mean to whoever recorded the run."""


def _explain(reasons: set[str]) -> None:
    """Say what such damage means, each kind once."""
    for word, meaning in _MEANINGS:
        if any(word in reason and "index" not in reason for reason in reasons):
            diagnostics.say(meaning)


def _advise(endings: set[str]) -> None:
    """Say what helps against the problems of files with these endings."""
    if "log" in endings:
        diagnostics.say(
            "a log: `tracetui repair RUN` copies what is readable to a fresh one, and keeps the original; "
            "RUN is the name of the file without .log"
        )
    if "idx" in endings:
        diagnostics.say("an index or the catalog: no answer depends on it; `tracetui reindex` makes it anew")
    if endings - {"log", "idx"}:
        diagnostics.say("left over: `tracetui gc` removes it once it is an hour old")


def repair(run: NamedRun) -> None:
    """Copy what is readable of a damaged run to a fresh log in its place; the original is kept beside it"""
    done = _files().repair(find_run(session.db, run).id)
    for damage in done.damage:
        diagnostics.say(f"{damage.reason}: {damage.length} bytes at {damage.offset}")
    _explain({damage.reason for damage in done.damage})
    diagnostics.say(f"{done.traces:,} traces kept; the original is {done.kept_as}")


def _files() -> FileEngine:
    """Return the engine of a store in files.

    :raises UsageError: if the store is none.
    """
    from tracetui.storage.files.engine import FileEngine

    engine = session.db.backend
    if not isinstance(engine, FileEngine):
        raise diagnostics.UsageError("only a store in files needs this care")
    return engine


def reindex(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            help="Run to index [default: all that are large enough]",
            autocompletion=completion.runs,
        ),
    ] = None,
) -> None:
    """Make anew, from the logs, what is derived from them: the indexes of runs, and the catalog"""
    engine = _files()
    if run is not None:
        found = find_run(session.db, run)
        if not engine.reindex(found.id):
            _say_why_not(found)
            raise diagnostics.Ended(diagnostics.DAMAGED if found.damage else diagnostics.NOTHING)
        diagnostics.say(f"indexed {found.name or found.id}, {found.traces:,} traces")
    else:
        runs = engine.runs_to_index()
        made = 0
        for number, found in enumerate(runs, 1):
            diagnostics.progress(f"indexing {number:,} of {len(runs):,}")
            if engine.reindex(found.id):
                made += 1
            else:
                _say_why_not(found)
        diagnostics.progress("")
        diagnostics.say(f"{made:,} indexes and the catalog are made anew")
    engine.save_catalog()


def _say_why_not(run: Run) -> None:
    why = "it is damaged: `tracetui repair` first" if run.damage else "another process is at it"
    diagnostics.say(f"no index of {run.name or run.id}: {why}")


def gc(
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, metavar="N", help="The newest N runs stay")
    ] = None,
    older: Annotated[
        str | None,
        typer.Option("--older", metavar="AGE", help="Only runs without news for so long go: 30d, 12h"),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size", metavar="BYTES", help="Only so many go, oldest first, that the store fits: 2GB, 500MB"
        ),
    ] = None,
    compress: Annotated[bool, typer.Option("--compress", help="Compress the runs that ended")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go and touch nothing")] = False,
    include_quiet: Annotated[
        bool,
        typer.Option("--include-quiet", help="Take active and paused runs too, after 7 days of silence"),
    ] = False,
    format_name: FormatOption = "table",
    json: JsonOption = False,
) -> None:
    """Let old runs go: those that every given rule lets go; pinned and live runs are safe"""
    chosen = wants_json(format_name, json)
    rules = _rules(keep, older, size, include_quiet)
    if not rules.removes and not compress:
        raise diagnostics.UsageError("say what may go: --keep N, --older 30d, --size 2GB, or --compress")
    from tracetui.model.clock import now_ms
    from tracetui.store.collecting import Collection

    collection = Collection(_files(), rules, now_ms=now_ms, compress=compress, dry_run=dry_run)
    outcomes: list[Outcome] = []
    try:
        for outcome in collection.outcomes():
            outcomes.append(outcome)
            diagnostics.progress(f"{outcome.action} {outcome.run.id if outcome.run else outcome.path}")
    finally:  # what was done is said, whatever ended it
        diagnostics.progress("")
        if chosen == "json":
            output.json([_outcome_data(outcome) for outcome in outcomes])
        else:
            _tell(outcomes, dry_run=dry_run)


def _rules(keep: int | None, older: str | None, size: str | None, include_quiet: bool) -> Rules:
    from tracetui.querying.values import milliseconds_of, number_of
    from tracetui.store.retention import Rules

    try:
        older_ms = None if older is None else int(milliseconds_of(older))
    except ValueError as expected:
        raise diagnostics.UsageError(f"--older {older}: {expected}") from None
    try:
        size_bytes = None if size is None else int(number_of(size))
    except ValueError:
        raise diagnostics.UsageError(f"--size {size}: bytes, such as 500MB or 2GB") from None
    if (older_ms or 0) < 0 or (size_bytes or 0) < 0:
        raise diagnostics.UsageError("--older and --size are not negative")
    return Rules(keep, older_ms, size_bytes, include_quiet)


def _tell(outcomes: list[Outcome], *, dry_run: bool) -> None:
    """Write what goes as a table, and on standard error what it comes to."""
    from collections import Counter

    from tracetui.model.clock import now_ms
    from tracetui.render.figures import short_id, size, started
    from tracetui.render.table import table

    width, now = output.width(), now_ms()
    acting = [outcome for outcome in outcomes if outcome.action != "keep"]
    rows = [
        (
            outcome.action, size(outcome.before), size(outcome.after) if outcome.after else "",
            started(outcome.run.last_ms, now) if outcome.run else "",
            outcome.path if outcome.run is None else short_id(outcome.run.id) if width else outcome.run.id,
            (outcome.run.name if outcome.run else "") or "", outcome.reason,
        )
        for outcome in acting
    ]  # fmt: skip
    if rows:
        head = ("WHAT", "SIZE", "THEN", "LAST NEWS", "RUN", "NAME", "WHY")
        output.lines(table(head, rows, width))
    stays = [outcome for outcome in outcomes if outcome.action == "keep"]
    for reason, number in Counter(outcome.reason for outcome in stays).most_common():
        diagnostics.say(f"{number:,} stay: {reason}")
    freed, left = sum(o.freed for o in outcomes), sum(o.after for o in stays)
    would = "would be" if dry_run else "are"
    diagnostics.say(f"{size(freed)} {would} freed, {size(left)} in {len(stays):,} runs stay")


def _outcome_data(outcome: Outcome) -> dict[str, object]:
    run = outcome.run
    return {
        "action": outcome.action, "run_id": None if run is None else run.id,
        "name": None if run is None else run.name, "path": outcome.path or None, "bytes": outcome.before,
        "bytes_after": outcome.after, "reason": outcome.reason,
    }  # fmt: skip


def note(
    trace: TraceArgument,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="The note")] = "",
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN|FILE",
            help="Run or recording the trace is in",
            autocompletion=completion.runs,
        ),
    ] = None,
    mark: Annotated[bool, typer.Option("--mark", help="Mark the trace too")] = False,
    unmark: Annotated[bool, typer.Option("--unmark", help="Take the trace's mark away")] = False,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", metavar="NOTE", help="Take away the note of this id")
    ] = None,
) -> None:
    """Leave a note or a mark on a trace, or take one away, and print the note's id alone"""
    from tracetui.model.review import MARK, WITHDRAWS

    if mark and unmark:
        raise diagnostics.UsageError("--mark and --unmark: choose one")
    fields: dict[str, str | bool] = {MARK: mark} if mark or unmark else {}
    if withdraw:
        fields[WITHDRAWS] = withdraw
    if not text and not fields:
        raise diagnostics.UsageError("say something: a TEXT, --mark, --unmark or --withdraw")
    path = as_file(run)
    if path is not None:
        output.line(_note_on_recording(path, trace, text, fields))
        return
    from tracetui.store.trace_store import TraceStore

    found, trace_id = find_trace(session.db, trace, run)
    _check_note(session.db, found.id, trace_id, withdraw)
    output.line(TraceStore(session.db).annotate(found.id, trace_id, text, **fields))


def _check_note(db: Database, run_id: str, trace_id: str, note_id: str | None) -> None:
    """Refuse to take away a note that there is not."""
    if note_id and all(found.id != note_id for found in db.backend.annotations(run_id, trace_id)):
        raise diagnostics.UsageError(
            f"{trace_id} has no note {note_id}; `tracetui export` shows the ids of notes"
        )


def _note_on_recording(path: str, trace: str, text: str, fields: dict[str, str | bool]) -> str:
    """Leave a note on a recording, where the explorer and an import find it; return its id."""
    from contextlib import closing

    from tracetui.errors import TraceNotFoundError
    from tracetui.importing.opening import Opening
    from tracetui.model.change import Annotation, annotation
    from tracetui.model.clock import now_ms
    from tracetui.model.review import WITHDRAWS

    with closing(Opening([path])) as opening:
        while opening.step() or not opening.at_end:
            pass
        for run_id in opening.run_ids:
            try:
                _, trace_id = find_trace(opening.db, trace, f"run:{run_id}")
            except TraceNotFoundError:
                continue
            _check_note(opening.db, run_id, trace_id, str(fields.get(WITHDRAWS, "")))
            made = annotation(trace_id, text, fields)
            opening.keep_note(run_id, Annotation(made.id, trace_id, text, dict(fields), now_ms()))
            return made.id
    raise TraceNotFoundError(trace)
