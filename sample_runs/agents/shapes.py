"""Runs of unusual shape: 2,000 levels deep, 10,000 traces wide, killed in a call, and one with hostile payloads.

python sample_runs/agents/shapes.py --store DIR deep|wide|killed|hostile
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from tracetui import Custom, Database, Error, Thought, ToolCall, TraceDraft
from tracetui.store.database import open_backend

sys.path.insert(0, str(Path(__file__).parent))
from kit import START_MS, Recorder

DEPTH, WIDTH = 2_000, 10_000

HOSTILE: tuple[tuple[str, str], ...] = (
    ("escape sequences", "\x1b[2J\x1b[31mred\x1b[0m \x1b[1;1Hhome \x1b]0;title\x07"),
    ("the clipboard", "\x1b]52;c;b3duZWQ=\x07 and \x1bPtmux;\x1b\x1b]52;c;b3duZWQ=\x07\x1b\\"),
    ("C1 control characters", "\x9b31m \x9d52;c;b3duZWQ=\x9c \x85 \x90"),
    ("bidirectional marks", "invoice\u202egpj.exe \u2066hidden\u2069 \u200f\u061c"),
    ("markup", "[/] [red]text[/red] [@click=app.bell]press[/] [INFO] [link=https://example.com]x[/link] [[]"),
    ("wide and combining", "日本語テキスト 👩‍👩‍👧 e\u0301\u0301\u0301 ｆｕｌｌ ﷽"),
    ("other controls", "a\x00b\x08\x08c\rOVERWRITTEN\x7f\x0b\x0c\tend"),
    ("lone surrogates", "half \ud83d of a pair"),
    ("a long line", "0123456789" * 20_000),
    ("many lines", "\n".join(f"line {n}" for n in range(2_000))),
)


def deep(db: Database, start_ms: int) -> str:
    """Record agents that call agents, 2,000 levels down, the last of which fails and all of which go on."""
    recorder = Recorder(db, "deep-recursion", start_ms=start_ms, tags=("shape",))
    drafts, parent = [], None
    for level in range(DEPTH - 1):
        name = f"level-{level:04d}"
        drafts.append(
            TraceDraft(Custom("Agent", {"level": level}), name, parent, metadata={"name": name}, timestamp=start_ms + level,
                       end_ms=start_ms + 2 * DEPTH - level)
        )  # fmt: skip
        parent = name
    drafts.append(
        TraceDraft(Error("RecursionError", "maximum depth reached, turning back", recoverable=True), "bottom", parent,
                   timestamp=start_ms + DEPTH, end_ms=start_ms + DEPTH)
    )  # fmt: skip
    recorder.store.record_many(recorder.run.id, drafts)
    db.end_run(recorder.run.id, ended_ms=start_ms + 2 * DEPTH)
    return recorder.run.id


def wide(db: Database, start_ms: int) -> str:
    """Record one agent that makes 9,999 small calls, some of which fail and are made again."""
    recorder = Recorder(db, "wide-fanout", start_ms=start_ms, tags=("shape",))
    root = TraceDraft(
        Custom("Agent"),
        "fanout",
        metadata={"name": "check every page"},
        timestamp=start_ms,
        end_ms=start_ms + 60_000,
    )
    drafts = [root]
    for number in range(1, WIDTH):
        begin = start_ms + number * 6
        failed = number % 1_000 == 999
        drafts.append(
            TraceDraft(ToolCall("fetch", {"page": number}, 503 if failed else 200), f"page-{number}", "fanout",
                       tags=("slow",) if number % 97 == 0 else (), timestamp=begin,
                       end_ms=begin + (400 if number % 97 == 0 else 30), status="error" if failed else "ok")
        )  # fmt: skip
    recorder.store.record_many(recorder.run.id, drafts)
    db.end_run(recorder.run.id, ended_ms=start_ms + 60_000)
    return recorder.run.id


def killed(location: str, start_ms: int) -> None:
    """Record a run in a process of its own that is killed in the middle of a call."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--store", location, "--start", str(start_ms), "hang"],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()


def hang(db: Database, start_ms: int) -> None:
    """Begin a call and never end it."""
    recorder = Recorder(db, "crawl-docs", start_ms=start_ms, tags=("crawl",))
    with recorder.agent(None, "crawl the documentation") as agent:
        for page in ("index", "install"):
            recorder.tool(
                agent.trace_id, "fetch", {"url": f"https://docs.example.com/{page}"}, lambda: "200 OK", 350
            )
        recorder.think(agent.trace_id, "the api page is large, this may take a while")
        with recorder.step(agent.trace_id, ToolCall("fetch", {"url": "https://docs.example.com/api"})):
            print("hanging", flush=True)
            signal.pause()


def hostile(db: Database, start_ms: int) -> str:
    """Record payloads that would clear the screen, set the clipboard or break a layout, were they not shown as text."""
    recorder = Recorder(
        db, "hostile-[red]payloads[/red]\x1b[31m", start_ms=start_ms, tags=("[bold]hostile", "\x1b[7mtag")
    )
    with recorder.agent(None, "read what the web says \x1b[5m[blink]") as agent:
        for name, payload in HOSTILE:
            recorder.tool(
                agent.trace_id,
                f"read [{name}]",
                {"what": name, "sample": payload[:300]},
                partial(str, payload),
                40,
            )
        recorder.note(
            agent.trace_id,
            Thought("\x1b]8;;https://example.com\x07click\x1b]8;;\x07 [/] it is only text", 0.99),
        )
    recorder.end("completed")
    return recorder.run.id


def main() -> None:
    """Record one run into a store."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--store", required=True)
    options.add_argument("--start", type=int, default=START_MS)
    options.add_argument("shape", choices=("deep", "wide", "killed", "hostile", "hang"))
    given = options.parse_args()
    if given.shape == "killed":
        killed(os.path.abspath(given.store), given.start)  # noqa: PTH100 - for another process
        return
    # Without naming its process in the run: a sample says nothing of the machine that it was made on.
    with Database(open_backend(given.store), owning=False) as db:
        {"deep": deep, "wide": wide, "hostile": hostile, "hang": hang}[given.shape](db, given.start)


if __name__ == "__main__":
    main()
