"""The campaign's size and its summary at the end of the run."""

from __future__ import annotations

import pytest

from tests.storage.files.campaign.report import Campaign, Row, table
from tracetui.storage.files import run as run_file

COUNTED = "faults survived"
"""The property of a test's report that holds a row: it comes back from workers too."""


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Campaign:
    """Return the campaign that a test reports to."""
    properties = request.node.user_properties
    return Campaign(
        bool(request.config.getoption("--long")), lambda row: properties.append((COUNTED, tuple(row)))
    )


@pytest.fixture(autouse=True)
def _small_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let writers of a few changes leave an index behind, so that it takes part in every story."""
    monkeypatch.setattr(run_file, "WRITER_CHANGES", 4)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was counted, passed tests included."""
    rows = [
        Row(*value)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == COUNTED
    ]
    if rows:
        terminalreporter.section(COUNTED + (" (--long)" if config.getoption("--long") else ""))
        for line in table(sorted(rows)):
            terminalreporter.write_line(line)
