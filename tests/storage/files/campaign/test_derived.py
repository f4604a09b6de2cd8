"""Index and catalog files that are not what they should be: derived, so no answer may change."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random

import pytest

from tests.storage.files.campaign.book import STORE
from tests.storage.files.campaign.medium import Medium, Process
from tests.storage.files.campaign.recordings import IDENTITY, LOG, Recording, recording
from tests.storage.files.campaign.report import Campaign
from tests.storage.files.test_index import everything
from tracetui.model.run import Run
from tracetui.storage.files.engine import FileEngine

INDEX, CATALOG = LOG.removesuffix(".log") + ".idx", f"{STORE}/catalog.idx"


@dataclass
class Indexed:
    """A log with indexes of it: one that covers all, one that covers less, and what the log alone says."""

    log: Recording

    @cached_property
    def whole(self) -> bytes:
        """The index of all of the log."""
        return index_of(self.log.medium(self.log.content))

    @cached_property
    def older(self) -> bytes:
        """The index of the log as it was three commits before."""
        return index_of(self.log.medium(self.log.content[: self.log.attempts[-3].start]))

    @cached_property
    def cuts(self) -> dict[int, object]:
        """Some ends of the log, with all that it says then."""
        return {one.end: said(self.log.medium(self.log.content[: one.end])) for one in self.log.attempts[-8:]}


def index_of(medium: Medium) -> bytes:
    """Write the index of the one run of a medium; return it."""
    assert FileEngine(STORE, disk=Process(medium)).reindex("r")
    return bytes(medium.names[INDEX].data)


def said(medium: Medium) -> object:
    """Return all that is known of the one run."""
    return everything(FileEngine(STORE, disk=Process(medium)))


@pytest.fixture(scope="module")
def logs() -> list[Indexed]:
    """Record three logs of other lengths."""
    return [Indexed(recording(frames, seed)) for frames, seed in ((9, 11), (14, 12), (30, 13))]


# ---- ways to spoil a file --------------------------------------------------------------------------------


def flipped(data: bytes, chance: Random) -> bytes:
    """Flip a bit, or a few."""
    spoilt = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 7])):
        spoilt[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def truncated(data: bytes, chance: Random) -> bytes:
    """Cut it anywhere, the empty file included."""
    return data[: chance.randrange(len(data))]


def lost(data: bytes, chance: Random) -> bytes:
    """Leave zeros where a sector, or the rest, did not reach the medium."""
    start = chance.randrange(len(data)) // 512 * 512
    end = chance.choice([start + 512, len(data)])
    return data[:start] + bytes(len(data[start:end])) + data[end:]


def lengthened(data: bytes, chance: Random) -> bytes:
    """Add what nobody announced."""
    return data + chance.randbytes(chance.randrange(1, 3000))


def replaced(data: bytes, chance: Random) -> bytes:
    """Put something else there."""
    return chance.choice([b"", b"\n", chance.randbytes(len(data)), bytes(len(data)), IDENTITY])


SPOILERS = [flipped, truncated, lost, lengthened, replaced]


def of_version(version: int, data: bytes, sums_at: int, reach: Callable[[bytes], bytes]) -> bytes:
    """Return a file that says it is of another version, its checksum right."""
    changed = bytearray(data)
    changed[8:10] = version.to_bytes(2, "little")
    changed[sums_at : sums_at + 4] = zlib.crc32(reach(bytes(changed))).to_bytes(4, "little")
    return bytes(changed)


# ---- indexes ---------------------------------------------------------------------------------------------


def test_a_damaged_index_changes_no_answer(campaign: Campaign, logs: list[Indexed]) -> None:
    """Flipped, cut, zeroed, lengthened, replaced: all that is said of the run is what its log says."""
    trials = effective = 0
    for chance in campaign.seeds(100, 2000):
        one = chance.choice(logs)
        index = chance.choice([one.whole, one.older])
        spoilt = chance.choice(SPOILERS)(index, chance)
        effective += spoilt != index
        assert_no_answer_changes(one, len(one.log.content), spoilt)
        trials += 1
    campaign.report("index damaged, truncated", trials, effective, at_least=0.95)


def assert_no_answer_changes(one: Indexed, end: int, index: bytes) -> None:
    """Assert that a log says the same with this beside it, that it is written on, and indexed anew."""
    medium = one.log.medium(one.log.content[:end])
    medium.write_file(INDEX, index)
    engine = FileEngine(STORE, disk=Process(medium))
    assert everything(engine) == one.cuts[end]
    assert {damage.path for damage in engine.check("r")} <= {INDEX}
    assert engine.reindex("r")
    assert said(medium) == one.cuts[end]


def test_an_index_of_something_else_changes_no_answer(campaign: Campaign, logs: list[Indexed]) -> None:
    """Ahead of its log, of another run, of the run before a repair, of another version, older than its log."""
    kinds = ["ahead of the log", "of another run", "of another version", "older than the log"]
    struck = dict.fromkeys(kinds, 0)
    for number, chance in enumerate(campaign.seeds(100, 2000)):
        one, kind = chance.choice(logs), kinds[number % len(kinds)]
        end, index = len(one.log.content), one.whole
        if kind == "ahead of the log":
            end = chance.choice([cut for cut in one.cuts if cut < end])
        elif kind == "of another run":
            index = chance.choice([other.whole for other in logs if other is not one])
        elif kind == "of another version":
            index = of_version(chance.choice([0, 2, 3, 0xFFFF]), index, 60, lambda data: data[:60])
        else:
            index = one.older
        assert_no_answer_changes(one, end, index)
        struck[kind] += 1
    for kind, trials in struck.items():
        campaign.report(f"index {kind}", trials, trials, at_least=1)


def test_a_repaired_log_is_not_read_by_its_old_index(campaign: Campaign, logs: list[Indexed]) -> None:
    """The copy has a new salt; an index that is put back beside it is of another log."""
    trials = 0
    for chance in campaign.seeds(10, 200):
        one = chance.choice(logs)
        hit = one.log.attempts[chance.randrange(1, len(one.log.attempts) - 1)]
        content = bytearray(one.log.content)
        content[hit.start + 2] ^= 0xFF
        medium = one.log.medium(bytes(content))
        FileEngine(STORE, disk=Process(medium)).repair("r")
        wanted = said(medium)
        medium.write_file(INDEX, one.whole)
        assert said(medium) == wanted
        trials += 1
    campaign.report("index of the log before its repair", trials, trials, at_least=1)


# ---- catalogs --------------------------------------------------------------------------------------------


def stored(logs: list[Indexed], names: str) -> Medium:
    """Return a medium of several runs: copies of logs under names of their own are read as damaged runs."""
    medium = logs[0].log.medium(logs[0].log.content)
    engine = FileEngine(STORE, disk=Process(medium))
    for number, name in enumerate(names):
        engine.create_run(f"run {name}", {"created_ms": 100 + number, "name": name, "tags": [name] * number})
    engine.save_catalog()
    return medium


def listed(medium: Medium, *, fresh: bool = True) -> list[Run]:
    """Return the runs as a process lists them that just began."""
    return FileEngine(STORE, disk=Process(medium)).runs(fresh=fresh)


def test_a_damaged_catalog_changes_no_answer(campaign: Campaign, logs: list[Indexed]) -> None:
    """Flipped, cut, zeroed, lengthened, replaced, of another version: the list is that of the logs, checked or not."""
    medium = stored(logs, "abcdef")
    catalog, wanted = bytes(medium.names[CATALOG].data), listed(medium)
    assert len(wanted) == 7
    trials = effective = 0
    for chance in campaign.seeds(100, 2000):
        spoil = chance.choice([*SPOILERS, None])
        if spoil is None:
            version = chance.choice([0, 1, 3, 0xFFFF])
            spoilt = of_version(version, catalog, 20, lambda data: data[:20] + data[24:])
        else:
            spoilt = spoil(catalog, chance)
        effective += spoilt != catalog
        medium.write_file(CATALOG, spoilt)
        assert listed(medium, fresh=False) == wanted
        assert listed(medium) == wanted
        trials += 1
    campaign.report("catalog damaged, truncated, of another version", trials, effective, at_least=0.95)


def test_a_catalog_of_something_else_changes_no_checked_answer(
    campaign: Campaign, logs: list[Indexed]
) -> None:
    """Of another store, or ahead of logs that were cut, deleted and made anew since: a checked list is that of the logs."""
    trials = 0
    for chance in campaign.seeds(50, 1000):
        medium = stored(logs, "abcd")
        catalog = bytes(medium.names[CATALOG].data)
        if chance.random() < 0.3:
            catalog = bytes(stored(logs, "cdefg").names[CATALOG].data)
        else:
            change(medium, chance)
        medium.rename((CATALOG, None))
        wanted = listed(medium)
        medium.write_file(CATALOG, catalog)
        assert listed(medium) == wanted
        trials += 1
    campaign.report("catalog of another store, or ahead of its logs", trials, trials, at_least=1)


def change(medium: Medium, chance: Random) -> None:
    """Let a log be cut, deleted, or deleted and made anew, by somebody who does not know of the catalog."""
    paths = medium.paths(".log")
    path, kind = chance.choice(paths), chance.randrange(3)
    data = bytes(medium.names[path].data)
    if kind == 0:
        medium.write_file(path, data[: chance.randrange(len(data))])
    else:
        medium.rename((path, None))
        if kind == 2:
            medium.write_file(path, data)
