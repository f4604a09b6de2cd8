"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import tracetui
from tests.storage.files.campaign.report import COUNTED, Row, table

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

# Timing must decide nothing: no deadlines, and the same examples in every run.
settings.register_profile(
    "tracetui", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tracetui")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch for all of the fault campaign instead of its share."""
    parser.addoption("--long", action="store_true", help="run the whole fault campaign: docs/faults.md")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what the fault campaign counted, passed tests included: here, since workers read the other conftests alone."""
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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real recordings; missing it fails in CI and skips elsewhere."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real recordings are not at {SHARED_DATA}")
        pytest.skip("the real recordings are not beside this checkout")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's own store, cache and settings out of every test."""
    for name in [name for name in os.environ if name.startswith("TRACETUI_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))


@pytest.fixture(params=["memory", "files", "files-sync"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tracetui.Database]:
    """Open a fresh store on each engine."""
    if request.param == "memory":
        opened = tracetui.open("memory://")
    else:
        sync = request.param == "files-sync"
        opened = tracetui.open(tmp_path / "store", durability="sync" if sync else "process")
    with opened:
        yield opened


@pytest.fixture
def store(db: tracetui.Database) -> tracetui.TraceStore:
    """Return a TraceStore on each engine."""
    return tracetui.TraceStore(db)


@pytest.fixture
def run_id(db: tracetui.Database) -> str:
    """Return the id of an active run in the store of ``db``."""
    return db.create_run("test run").id
