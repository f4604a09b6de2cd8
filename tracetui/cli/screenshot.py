"""The command ``screenshot``: a picture of the explorer for documents and reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from tracetui.cli import diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.reading import RunOrFile, chosen_run
from tracetui.cli.session import session

LEAST, MOST = (20, 6), (400, 200)
"""Columns and rows of a screen that can be drawn."""


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(screenshot)


def screenshot(
    run: RunOrFile = None,
    to: Annotated[str, typer.Option("--output", "-o", help="File to write; - is stdout")] = "-",
    size: Annotated[
        str, typer.Option("--size", metavar="COLUMNSxROWS", help="Size of the screen")
    ] = "120x32",
    keys: Annotated[str, typer.Option("--keys", help='Keys to press first: "e space 2"')] = "",
    view: Annotated[
        str, typer.Option("--view", help="View to show: tree, waterfall, transcript, stats or diff")
    ] = "tree",
    trace: Annotated[str | None, typer.Option("--trace", help="Trace to go to")] = None,
    query: Annotated[str, typer.Option("--query", help="Filter to show")] = "",
    picker: Annotated[bool, typer.Option("--picker", help="Show all runs instead of one")] = False,
    as_text: Annotated[bool, typer.Option("--text", help="Draw with characters instead of SVG")] = False,
) -> None:
    """Take a picture of the explorer, as SVG or as text, after some keys"""
    from tracetui.cli.files import check_view

    cells, pressed = _size(size), _keys(keys)
    check_view(view)
    if picker:
        db, run_id = session.db, None
    else:
        db, found = chosen_run(run)
        run_id = found.id
    from tracetui.tui.picture import picture

    drawn = picture(
        db, cells, pressed, as_text=as_text, run_id=run_id, trace_id=trace, query=query, view=view,
        ascii_only=session.ascii_only, settings=session.settings,
    )  # fmt: skip
    if to == "-":
        output.lines([drawn.removesuffix("\n")])
        return
    try:
        Path(to).write_text(drawn, encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{to} cannot be written: {problem.strerror}") from None
    diagnostics.say(f"{to} is written")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    wanted = (int(found[1]), int(found[2])) if found else (0, 0)
    if any(not low <= one <= high for one, low, high in zip(wanted, LEAST, MOST, strict=True)):
        raise UsageError(f"--size {text}: give columns and rows, from 20x6 to 400x200, like 120x32")
    return wanted


def _keys(text: str) -> tuple[str, ...]:
    from tracetui.tui.actions import key_of

    found = tuple(key_of(word) for word in text.split())
    for word, key in zip(text.split(), found, strict=True):
        if not key:
            raise UsageError(
                f'--keys: there is no key {word!r}; write it like "e", "&", "ctrl+f", "f8" or "space"'
            )
    return found
