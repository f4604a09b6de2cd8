from __future__ import annotations

import json
from pathlib import Path

import pytest

import tracetui
from benchmarks import explorer, explorer_stores, explorer_terminal


def test_the_benchmark_measures_what_the_table_of_speeds_names(tmp_path: Path) -> None:
    """On a small run: the models with and without an index, each figure positive; every goal has a figure somewhere."""
    original, working = tmp_path / "original", tmp_path / "working"
    with tracetui.open(original) as db:
        explorer_stores.fill(db, 600)
        db.reindex(explorer_stores.run_of(600))
    found: dict[str, float] = {}
    for said in (explorer_stores.WITHOUT, explorer_stores.WITH):
        explorer_stores.prepare(working, original, said)
        assert bool(list(working.rglob("*.idx"))) == (said == explorer_stores.WITH)
        explorer.models(str(working), explorer_stores.run_of(600), found, said)
    assert all(value >= 0 for value in found.values())
    assert {
        "open the log, no index (ms)",
        "open the log, with index (ms)",
        "5 MB payload ready (ms)",
    } <= found.keys()
    source = Path(explorer.__file__).read_text(encoding="utf-8")
    for goal in explorer.GOALS:
        name = goal.partition(", ")[0]
        assert source.count(name) >= 2 or any(each in goal for each in explorer.RECORDINGS), goal


def test_a_measuring_replaces_its_own_figures_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was measured of other sizes stays; each figure is told with whether its goal is reached at that size."""
    monkeypatch.setattr(explorer, "FILE", tmp_path / "explorer.json")
    toggled = {"toggle the root, worst (ms)": 120.0}
    explorer.keep("1,000,000", {"something (ms)": 1.0})
    explorer.keep("100,000", toggled)
    explorer.keep("1,000,000", toggled)
    known = json.loads((tmp_path / "explorer.json").read_text())
    assert known["figures"] == {"100,000": toggled, "1,000,000": toggled}
    explorer.tell(known["figures"])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines() if "toggle" in line] == [
        "MISSED",
        "reached",
    ]


def test_the_terminal_shows_the_run(tmp_path: Path) -> None:
    """Rows are seen, a key draws something, and the process is gone after the end."""
    with tracetui.open(tmp_path) as db:
        explorer_stores.fill(db, 600)
    terminal = explorer_terminal.Terminal(
        "--store", str(tmp_path), "open", f"run:{explorer_stores.run_of(600)}"
    )
    assert terminal.until(explorer_terminal.ROWS) > 0
    terminal.read_until_quiet(0.3)
    first, last = terminal.press(b"k")
    assert 0 < first <= last
    assert terminal.memory_mb() > 1
    terminal.close()
    assert not Path(f"/proc/{terminal.pid}").exists()
