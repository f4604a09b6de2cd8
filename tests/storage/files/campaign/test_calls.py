"""System calls that fail, stop half way, or are the last ones of their process: each of a story in turn."""

from __future__ import annotations

import errno

import pytest

from tests.storage.files.campaign.book import STORE, Attempt, Book, Expected, RunBook
from tests.storage.files.campaign.medium import Fault, Killed, Medium, Process
from tests.storage.files.campaign.report import Campaign
from tests.storage.files.campaign.stories import Story
from tracetui import Thought, TraceDraft, WriteFailedError
from tracetui.model.change import new_trace
from tracetui.storage.files.engine import FileEngine

FAILURES = [
    Fault(0, failure=errno.ENOSPC, part=0.5),
    Fault(0, failure=errno.EIO),
    Fault(0, failure=errno.EINTR),
    Fault(0, failure=errno.EIO, part=0.9, forever=True),
    Fault(0, failure=errno.ENOSPC, forever=True),
]
ENDINGS = [
    Fault(0, "kill", part=0.6),
    Fault(0, "kill", after=True),
    Fault(0, "interrupt", part=0.3),
    Fault(0, "interrupt", after=True),
]


def at(fault: Fault, number: int) -> Fault:
    """Return a fault for another call."""
    return Fault(number, fault.kind, fault.call, fault.failure, fault.part, fault.after, fault.forever)


def every_call(faults: list[Fault], seeds: range, *, all_of_them: bool) -> tuple[int, int]:
    """Tell each story once for each of its calls and faults, or with one fault a call; return trials and hits."""
    trials = effective = 0
    for seed in seeds:
        number = 0
        struck = True
        while struck:
            struck = False
            for fault in faults if all_of_them else [faults[(number + seed) % len(faults)]]:
                story = Story(seed, fault=at(fault, number)).tell()
                story.book.compare(story.medium)
                struck = struck or story.faulty.struck is not None
                effective += story.faulty.struck is not None
                trials += 1
            number += 1
    return trials, effective


@pytest.mark.parametrize(
    ("kind", "faults"), [("fails (ENOSPC, EIO, EINTR)", FAILURES), ("is the last: kill, interrupt", ENDINGS)]
)
def test_any_call_may_go_wrong(campaign: Campaign, kind: str, faults: list[Fault]) -> None:
    """Every k-th call of every story: typed errors, what was acknowledged is there, what was refused is not."""
    trials, effective = every_call(faults, range(campaign.count(5, 24)), all_of_them=campaign.is_long)
    campaign.report(f"every k-th system call {kind}", trials, effective, at_least=0.9)


@pytest.mark.parametrize("kind", ["short", "fail", "kill"])
@pytest.mark.parametrize("durability", ["process", "sync"])
def test_a_write_may_end_at_any_byte(campaign: Campaign, kind: str, durability: str) -> None:
    """A short write is finished, a full disk undone, a killed writer's torn tail cut: at each byte of a frame."""
    size = write_ends(0, "short", durability)
    for taken in range(size):
        assert write_ends(taken, kind, durability) == size
    campaign.report(f"write ends at every byte: {kind}, {durability}", size, size, at_least=1)
    assert size > 300


def write_ends(taken: int, kind: str, durability: str) -> int:
    """Let the write of a commit end after some bytes, and look; return how many it wanted to write."""
    medium, book = Medium(), Book()
    FileEngine(STORE, disk=Process(medium)).create_run("r", {"created_ms": 1, "name": "r"})
    traces = {id: Expected(None, waits=False, open=False, tags=[], content=id * 150) for id in "ab"}
    commit = Attempt([("trace", "a"), ("trace", "b")], 0)
    book.runs["r"] = RunBook([Attempt([("run", "r")], 0, 0), commit], traces)
    disk = Wanting(medium, Fault(0, kind, "write", errno.ENOSPC, taken))
    engine = FileEngine(STORE, disk=disk, durability=durability)
    try:
        engine.append("r", [new_trace(TraceDraft(Thought(id * 150), id=id)) for id in "ab"])
        commit.end = 0
    except WriteFailedError as problem:
        assert "nothing of this commit was kept" in str(problem)
        commit.refused = True
    except Killed:
        assert kind == "kill"
    assert (kind == "short") == (commit.end == 0)
    book.compare(medium)
    return disk.wanted


class Wanting(Process):
    """A process that remembers the longest write."""

    wanted = 0

    def write(self, fd: int, data: bytes) -> int:
        """Write, and remember how much."""
        self.wanted = max(self.wanted, len(data))
        return super().write(fd, data)
