"""Following a run: its changes as they are committed, each once, in the order of commits."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tracetui.model.change import Change
from tracetui.model.trace import Trace
from tracetui.storage.backend import StorageBackend

_PAGE = 1000


def follow_changes(
    backend: StorageBackend, run_id: str, after_rev: int = -1, timeout: float | None = None
) -> Iterator[Change]:
    """Yield changes after a rev; end when the run has ended and is drained, or ``timeout`` s without news.

    :raises RunNotFoundError: if the run is deleted meanwhile.
    """
    seen = after_rev
    quiet_since = time.monotonic()
    while True:
        ended = backend.run(run_id).ended
        page = backend.changes(run_id, seen, _PAGE)
        if page:
            yield from page
            seen = page[-1].rev
            quiet_since = time.monotonic()
            continue
        if ended:
            return
        left = None if timeout is None else quiet_since + timeout - time.monotonic()
        if left is not None and left <= 0:
            return
        backend.wait({run_id: seen + 1}, left)


def follow_traces(
    backend: StorageBackend, run_id: str, after_seq: int = -1, timeout: float | None = None
) -> Iterator[Trace]:
    """Yield traces after a seq, as ``follow_changes`` yields changes.

    The trace of seq s is a change of rev s + 1 at least (rev 0 is the run's creation), so following begins
    there instead of at the start.
    """
    for change in follow_changes(backend, run_id, max(after_seq + 1, -1), timeout):
        if change.kind == "trace" and change.seq > after_seq:
            yield change.value
