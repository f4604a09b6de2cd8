"""What can be copied of a trace, and the shell commands that say what is on the screen. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from tracetui.analysis.summary import letter
from tracetui.analysis.verdict import path_of
from tracetui.model.value import dumps
from tracetui.querying.ast import And, Expression, Field, Literal, Or, Range, Related, Term
from tracetui.querying.grammar import parse
from tracetui.querying.printer import print_expression
from tracetui.render.markdown import trace_markdown
from tracetui.storage.backend import RunView
from tracetui.tui.view.detail import detail
from tracetui.tui.view.header import moment_text
from tracetui.tui.view.past import view_of
from tracetui.tui.view.run_model import RunModel

MARKDOWN_TOKENS = 8_000
"""Budget of a subtree that is copied for a model."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a run is found from a shell: in a store at a location, or in a recording by its path."""

    location: str
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Copied:
    """A thing that can be copied: its title, and how to get the text."""

    title: str
    text: Callable[[], str]


def choices(model: RunModel, seq: int, source: Source | None) -> dict[str, Copied]:
    """Return by key what can be copied, in the order of the menu; commands only where a shell can find the run."""
    found: dict[str, Copied] = {}
    if seq >= 0:
        found["i"] = Copied("id of the trace", lambda: model.columns.ids[seq])
        found["s"] = Copied("summary line", lambda: model.summary(seq))
        found["p"] = Copied("path from the root", lambda: path_text(model, seq))
        found["t"] = Copied("detail as text", lambda: detail(model, seq).text())
        found["j"] = Copied("trace as JSON", lambda: dumps(model.trace(seq).to_json(), indent=2))
        found["m"] = Copied(
            f"subtree as Markdown (at most {MARKDOWN_TOKENS:,} tokens)",
            lambda: trace_markdown(_view_of(model), seq, MARKDOWN_TOKENS),
        )
    found["r"] = Copied("id of the run", lambda: model.run.id)
    if source is not None:
        began = ", by when it began" if model.past is not None else ""
        now = ", as it is now" if model.past is not None else ""
        found["q"] = Copied(f"query command for what is shown{began}", lambda: query_command(model, source))
        found["l"] = Copied(f"link to this trace{now}", lambda: link_command(model, seq, source))
    return found


def menu_title(what: str, model: RunModel) -> str:
    """Return the title of a menu of what can be taken, which says as of when it would be."""
    return what if model.past is None else f"{what}, as of {moment_text(model)}"


def _view_of(model: RunModel) -> RunView:
    return view_of(model.columns, model.newest, has_times=model.has_times)


def path_text(model: RunModel, seq: int) -> str:
    """Return the way from the root to a trace: letters and summaries, outermost first."""
    view = model.columns
    steps = (
        f"{letter(view.kinds[step], model.type_name(step))} {model.summary(step)}"
        for step in path_of(view, seq)
    )
    return " > ".join(steps)


def shown_query(model: RunModel) -> str:
    """Return the query for the traces that are shown: the filter, the moment, the subtree one is zoomed to."""
    parts: list[Expression] = []
    if model.is_filtered and (where := parse(model.filter.text).where) is not None:
        parts.append(where)
    if model.moments is not None and model.has_times:
        until = f"+{model.moments.time_ms - model.start_ms}ms"
        parts.append(Term(Field("time"), (Range(None, until),)))
    if model.tree.root is not None:
        this = Term(Field("id"), (Literal(model.columns.ids[model.tree.root]),))
        parts.append(Or((this, Related("under", this))))
    if not parts:
        return ""
    return print_expression(parts[0] if len(parts) == 1 else And(tuple(parts)))


def query_command(model: RunModel, source: Source) -> str:
    """Return the ``tracetui query`` that gives what is shown."""
    words = [
        "tracetui",
        *_store(source),
        "query",
        "--run",
        source.location if source.is_file else model.run.id,
    ]
    query = shown_query(model)
    return shlex.join([*words, query] if query else words)


def link_command(model: RunModel, seq: int, source: Source) -> str:
    """Return the ``tracetui open`` that shows this trace under this filter."""
    words = [
        "tracetui",
        *_store(source),
        "open",
        source.location if source.is_file else f"run:{model.run.id}",
    ]
    if seq >= 0:
        words += ["--trace", model.columns.ids[seq]]
    if model.filter.text:
        words += ["--query", model.filter.text]
    return shlex.join(words)


def _store(source: Source) -> list[str]:
    return [] if source.is_file else ["--store", source.location]
