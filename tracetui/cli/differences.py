"""Commands that lay runs beside each other: ``diff``, ``compare``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli import diagnostics, output
from tracetui.cli.reading import chosen_run
from tracetui.cli.runs import FormatOption, JsonOption, wants_json
from tracetui.cli.session import session

if TYPE_CHECKING:
    from tracetui.analysis.verdict import Verdict
    from tracetui.model.run import Run
    from tracetui.storage.backend import RunView


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(diff)


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
