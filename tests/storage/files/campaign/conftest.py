"""The campaign's size and its summary at the end of the run."""

from __future__ import annotations

import pytest

from tests.storage.files.campaign.report import Campaign
from tracetui.storage.files import run as run_file

CAMPAIGN = pytest.StashKey[Campaign]()


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Campaign:
    """Return the campaign that all tests of a session report to."""
    stash = request.config.stash
    if CAMPAIGN not in stash:
        stash[CAMPAIGN] = Campaign(bool(request.config.getoption("--long")))
    return stash[CAMPAIGN]


@pytest.fixture(autouse=True)
def _small_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let writers of a few changes leave an index behind, so that it takes part in every story."""
    monkeypatch.setattr(run_file, "WRITER_CHANGES", 4)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was counted, passed tests included."""
    campaign = config.stash.get(CAMPAIGN, None)
    if campaign is not None and campaign.rows:
        terminalreporter.section("faults survived" + (" (--long)" if campaign.is_long else ""))
        for line in campaign.lines():
            terminalreporter.write_line(line)
