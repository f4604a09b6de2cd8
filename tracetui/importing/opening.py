"""Opening recordings: into a store for good, or into a derived cache for a look, followed while they grow."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tracetui.errors import FormatError
from tracetui.formats import claude_code
from tracetui.formats.record import Importer, ImportResult
from tracetui.formats.registry import HEAD_BYTES, by_name, recognise
from tracetui.importing import side_notes
from tracetui.importing.committer import Committer
from tracetui.importing.source import Source
from tracetui.model.change import Annotation
from tracetui.store.database import Database, open_backend
from tracetui.store.location import user_cache_folder

PIECE_BYTES = 256 * 1024
PAUSE_SECONDS = 0.25
_NAMES = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".ndjson")
CACHE_VERSION = 3
"""Part of every cache's name: caches of another reading of the formats are left alone."""


@dataclass(slots=True)
class Imported:
    """What came of an import: to be said, and the runs it touched."""

    path: str
    result: ImportResult | None = None
    refused: Counter[str] = field(default_factory=Counter)
    traces: int = 0
    updates: int = 0

    __hash__ = None  # type: ignore[assignment]

    @property
    def run_ids(self) -> list[str]:
        """The runs, in the order they were met."""
        return list(self.result.runs) if self.result else []

    def why_nothing(self) -> str:
        """Say why no run came of it."""
        if self.result is None:
            return "the file is empty; `tracetui formats` lists what can be read"
        lacks = ", ".join(f"{n:,} {why}" for why, n in self.result.skipped.most_common())
        return f"there is no whole record in this {self.result.format} file" + (f": {lacks}" if lacks else "")

    def summary(self) -> str:
        """Say in one line what was read, what was new, what was left out."""
        told = self.result.summary() if self.result else "nothing was read"
        told = f"{self.path}: {told}; {self.traces:,} new"
        if self.updates:
            told += f", {self.updates:,} completed or added to"
        if self.refused:
            told += "; left as it is: " + ", ".join(f"{n:,} × {why}" for why, n in self.refused.most_common())
        return told


class FileImport:
    """One recording on its way into a database, a piece at a time; more may come while the file grows."""

    def __init__(
        self, db: Database, path: str, *, format_name: str | None = None, stream: BinaryIO | None = None
    ) -> None:
        self._source = Source(path, stream)
        self._committer = Committer(db)
        self._format = format_name
        self._importer: Importer | None = None
        self._head = b""
        self._parts: dict[str, Source] = {}
        self.imported = Imported(path)
        self.at_end = False

    def step(self) -> bool:
        """Read and commit a piece; return whether anything came.

        :raises FormatError: if the file is of no known format or cannot be read.
        """
        chunk = self._source.read(PIECE_BYTES)
        if not chunk and self.at_end and self.is_replaced:
            chunk = self._begin_anew()
        if self._importer is None:
            return self._begin(chunk)
        if chunk:
            self._importer.feed(chunk)
        came = bool(chunk) or self._feed_parts(self._importer)
        if came or not self.at_end:
            self.at_end = not came
            self._commit(final=not came)
        return came

    def _begin_anew(self) -> bytes:
        """Read the file that is in the place of the one that was read: what it says that is new is added.

        If there is none now, or nothing in it yet, what was read stays as it is.
        """
        try:
            source = Source(self.imported.path)
        except FormatError:
            return b""
        chunk = source.read(PIECE_BYTES)
        if not chunk:
            source.close()
            return b""
        self.close()
        self._source, self._importer, self._head, self._parts = source, None, b"", {}
        return chunk

    def _begin(self, chunk: bytes) -> bool:
        """Gather enough to tell the format, then begin."""
        self._head += chunk
        if chunk and len(self._head) < HEAD_BYTES and b"\n" not in self._head:
            return True
        if not chunk and not self._head:
            self.at_end = True
            return False
        path = self.imported.path
        found = by_name(self._format) if self._format else recognise(path, self._head[:HEAD_BYTES])
        self._importer = found.make(path)
        self.imported.result = self.imported.result or ImportResult(found.name, path)
        self.at_end = False
        self._importer.feed(self._head)
        self._head = b""
        self._commit(final=False)
        return True

    def _feed_parts(self, importer: Importer) -> bool:
        """Feed the files of subagents that lie beside a transcript, a piece of each; return whether any came.

        They are read behind the session's own lines, which say to which call they belong; new ones may appear.
        """
        if importer.format == claude_code.FORMAT:
            folder = Path(self.imported.path).with_suffix("") / "subagents"
            for path in [*sorted(folder.glob("*.meta.json")), *sorted(folder.glob("*.jsonl"))]:
                if path.name not in self._parts:
                    self._parts[path.name] = Source(str(path))
        came = False
        for name, source in self._parts.items():
            if chunk := source.read(PIECE_BYTES):
                importer.feed(chunk, name)
                came = True
        return came

    def _commit(self, *, final: bool) -> None:
        assert self._importer is not None  # noqa: S101 - begun before
        batch = self._importer.take(final)
        if batch:
            self._committer.commit(batch)
            assert self.imported.result is not None  # noqa: S101 - begun before
            self.imported.result.add(batch)
        if final:
            self._take_side_notes(self._importer.format)
        done = self._committer.committed
        self.imported.traces, self.imported.updates = done.traces, done.updates
        self.imported.refused = done.refused

    def _take_side_notes(self, format_name: str) -> None:
        """Add what a person left on the recording when it was only opened."""
        for run_id in self.imported.run_ids:
            self._committer.take_notes(side_notes.kept(format_name, run_id))

    def finish(self) -> Imported:
        """Read what there is now, to the end.

        :raises FormatError: if nothing in it can be used.
        """
        while self.step() or not self.at_end:
            pass
        if not self.imported.run_ids:
            raise FormatError(self.imported.path, 0, self.imported.why_nothing())
        return self.imported

    @property
    def is_replaced(self) -> bool:
        """Whether the file is not the one that was read any more."""
        return self._source.is_replaced()

    def progress(self) -> str:
        """Return how far reading is."""
        size, traces = self._source.size, self.imported.traces
        if self.at_end or not size:
            return f"{traces:,} traces"
        return f"reading {min(100 * self._source.position // size, 100)}%, {traces:,} traces"

    def close(self) -> None:
        """Let go of files."""
        self._source.close()
        for part in self._parts.values():
            part.close()


