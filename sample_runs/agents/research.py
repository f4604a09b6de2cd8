"""A research agent with subagents: a planner, one searcher for each question, and a writer, over a small real index.

python sample_runs/agents/research.py --store DIR
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import tracetui
from tracetui import Database

sys.path.insert(0, str(Path(__file__).parent))
from kit import START_MS, Recorder, Reply, ToolError

LIBRARY = {
    "wal.md": "A write-ahead log records a change before the page that it changes. After a crash the log is replayed.",
    "fsync.md": "fsync returns when the data are on the medium. After a failed fsync the pages may be lost or clean.",
    "lsm.md": "An LSM tree buffers writes in memory and merges sorted runs in the background. Reads look at several runs.",
    "btree.md": "A B-tree keeps keys in order in pages. Writes change pages in place, so a log protects them from a crash.",
    "crc.md": "A checksum over each record finds torn writes: the last record of a log after a crash is often unfinished.",
    "flock.md": "flock locks a whole file for a descriptor. A forked child shares the descriptor, and with it the lock.",
    "mmap.md": "A mapped file is read like memory. If it is cut while it is mapped, touching what is gone raises SIGBUS.",
    "raft.md": "Raft elects a leader that orders log entries. An entry is committed when a majority has written it.",
}
QUESTIONS = ("how does a log survive a crash", "what does fsync promise", "what happens to locks after fork")


class SearchIndex:
    """Documents by the words in them."""

    def __init__(self, documents: dict[str, str]) -> None:
        self._documents = documents
        self._words: dict[str, set[str]] = {}
        for name, text in documents.items():
            for word in _words(text):
                self._words.setdefault(word, set()).add(name)

    def search(self, question: str) -> list[str]:
        """Return the names of documents, those with most of the question's words first."""
        hits = Counter(name for word in _words(question) for name in self._words.get(word, ()))
        return [
            name for name, count in sorted(hits.items(), key=lambda item: (-item[1], item[0])) if count > 1
        ]

    def read(self, name: str) -> str:
        """Return a document."""
        if name not in self._documents:
            raise ToolError(f"{name}: not in the library")
        return self._documents[name]


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 2]


def work(recorder: Recorder) -> None:
    """Answer the questions, one subagent each, and write the findings up."""
    index = SearchIndex(LIBRARY)
    with recorder.agent(None, "research crash safety") as lead:
        recorder.model(lead.trace_id, Reply("I will ask three questions at once.", ("search",) * 3, 900, 120), 2100,
                       prompt="How do storage engines survive crashes?")  # fmt: skip
        recorder.decide(
            lead.trace_id,
            "one agent or several?",
            ["one", "three"],
            "three",
            "the questions are independent",
            0.9,
        )
        notes = [note for question in QUESTIONS for note in _search(recorder, lead.trace_id, index, question)]
        with recorder.agent(lead.trace_id, "write up") as writer:
            recorder.think(writer.trace_id, f"{len(notes)} notes are enough for a page", 0.8)
            recorder.model(writer.trace_id, Reply("\n".join(notes), (), 2600, 420), 5200)
    recorder.end("completed")


def _search(recorder: Recorder, parent: str, index: SearchIndex, question: str) -> list[str]:
    """Let a subagent search, read what it found, and note the first sentence of each."""
    with recorder.agent(parent, f"search: {question}") as agent:
        here = agent.trace_id
        found = recorder.ask(here, "library", question, lambda: index.search(question), 320)
        recorder.model(
            here, Reply(f"{len(found)} documents look right.", ("read",) * len(found), 700, 60), 900
        )
        notes = []
        for name in [*found[:3], *(["paxos.md"] if "fsync" in question else [])]:
            try:
                text = recorder.tool(
                    here, "read", {"document": name}, partial(index.read, name), 45, tags=("io",)
                )
            except ToolError:
                recorder.think(here, f"{name} is not there, going on without it")
                continue
            notes.append(text.partition(".")[0] + ".")
        recorder.model(here, Reply(" ".join(notes), (), 1300, 140), 1600)
        return notes


def record(db: Database, start_ms: int, *, seed: int, name: str = "research-crash-safety") -> str:
    """Record one run; return its id."""
    recorder = Recorder(db, name, start_ms=start_ms, tags=("research",), seed=seed)
    work(recorder)
    return recorder.run.id


def main() -> None:
    """Record one run into a store."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--store", required=True)
    with tracetui.open(options.parse_args().store) as db:
        print(record(db, START_MS, seed=2))


if __name__ == "__main__":
    main()
