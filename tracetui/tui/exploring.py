"""Opening the explorer and leaving it: on one place after another, until somebody has seen enough."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from tracetui.errors import TraceTuiError
from tracetui.importing.opening import Opening
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.settings import Settings
from tracetui.store.database import Database, open_backend
from tracetui.store.location import user_data_folder
from tracetui.tui.app import ExplorerApp, Importing
from tracetui.tui.state import StateFolder
from tracetui.tui.view.copying import Source
from tracetui.tui.view.offers import recent_with

SWITCH_SECONDS = 0.001
"""A key waits so long for a worker that calculates, each time it needs the interpreter: the default is 5 ms."""
NOTHING = 1
"""Exit code where there was nothing to show."""


def explore(
    db: Database,
    *,
    run_id: str | None = None,
    trace_id: str | None = None,
    query: str = "",
    view: str = "tree",
    place: str | None = None,
    source: Source | None = None,
    importing: Importing | None = None,
    ascii_only: bool = False,
    over_picker: bool = False,
    guided: bool = False,
    settings: Settings | None = None,
    beside: str = "",
    remembers: bool = True,
    also_seen: Sequence[Database] = (),
) -> int:
    """Open the explorer on a store, a run or a trace of it, or a file on its way in; return the exit code.

    ``view`` is one of ``widgets.views.VIEWS``; ``beside`` is the run that the diff view lays beside it.
    With ``over_picker`` the run lies over the list of all runs, to which one goes back; ``guided`` says what to
    press. ``source`` says where a shell finds the same. The stores ``also_seen`` are looked through for the same errors.
    Without ``remembers`` nothing is kept of where one was.

    :raises TraceTuiError: what ended an import before anything could be shown.
    """
    os.environ.setdefault("ESCDELAY", "25")
    sys.setswitchinterval(SWITCH_SECONDS)
    state = _state(remembers=remembers)
    if source is not None:
        state.write("recent", recent_with(state.read("recent"), source, now_ms()))
    here = partial(
        ExplorerApp, db, place=place, source=source, importing=importing, ascii_only=ascii_only, settings=settings,
        state=state, also_seen=also_seen,
    )  # fmt: skip
    app = here(
        run_id=run_id,
        trace_id=trace_id,
        query=query,
        view=view,
        over_picker=over_picker,
        beside=beside,
        guided=guided,
    )
    code = _ran(app)
    while app.elsewhere is not None:
        said = _explore_elsewhere(
            app.elsewhere, db, ascii_only=ascii_only, settings=settings, remembers=remembers
        )
        app = here(greeting=said, state=_state(remembers=remembers))
        code = _ran(app)
    if isinstance(app.problem, TraceTuiError) and code:
        raise app.problem
    return code


def _state(*, remembers: bool) -> StateFolder:
    """Return what is remembered, read anew: another place was perhaps explored meanwhile."""
    return StateFolder(user_data_folder() / "explorer" if remembers else None)


def _ran(app: ExplorerApp) -> int:
    """Run an explorer to its end; return its exit code."""
    code = app.run(mouse=app.settings.mouse)
    app.picker_model.board.save(at_last=True)
    app.state.flush()
    sys.stdout.flush()
    return code or 0


def _explore_elsewhere(
    source: Source, home: Database, *, ascii_only: bool, settings: Settings | None, remembers: bool
) -> str:
    """Explore another place; return what kept one from it, "" if nothing did."""
    shown = partial(explore, source=source, ascii_only=ascii_only, settings=settings, remembers=remembers)
    name = Path(source.location).name
    try:
        if source.is_file:
            with closing(Opening([source.location])) as opening:
                code = shown(opening.db, place=name, importing=opening, also_seen=(home,))
        else:
            with Database(open_backend(source.location), owning=False) as db:
                code = shown(db)
    except TraceTuiError as problem:
        return printable(str(problem))
    return f"{printable(name)}: nothing in it that can be shown" if code == NOTHING else ""
