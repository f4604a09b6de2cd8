"""Stories: random programs of two processes on one store, told step by step into a book.

A story is the same for a seed, whatever goes wrong in it: each step happens or is refused with a typed error,
and the book keeps which. Only the first process may have a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.storage.files.campaign.book import STORE, Attempt, Book, Expected, Label, RunBook
from tests.storage.files.campaign.medium import Fault, Killed, Medium, Process
from tracetui import Thought, TraceDraft, TraceTuiError
from tracetui.model.change import AnyChange, amendment, annotation, completion, new_trace, run_patch
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine

SIZES = (3, 3, 20, 60, 300, 700, 1500)


@dataclass
class Teller:
    """A process of the story: its disk, its engine, and how it makes things durable."""

    disk: Process
    durability: str
    engine: FileEngine | None = None

    def opened(self) -> FileEngine:
        """Return the engine, opened if it is not."""
        if self.engine is None:
            self.engine = FileEngine(STORE, disk=self.disk, durability=self.durability, lock_seconds=0.0)
        return self.engine


class Story:
    """One program; ``tell`` runs it on a fresh medium."""

    def __init__(
        self, seed: int, steps: int = 14, fault: Fault | None = None, durability: str | None = None
    ) -> None:
        self.chance = Random(seed)
        self.medium = Medium()
        self.book = Book()
        kinds = [durability or self.chance.choice(["process", "sync", "sync"]) for _ in range(2)]
        self.tellers = [
            Teller(Process(self.medium, fault if n == 0 else None), kind) for n, kind in enumerate(kinds)
        ]
        self.faulty = self.tellers[0].disk
        self.sizes: tuple[int, ...] = SIZES
        self._steps = steps
        self._names = (f"{n}" for n in range(10_000))
        self.refusals = 0
        self._ending: set[str] = set()

    def tell(self) -> Story:
        """Take all steps; return the story."""
        for number, take in enumerate(self._script()):
            teller = self.tellers[self.chance.random() < 0.3]
            try:
                take(teller)
            except (TraceTuiError, KeyboardInterrupt):
                self.refusals += 1
            except Killed:
                self._replace(teller)
            assert number < 10_000
        for teller in self.tellers:
            self._close(teller)
        return self

    def _replace(self, teller: Teller) -> None:
        """Let another process go on where one was killed."""
        teller.engine = None
        teller.disk = Process(self.medium)

    def _close(self, teller: Teller) -> None:
        try:
            if teller.engine is not None:
                teller.engine.close()
        except (TraceTuiError, KeyboardInterrupt):
            self.refusals += 1
        except Killed:
            self._replace(teller)
        teller.engine = None

    def _script(self) -> Iterator[Callable[[Teller], None]]:
        yield lambda teller: self._create(teller, "r")
        others = [self._look, self._reopen, self._side_run, self._repair, self._tear, self._derive]
        for _ in range(self._steps):
            if self.chance.random() < 0.72:
                yield self._commit
            else:
                yield self.chance.choice(others)

    # ---- steps -------------------------------------------------------------------------------------------

    def _create(self, teller: Teller, run_id: str) -> None:
        run = self.book.runs[run_id] = RunBook()
        attempt = Attempt([("run", run_id)], len(self.medium.trace), synced=True)
        run.attempts.append(attempt)
        teller.opened().create_run(run_id, {"created_ms": 1, "name": run_id})
        attempt.end = len(self.medium.trace)

    def _commit(self, teller: Teller) -> None:
        run = self.book.runs["r"]
        changes, labels = self._changes(run)
        attempt = Attempt(labels, len(self.medium.trace), synced=teller.durability == "sync")
        run.attempts.append(attempt)
        try:
            appended = teller.opened().append("r", changes)
        except TraceTuiError as problem:
            attempt.refused = "survives" not in str(problem)
            raise
        attempt.end, attempt.first_rev = len(self.medium.trace), appended.first_rev
        assert appended.changes == len(changes)

    def _changes(self, run: RunBook) -> tuple[list[AnyChange], list[Label]]:
        made = [self._change(run) for _ in range(self.chance.choice([1, 1, 1, 2, 3, 5]))]
        return [change for change, _ in made], [label for _, label in made]

    def _change(self, run: RunBook) -> tuple[AnyChange, Label]:
        """Make a change that fits a run where all that is certain happened, and nothing else."""
        sure = [
            id
            for one in run.attempts
            if one.end <= len(self.medium.trace)
            for kind, id in one.labels
            if kind == "trace"
        ]
        tried = {id for one in run.attempts for kind, id in one.labels if kind == "completion"}
        ready = [id for id in sure if run.traces[id].open and id not in tried and id not in self._ending]
        name, kind = next(self._names), self.chance.random()
        if kind < 0.1 and ready:
            id = self.chance.choice(ready)
            self._ending.add(id)
            return completion(id, metadata={"end": 1}), ("completion", id)
        if kind < 0.2 and sure:
            id = self.chance.choice(sure)
            return amendment(id, tags=[f"{id}+{name}"]), ("amendment", f"{id}+{name}")
        if kind < 0.26 and sure:
            id = self.chance.choice(sure)
            return annotation(id, name, {}), ("annotation", f"{id}+{name}")
        if kind < 0.32:
            return run_patch({"name": name}), ("run", name)
        return self._trace(run, sure, name)

    def _trace(self, run: RunBook, sure: list[str], name: str) -> tuple[AnyChange, Label]:
        parent, waits = None, False
        if sure and self.chance.random() < 0.6:
            parent = self.chance.choice(sure)
        elif self.chance.random() < 0.1:
            parent, waits = f"not {name}", True
        content = name + "x" * self.chance.choice(self.sizes)
        is_open, tags = self.chance.random() < 0.3, [f"tag {name}"] * (self.chance.random() < 0.3)
        run.traces[name] = Expected(parent, waits, is_open, tags, content)
        draft = TraceDraft(
            Thought(content), id=name, parent_id=parent, await_parent=waits, open=is_open, tags=tags
        )
        return new_trace(draft), ("trace", name)

    def _look(self, teller: Teller) -> None:
        engine = teller.opened()
        engine.runs()
        engine.scan("r", Index.ALL)
        engine.check("r")

    def _reopen(self, teller: Teller) -> None:
        self._close(teller)
        teller.opened()

    def _side_run(self, teller: Teller) -> None:
        """Make another run and delete it."""
        run_id = f"side-{next(self._names)}"
        self._create(teller, run_id)
        run = self.book.runs[run_id]
        run.deleted = Attempt([], len(self.medium.trace))
        teller.opened().delete_run(run_id)
        run.deleted.end = len(self.medium.trace)

    def _repair(self, teller: Teller) -> None:
        teller.opened().repair("r")

    def _derive(self, teller: Teller) -> None:
        """Write what long-lived processes leave behind: the catalog, and an index in the middle of a run."""
        teller.opened().save_catalog()
        teller.opened().reindex("r")

    def _tear(self, teller: Teller) -> None:
        """Let a third process die in the middle of its write."""
        dying = Teller(
            Process(self.medium, Fault(0, "kill", call="write", part=self.chance.random())), "process"
        )
        try:
            self._commit(dying)
        except Killed:
            return
