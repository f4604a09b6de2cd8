"""What a command works on: the store that was chosen, and runs, traces and files by the names people give them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.cli import diagnostics
from tracetui.cli.diagnostics import UsageError
from tracetui.errors import RunNotFoundError, TraceNotFoundError, TraceTuiError
from tracetui.store.location import find_location

if TYPE_CHECKING:
    from tracetui.model.run import Run
    from tracetui.settings import Settings
    from tracetui.store.database import Database

RUN_VARIABLE, PARENT_VARIABLE = "TRACETUI_RUN", "TRACETUI_PARENT"


class Session:
    """The options that stand before a command, and the store they lead to, opened when first asked for."""

    def __init__(self) -> None:
        self.store: str | None = None
        self.ascii_only = False
        self.stdin_is_read = False
        self._db: Database | None = None

    @property
    def location(self) -> str:
        """Path or URL of the store."""
        return find_location(self.store)

    @property
    def db(self) -> Database:
        """The store; a command passes by and does not own the runs it writes into."""
        if self._db is None:
            from tracetui.store.database import Database, open_backend

            self._db = Database(open_backend(self.location), owning=False)
        return self._db

    @property
    def settings(self) -> Settings:
        """What the user has set.

        :raises ConfigError: if the file cannot be used as it is.
        """
        from tracetui.settings import read_settings

        return read_settings()

    def close(self) -> None:
        """Let go of the store, and forget the options."""
        if self._db is not None:
            self._db.close()
        self.__init__()  # type: ignore[misc]


session = Session()


# ---- runs ------------------------------------------------------------------------------------------------


def find_run(db: Database, name: str | None, *, quiet: bool = False) -> Run:
    """Return the run that a name means: an id, a unique prefix or suffix of one, a run's name, ``latest``.

    A name that several runs bear means the newest, ``name~1`` the one before. Without a name it is
    ``$TRACETUI_RUN``, else the newest run, which is then named on standard error.

    :raises RunNotFoundError: if there is none.
    :raises UsageError: if a prefix or suffix fits several.
    """
    name = name or os.environ.get(RUN_VARIABLE)
    if name is None:
        run = _latest(db, "latest")
        if not quiet:
            diagnostics.say(f"run {run.name or run.id} ({run.id[-4:]}), the newest")
        return run
    said, name = name, name.removeprefix("run:")
    if not name:
        raise RunNotFoundError(said)
    if name == "latest":
        return _latest(db, name)
    try:
        return db.run(name)
    except RunNotFoundError:
        return _by_name(db, name)


def _latest(db: Database, name: str) -> Run:
    runs = db.runs()
    if not runs:
        raise RunNotFoundError(name)
    return runs[0]


def _by_name(db: Database, name: str) -> Run:
    runs = db.runs()
    plain, mark, back = name.rpartition("~")
    steps = 0
    if mark and back.isdigit() and plain:
        named = [run for run in runs if run.name == plain]
        steps = int(back)
        if steps < len(named):
            return named[steps]
    named = [run for run in runs if run.name == name]
    if named:
        return named[0]
    near = [run for run in runs if run.id.startswith(name) or run.id.endswith(name)]
    if len(near) > 1:
        shown = ", ".join(run.id for run in near[:4])
        raise UsageError(f"{name!r} fits {len(near)} runs ({shown}…): give more of the id")
    if not near:
        raise RunNotFoundError(name)
    return near[0]


# ---- traces ----------------------------------------------------------------------------------------------


def find_trace(db: Database, name: str, run_name: str | None = None) -> tuple[Run, str]:
    """Return run and id of the trace that ``[RUN/]TRACE`` means: an id, or a unique prefix or suffix of one.

    :raises TraceNotFoundError: if there is none.
    :raises UsageError: if it fits several.
    """
    run, wanted = _run_of(db, name, run_name)
    view = db.view(run.id)
    if view.seq_of(wanted) is not None:
        return run, wanted
    near = (
        [other for other in view.ids if other.startswith(wanted) or other.endswith(wanted)] if wanted else []
    )
    if len(near) > 1:
        raise UsageError(f"{wanted!r} fits {len(near)} traces ({', '.join(near[:3])}…): give more of the id")
    if not near:
        raise TraceNotFoundError(wanted)
    return run, near[0]


def _run_of(db: Database, name: str, run_name: str | None) -> tuple[Run, str]:
    if run_name is None and "/" in name:
        first, _, rest = name.partition("/")
        try:
            return find_run(db, first), rest
        except RunNotFoundError:
            pass
    return find_run(db, run_name, quiet=True), name


# ---- files -----------------------------------------------------------------------------------------------


def as_file(name: str | None) -> str | None:
    """Return the path that RUN or FILE means, None if it means a run.

    An existing path is a file; ``run:x`` forces a run; "-" is standard input.

    :raises UsageError: if it is the name of a run and of a file.
    """
    if name is None or name.startswith("run:"):
        return None
    if name == "-":
        return name
    if not os.path.exists(name):  # noqa: PTH110 - Path raises for some names
        return None
    if os.sep not in name and _names_a_run(name):
        raise UsageError(f"{name!r} is a file here and a run: say ./{name} or run:{name}")
    return name


def _names_a_run(name: str) -> bool:
    try:
        return any(name in (run.id, run.name) for run in session.db.runs(fresh=False))
    except TraceTuiError:
        return False


# ---- values from the command line ------------------------------------------------------------------------


def text_or_stdin(text: str) -> str:
    """Return the text; "-" reads standard input."""
    return _whole_stdin() if text == "-" else text


def stdin_lines() -> Iterator[str]:
    """Yield the lines of standard input; bytes that are no UTF-8 become lone surrogates, which are kept."""
    if sys.stdin is not None:
        yield from (line.decode("utf-8", "surrogateescape") for line in sys.stdin.buffer)


def _whole_stdin() -> str:
    """Return all of standard input, once.

    :raises UsageError: if it was read before: only one value can come from there.
    """
    if session.stdin_is_read:
        raise UsageError('only one value can be "-", since standard input is read once')
    session.stdin_is_read = True
    return "".join(stdin_lines())


def json_value(option: str, text: str | None) -> Any:
    """Return the value of an option that takes JSON, ``@file`` or "-" for standard input.

    :raises UsageError: naming the option and the place where the JSON ends to be JSON.
    """
    if text is None:
        return None
    import json

    from tracetui.model.value import from_jsonable

    source = option
    if text == "-":
        text, source = _whole_stdin(), "standard input"
    elif text.startswith("@"):
        source = text[1:]
        try:
            text = Path(source).read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as problem:
            raise UsageError(f"{option}: {source} cannot be read: {problem.strerror}") from None
    try:
        return from_jsonable(json.loads(text))
    except ValueError as problem:
        where = f"line {getattr(problem, 'lineno', 1)}, column {getattr(problem, 'colno', 1)}"
        said = getattr(problem, "msg", str(problem))
        raise UsageError(
            f"{option}: {source} is no JSON at {where}: {said}; quote text as JSON, e.g. '\"text\"'"
        ) from None
    except RecursionError:
        raise UsageError(f"{option}: the JSON is nested too deep") from None
