"""The file engine: a folder of runs, each an append-only log with its indices in memory."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from tracetui.errors import (
    ClosedError,
    CorruptionError,
    FormatVersionError,
    ReadOnlyError,
    RunExistsError,
    RunNotFoundError,
    StorageError,
    TraceTuiError,
    UnreachableError,
    WriteFailedError,
)
from tracetui.model.change import Annotation, AnyChange, Change, RunPatch
from tracetui.model.run import UNREADABLE, Damage, Run
from tracetui.model.trace import Trace
from tracetui.model.value import Value
from tracetui.storage.backend import Appended, Capabilities, Existing, Index, Page, RunView
from tracetui.storage.decide import RUN, Commit, Entry
from tracetui.storage.files.catalog import Catalog
from tracetui.storage.files.folder import StoreFolder
from tracetui.storage.files.frame import VERSION, Header, encode
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.holdings import Stray, held_by_run, strays
from tracetui.storage.files.log import GoneError, create_log
from tracetui.storage.files.names import LOG_SUFFIX, file_name, index_path, stem_of
from tracetui.storage.files.replay import TORN
from tracetui.storage.files.run import WRITER_CHANGES, Options, RunFile
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.columns import BadIndexError
from tracetui.storage.state.paging import page
from tracetui.storage.state.tail import Tail
from tracetui.storage.view import LiveView

if TYPE_CHECKING:
    from tracetui.storage.files.repair import Repaired

OPEN_RUNS = 64
"""Runs whose logs and indices are kept open at a time."""
_Result = TypeVar("_Result")
_Given = TypeVarTuple("_Given")
_MENDED = (GoneError, BadIndexError, OSError, *NOT_OURS)
"""What ``FileEngine._with`` answers by opening the run anew or in other words; it raises what it cannot mend."""
Still = Callable[[Run, int], bool]
"""Says of a run, and of when its log was last written, in milliseconds, whether something is still wanted."""

_engines: weakref.WeakSet[FileEngine] = weakref.WeakSet()


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
        self._folder = StoreFolder(self._disk, location)
        self._open: OrderedDict[str, RunFile] = OrderedDict()
        self._recent = ""
        """The run that was asked for last."""
        self._distrusted: set[str] = set()
        """Runs whose index turned out to be damaged: they are read without it."""
        self._catalog = self._new_catalog()
        self._mutex = threading.RLock()
        self._indexing: threading.Thread | None = None
        self._closed = False
        _engines.add(self)

    # ---- open runs ---------------------------------------------------------------------------------------

    def _run_file(self, run_id: str) -> RunFile:
        held = self._open.get(run_id)
        if held is not None and run_id == self._recent:  # it is the last of them already
            return held
        with self._mutex:
            self._recent = run_id
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
            held.note_index_of_others()
        if held.leaves_index_due:
            _try_index(held)
        held.close()

    def _open_run(self, run_id: str) -> RunFile:
        try:
            opened = self._read_log(self._folder.log_path(run_id), run_id)
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
            with contextlib.suppress(BadIndexError, *NOT_OURS):
                return RunFile(self._disk, path, self._options, run_id)
        return RunFile(self._disk, path, self._options._replace(use_index=False), run_id)

    def _with(self, run_id: str, action: Callable[[RunFile, *_Given], _Result], *given: *_Given) -> _Result:
        """Do something with a run; once more if its log was replaced meanwhile."""
        for _ in range(3):
            held = self._run_file(run_id)
            try:
                return action(held, *given)
            except GoneError:
                self._drop(run_id, held)
            except BadIndexError:
                self._distrusted.add(run_id)
                self._drop(run_id, held)
            except NOT_OURS as problem:
                if isinstance(problem, TraceTuiError) or not held.tail.has_base:
                    raise
                held.tail.distrust()  # its checksums hold, what it says does not: the log knows
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

    def _ask(self, run_id: str, question: Callable[[Tail, *_Given], _Result], *given: *_Given) -> _Result:
        """Return what the state of a run says as of now; asked again without its index if that is damaged.

        Questions change nothing, so the first try is straight; what ``_with`` knows to mend is asked once more.
        """
        if run_id == self._recent:
            held = self._open.get(run_id)
            if held is not None:
                try:
                    return question(held.catch_up(), *given)
                except _MENDED:
                    pass
        return self._with(run_id, lambda held: question(held.catch_up(), *given))

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
            self._folder.make()
            create_log(self._disk, self._folder.log_path(run_id), header, frame)
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

    def lately(self, count: int) -> list[Run] | None:
        """Return the runs whose logs were written last, None if the catalog knows all."""
        if self._closed:
            raise ClosedError(self.location)
        try:
            return self._catalog.lately(count)
        except OSError as problem:
            raise self._unreachable(problem) from problem

    def has_news(self, run_ids: Iterable[str]) -> bool:
        """Whether logs came or went, or one of these runs' changed, since the last listing."""
        return self._catalog.has_news([file_name(run_id) + LOG_SUFFIX for run_id in run_ids])

    def _new_catalog(self) -> Catalog:
        strict = self._options.recovery == "strict"
        return Catalog(self._disk, self.location, self._folder.runs, self._summary, strict=strict)

    def _summary(self, name: str) -> tuple[Run, bool] | None:
        """Return the run of a log, one with damage if it cannot be read at all, and whether that will last."""
        path = os.path.join(self._folder.runs, name)  # noqa: PTH118
        known = self._catalog.run_id(name)
        try:
            if known is not None:  # it changed since, so it will again: keep it open
                return self._with(known, _summarized)
            return self._first_summary(path, name.removesuffix(LOG_SUFFIX))
        except (FileNotFoundError, RunNotFoundError, GoneError):
            return None
        except StorageError as problem:
            offset = problem.offset if isinstance(problem, CorruptionError) else 0
            damage = (Damage(path, offset, 0, str(problem)),)
            return Run(name.removesuffix(LOG_SUFFIX), status=UNREADABLE, damage=damage), False

    def _first_summary(self, path: str, run_id: str) -> tuple[Run, bool]:
        """Return what `_summarized` does of a log that nobody has open: without its index, if that says nonsense."""
        with contextlib.suppress(BadIndexError, *NOT_OURS):
            return _summarized(self._read_log(path, run_id))
        self._distrusted.add(run_id)
        return _summarized(self._read_log(path, run_id))

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
        count = 0
        try:
            count = self._with(run_id, lambda held: self._delete(run_id, held)) or 0
        except (CorruptionError, FormatVersionError):
            self._remove(self._folder.log_path(run_id))  # whoever cannot read it cannot write it either
        self._catalog.forget(file_name(run_id) + LOG_SUFFIX)
        return count

    def _delete(self, run_id: str, held: RunFile, still: Still | None = None) -> int | None:
        """Delete a run if, with its lock held, that is still wanted; return how many traces it had, None if not."""
        done: list[int] = []

        def remove(_: int) -> None:
            tail = held.catch_up()
            if still is None or still(tail.run(), held.written_ms):
                self._remove(held.path)
                done.append(tail.count)

        held.locked(remove)
        if not done:
            return None
        self._drop(run_id, held)
        return done[0]

    def _remove(self, path: str) -> None:
        """Remove a log, which is what deletes the run, and then what was kept beside it."""
        folder, name = os.path.split(path)
        stem = name.removesuffix(LOG_SUFFIX)
        try:
            self._disk.unlink(path)
            for beside in self._disk.listing(folder):
                if beside != name and stem_of(beside) == stem:
                    self._disk.unlink(os.path.join(folder, beside))  # noqa: PTH118
            self._disk.sync_folder(folder)
        except PermissionError as problem:
            raise ReadOnlyError(self.location) from problem
        except OSError as problem:
            raise WriteFailedError(path, problem.strerror or str(problem)) from problem

    # ---- traces ------------------------------------------------------------------------------------------

    def append(self, run_id: str, changes: Sequence[AnyChange], existing: Existing = "error") -> Appended:
        """Commit changes; see ``StorageBackend.append``."""
        return self._with(run_id, self._append, changes, existing)

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
        return self._ask(run_id, Tail.traces_of, list(ids))

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
        return self._ask(run_id, page, index, key, after, lo, hi, limit)

    def changes(self, run_id: str, after_rev: int = -1, limit: int | None = None) -> list[Change]:
        """Return the changes after a rev."""
        return self._ask(run_id, Tail.changes, after_rev, limit)

    def counts(self, run_id: str, index: Index) -> dict[str, int]:
        """Return name: traces, for types or tags."""
        counts = Tail.type_counts if index is Index.TYPE else Tail.tag_counts
        return self._ask(run_id, counts)

    def annotations(self, run_id: str, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of the run."""
        return self._ask(run_id, Tail.annotations, trace_id)

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
        from tracetui.storage.files.check import check_catalog, check_index, check_log, check_strays

        disk, folder = self._disk, self._folder.runs
        if run_id is not None:
            path = self._folder.log_path(run_id)
            if not disk.exists(path):
                raise RunNotFoundError(run_id)
            return [*check_log(disk, path), *check_index(disk, path)]
        names = sorted(name for name, _ in disk.names(folder) if name.endswith(LOG_SUFFIX))
        found: list[Damage] = []
        for path in (os.path.join(folder, name) for name in names):  # noqa: PTH118
            found += (*check_log(disk, path), *check_index(disk, path))
        return found + check_catalog(disk, self.location, folder) + check_strays(disk, self.location, folder)

    def reindex(self, run_id: str, *, only_if_due: bool = False) -> bool:
        """Write the index of a run anew, or only if enough came since; return whether one was written.

        Anew means from the log alone, whatever an index says.

        :raises RunNotFoundError: if there is none of this id.
        :raises WriteFailedError: if the system cannot; nothing depends on an index.
        """
        if only_if_due:
            return self._with(
                run_id, lambda held: held.catch_up() is not None and self._index(held, due=True)
            )
        return self._with(run_id, lambda held: held.catch_up() is not None and self._index_anew(run_id))

    def _index_anew(self, run_id: str) -> bool:
        options = self._options._replace(use_index=False)
        alone = RunFile(self._disk, self._folder.log_path(run_id), options, run_id)
        written = self._index(alone)
        alone.close()
        self._distrusted.discard(run_id)
        return written

    def runs_to_index(self) -> list[Run]:
        """Return the runs that an index pays for, or that have one."""
        return [
            run
            for run in self.runs()
            if run.traces >= WRITER_CHANGES or self._disk.exists(index_path(self._folder.log_path(run.id)))
        ]

    def _index(self, held: RunFile, *, due: bool = False) -> bool:
        if due and not held.is_index_due:
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

    # ---- retention ---------------------------------------------------------------------------------------

    def holdings(self) -> list[tuple[Run, int, int]]:
        """Return every run with the bytes it takes and when its log was last written, newest created first."""
        runs = self.runs()
        found = held_by_run(self._disk, self._folder.runs)
        logs = [(run, file_name(run.id) + LOG_SUFFIX) for run in runs]
        return [(run, *found[log]) for run, log in logs if log in found]

    def delete_if(self, run_id: str, still: Still) -> bool:
        """Delete a run if ``still`` says so of it (the run, when it was written) while nobody else writes it.

        :raises RunNotFoundError: if there is none of this id.
        """
        gone = self._with(run_id, lambda held: self._delete(run_id, held, still)) is not None
        if gone:
            self._catalog.forget(file_name(run_id) + LOG_SUFFIX)
        return gone

    def compress_if(self, run_id: str, still: Still) -> tuple[int, int] | None:
        """Compress the log of a run as ``delete_if`` deletes one; return its bytes before and after.

        None if that is not wanted any more, or gains nothing.

        :raises CorruptionError: if the log is damaged; it stays as it is.
        """
        return self._with(run_id, lambda held: self._compress(run_id, held, still))

    def _compress(self, run_id: str, held: RunFile, still: Still) -> tuple[int, int] | None:
        from tracetui.storage.files.compress import compress

        done: list[tuple[int, int] | None] = []

        def rewrite(_: int) -> None:
            if still(held.catch_up().run(), held.written_ms):
                done.append(compress(self._disk, held.path))

        try:
            held.locked(rewrite)
            if not done or done[0] is None:
                return None
            self._drop(run_id, held)
            had_index = self._disk.exists(index_path(held.path))
            self._disk.unlink(index_path(held.path))
        except OSError as problem:
            raise WriteFailedError(held.path, problem.strerror or str(problem)) from problem
        if had_index:
            self.reindex(run_id)
        return done[0]

    def compressed_size(self, run_id: str) -> tuple[int, int]:
        """Return the bytes that the log of a run has, and would have if it were compressed; nothing is written.

        :raises CorruptionError: if the log is damaged.
        """
        from tracetui.storage.files.compress import compressed_size

        return self._with(run_id, lambda held: compressed_size(held.log))

    def strays(self) -> list[Stray]:
        """Return the files that processes which died left over, and what was derived of runs that are gone."""
        return list(strays(self._disk, self.location, self._folder.runs, time.time()))

    def remove_strays(self) -> list[Stray]:
        """Remove what ``strays`` finds; return it."""
        found = self.strays()
        for stray in found:
            try:
                self._disk.unlink(stray.path)
            except OSError as problem:
                raise WriteFailedError(stray.path, problem.strerror or str(problem)) from problem
        return found

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
