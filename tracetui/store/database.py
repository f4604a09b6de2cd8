"""A store of runs: opening it, its runs, and the one path by which anything is written into it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from tracetui.errors import InvalidRunError, UnreachableError
from tracetui.model.change import AnyChange, NewTrace, run_patch
from tracetui.model.clock import now_ms
from tracetui.model.ids import new_run_id
from tracetui.model.run import ENDED, MOVES, Damage, Run, checked_run_id
from tracetui.model.value import ValueLike
from tracetui.storage.backend import MAX_CHANGES, Appended, Existing, RunView, StorageBackend
from tracetui.store.ownership import this_process

if TYPE_CHECKING:
    from tracetui.store.transaction import Transaction

Durability = Literal["process", "sync"]
Recovery = Literal["tolerant", "strict"]
_UNSET: ValueLike = "\0unset"
LONG_LIVED_CHANGES, LONG_LIVED_SECONDS = 1_000, 10.0
"""A process that names itself in runs is long-lived once it wrote so much or was there for so long."""


def open_database(
    location: str | os.PathLike[str], durability: Durability = "process", recovery: Recovery = "tolerant"
) -> Database:
    """Open a store: a folder (made when something is written), or "memory://".

    ``durability`` "process" survives a killed process, "sync" a power cut. ``recovery`` "tolerant" reads
    around damage and reports it, "strict" refuses a damaged run.

    :raises UnreachableError: if there is no such place, or no engine for the URL.
    :raises FormatVersionError: if a newer tracetui wrote it.

    >>> with open_database("memory://") as db:
    ...     db.create_run("first").name
    'first'
    """
    return Database(open_backend(location, durability, recovery))


def open_backend(
    location: str | os.PathLike[str], durability: Durability = "process", recovery: Recovery = "tolerant"
) -> StorageBackend:
    """Return the engine for a location; see ``open_database``."""
    if durability not in ("process", "sync"):
        raise ValueError(f'durability must be "process" or "sync", not {durability!r}')
    if recovery not in ("tolerant", "strict"):
        raise ValueError(f'recovery must be "tolerant" or "strict", not {recovery!r}')
    text = os.fspath(location)
    scheme, separator, rest = text.partition("://")
    if not separator:
        from tracetui.storage.files.engine import FileEngine

        return FileEngine(text, durability=durability, recovery=recovery)
    if scheme == "memory":
        from tracetui.storage.memory import MemoryEngine

        return MemoryEngine()
    shown = f"{scheme}://{rest.rpartition('@')[2]}"
    raise UnreachableError(shown, f"this tracetui has no engine for {scheme}:// stores")


class Database:
    """A store of runs. Safe from any thread and across forks; also a context manager that closes it.

    With ``owning`` (the default) the process names itself in the runs it records into, so that a run whose
    writers all died can be told from one that is merely quiet. One-shot commands and imports do not.
    """

    def __init__(self, backend: StorageBackend, *, owning: bool = True) -> None:
        self.backend = backend
        self._owning = owning
        self._owned: tuple[int, set[str]] = (0, set())
        self._opened = time.monotonic()
        self._changes = 0

    @property
    def location(self) -> str:
        """Path or URL of the store."""
        return self.backend.location

    # ---- runs --------------------------------------------------------------------------------------------

    def create_run(
        self,
        name: str | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the public name
        tags: Iterable[str] = (),
        metadata: ValueLike = None,
    ) -> Run:
        """Begin a run and return it, active.

        :raises RunExistsError: if the store has a run of this id.
        :raises InvalidRunError: naming the field that cannot be stored.
        """
        return self.restore_run(
            new_run_id() if id is None else id, name=name, tags=tags, metadata=metadata, created_ms=now_ms()
        )

    def restore_run(
        self,
        run_id: str,
        *,
        name: str | None = None,
        tags: Iterable[str] = (),
        metadata: ValueLike = None,
        created_ms: int,
    ) -> Run:
        """Begin a run that was created at another time: for imports and copies. As ``create_run``."""
        run_id = checked_run_id(run_id)
        given: dict[str, object] = {"tags": tags}
        if name is not None:
            given["name"] = name
        if metadata is not None:
            given["metadata"] = metadata
        if self._owning:
            given["owner"] = this_process().pack()
        values = dict(run_patch(given).values)
        values["created_ms"] = created_ms
        run = self.backend.create_run(run_id, values)
        if self._owning:
            self._remember(run_id)
        return run

    def run(self, run_id: str) -> Run:
        """Return a run as of now.

        :raises RunNotFoundError: if there is none of this id.
        """
        return self.backend.run(run_id)

    def runs(self, fresh: bool = True) -> list[Run]:
        """Return all runs, newest created first.

        With ``fresh=False`` the catalog's word is taken without looking at the files.
        """
        return self.backend.runs(fresh=fresh)

    def update_run(
        self,
        run_id: str,
        name: str | None = _UNSET,  # type: ignore[assignment]
        tags: Iterable[str] | None = None,
        metadata: ValueLike = _UNSET,
    ) -> Run:
        """Change name, tags or metadata of a run; what is left out stays. Return the run.

        :raises RunNotFoundError: if there is none of this id.
        :raises InvalidRunError: naming the field that cannot be stored.
        """
        given: dict[str, object] = {}
        if name is not _UNSET:
            given["name"] = name
        if tags is not None:
            given["tags"] = tags
        if metadata is not _UNSET:
            given["metadata"] = metadata
        if given:
            self.backend.append(run_id, [run_patch(given)])
        return self.run(run_id)

    def end_run(self, run_id: str, status: str = "completed", *, ended_ms: int | None = None) -> Run:
        """End a run: "completed", "failed", "cancelled" or "archived". Return the run.

        ``ended_ms`` is for imports; left out, the commit sets it.

        :raises InvalidTransitionError: if it ended before; nothing is changed.
        """
        if status in MOVES and status not in ENDED:
            raise InvalidRunError("status", f"{status!r} does not end a run; set_run_status() sets it")
        return self._move(run_id, status, ended_ms)

    def set_run_status(self, run_id: str, status: str) -> Run:
        """Move a run to another status. Return the run.

        :raises InvalidTransitionError: if the move is not open; nothing is changed.
        """
        return self._move(run_id, status, None)

    def _move(self, run_id: str, status: str, ended_ms: int | None) -> Run:
        given: dict[str, object] = {"status": status}
        if ended_ms is not None:
            given["ended_ms"] = ended_ms
        self.backend.append(run_id, [run_patch(given)])
        return self.run(run_id)

    def delete_run(self, run_id: str) -> int:
        """Delete a run whole; return how many traces it had.

        :raises RunNotFoundError: if there is none of this id.
        """
        return self.backend.delete_run(run_id)

    # ---- writing and reading -----------------------------------------------------------------------------

    def commit(self, run_id: str, changes: Sequence[AnyChange], existing: Existing = "error") -> Appended:
        """Commit changes: all or nothing. Everything that is written into a run passes here."""
        if self._owning and changes and type(changes[0]) is NewTrace:
            self._changes += len(changes)
            pid, owned = self._owned
            if run_id not in owned or pid != os.getpid():
                return self._commit_as_owner(run_id, changes, existing)
        return self.backend.append(run_id, changes, existing)

    def _commit_as_owner(self, run_id: str, changes: Sequence[AnyChange], existing: Existing) -> Appended:
        """Commit, naming this process in the run if it has not yet."""
        owner = this_process()
        patch = run_patch({"owner": owner.pack()})
        if owner in self.backend.run(run_id).owners:
            appended = self.backend.append(run_id, changes, existing)
        elif len(changes) < MAX_CHANGES:
            appended = self.backend.append(run_id, [*changes, patch], existing)
        else:
            appended = self.backend.append(run_id, changes, existing)
            self.backend.append(run_id, [patch])
        self._remember(run_id)
        return appended

    def _remember(self, run_id: str) -> None:
        """Note that this process is named in the run; a forked child begins with none."""
        if self._owned[0] != os.getpid():
            self._owned = (os.getpid(), set())
        self._owned[1].add(run_id)

    def transaction(self, run_id: str) -> Transaction:
        """Return a transaction on a run, to be used with ``with``: all of it is committed, or nothing.

        :raises RunNotFoundError: if there is none of this id.
        """
        from tracetui.store.transaction import Transaction

        return Transaction(self, run_id)

    def view(self, run_id: str) -> RunView:
        """Return the columns of a run: for trees, filters and analyses of all its traces.

        :raises RunNotFoundError: if there is none of this id.
        """
        return self.backend.view(run_id)

    def reindex(self, run_id: str, *, only_if_due: bool = False) -> bool:
        """Write what is derived from a run anew, or only if enough came since; return whether that was done.

        :raises RunNotFoundError: if there is no such run.
        :raises WriteFailedError: if the system cannot write; nothing depends on what is derived.
        """
        return self.backend.reindex(run_id, only_if_due=only_if_due)

    def check(self, run_id: str | None = None) -> list[Damage]:
        """Return all damage in the files of a run, or of every run; empty if there is none."""
        return self.backend.check(run_id)

    def close(self) -> None:
        """Let go of all files; later calls raise ``ClosedError``. Closing twice is fine.

        A long-lived writer leaves in the catalog what it knows of the runs it wrote.
        """
        pid, owned = self._owned
        if owned and pid == os.getpid() and self._is_long_lived():
            self.backend.save_catalog(owned)
        self.backend.close()

    def _is_long_lived(self) -> bool:
        return self._changes >= LONG_LIVED_CHANGES or time.monotonic() - self._opened >= LONG_LIVED_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
