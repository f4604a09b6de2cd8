"""The file engine: a folder of runs, each an append-only log with its indices in memory."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tracetui.errors import (
    ClosedError,
    CorruptionError,
    FormatVersionError,
    ReadOnlyError,
    RunExistsError,
    RunNotFoundError,
    StorageError,
    UnreachableError,
    WriteFailedError,
)
from tracetui.model.change import Annotation, AnyChange, Change, RunPatch
from tracetui.model.run import Damage, Run
from tracetui.model.trace import Trace
from tracetui.model.value import Value
from tracetui.storage.backend import Appended, Capabilities, Existing, Index, Page, RunView
from tracetui.storage.decide import RUN, Commit, Entry
from tracetui.storage.files.atomic import create_file
from tracetui.storage.files.catalog import LOG_SUFFIX, Catalog
from tracetui.storage.files.frame import VERSION, Header, encode
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.index import INDEX_SUFFIX
from tracetui.storage.files.log import GoneError, create_log
from tracetui.storage.files.replay import TORN
from tracetui.storage.files.run import Options, RunFile, index_path
from tracetui.storage.state.columns import BadIndexError
from tracetui.storage.state.paging import page
from tracetui.storage.state.tail import Tail
from tracetui.storage.view import LiveView

if TYPE_CHECKING:
    from tracetui.storage.files.repair import Repaired

STORE_FORMAT = 1
OPEN_RUNS = 64
"""Runs whose logs and indices are kept open at a time."""
_PLAIN_ID = re.compile(r"(?!x-)[a-z0-9][a-z0-9._-]{0,99}\Z")
_Result = TypeVar("_Result")

_engines: weakref.WeakSet[FileEngine] = weakref.WeakSet()


def file_name(run_id: str) -> str:
    """Return the name of a run's files without suffix; an id never becomes a path.

    >>> file_name("run-1"), file_name("../etc")
    ('run-1', 'x-dfb7dc9638aab3f1281dd8a8418d9cd1')
    """
    if _PLAIN_ID.match(run_id) and not run_id.endswith(LOG_SUFFIX):
        return run_id
    from hashlib import blake2b

    digest = blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16)
    return "x-" + digest.hexdigest()


class FileEngine:
    """A store in a folder; see ``StorageBackend``. The folder is made when something is first written."""

    capabilities = Capabilities()

    def __init__(
        self,
        location: str,
        *,
        durability: str = "process",
        recovery: str = "tolerant",
        disk: Disk | None = None,
        lock_seconds: float = 10.0,
    ) -> None:
        self.location = location
        self._disk = disk or Disk()
        self._options = Options(durability, recovery, lock_seconds=lock_seconds)
        self._runs_folder = os.path.join(location, "runs")  # noqa: PTH118 - plain strings throughout
        self._open: OrderedDict[str, RunFile] = OrderedDict()
        self._distrusted: set[str] = set()
        """Runs whose index turned out to be damaged: they are read without it."""
        self._catalog = self._new_catalog()
        self._mutex = threading.RLock()
        self._indexing: threading.Thread | None = None
        self._closed = False
        self._made = False
        self._check_location()
        _engines.add(self)

    # ---- the folder --------------------------------------------------------------------------------------

    def _check_location(self) -> None:
        path = self._path("store.json")
        try:
            content = self._disk.read_file(path)
        except (FileNotFoundError, NotADirectoryError):
            if self._disk.exists(self.location) and not self._disk.is_folder(self.location):
                raise UnreachableError(self.location, "it is a file, not the folder of a store") from None
            return
        except OSError as problem:
            raise UnreachableError(self.location, problem.strerror or str(problem)) from problem
        try:
            import json

            found = int(json.loads(content)["format"])
        except (ValueError, KeyError, TypeError):
            raise CorruptionError(path, 0, "it does not say which format the store has") from None
        if found > STORE_FORMAT:
            raise FormatVersionError(path, found, STORE_FORMAT)
        self._made = True

    def _path(self, name: str) -> str:
        return os.path.join(self.location, name)  # noqa: PTH118

    def _log_path(self, run_id: str) -> str:
        return os.path.join(self._runs_folder, file_name(run_id) + LOG_SUFFIX)  # noqa: PTH118

    def _make_folder(self) -> None:
        if self._made:
            return
        disk, path = self._disk, self._path("store.json")
        for folder in (self.location, self._runs_folder):
            disk.make_folder(folder)
            disk.sync_folder(os.path.dirname(os.path.abspath(folder)))  # noqa: PTH100, PTH120
        if not disk.exists(path):
            content = b'{"format": %d, "store_id": "%s"}' % (STORE_FORMAT, os.urandom(16).hex().encode())
            with contextlib.suppress(FileExistsError):
                create_file(disk, path, content)
        self._made = True

    # ---- open runs ---------------------------------------------------------------------------------------

    def _run_file(self, run_id: str) -> RunFile:
        with self._mutex:
            if self._closed:
                raise ClosedError(self.location)
            held = self._open.get(run_id)
            if held is not None:
                self._open.move_to_end(run_id)
                return held
            opened = self._open_run(run_id)
            self._open[run_id] = opened
            gone = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - OPEN_RUNS)]
        for left in gone:
            self._leave(left)
        return opened

    def _leave(self, held: RunFile) -> None:
        """Let go of a run, leaving an index behind if this process wrote enough for one to pay."""
        if held.leaves_index_due:
            _try_index(held)
        held.close()

    def _open_run(self, run_id: str) -> RunFile:
        try:
            opened = self._read_log(self._log_path(run_id), run_id)
        except FileNotFoundError:
            raise RunNotFoundError(run_id) from None
        except OSError as problem:
            raise self._unreachable(problem) from problem
        if opened.tail.record.run_id != run_id:
            raise RunNotFoundError(run_id)
        return opened

    def _read_log(self, path: str, run_id: str) -> RunFile:
        """Open a log with its index, or without if that is damaged where the log goes on from it."""
        if run_id not in self._distrusted:
            with contextlib.suppress(BadIndexError):
                return RunFile(self._disk, path, self._options, run_id)
        return RunFile(self._disk, path, replace(self._options, use_index=False), run_id)

    def _with(self, run_id: str, action: Callable[[RunFile], _Result]) -> _Result:
        """Do something with a run; once more if its log was replaced meanwhile."""
        for _ in range(3):
            held = self._run_file(run_id)
            try:
                return action(held)
            except GoneError:
                self._drop(run_id, held)
            except BadIndexError:
                self._distrusted.add(run_id)
                self._drop(run_id, held)
            except OSError as problem:
                raise self._unreachable(problem) from problem
        raise RunNotFoundError(run_id)

    def _unreachable(self, problem: OSError) -> UnreachableError:
        return UnreachableError(self.location, problem.strerror or str(problem))

    def _drop(self, run_id: str, held: RunFile) -> None:
        with self._mutex:
            if self._open.get(run_id) is held:
                del self._open[run_id]

    def _tail(self, run_id: str) -> Tail:
        return self._with(run_id, RunFile.catch_up)

    def _ask(self, run_id: str, question: Callable[[Tail], _Result]) -> _Result:
        """Return what the state of a run says as of now; asked again without its index if that is damaged."""
        return self._with(run_id, lambda held: question(held.catch_up()))

    def after_fork(self) -> None:
        """Let go of the locks and open runs that a forked child inherited, and open its own."""
        self._mutex = threading.RLock()
        self._catalog = self._new_catalog()
        self._indexing = None
        self._open = OrderedDict()

    # ---- runs --------------------------------------------------------------------------------------------

    def create_run(self, run_id: str, values: Mapping[str, Value]) -> Run:
        """Make a run; see ``StorageBackend.create_run``."""
        if self._closed:
            raise ClosedError(self.location)
        given = {"id": run_id, **values}
        created = given.get("created_ms", 0)
        header = Header(
            VERSION, int.from_bytes(os.urandom(4), "little"), created if isinstance(created, int) else 0
        )
        entry = Entry(RUN, -1, RunPatch(given), values=given)
        frame, _ = encode(Commit(0, 0, [entry], 0, frozenset()), header.salt_bytes)
        try:
            self._make_folder()
            create_log(self._disk, self._log_path(run_id), header, frame)
        except FileExistsError:
            raise RunExistsError(run_id) from None
        except (PermissionError, NotADirectoryError) as problem:
            raise ReadOnlyError(self.location) from problem
        except OSError as problem:
            raise WriteFailedError(self.location, problem.strerror or str(problem)) from problem
        return self.run(run_id)

    def run(self, run_id: str) -> Run:
        """Return one run."""
        return self._tail(run_id).run()

    def runs(self, *, fresh: bool = True) -> list[Run]:
        """Return all runs, newest created first."""
        if self._closed:
            raise ClosedError(self.location)
        try:
            return self._catalog.runs(fresh=fresh)
        except OSError as problem:
            raise self._unreachable(problem) from problem

    def has_news(self, run_ids: Iterable[str]) -> bool:
        """Whether logs came or went, or one of these runs' changed, since the last listing."""
        return self._catalog.has_news([file_name(run_id) + LOG_SUFFIX for run_id in run_ids])

    def _new_catalog(self) -> Catalog:
        strict = self._options.recovery == "strict"
        return Catalog(self._disk, self.location, self._runs_folder, self._summary, strict=strict)

    def _summary(self, name: str) -> tuple[Run, bool] | None:
        """Return the run of a log, one with damage if it cannot be read at all, and whether that will last."""
        path = os.path.join(self._runs_folder, name)  # noqa: PTH118
        known = self._catalog.run_id(name)
        try:
            if known is not None:  # it changed since, so it will again: keep it open
                return self._with(known, _summarized)
            return _summarized(self._read_log(path, name.removesuffix(LOG_SUFFIX)))
        except (FileNotFoundError, RunNotFoundError, GoneError):
            return None
        except StorageError as problem:
            offset = problem.offset if isinstance(problem, CorruptionError) else 0
            run = Run(name.removesuffix(LOG_SUFFIX), damage=(Damage(path, offset, 0, str(problem)),))
            return run, False

    def digests(self) -> dict[str, bytes]:
        """Return run id: digest, of the runs that have one."""
        return self._catalog.digests()

    def keep_digest(self, run: Run, digest: bytes) -> None:
        """Keep a digest with a run while nothing changes in it."""
        self._catalog.keep(file_name(run.id) + LOG_SUFFIX, run, digest)

    def save_catalog(self, run_ids: Iterable[str] | None = None) -> None:
        """Write the catalog's file; see ``StorageBackend.save_catalog``."""
        if not self._closed:
            self._catalog.save(
                None if run_ids is None else [file_name(run_id) + LOG_SUFFIX for run_id in run_ids]
            )

    def delete_run(self, run_id: str) -> int:
        """Delete a run whole; return how many traces it had."""
        path, count = self._log_path(run_id), 0
        try:
            count = self._with(run_id, lambda held: self._delete(run_id, held))
        except (CorruptionError, FormatVersionError):
            self._remove(path)  # whoever cannot read it cannot write it either
        self._catalog.forget(os.path.basename(path))  # noqa: PTH119
        return count

    def _delete(self, run_id: str, held: RunFile) -> int:
        count = held.catch_up().count
        held.locked(lambda _: self._remove(held.path))
        self._drop(run_id, held)
        return count

    def _remove(self, path: str) -> None:
        """Remove a log, which is what deletes the run, and then what was kept beside it."""
        folder, name = os.path.split(path)
        stem = name.removesuffix(LOG_SUFFIX)
        try:
            self._disk.unlink(path)
            for beside in self._disk.listing(folder):
                if beside.startswith((name + ".", stem + INDEX_SUFFIX)):
                    self._disk.unlink(os.path.join(folder, beside))  # noqa: PTH118
            self._disk.sync_folder(folder)
        except PermissionError as problem:
            raise ReadOnlyError(self.location) from problem
        except OSError as problem:
            raise WriteFailedError(path, problem.strerror or str(problem)) from problem

    # ---- traces ------------------------------------------------------------------------------------------

    def append(self, run_id: str, changes: Sequence[AnyChange], existing: Existing = "error") -> Appended:
        """Commit changes; see ``StorageBackend.append``."""
        return self._with(run_id, lambda held: self._append(held, changes, existing))

    def _append(self, held: RunFile, changes: Sequence[AnyChange], existing: Existing) -> Appended:
        appended = held.append(changes, existing)
        if held.has_outgrown_index:
            self._index_beside(held)
        return appended

    def _index_beside(self, held: RunFile) -> None:
        """Write an index while the run is written on, one at a time; the process's end does not wait for it."""
        if self._indexing is None or not self._indexing.is_alive():
            self._indexing = threading.Thread(
                target=_try_index, args=(held,), name="tracetui-index", daemon=True
            )
            self._indexing.start()

    def get(self, run_id: str, ids: Iterable[str]) -> list[Trace | None]:
        """Return the trace of each id."""
        wanted = list(ids)
        return self._ask(run_id, lambda tail: tail.traces_of(wanted))

    def scan(
        self,
        run_id: str,
        index: Index,
        key: str | None = None,
        *,
        after: tuple[int, int] | None = None,
        lo: int | None = None,
        hi: int | None = None,
        limit: int | None = None,
    ) -> Page:
        """Read traces along an index; see ``StorageBackend.scan``."""
        return self._ask(run_id, lambda tail: page(tail, index, key, after, lo, hi, limit))

    def changes(self, run_id: str, after_rev: int = -1, limit: int | None = None) -> list[Change]:
        """Return the changes after a rev."""
        return self._ask(run_id, lambda tail: tail.changes(after_rev, limit))

    def counts(self, run_id: str, index: Index) -> dict[str, int]:
        """Return name: traces, for types or tags."""
        counts = Tail.type_counts if index is Index.TYPE else Tail.tag_counts
        return self._ask(run_id, counts)

    def annotations(self, run_id: str, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of the run."""
        return self._ask(run_id, lambda tail: tail.annotations(trace_id))

    def view(self, run_id: str) -> RunView:
        """Return the columns of a run."""
        return LiveView(run_id, lambda: self._tail(run_id))

    def wait(self, revs: Mapping[str, int], timeout: float | None) -> dict[str, int]:
        """Wait for news by looking: every 15 ms at first, more and more rarely while nothing happens."""
        start = time.monotonic()
        while True:
            moved = {name: rev for name, seen in revs.items() if (rev := self._tail(name).rev) > seen}
            idle = time.monotonic() - start
            if moved or (timeout is not None and idle >= timeout):
                return moved
            pause = 0.015 if idle < 5 else 0.1 if idle < 60 else 1.0
            time.sleep(pause if timeout is None else min(pause, max(timeout - idle, 0)))

    # ---- care --------------------------------------------------------------------------------------------

    def check(self, run_id: str | None = None) -> list[Damage]:
        """Return every place in the files of a run, or of all, that is not what was written."""
        if self._closed:
            raise ClosedError(self.location)
        try:
            return self._check(run_id)
        except OSError as problem:
            raise self._unreachable(problem) from problem

    def _check(self, run_id: str | None) -> list[Damage]:
        from tracetui.storage.files.check import check_log

        if run_id is not None:
            path = self._log_path(run_id)
            if not self._disk.exists(path):
                raise RunNotFoundError(run_id)
            return check_log(self._disk, path)
        names = sorted(name for name, _ in self._disk.names(self._runs_folder) if name.endswith(LOG_SUFFIX))
        paths = [os.path.join(self._runs_folder, name) for name in names]  # noqa: PTH118
        return [damage for path in paths for damage in check_log(self._disk, path)]

    def reindex(self, run_id: str, *, only_if_due: bool = False) -> bool:
        """Write the index of a run anew, or only if enough came since; return whether one was written.

        :raises RunNotFoundError: if there is none of this id.
        :raises WriteFailedError: if the system cannot; nothing depends on an index.
        """
        return self._with(run_id, lambda held: self._reindex(held, only_if_due=only_if_due))

    def _reindex(self, held: RunFile, *, only_if_due: bool) -> bool:
        held.catch_up()
        if only_if_due and not held.is_index_due:
            return False
        try:
            return held.write_index()
        except OSError as problem:
            raise WriteFailedError(index_path(held.path), problem.strerror or str(problem)) from problem

    def repair(self, run_id: str) -> Repaired:
        """Copy what is readable of a run to a fresh log in its place; keep the original beside it.

        :raises RunNotFoundError: if there is none of this id.
        :raises CorruptionError: if not even the run's own record can be read.
        """
        return self._with(run_id, lambda held: self._repair(run_id, held))

    def _repair(self, run_id: str, held: RunFile) -> Repaired:
        from tracetui.storage.files.repair import Repaired, rewrite

        done: list[tuple[str, tuple[Damage, ...]]] = []
        try:
            held.locked(lambda _: done.append(rewrite(self._disk, held.path)))
        except FileNotFoundError:
            raise GoneError(held.path) from None
        except OSError as problem:
            raise WriteFailedError(held.path, problem.strerror or str(problem)) from problem
        self._drop(run_id, held)
        kept, damage = done[0]
        return Repaired(run_id, kept, damage, self._tail(run_id).count)

    def close(self) -> None:
        """Let go of files; later calls raise ``ClosedError``."""
        with self._mutex:
            self._closed = True
            left = list(self._open.values())
            self._open.clear()
        if self._indexing is not None:
            self._indexing.join()
        for held in left:
            self._leave(held)


def _summarized(held: RunFile) -> tuple[Run, bool]:
    """Return a run, and whether it says all of its log: bytes at the end that are not torn yet may be soon."""
    run = held.catch_up().run()
    rest = held.torn(surely=True)
    return run, not rest or any(damage.reason == TORN for damage in run.damage)


def _try_index(held: RunFile) -> None:
    with contextlib.suppress(OSError, BadIndexError):  # it is derived: nothing is lost without it
        held.write_index()


def _after_fork_in_child() -> None:
    for engine in list(_engines):
        engine.after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
