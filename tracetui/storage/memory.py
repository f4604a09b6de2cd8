"""The engine that keeps runs in memory: the same decisions and indices as any other, and no file."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from sortedcontainers import SortedKeyList

from tracetui.errors import ClosedError, RunExistsError, RunNotFoundError
from tracetui.model.change import Annotation, AnyChange, Change, RunPatch
from tracetui.model.clock import now_ms
from tracetui.model.run import Damage, Run
from tracetui.model.trace import Trace
from tracetui.model.value import Value
from tracetui.storage.backend import Appended, Capabilities, Existing, Index, Page, RunView, Stretch
from tracetui.storage.decide import decide, decide_traces
from tracetui.storage.state.commits import apply, apply_traces
from tracetui.storage.state.paging import page
from tracetui.storage.state.tail import Tail
from tracetui.storage.view import LiveView


class _Held:
    """Bodies that are their own references."""

    def read(self, ref: Any) -> bytes:
        """Return the reference itself."""
        return bytes(ref)

    def read_many(self, refs: Sequence[Any]) -> Sequence[bytes]:
        """Return the references themselves."""
        return refs

    def stretches(self, refs: Sequence[Any], owners: Sequence[int]) -> Iterator[Stretch]:
        """Yield the bodies end to end, a byte that stands in none of them between two, 512 at a time."""
        for at in range(0, len(refs), 512):
            part = refs[at : at + 512]
            starts = list(accumulate((len(body) + 1 for body in part), initial=0))
            ends = [start + len(body) for start, body in zip(starts, part, strict=False)]
            yield Stretch(b"\xc1".join(part), owners[at : at + 512], starts[:-1], ends)

    def data_of(self, stretch: Stretch) -> bytes:
        """Return the data of a stretch: it is in memory."""
        return stretch.data

    def place(self, ref: Any) -> tuple[str, int]:  # noqa: ARG002 - all are in one place
        """Return where runs in memory are."""
        return MemoryEngine.location, 0


class MemoryEngine:
    """Runs in memory, gone with the process."""

    capabilities = Capabilities(persistent=False, multi_process=False, push_wakeups=True)
    location = "memory://"

    def __init__(self) -> None:
        self._tails: dict[str, Tail] = {}
        self._order: SortedKeyList[Tail, tuple[int, str]] = SortedKeyList(
            key=lambda tail: (tail.record.created_ms, tail.record.run_id)
        )
        self._news = threading.Condition()
        self._listed: dict[str, tuple[int, Run]] = {}
        """By run id: the changes that a run had when it was last listed, and the run as of then."""
        self._closed = False

    def _tail(self, run_id: str) -> Tail:
        if self._closed:
            raise ClosedError(self.location)
        tail = self._tails.get(run_id)
        if tail is None:
            raise RunNotFoundError(run_id)
        return tail

    def create_run(self, run_id: str, values: Mapping[str, Value]) -> Run:
        """Make a run; see ``StorageBackend.create_run``."""
        with self._news:
            if self._closed:
                raise ClosedError(self.location)
            if run_id in self._tails:
                raise RunExistsError(run_id)
            tail = Tail(run_id, _Held())
            tail.change_run(dict(values))
            self._tails[run_id] = tail
            self._order.add(tail)
        return tail.run()

    def append(self, run_id: str, changes: Sequence[AnyChange], existing: Existing = "error") -> Appended:
        """Commit changes; see ``StorageBackend.append``."""
        tail = self._tail(run_id)
        with tail.lock:
            self._tail(run_id)
            commit = _taken(tail, changes, existing)
        with self._news:
            self._news.notify_all()
        return commit

    def get(self, run_id: str, ids: Iterable[str]) -> list[Trace | None]:
        """Return the trace of each id."""
        return self._tail(run_id).traces_of(ids)

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
        return page(self._tail(run_id), index, key, after, lo, hi, limit)

    def changes(self, run_id: str, after_rev: int = -1, limit: int | None = None) -> list[Change]:
        """Return the changes after a rev."""
        return self._tail(run_id).changes(after_rev, limit)

    def counts(self, run_id: str, index: Index) -> dict[str, int]:
        """Return name: traces, for types or tags."""
        tail = self._tail(run_id)
        return tail.type_counts() if index is Index.TYPE else tail.tag_counts()

    def annotations(self, run_id: str, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of the run."""
        return self._tail(run_id).annotations(trace_id)

    def view(self, run_id: str) -> RunView:
        """Return the columns of a run."""
        return LiveView(run_id, lambda: self._tail(run_id))

    def run(self, run_id: str) -> Run:
        """Return one run."""
        return self._tail(run_id).run()

    def runs(self, *, fresh: bool = True) -> list[Run]:  # noqa: ARG002 - memory is always fresh
        """Return all runs, newest created first."""
        if self._closed:
            raise ClosedError(self.location)
        with self._news:
            runs = [self._as_listed(tail) for tail in reversed(self._order)]
            self._listed = {run.id: self._listed[run.id] for run in runs}
            return runs

    def lately(self, count: int) -> list[Run] | None:  # noqa: ARG002 - all are listed at once
        """Return None: there is no slow listing."""
        return None

    def has_news(self, run_ids: Iterable[str]) -> bool:  # noqa: ARG002 - all are looked at
        """Whether runs came or went or changed since the last listing."""
        with self._news:
            known = {tail.record.run_id: tail.rev for tail in self._order}
            return known != {run_id: rev for run_id, (rev, _) in self._listed.items()}

    def _as_listed(self, tail: Tail) -> Run:
        known = self._listed.get(tail.record.run_id)
        if known is None or known[0] != tail.rev:
            known = self._listed[tail.record.run_id] = tail.rev, tail.run()
        return known[1]

    def digests(self) -> dict[str, bytes]:
        """Return nothing: what one process found out it has."""
        return {}

    def keep_digest(self, run: Run, digest: bytes) -> None:
        """Do nothing: there is no other process to keep it for."""

    def save_catalog(self, run_ids: Iterable[str] | None = None) -> None:
        """Do nothing: there is no file."""

    def wait(self, revs: Mapping[str, int], timeout: float | None) -> dict[str, int]:
        """Wait for news; see ``StorageBackend.wait``."""

        def moved() -> dict[str, int]:
            return {name: rev for name, seen in revs.items() if (rev := self._tail(name).rev) > seen}

        with self._news:
            self._news.wait_for(moved, timeout)
            return moved()

    def reindex(self, run_id: str, *, only_if_due: bool = False) -> bool:  # noqa: ARG002 - nothing is derived here
        """Do nothing: memory has no index."""
        self._tail(run_id)
        return False

    def delete_run(self, run_id: str) -> int:
        """Delete a run whole; return how many traces it had."""
        with self._news:
            tail = self._tail(run_id)
            with tail.lock:
                del self._tails[run_id]
                self._order.remove(tail)
            self._news.notify_all()
        return tail.count

    def check(self, run_id: str | None = None) -> list[Damage]:
        """Return nothing: memory does not rot."""
        if run_id is not None:
            self._tail(run_id)
        return []

    def close(self) -> None:
        """Forget everything."""
        self._closed = True
        with self._news:
            self._news.notify_all()


def _taken(tail: Tail, changes: Sequence[AnyChange], existing: Existing) -> Appended:
    """Decide a commit and take it over."""
    now = now_ms()
    traces = decide_traces(tail, changes, now)
    if traces is not None:
        apply_traces(tail, traces)
        count = len(traces.times)
        return Appended(traces.first_seq, traces.first_rev, count, count)
    commit = decide(tail, changes, existing, now)
    bodies = [b"" if isinstance(e.change, RunPatch) else e.change.body for e in commit.entries]
    apply(tail, commit, bodies)
    return Appended(commit.first_seq, commit.first_rev, commit.traces, len(commit.entries), commit.skipped)
