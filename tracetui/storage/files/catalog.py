"""Which runs a folder holds, and what is known of each: read from the logs, remembered by their status.

What is remembered of a run is valid while its log's size, modification time and inode are what they were. It
begins with what ``catalog.idx`` says, if that holds; a listing then reads only the logs that changed since.
Nothing is written but by ``save``, which only long-lived processes call.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from sortedcontainers import SortedKeyList

from tracetui.model.run import Run
from tracetui.storage.files import catalog_file
from tracetui.storage.files.atomic import replace_file
from tracetui.storage.files.catalog_file import CATALOG_NAME, BadCatalogError, Entry, Rows, Signature
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.names import LOG_SUFFIX

Summarize = Callable[[str], tuple[Run, bool] | None]
"""Gives the run of a log, and whether that holds while the log is as it is; None if it is gone."""
_UNSURE: Signature = (-1, -1, -1)
UNSYNCED_NS = 15 * 60 * 10**9
"""For so long a system may hold back what was written and not synced: Linux half a minute, ten in its laptop mode.

A log that was written that shortly before the catalog may have lost bytes to a power cut and look the same. So once
the machine was started anew, such a log is read again.
"""


class Entries:
    """What is known of runs, by the name of their log, in the order of creation."""

    def __init__(self, rows: Rows | None = None, doubted_ns: int | None = None) -> None:
        self._rows, self._doubted_ns = rows, doubted_ns
        self._order: SortedKeyList[str, tuple[int, str]] | None = None
        # a file has them newest first: as they are listed
        self._listed: list[Run] | None = [] if rows is None else rows.runs

    @cached_property
    def _known(self) -> dict[str, Entry]:
        """The entries; a list of runs as the file has them needs none."""
        rows, self._rows = self._rows, None
        try:
            return {} if rows is None else rows.entries(self._doubted_ns)
        except BadCatalogError:  # the list was all that it is good for
            self._listed = None
            return {}

    def __len__(self) -> int:
        return len(self._known if self._rows is None else self._rows.runs)

    def get(self, name: str) -> Entry | None:
        """Return what is known of a log."""
        return self._known.get(name)

    def gone(self, found: Mapping[str, object]) -> list[str]:
        """Return the known names that are not among those found."""
        return list(self._known.keys() - found.keys())

    def put(self, name: str, entry: Entry) -> None:
        """Know something new of a log."""
        order = self._sorted()
        if name in self._known:
            order.remove(name)
        self._known[name] = entry
        order.add(name)
        self._listed = None

    def put_digest(self, name: str, digest: bytes | None) -> None:
        """Keep a digest with what is known of a log."""
        self._known[name] = self._known[name]._replace(digest=digest)

    def remove(self, name: str) -> None:
        """Forget a log."""
        self._sorted().remove(name)
        del self._known[name]
        self._listed = None

    def remove_damaged(self) -> None:
        """Forget the logs of runs with damage."""
        if any(run.damage for run in self._listed or ()):
            for name in [name for name, entry in self._known.items() if entry.run.damage]:
                self.remove(name)

    def _sorted(self) -> SortedKeyList[str, tuple[int, str]]:
        """Return the names, oldest first; sorted when something changes for the first time."""
        if self._order is None:
            self._order = SortedKeyList(self._known, key=self._key)
        return self._order

    def _key(self, name: str) -> tuple[int, str]:
        run = self._known[name].run
        return run.created_ms, run.id

    def runs(self) -> list[Run]:
        """Return the runs, newest created first."""
        if self._listed is None:
            self._listed = [self._known[name].run for name in reversed(self._sorted())]
        return list(self._listed)

    def items(self) -> Iterable[tuple[str, Entry]]:
        """Return names and entries, newest created first."""
        return [(name, self._known[name]) for name in reversed(self._sorted())]


class Catalog:
    """The runs of a store, from ``catalog.idx`` and the logs. Safe from any thread."""

    def __init__(self, disk: Disk, location: str, folder: str, summarize: Summarize, *, strict: bool) -> None:
        self._disk, self._folder, self._summarize, self._strict = disk, folder, summarize, strict
        self._path = os.path.join(location, CATALOG_NAME)  # noqa: PTH118
        self._mutex = threading.Lock()
        self._entries = Entries()
        self._file: Signature | None = None
        self._is_read = self._is_changed = False
        self._is_partial = False
        """Whether only the logs that were written last were looked at."""
        self._looked_at = -1
        """Modification time of the folder when all logs were last looked at."""

    def runs(self, *, fresh: bool) -> list[Run]:
        """Return the runs, newest created first; a run that did not change is the same object as before.

        Without ``fresh`` what is known is believed, if anything is; else every log's status is looked at.

        :raises OSError: if the folder cannot be read.
        """
        with self._mutex:
            self._read()
            if fresh or self._is_partial or not len(self._entries):
                self._look()
            return self._entries.runs()

    def lately(self, count: int) -> list[Run] | None:
        """Return the runs of the logs that were written last, None if something is known of all.

        :raises OSError: if the folder cannot be read.
        """
        with self._mutex:
            self._read()
            if len(self._entries) and not self._is_partial:
                return None
            logs = sorted(self._logs().items(), key=lambda log: log[1].st_mtime_ns)
            self._is_partial = len(logs) > count
            for name, status in logs[-count:]:
                self._renew_if_other(name, _signature(status))
            return self._entries.runs()

    def _logs(self) -> dict[str, os.stat_result]:
        return {name: status for name, status in self._disk.names(self._folder) if name.endswith(LOG_SUFFIX)}

    def run_id(self, name: str) -> str | None:
        """Return the id of the run that a log had when it was last read, None if it never was."""
        known = self._entries.get(name)
        return known.run.id if known is not None and known.run.created_ms else None

    def forget(self, name: str) -> None:
        """Drop a run that was deleted."""
        with self._mutex:
            self._forget(name)

    def _forget(self, name: str) -> None:
        if self._entries.get(name) is not None:
            self._entries.remove(name)
            self._is_changed = True

    def _look(self) -> None:
        """Bring what is known up to date with all logs, reading those that changed."""
        self._looked_at = self._folder_time()
        found = self._logs()
        for name in self._entries.gone(found):
            self._forget(name)
        for name, status in found.items():
            self._renew_if_other(name, _signature(status))
        self._is_partial = False

    def _folder_time(self) -> int:
        """Return the folder's modification time, which every log that comes or goes moves; −1 without one."""
        try:
            return self._disk.stat(self._folder).st_mtime_ns
        except OSError:
            return -1

    def has_news(self, names: Iterable[str]) -> bool:
        """Whether logs came or went since all were looked at, or one of these changed."""
        with self._mutex:
            return self._folder_time() != self._looked_at or any(map(self._is_other, names))

    def _is_other(self, name: str) -> bool:
        known = self._entries.get(name)
        try:
            status = self._disk.stat(os.path.join(self._folder, name))  # noqa: PTH118
        except OSError:
            return True
        return known is None or known.signature != _signature(status)

    def _renew_if_other(self, name: str, signature: Signature) -> None:
        known = self._entries.get(name)
        if known is None or known.signature != signature:
            self._renew(name, signature)

    def _renew(self, name: str, signature: Signature) -> None:
        summary = self._summarize(name)
        if summary is not None:
            run, lasting = summary
            self._entries.put(name, Entry(signature if lasting else _UNSURE, run))
            self._is_changed = True

    # ---- what upper layers keep with a run ---------------------------------------------------------------

    def digests(self) -> dict[str, bytes]:
        """Return run id: digest of the runs that have one."""
        with self._mutex:
            self._read()
            return {e.run.id: e.digest for _, e in self._entries.items() if e.digest is not None}

    def keep(self, name: str, run: Run, digest: bytes) -> None:
        """Keep a digest with a run, unless something newer is known of the run by now."""
        with self._mutex:
            known = self._entries.get(name)
            if known is not None and known.run is run and known.digest != digest:
                self._entries.put_digest(name, digest)
                self._is_changed = True

    # ---- the file ----------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Begin with what the file says; without one, or with one that does not hold, with nothing."""
        if not self._is_read:
            self._is_read = True
            self._entries = self._from_file()

    def _from_file(self) -> Entries:
        self._file = None
        try:
            file = _signature(self._disk.stat(self._path))
            rows = catalog_file.decode(catalog_file.read(self._disk, self._path), self._folder)
        except (OSError, BadCatalogError):
            return Entries()
        self._file = file
        boots = {rows.boot, self._disk.boot_id()} - {""}
        entries = Entries(rows, file[1] - UNSYNCED_NS if len(boots) > 1 else None)
        if self._strict:  # a run with damage is refused, not listed
            entries.remove_damaged()
        return entries

    def save(self, names: Iterable[str] | None = None) -> None:
        """Write what is known, if it is more than the file says: as of now for all logs, or for some.

        With ``names`` an existing file is brought up to date, and none is made: a catalog of a few runs
        would be taken for all there are. A store that cannot be written keeps what it has.
        """
        with self._mutex:
            self._read()
            try:
                if names is None:
                    self._look()
                elif self._file is None:
                    return
                else:
                    self._look_at(names)
                self._merge()
                if self._is_changed or self._file is None:
                    self._write()
            except OSError:
                return

    def _look_at(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                status = self._disk.stat(os.path.join(self._folder, name))  # noqa: PTH118
            except FileNotFoundError:
                self._forget(name)
                continue
            known, signature = self._entries.get(name), _signature(status)
            if stat.S_ISREG(status.st_mode) and (known is None or known.signature != signature):
                self._renew(name, signature)

    def _merge(self) -> None:
        """Take over what another process wrote meanwhile of logs that are as they were."""
        try:
            if _signature(self._disk.stat(self._path)) == self._file:
                return
        except FileNotFoundError:
            pass
        for name, entry in self._from_file().items():
            known = self._entries.get(name)
            if known is not None and known.signature == entry.signature and known.digest is None:
                self._entries.put_digest(name, entry.digest)
        self._is_changed = True

    def _write(self) -> None:
        lasting = {name: entry for name, entry in self._entries.items() if entry.signature != _UNSURE}
        if not self._disk.is_folder(self._folder):  # nothing was ever recorded here
            return
        replace_file(self._disk, self._path, catalog_file.encode(lasting, self._disk.boot_id()))
        self._file = _signature(self._disk.stat(self._path))
        self._is_changed = False


def _signature(status: os.stat_result) -> Signature:
    return status.st_size, status.st_mtime_ns, status.st_ino
