"""The campaign's size; ``tests/conftest.py`` has its summary at the end of the run."""

from __future__ import annotations

import pytest

from tests.storage.files.campaign.report import COUNTED, Campaign
from tracetui.storage.files import run as run_file


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
