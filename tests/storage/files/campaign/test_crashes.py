"""Power cuts: media that a cut anywhere in a story may leave behind, each opened and compared with the book."""

from __future__ import annotations

from tests.storage.files.campaign.book import STORE
from tests.storage.files.campaign.crash import Crash
from tests.storage.files.campaign.medium import Fault, Process
from tests.storage.files.campaign.report import Campaign
from tests.storage.files.campaign.stories import Story
from tests.storage.files.campaign.test_derived import CATALOG
from tracetui.storage.files.engine import FileEngine

STATES = 25
"""Media looked at for each story."""


def test_a_power_cut_anywhere_leaves_what_was_acknowledged(campaign: Campaign) -> None:
    """Reordered, dropped and torn writes: what ``sync`` acknowledged is there, the rest whole or not at all."""
    trials = effective = traces = 0
    for seed, chance in enumerate(campaign.seeds(60, 1100)):
        story = Story(seed).tell()
        trace = story.medium.trace
        for _ in range(STATES):
            cut = chance.randint(0, len(trace))
            crash = Crash(trace[:cut])
            traces += story.book.compare(crash.state(chance), cut, power=True)
            effective += crash.is_unsure
            trials += 1
    assert traces > trials
    campaign.report("power cut: crash states of stories", trials, effective, at_least=0.6)


def test_a_power_cut_leaves_no_catalog_that_changes_a_list(campaign: Campaign) -> None:
    """Logs that lost bytes and look as they did: a list that is checked says what a list without a catalog does."""
    trials = effective = 0
    for seed, chance in enumerate(campaign.seeds(20, 240)):
        trace = Story(seed, durability="process").tell().medium.trace
        for _ in range(STATES):
            medium = Crash(trace[: chance.randint(len(trace) // 2, len(trace))]).state(chance)
            listed = FileEngine(STORE, disk=Process(medium)).runs()
            effective += CATALOG in medium.names
            medium.rename((CATALOG, None))
            assert listed == FileEngine(STORE, disk=Process(medium)).runs()
            trials += 1
    campaign.report("power cut: lists by a catalog that survived", trials, effective, at_least=0.2)


def test_a_power_cut_after_a_failed_sync_leaves_what_was_acknowledged(campaign: Campaign) -> None:
    """The system tells of a failed sync once and forgets the pages: nothing behind it may be acknowledged."""
    trials = effective = 0
    for seed, chance in enumerate(campaign.seeds(20, 240)):
        fault = Fault(chance.randrange(2, 12), call="sync_data")
        story = Story(seed, fault=fault, durability="sync").tell()
        trace = story.medium.trace
        for _ in range(STATES):
            cut = chance.randint(len(trace) // 2, len(trace))
            story.book.compare(Crash(trace[:cut]).state(chance), cut, power=True)
            effective += story.faulty.struck is not None
            trials += 1
    campaign.report("fsync fails once, then a power cut", trials, effective, at_least=0.5)
