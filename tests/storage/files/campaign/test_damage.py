"""Bytes that are not what was written: cut, added, flipped, lost by sectors, or taken from another log."""

from __future__ import annotations

from random import Random

import pytest

from tests.storage.files.campaign.book import STORE, changes_of
from tests.storage.files.campaign.crash import SECTOR
from tests.storage.files.campaign.medium import Medium, Process
from tests.storage.files.campaign.recordings import LOG, Recording, recording
from tests.storage.files.campaign.report import Campaign
from tracetui import CorruptionError
from tracetui.model.run import Damage
from tracetui.storage.files.engine import FileEngine


@pytest.fixture(scope="module")
def recorded() -> Recording:
    """Record a log of 14 frames."""
    return recording(14, 3)


def damage_in(medium: Medium) -> list[Damage]:
    """Return what a check finds."""
    return FileEngine(STORE, disk=Process(medium)).check("r")


def test_a_log_may_end_at_any_byte(campaign: Campaign) -> None:
    """Fifty frames, cut at every byte: the whole ones stay, the torn one is cut and saved, recording goes on."""
    log = recording(50, 1, sizes=(3, 20, 60))
    begun = log.attempts[0].end
    cuts = range(begun, len(log.content), 1 if campaign.is_long else 29)
    for cut in cuts:
        medium = log.medium(log.content[:cut])
        log.book.compare(medium, cut)
        whole = max(one.end for one in log.attempts if one.end <= cut)
        saved = [bytes(medium.names[path].data) for path in medium.paths("") if ".torn-" in path]
        assert saved == ([log.content[whole:cut]] if cut > whole else [])
    for cut in range(begun):
        with pytest.raises(CorruptionError):
            FileEngine(STORE, disk=Process(log.medium(log.content[:cut]))).run("r")
    campaign.report("log of 50 frames cut at every byte", len(cuts) + begun, len(cuts) + begun, at_least=1)


def tail(log: Recording, chance: Random) -> bytes:
    """Return bytes that were never a frame at this place: zeros, noise, old pieces of the log, halves of frames."""
    kind = chance.randrange(5)
    if kind == 0:
        return bytes(chance.randrange(1, 9000))
    if kind == 1:
        return chance.randbytes(chance.randrange(1, 900))
    if kind == 2:
        start = chance.choice(log.attempts[1:]).start
        return log.content[start : chance.randint(start + 1, len(log.content))]
    if kind == 3:
        return b"\xff" * chance.randrange(1, 5000)
    return (
        bytes(chance.randrange(600))
        + bytes([0xA0 | chance.randrange(8)])
        + chance.randbytes(chance.randrange(80))
    )


def test_a_tail_that_is_no_frame_is_cut_and_saved(campaign: Campaign, recorded: Recording) -> None:
    """Zeros, noise and stale pieces: nothing of them is read, nothing of the log is lost."""
    trials = 0
    for chance in campaign.seeds(250, 5000):
        added = tail(recorded, chance)
        medium = recorded.medium(recorded.content + added)
        assert [(d.offset, d.length) for d in damage_in(medium)] == [(len(recorded.content), len(added))]
        recorded.book.compare(medium, len(recorded.content))
        trials += 1
    campaign.report("garbage, zero and stale tails", trials, trials, at_least=1)


def test_a_flipped_bit_takes_one_frame_at_most(campaign: Campaign, recorded: Recording) -> None:
    """It is reported where it is; every other frame is read, with its numbers."""
    trials = effective = 0
    for chance in campaign.seeds(600, 20_000):
        offset = chance.randrange(len(recorded.content))
        flipped = bytearray(recorded.content)
        flipped[offset] ^= 1 << chance.randrange(8)
        medium = recorded.medium(bytes(flipped))
        hit = recorded.frame_at(offset)
        bounds = recorded.attempts[hit]
        damage = damage_in(medium)
        assert damage, "nobody noticed"
        assert all(bounds.start <= found.offset < bounds.end for found in damage)
        recorded.without(hit).compare(medium, len(recorded.content))
        effective += 1
        trials += 1
    campaign.report("single bit flips", trials, effective, at_least=1)


def test_lost_sectors_of_the_unsynced_part_take_what_they_hold(
    campaign: Campaign, recorded: Recording
) -> None:
    """Zeros where 512 bytes never reached the medium: what was synced is there, holes are reported."""
    trials = effective = 0
    for chance in campaign.seeds(350, 11_000):
        synced = chance.choice(recorded.attempts[:-2]).end
        content = bytearray(recorded.content)
        first = synced - synced % SECTOR
        lost = [at for at in range(first, len(content), SECTOR) if chance.random() < 0.3]
        for at in lost:
            start, end = max(at, synced), min(at + SECTOR, len(content))
            content[start:end] = bytes(end - start)
        if chance.random() < 0.4:
            del content[chance.randint(synced, len(content)) :]
        recorded.synced_to(synced).compare(recorded.medium(bytes(content)), len(recorded.content), power=True)
        effective += content != recorded.content
        trials += 1
    campaign.report("lost 512-byte sectors of the unsynced part", trials, effective, at_least=0.9)


@pytest.mark.parametrize("whose", ["another log", "the log itself"])
def test_a_log_inside_a_broken_frame_is_not_read(campaign: Campaign, whose: str) -> None:
    """An agent printed a log: frames of another salt, or of this log's past, are no frames of it."""
    pasted = recording(9, 8).content if whose == "another log" else b""
    log = recording(12, 5, pasted)
    hit = log.attempts[6]
    trials = effective = 0
    for chance in campaign.seeds(60, 1000):
        content = bytearray(log.content)
        start = chance.randrange(hit.start, hit.start + 60)
        length = chance.randrange(1, 60)
        content[start : start + length] = chance.randbytes(length)
        medium = log.medium(bytes(content))
        log.without(6).compare(medium, len(log.content))
        effective += "pasted" not in [
            name for _, (_, name) in changes_of(FileEngine(STORE, disk=Process(medium)), "r")
        ]
        trials += 1
    campaign.report(f"{whose} inside a broken frame", trials, effective, at_least=0.9)


def test_the_medium_is_as_the_engine_finds_files(recorded: Recording) -> None:
    """The campaign's own ground: an undamaged log is clean, and the comparison sees a missing commit."""
    medium = recorded.medium(recorded.content)
    assert damage_in(medium) == []
    assert recorded.book.compare(medium, len(recorded.content)) > 10
    short = recorded.medium(recorded.content[: recorded.attempts[-1].start])
    with pytest.raises(AssertionError, match="acknowledged and gone"):
        recorded.book.compare(short, len(recorded.content))
    assert LOG in medium.names