def import_into(
    db: Database,
    path: str,
    *,
    format_name: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Import a recording into a store.

    :raises FormatError: if it is of no known format or cannot be read.
    """
    importing = FileImport(db, path, format_name=format_name, stream=_stdin() if path == "-" else None)
    try:
        while importing.step() or not importing.at_end:
            tell(f"{path}: {importing.progress()}")
        return importing.finish()
    finally:
        importing.close()


def follow_into(
    db: Database, paths: Iterable[str], *, format_name: str | None = None, tell: Callable[[Imported], None]
) -> None:
    """Go on importing recordings while they grow, until interrupted; ``tell`` of each that brought something.

    A file that is of no known format yet is looked at again and again: it may have just begun.
    """
    waiting = list(paths)
    importing: list[FileImport] = []
    try:
        while True:
            for path in list(waiting):
                if Path(path).is_file():
                    importing.append(FileImport(db, path, format_name=format_name))
                    waiting.remove(path)
            for one in importing:
                before = one.imported.traces, one.imported.updates
                with contextlib.suppress(FormatError):
                    while one.step() or not one.at_end:
                        pass
                if (one.imported.traces, one.imported.updates) != before:
                    tell(one.imported)
            time.sleep(PAUSE_SECONDS)
    finally:
        for one in importing:
            one.close()


def _stdin() -> BinaryIO:
    import sys

    return sys.stdin.buffer


def files_in(path: str) -> Iterator[str]:
    """Yield the recordings that a path means: itself, or those of a folder; files of subagents come with theirs."""
    folder = Path(path)
    if path == "-" or not folder.is_dir():
        yield path
        return
    for found in sorted(folder.rglob("*")):
        if found.is_file() and found.name.endswith(_NAMES) and "subagents" not in found.parts:
            yield str(found)


# ---- derived caches --------------------------------------------------------------------------------------


def cache_of(path: str) -> Path:
    """Return the folder of the cache that a file is read into: one for each file as it is named and made now."""
    real = os.path.realpath(path)
    stat = os.stat(real)  # noqa: PTH116 - a plain look
    key = f"{CACHE_VERSION}:{real}:{stat.st_dev}:{stat.st_ino}"
    return (
        user_cache_folder()
        / "opened"
        / hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    )


class Opening:
    """Recordings on their way into a derived cache, for the explorer: never into the store."""

    def __init__(self, paths: list[str], *, stream: BinaryIO | None = None) -> None:
        files = [file for path in paths for file in files_in(path)]
        if not files:
            raise FormatError(", ".join(paths), 0, "there is no recording in it")
        self._temporary: Path | None = None
        folder = self._folder(files)
        self._writer = Database(open_backend(str(folder)), owning=False)
        self._imports = [
            FileImport(self._writer, file, stream=stream if file == "-" else None) for file in files
        ]
        # The reader's own handle, so that what it shows grows only when it looks for news.
        self.db = Database(open_backend(str(folder)), owning=False)
        self._problems: list[FormatError] = []

    def _folder(self, files: list[str]) -> Path:
        """Return the cache's folder: one that lasts for a file alone, a passing one for pipes and many."""
        if len(files) == 1 and files[0] != "-":
            try:
                folder = cache_of(files[0])
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError:
                pass
            else:
                return self._current(folder, files[0])
        self._temporary = Path(tempfile.mkdtemp(prefix="tracetui-"))
        return self._temporary

    @staticmethod
    def _current(folder: Path, path: str) -> Path:
        """Begin anew if the file is shorter than what the cache was made of: it was written over."""
        mark = folder / "source-size"
        size = Path(path).stat().st_size
        try:
            before = int(mark.read_text())
        except (OSError, ValueError):
            before = 0
        if size < before:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.write_text(str(size))
        return folder

    def step(self) -> bool:
        """Take in some more of every file; return whether anything came.

        :raises FormatError: if the only file is of no known format.
        """
        came = False
        for importing in list(self._imports):
            try:
                came = importing.step() or came
            except FormatError as problem:
                self._imports.remove(importing)
                importing.close()
                self._problems.append(problem)
                if not self._imports and not self.run_ids:
                    raise
        return came

    @property
    def done(self) -> bool:
        """Whether nothing more can come: a pipe at its end. A file may always grow."""
        return all(importing.at_end and importing.imported.path == "-" for importing in self._imports)

    @property
    def run_ids(self) -> list[str]:
        """The runs found so far."""
        return list(dict.fromkeys(run for importing in self._imports for run in importing.imported.run_ids))

    @property
    def at_end(self) -> bool:
        """Whether everything that is there was read."""
        return all(importing.at_end for importing in self._imports)

    def keep_note(self, run_id: str, note: Annotation) -> None:
        """Write a note on an opened run where it outlasts the cache, and an import finds it.

        :raises WriteFailedError: if the user's data folder cannot be written.
        """
        for importing in self._imports:
            result = importing.imported.result
            if result is not None and run_id in result.runs:
                side_notes.keep(result.format, run_id, note)
                return

    def progress(self) -> str:
        """Return how far it is, "" when all was read."""
        busy = [importing for importing in self._imports if not importing.at_end]
        return busy[0].progress() if busy else ""

    def summary(self) -> str:
        """Say what was read of each file, and what could not be."""
        told = [importing.imported.summary() for importing in self._imports]
        return "; ".join([*told, *map(str, self._problems)])

    def why_nothing(self) -> str:
        """Say why no run came of it."""
        return "; ".join([*(one.imported.why_nothing() for one in self._imports), *map(str, self._problems)])

    def close(self) -> None:
        """Let go of files, and of a passing cache."""
        for importing in self._imports:
            importing.close()
        self.db.close()
        self._writer.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)


@contextlib.contextmanager
def open_followed(path: str, tell: Callable[[str], None] = lambda _: None) -> Iterator[Opening]:
    """Read a recording to its end into its derived cache; more may be taken in with ``step`` while it grows.

    ``tell`` is called with how far it is.

    :raises FormatError: if it is of no known format, or nothing in it can be used.
    """
    opening = Opening([path], stream=_stdin() if path == "-" else None)
    try:
        while opening.step() or not opening.at_end:
            tell(f"{path}: {opening.progress()}")
        if not opening.run_ids:
            raise FormatError(path, 0, opening.why_nothing())
        yield opening
    finally:
        opening.close()


def open_whole(path: str, tell: Callable[[str], None] = lambda _: None) -> tuple[Database, list[str]]:
    """Return the store of a recording's derived cache, open until the program ends, and the runs in it.

    As ``open_followed``.
    """
    import atexit

    kept = contextlib.ExitStack()
    opening = kept.enter_context(open_followed(path, tell))
    atexit.register(kept.close)
    return opening.db, opening.run_ids
