"""What importers hand out: runs, traces and late updates, ready to be committed by somebody else.

Owns the shapes and the contract of an importer. Must not read files or touch a store.

The contract, which every importer keeps:

- Ids are made from the source alone, so that importing a file again gives the same records.
- ``feed`` takes bytes cut anywhere; nothing is ever read twice. ``take`` gives what is settled since the last
  ``take``: each trace once, as a record; what became known about it later, as an update.
- However the bytes were cut, records with their updates merged in are the same in the end.
- A record whose parent was not given yet says so (``draft.await_parent``).
- What could not be used is counted by reason in ``skipped``, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tracetui.model.draft import TraceDraft
from tracetui.model.value import ValueLike


@dataclass(frozen=True, slots=True)
class ImportRun:
    """A run as the source describes it so far; a later one of the same id replaces name, tags, metadata.

    Times are milliseconds since the epoch. ``status`` is "active" unless the source itself says how the run
    ended; to be set after the records are committed, since an ended run takes no more traces.
    """

    id: str
    name: str
    created_ms: int
    ended_ms: int | None = None
    status: str = "active"
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, ValueLike] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """A trace for a run, with an id."""

    run_id: str
    draft: TraceDraft

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ImportUpdate:
    """What became known of a trace after its record was handed out.

    With a ``status`` it is the trace's completion (``end_ms`` is then given), else tags and metadata to add.
    """

    run_id: str
    trace_id: str
    status: str | None = None
    end_ms: int | None = None
    late: Mapping[str, ValueLike] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, ValueLike] | None = None

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ImportAnnotation:
    """A note on a trace, with its own id and time."""

    run_id: str
    id: str
    trace_id: str
    note: str
    fields: Mapping[str, ValueLike]
    timestamp: int

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Batch:
    """What one ``take`` gives, to be committed in this order: runs, records, updates, annotations.

    ``skipped`` counts, by reason, what was met since the last ``take`` and could not be used. The statuses of
    runs come last of all.
    """

    runs: list[ImportRun] = field(default_factory=list)
    records: list[ImportRecord] = field(default_factory=list)
    updates: list[ImportUpdate] = field(default_factory=list)
    annotations: list[ImportAnnotation] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.runs or self.records or self.updates or self.annotations or self.skipped)


class Importer(Protocol):
    """One file of a format, with the files that belong to it, on its way into records.

    Not safe for use from several threads at once.
    """

    format: str
    """Name of the format, as in ``tracetui formats``."""
    path: str
    """Name of the file, for ``metadata.source`` and messages; never opened."""

    def feed(self, chunk: bytes, part: str = "") -> None:
        """Take the next bytes of the file, or of a file that belongs to it (``part`` is its name)."""
        ...

    def take(self, final: bool = False) -> Batch:
        """Hand out what is settled.

        ``final`` says that nothing more is expected: what was held back for a later line is settled as it
        stands. More may be fed afterwards all the same.
        """
        ...


@dataclass(slots=True)
class ImportResult:
    """The account of an import: what to say about it when it is done."""

    format: str
    path: str
    runs: dict[str, str] = field(default_factory=dict)
    """Names of the runs by id."""
    records: int = 0
    updates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    __hash__ = None  # type: ignore[assignment]

    def add(self, batch: Batch) -> None:
        """Count a batch in."""
        self.runs.update((run.id, run.name) for run in batch.runs)
        self.records += len(batch.records)
        self.updates += len(batch.updates)
        self.skipped.update(batch.skipped)

    def summary(self) -> str:
        """Say in one line what was read and what was left out.

        >>> ImportResult("otlp", "a.json", {"1": "x"}, 208, 0, Counter({"line cut off": 1})).summary()
        'otlp: 1 run, 208 traces; not used: 1 line cut off'
        """
        told = f"{self.format}: {_count(len(self.runs), 'run')}, {_count(self.records, 'trace')}"
        if self.updates:
            told += f", {_count(self.updates, 'update')}"
        if self.skipped:
            told += "; not used: " + ", ".join(f"{n:,} {why}" for why, n in self.skipped.most_common())
        return told


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def whole(importer: Importer, chunks: Iterable[bytes]) -> Batch:
    """Feed all of a file and take everything at once, for small files and tests."""
    for chunk in chunks:
        importer.feed(chunk)
    return importer.take(final=True)
