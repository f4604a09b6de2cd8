"""Letting runs go, and making the others smaller: what ``gc`` does to a store in a folder.

Every run is judged twice: all of them by what is known, then each with its lock held, by what it is at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tracetui.errors import CorruptionError, FormatVersionError, RunNotFoundError
from tracetui.model.run import ENDED, Run
from tracetui.storage.files.engine import FileEngine
from tracetui.store.retention import PINNED, Holding, Rules, Verdict, judged, safe_because

DELETED, COMPRESSED, KEPT, LEFT_OVER = "delete", "compress", "keep", "left over"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run, or of a file that nobody needs; or would become of it."""

    action: str
    run: Run | None
    path: str
    before: int
    """Bytes."""
    after: int
    reason: str

    @property
    def freed(self) -> int:
        """Bytes that are free now."""
        return self.before - self.after


class Collection:
    """One round of ``gc``; with ``dry_run`` nothing is touched."""

    def __init__(
        self, engine: FileEngine, rules: Rules, *, now_ms: Callable[[], int], compress: bool, dry_run: bool
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._now_ms = now_ms
        self._compress = compress
        self._dry_run = dry_run
        self._damaged: set[str] = set()
        self._holdings = [Holding(*found) for found in engine.holdings()]

    def outcomes(self) -> Iterator[Outcome]:
        """Yield what is done as it is done: to left-over files, to runs that get smaller, then to all runs."""
        yield from self._strays()
        if self._compress:
            yield from self._shrink()
        for verdict in judged(self._holdings, self._rules, self._now_ms()):
            held = verdict.holding
            yield self._let_go(held, verdict.reason) if verdict.goes else _kept(held, self._why(verdict))
        if not self._dry_run:
            self._engine.save_catalog()

    def _why(self, verdict: Verdict) -> str:
        """Say why a run stays, or stays as large as it is."""
        is_damaged = verdict.holding.run.id in self._damaged
        return "damaged, so not compressed: `tracetui repair` first" if is_damaged else verdict.reason

    def _strays(self) -> Iterator[Outcome]:
        found = self._engine.strays() if self._dry_run else self._engine.remove_strays()
        for stray in found:
            yield Outcome(LEFT_OVER, None, stray.path, stray.size, 0, stray.reason)

    # ---- making runs smaller -----------------------------------------------------------------------------

    def _shrink(self) -> Iterator[Outcome]:
        """Compress the runs that ended, but for those that go whatever the size of the store."""
        judgement = judged(self._holdings, replace(self._rules, size=None), self._now_ms())
        goes = {verdict.holding.run.id for verdict in judgement if verdict.goes and self._rules.size is None}
        for number, held in enumerate(self._holdings):
            if held.run.id in goes or not _may_shrink(held.run):
                continue
            freed = self._smaller(held.run.id)
            if freed > 0:
                smaller = self._holdings[number] = replace(held, size=held.size - freed)
                yield Outcome(COMPRESSED, held.run, "", held.size, smaller.size, held.run.status)

    def _smaller(self, run_id: str) -> int:
        """Compress a run; return the bytes gained. One with damage is left as it is, for a repair."""
        try:
            if self._dry_run:
                before, after = self._engine.compressed_size(run_id)
                return before - after
            sizes = self._engine.compress_if(run_id, lambda run, _: _may_shrink(run))
            return 0 if sizes is None else sizes[0] - sizes[1]
        except CorruptionError:
            self._damaged.add(run_id)
            return 0
        except (RunNotFoundError, FormatVersionError):
            return 0

    # ---- letting runs go ---------------------------------------------------------------------------------

    def _let_go(self, held: Holding, reason: str) -> Outcome:
        """Delete a run, unless there is news of it."""
        try:
            gone = self._dry_run or self._engine.delete_if(
                held.run.id, lambda run, written_ms: self._still(held, run, written_ms)
            )
        except RunNotFoundError:
            gone = True
        except (CorruptionError, FormatVersionError):
            return _kept(held, "it cannot be read: `tracetui run delete` removes it")
        return (
            Outcome(DELETED, held.run, "", held.size, 0, reason)
            if gone
            else _kept(held, "it changed meanwhile")
        )

    def _still(self, held: Holding, run: Run, written_ms: int) -> bool:
        """Whether a run is still what it was when it was judged, and safe from nothing: asked with its lock held."""
        now = Holding(run, held.size, written_ms)
        same = (run.traces, run.last_ms, run.status) == (held.run.traces, held.run.last_ms, held.run.status)
        return same and safe_because(now, self._now_ms(), include_quiet=self._rules.include_quiet) is None


def _may_shrink(run: Run) -> bool:
    return run.status in ENDED and PINNED not in run.tags


def _kept(held: Holding, reason: str) -> Outcome:
    return Outcome(KEPT, held.run, "", held.size, held.size, reason)
