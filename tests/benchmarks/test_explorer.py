from __future__ import annotations

from pathlib import Path

import tracetui
from benchmarks import explorer


def test_the_benchmark_measures_what_the_table_of_speeds_names(tmp_path: Path) -> None:
    """On a small run: the models with and without an index, each figure positive; every goal has a figure somewhere."""
    with tracetui.open(tmp_path) as db:
        run_id = explorer.fill(db, 600)
    found: dict[str, float] = {}
    for said in (explorer.WITHOUT, explorer.WITH):
        explorer.prepare(str(tmp_path), run_id, said)
        assert bool(list(tmp_path.rglob("*.idx"))) == (said == explorer.WITH)
        explorer.models(str(tmp_path), run_id, found, said)
    assert all(value >= 0 for value in found.values())
    assert {
        "open the log, no index (ms)",
        "open the log, with index (ms)",
        "5 MB payload ready (ms)",
    } <= found.keys()
    source = Path(explorer.__file__).read_text(encoding="utf-8")
    for goal in explorer.GOALS:
        assert source.count(goal.partition(",")[0]) >= 2, goal
