"""What a short command costs from start to end: ``python -m benchmarks.starting [RUNS]``.

Each command is a process of its own, as a shell starts it, with its modules compiled; the commands take turns, so that
what else the machine does falls on all alike. Figures are medians in milliseconds of wall time and of processor time,
beside the goal. ``python -c "import typer"`` is what Typer alone costs, which both goals contain. They are printed, and
written to benchmarks/starting.json.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENTRY = ("-c", "from tracetui.cli.entry import main; main()")
"""As the installed script does it."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "bare python": ("-c", "pass"),
    "import typer": ("-c", "import typer"),
    "tracetui --help": (*ENTRY, "--help"),
    "tracetui record --help": (*ENTRY, "record", "--help"),
    "tracetui record tool": (*ENTRY, "record", "tool", "grep", "--run", "run-1"),
}
GOALS = {"tracetui --help": 80, "tracetui record tool": 80}


def measure(runs: int) -> dict[str, dict[str, float]]:
    """Return by command the medians of so many runs of each."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="tracetui-bench-") as store:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["TRACETUI_STORE"] = store
        once((*ENTRY, "run", "start", "--id", "run-1"), env)
        for _ in range(runs + 1):
            for name, words in COMMANDS.items():
                taken[name].append(once(words, env))
    return {name: _medians(times[1:]) for name, times in taken.items()}


def once(words: tuple[str, ...], env: dict[str, str]) -> tuple[float, float]:
    """Run Python with some words; return wall time and processor time in milliseconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], env=env, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def _medians(times: list[tuple[float, float]]) -> dict[str, float]:
    walls, busy = zip(*times, strict=True)
    return {
        "wall (ms)": round(statistics.median(walls), 1),
        "processor (ms)": round(statistics.median(busy), 1),
    }


def main() -> None:
    """Measure, print and write the figures."""
    figures = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
    for name, found in figures.items():
        goal = f"   goal {GOALS[name]}" if name in GOALS else ""
        print(f"{name:26}{found['wall (ms)']:8.1f} ms{found['processor (ms)']:8.1f} ms of a processor{goal}")
    if len(sys.argv) == 1:
        made = {"goals": GOALS, "figures": figures}
        (Path(__file__).parent / "starting.json").write_text(
            json.dumps(made, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
