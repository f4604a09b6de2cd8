"""The workload of the engine's benchmark: agent-shaped trees of the six types, the same at every run.

Turns of about a dozen steps below one agent, some of them nested; 0 to 5 tags; text such as agents read and write.
Packed, a trace has 660 bytes in the median, 1.5 KB in the mean, 16 KB at p99 and 100 KB at most (``sizes``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tracetui import Custom, Decision, Error, Query, Thought, ToolCall, TraceType
from tracetui.model.value import pack

START_MS = 1_790_000_000_000
NEEDLE = "Zyxomma petiolatum"
"""A text that stands in one trace of a thousand and nowhere else."""

_MEDIAN, _SIGMA, _FIXED, _LONGEST = 470, 1.45, 140, 98_000
_PROSE = (
    "def return self import the of and error file path test assert value = == ( ) { } [ ] -> None True if for in"
    " not with open read write line token parse request response status 200 404 src/app/auth.py tests/test_auth.py"
    " build failed passed retry timeout connection refused Traceback most recent call last module attribute config"
    " json yaml commit branch merge diff --git a/ b/ index 0000 user agent model prompt answer question because"
)
_TAGS = [
    "shell", "edit", "search", "plan", "retry", "slow", "cached", "auth", "db", "ui", "ci", "docs", "net", "tool:grep",
    "tool:bash", "turn", "root-cause", "draft", "final", "checked",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """A trace to record; ``parent`` is the number of an earlier item, −1 for a root."""

    parent: int
    trace_type: TraceType
    tags: tuple[str, ...]
    metadata: Any
    timestamp: int


class _Texts:
    """Text of any length, cut from a megabyte that was written once."""

    def __init__(self, chance: random.Random) -> None:
        words = _PROSE.split()
        lines = (" ".join(chance.choices(words, k=chance.randint(2, 14))) for _ in range(20_000))
        self._text = "\n".join(lines)
        self._chance = chance

    def one(self) -> str:
        """Return a text of a length that agents' texts have."""
        size = min(int(_MEDIAN * self._chance.lognormvariate(0, _SIGMA)), _LONGEST)
        start = self._chance.randrange(len(self._text) - _LONGEST)
        return self._text[start : start + size]


def items(count: int, seed: int = 1, *, short: bool = False) -> Iterator[Item]:
    """Yield the traces of a run in the order of recording; ``short`` ones have a line instead of a text."""
    chance = random.Random(seed)
    texts = _Texts(chance) if not short else None
    turn = last = 0
    for number in range(count):
        if number == 0:
            parent = -1
        elif number % 12 == 1:
            parent, turn = 0, number
        else:
            parent = last if chance.random() < 0.2 and last > turn else turn
        last = number
        text = texts.one() if texts else f"step {number}"
        if number % 1000 == 100:
            text = f"{NEEDLE} {text}"
        tags = tuple(chance.sample(_TAGS, chance.choice((0, 0, 1, 1, 2, 2, 3, 4, 5))))
        yield Item(parent, _typed(number, text, chance), tags, _metadata(number), START_MS + number * 10)


def _typed(number: int, text: str, chance: random.Random) -> TraceType:
    if number % 12 == 1:
        return Custom("Turn", {"prompt": text})
    pick = chance.random()
    if pick < 0.5:
        return ToolCall(
            "bash", {"command": f"make target-{number}", "cwd": "/src/app"}, text, chance.randint(1, 9000)
        )
    if pick < 0.75:
        return Thought(text, round(chance.random(), 2))
    if pick < 0.85:
        return Query("search", text, chance.randint(0, 50))
    if pick < 0.92:
        return Custom("LLM", {"answer": text})
    if pick < 0.98:
        return Decision("which way?", ["patch", "rewrite", "ask"], "patch", text)
    return Error("ToolError", text, recoverable=chance.random() < 0.8)


def _metadata(number: int) -> Any:
    if number % 3:
        return None
    return {"model": "m-large", "usage": {"input": 1000 + number % 997, "output": number % 301}}


def sizes(listed: Sequence[Item]) -> dict[str, int]:
    """Return median, mean, p99 and maximum of the packed traces, in bytes."""
    packed = sorted(_FIXED + len(pack(content_of(item))) for item in listed)
    return {
        "median": packed[len(packed) // 2], "mean": sum(packed) // len(packed),
        "p99": packed[len(packed) * 99 // 100], "max": packed[-1],
    }  # fmt: skip


def content_of(item: Item) -> list[Any]:
    """Return what a rival keeps of a trace besides its columns: the type's fields and the metadata."""
    kind = type(item.trace_type)
    return [[getattr(item.trace_type, name) for name in kind.__slots__], item.metadata]


def name_of(item: Item) -> str:
    """Return the name a trace is indexed by."""
    return item.trace_type.name if isinstance(item.trace_type, Custom) else type(item.trace_type).__name__
