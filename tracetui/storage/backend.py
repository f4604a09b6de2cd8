"""The narrow Protocol between the store and the engines that keep runs.

Rules that every engine follows:

- ``append`` is the one transaction: all of its changes or none, decided under the run's lock.
- Reads write nothing and take no lock that a writer waits for; they see all of a commit or none of it.
- Every method may be called from any thread. Exceptions are those of ``tracetui.errors``.
- Time queries answer in (timestamp, seq) order, all others in seq order, the same after reopening.
- Times are milliseconds since the epoch; intervals are half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from tracetui.model.change import Annotation, AnyChange, Change
from tracetui.model.run import Damage, Run
from tracetui.model.trace import Trace
from tracetui.model.tree import Forest
from tracetui.model.value import Value

if TYPE_CHECKING:
    from tracetui.storage.state.rollup import Rollup

NO_TIME = -(2**63)
"""Stands in time columns where no time is known."""

MAX_CHANGES = 10_000
MAX_COMMIT_BYTES = 64 * 1024 * 1024

Existing = Literal["error", "skip"]


class Index(Enum):
    """The indices of a run."""

    ALL = "all"
    TYPE = "type"
    TAG = "tag"
    PARENT = "parent"
    ROOTS = "roots"
    TIME = "time"


class Capabilities(NamedTuple):
    """What an engine can do beyond the contract: callers ask instead of guessing."""

    persistent: bool = True
    multi_process: bool = True
    multi_host: bool = False
    push_wakeups: bool = False


class Appended(NamedTuple):
    """The outcome of a commit: the first numbers it was given, and how many changes were new.

    With ``existing="skip"``, ``skipped`` are the ids of traces that the run had already.
    """

    first_seq: int
    first_rev: int
    traces: int
    changes: int
    skipped: frozenset[str] = frozenset()


class Page(NamedTuple):
    """A part of an answer; ``cursor`` is given to the next call as ``after``, None at the end."""

    items: Sequence[Trace]
    cursor: tuple[int, int] | None


@dataclass
class Stretch:
    """Packed bodies as they lie in one piece of memory: the n-th is ``data[starts[n]:ends[n]]``.

    ``starts`` ascend; between two bodies may lie other bytes. ``owners`` are the seqs of the traces, of which one
    may own several: its body, and what was added to it. ``lost`` are the seqs of bodies that cannot be read.
    ``place`` is offset and length of the data where it can be read again, None where it is in memory anyway.
    """

    data: bytes
    owners: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]
    lost: Sequence[int] = ()
    place: tuple[int, int] | None = None

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def lowered(self) -> bytes:
        """The data with the letters of ASCII in lower case; made once."""
        return self.data.lower()


class RunView(Protocol):
    """The columns of one run by seq, 0 … count − 1, as of the last ``refresh``.

    Made for trees, filters and analyses, which look at every trace of a run without making an object for
    each. Columns only grow at the end, but for statuses, ends, parents and usage, which completions and
    arriving parents change. Sequences are the engine's own: read them, never change them.
    """

    run_id: str
    ids: Sequence[str]
    parents: Sequence[int]
    """Seq of the parent, −1 for a root (a trace whose awaited parent has not come is one)."""
    kinds: Sequence[int]
    """Code of the class: an index into ``tracetui.model.trace_type.KINDS``."""
    types: Sequence[int]
    """Index into ``type_names``."""
    type_names: Sequence[str]
    timestamps: Sequence[int]
    ends: Sequence[int]
    """Milliseconds, or ``NO_TIME``."""
    statuses: Sequence[int]
    """Index into ``tracetui.model.trace.STATUS_NAMES``; 0 is open."""
    tokens_in: Sequence[int]
    tokens_out: Sequence[int]
    """−1 where unknown."""
    costs: Sequence[float]
    """US dollars, NaN where unknown."""
    first_child: Sequence[int]
    next_sibling: Sequence[int]
    """Seqs, −1 where there is none: the children of a trace in seq order, linked."""

    @property
    def run(self) -> Run:
        """Return the run as of now."""
        ...

    @property
    def count(self) -> int:
        """Return the number of traces."""
        ...

    @property
    def rev(self) -> int:
        """Number of changes covered."""
        ...

    def refresh(self) -> list[Change]:
        """Catch up with what was committed; return what is new, in rev order.

        :raises RunNotFoundError: if the run was deleted.
        """
        ...

    def awaiting(self, seq: int) -> str | None:
        """Return the id of the parent that has not come, None if nothing is awaited."""
        ...

    def tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags of a trace, added ones included."""
        ...

    def first_tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags that a trace was recorded with: what completions and amendments added is left out."""
        ...

    def children(self, seq: int) -> list[int]:
        """Return the children of a trace, in seq order."""
        ...

    def roots(self) -> list[int]:
        """Return the traces without a parent that is there, in seq order."""
        ...

    def seq_of(self, trace_id: str) -> int | None:
        """Return the seq of an id."""
        ...

    def by_type(self, name: str) -> Sequence[int]:
        """Return the traces of a type name, in seq order."""
        ...

    def by_tag(self, tag: str) -> Sequence[int]:
        """Return the traces that bear a tag, in seq order."""
        ...

    def by_time(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Return seqs with start_ms ≤ timestamp < end_ms, in (timestamp, seq) order."""
        ...

    def type_counts(self) -> dict[str, int]:
        """Return type name: traces, ordered by name."""
        ...

    def tag_counts(self) -> dict[str, int]:
        """Return tag: traces that bear it, ordered by tag; a tag given twice counts once."""
        ...

    def trace(self, seq: int) -> Trace:
        """Return the trace of a seq; its head and body are read when somebody looks."""
        ...

    def traces(self, seqs: Sequence[int]) -> list[Trace]:
        """Return the traces of seqs, as ``trace`` does; 0.1 µs each."""
        ...

    def annotations(self, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of all, in the order of commits."""
        ...

    def packed_bodies(self, seqs: Sequence[int]) -> Iterator[tuple[bytes, ...] | None]:
        """Yield for each seq the packed body and what was added to it, None where it cannot be read.

        ``seqs`` hold each trace once.
        """
        ...

    def stretches(self, seqs: Sequence[int]) -> Iterator[Stretch]:
        """Yield the same bodies as they lie where they are kept, in no order, a megabyte or so at a time.

        For searches that rule out most bodies without looking at each: a look costs little more than reading
        and verifying the bytes.
        """
        ...

    def forest(self, root: int | None = None) -> Forest:
        """Return the whole run in pre-order, or the subtree of one seq. Linear in what it returns.

        The whole run costs nothing where an index covers it, and is laid out once until there is news.
        """
        ...

    def rollup(self) -> Rollup:
        """Return the figures of every subtree; costs what came since the last time, or since an index."""
        ...


class StorageBackend(Protocol):
    """An engine that keeps runs."""

    capabilities: Capabilities
    location: str
    """Path or URL, for messages."""

    def create_run(self, run_id: str, values: Mapping[str, Value]) -> Run:
        """Make a run; this is its change of rev 0. ``values`` as in ``RunPatch``, and created_ms.

        :raises RunExistsError: if there is one of this id.
        """
        ...

    def append(self, run_id: str, changes: Sequence[AnyChange], existing: Existing = "error") -> Appended:
        """Commit changes: all or nothing, durable as asked when it returns.

        Parents are checked (store, or earlier in the batch), ids are unique, completions end once, late
        fields fit, the run takes traces only while active. With ``existing="skip"`` a trace whose id the
        run has is left out.

        :raises StoreError: if a change does not fit; nothing is written.
        :raises BatchTooLargeError: over 10,000 changes or 64 MiB.
        :raises StorageError: if the engine cannot write.
        """
        ...

    def get(self, run_id: str, ids: Iterable[str]) -> list[Trace | None]:
        """Return the trace of each id, None where there is none."""
        ...

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
        """Read traces along an index: ``key`` is a type name, tag or parent id, ``lo`` ≤ time < ``hi``.

        Unknown keys give an empty page.

        :raises RunNotFoundError: if there is no such run.
        """
        ...

    def changes(self, run_id: str, after_rev: int = -1, limit: int | None = None) -> list[Change]:
        """Return the changes after a rev, in rev order."""
        ...

    def counts(self, run_id: str, index: Index) -> dict[str, int]:
        """Return name: traces, for TYPE and TAG, ordered by name."""
        ...

    def annotations(self, run_id: str, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of the run, in the order of commits."""
        ...

    def view(self, run_id: str) -> RunView:
        """Return the columns of a run."""
        ...

    def run(self, run_id: str) -> Run:
        """Return one run.

        :raises RunNotFoundError: if there is none of this id.
        """
        ...

    def runs(self, *, fresh: bool = True) -> list[Run]:
        """Return all runs, newest created first; ``fresh=False`` takes the catalog's word.

        A run that did not change since the last listing is the same object again.
        """
        ...

    def lately(self, count: int) -> list[Run] | None:
        """Return the runs that were written last, newest created first, if the others can only be listed slowly.

        None if ``runs(fresh=False)`` lists all at once.
        """
        ...

    def has_news(self, run_ids: Iterable[str]) -> bool:
        """Whether a listing would be another: runs came or went, or one of these changed, since the last one.

        Cheap: it looks at no other run. So it may miss a change of one of them, never for longer than one
        waits with the next listing. Never fails.
        """
        ...

    def digests(self) -> dict[str, bytes]:
        """Return run id: digest, of the runs that have one: what ``keep_digest`` was given, perhaps long ago."""
        ...

    def keep_digest(self, run: Run, digest: bytes) -> None:
        """Keep what an upper layer found out about a run of the last listing, while nothing changes in the run.

        It is a cache: it may be forgotten at any time.
        """
        ...

    def save_catalog(self, run_ids: Iterable[str] | None = None) -> None:
        """Write down what is known of all runs, or of some, for other processes. Never fails.

        For long-lived processes and care alone: commands that read write nothing.
        """
        ...

    def wait(self, revs: Mapping[str, int], timeout: float | None) -> dict[str, int]:
        """Wait until a run has more changes than named (run id: changes seen), or the timeout in seconds.

        Return the numbers of changes of those runs that moved; it may wake early with none. A deleted run
        is told by ``RunNotFoundError``.
        """
        ...

    def reindex(self, run_id: str, *, only_if_due: bool = False) -> bool:
        """Write what is derived from a run anew, or only if enough came since; return whether that was done.

        For long-lived processes that may write: commands that read never call it.
        """
        ...

    def delete_run(self, run_id: str) -> int:
        """Delete a run whole; return how many traces it had."""
        ...

    def check(self, run_id: str | None = None) -> list[Damage]:
        """Return every place in the files of a run, or of all, that is not what was written."""
        ...

    def close(self) -> None:
        """Let go of files; later calls raise ``ClosedError``."""
        ...


__all__ = [
    "MAX_CHANGES", "MAX_COMMIT_BYTES", "NO_TIME", "Appended", "Capabilities", "Existing", "Index", "Page",
    "RunView", "StorageBackend", "Stretch",
]  # fmt: skip
