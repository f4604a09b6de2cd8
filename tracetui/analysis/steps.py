"""A run's steps as things that can be compared with those of another run: what each is, chose and got.

Of a step count, by kind, what it *is* (type, tool, name), what it *chose* (arguments, query, question) and what
came of it (result, option taken, message, status); never its times, ids, usage, tags and metadata, which tell of
a step what the recorder or somebody later thought. Parts bear the names of the query language's fields. Which
model was called, and what it was given, is left out: it is what the run was set up with, and repeats the run so
far; see ``tracetui.analysis.diff`` for where it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from tracetui.analysis.bodies import bodies
from tracetui.analysis.summary import tools_called
from tracetui.analysis.volatile import canonical
from tracetui.errors import TraceTuiError
from tracetui.model.trace import STATUS_NAMES
from tracetui.model.trace_type import CUSTOM, Custom, Decision, Error, Query, Thought, ToolCall, TraceType
from tracetui.model.tree import Forest
from tracetui.model.value import Value
from tracetui.storage.backend import NO_TIME, RunView

MODEL = "LLM"
CONTEXT_KEYS = frozenset({"input", "messages"})
"""Where a model call keeps what it was given."""
_TOOL_KEYS = ("tool_calls", "tools_called")
"""Where it may keep nothing but the names of the tools that it chose."""


@dataclass(frozen=True, slots=True)
class Step:
    """The parts of one step by name; ``kind`` is what it is."""

    kind: tuple[str, ...]
    chose: dict[str, Any]
    got: dict[str, Any]


@dataclass(slots=True)
class Steps:
    """The steps of a run in pre-order, each as four numbers that are equal where the steps are.

    ``seqs``, ``depths`` and ``sizes`` are those of the forest; the others are indexed by the same rows.
    """

    seqs: Sequence[int]
    depths: Sequence[int]
    sizes: Sequence[int]
    same: list[int] = field(default_factory=list)
    """By everything that counts."""
    chose: list[int] = field(default_factory=list)
    """By what it is and chose, whatever came of it."""
    kind: list[int] = field(default_factory=list)
    """By what it is."""
    whole: list[int] = field(default_factory=list)
    """By everything that counts in the whole subtree."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Start and end in milliseconds; an end that is not known is the start."""

    def __len__(self) -> int:
        return len(self.seqs)

    def children(self, row: int) -> list[int]:
        """Return the rows one level below a row, −1 for the roots."""
        end = len(self.seqs) if row < 0 else row + self.sizes[row]
        found, at = [], row + 1
        while at < end:
            found.append(at)
            at += self.sizes[at]
        return found


def steps_of(view: RunView, forest: Forest | None = None) -> Steps:
    """Return the steps of a run, or of a part of it; reads every body once."""
    forest = view.forest() if forest is None else forest
    steps = Steps(forest.seqs, forest.depths, forest.sizes)
    for seq, step in _each(view, forest.seqs):
        kind = "\0".join(step.kind)
        chose = f"{kind}\0\0{canonical(step.chose)}"
        start, end = view.timestamps[seq], view.ends[seq]
        steps.spans.append((start, start if end == NO_TIME else end))
        steps.kind.append(_number(kind))
        steps.chose.append(_number(chose))
        steps.same.append(_number(f"{chose}\0{canonical(step.got, received=True)}"))
    steps.whole = _wholes(steps)
    return steps


def _each(view: RunView, seqs: Sequence[int]) -> Iterator[tuple[int, Step]]:
    """Yield seqs with their steps; as ``step_of``, with the bodies read together."""
    told = bodies(view, seqs)
    body = next(told, None)
    for seq in seqs:
        if body is not None and body[0] == seq:
            yield seq, _readable(view, seq, *body[1:])
            body = next(told, None)
        else:
            yield seq, _damaged(view, seq)


def _number(text: str) -> int:
    """Return 64 bits that are the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _wholes(steps: Steps) -> list[int]:
    whole = list(steps.same)
    below: dict[int, list[int]] = {}
    for row in range(len(steps) - 1, -1, -1):
        depth = steps.depths[row]
        parts = below.pop(depth + 1, None)
        if parts:
            whole[row] = hash((whole[row], *reversed(parts)))
        below.setdefault(depth, []).append(whole[row])
    return whole


def step_of(view: RunView, seq: int) -> Step:
    """Return the parts of a step; one whose body is damaged has only its type and status."""
    try:
        trace = view.trace(seq)
        return _readable(view, seq, trace.trace_type, trace.metadata)
    except TraceTuiError:
        return _damaged(view, seq)


def _readable(view: RunView, seq: int, kind: TraceType, metadata: Value) -> Step:
    step = _by_kind(kind, metadata)
    step.got["status"] = STATUS_NAMES[view.statuses[seq]]
    return step


def _damaged(view: RunView, seq: int) -> Step:
    kind = str(view.kinds[seq]), view.type_names[view.types[seq]]
    return Step(kind, {}, {"status": STATUS_NAMES[view.statuses[seq]], "body": "damaged"})


def _by_kind(kind: TraceType, metadata: Value) -> Step:
    if isinstance(kind, ToolCall):
        return Step(("tool", kind.tool_name), {"args": kind.arguments}, {"result": kind.result})
    if isinstance(kind, Decision):
        got: dict[str, Any] = {
            "options": list(kind.options),
            "chosen": kind.chosen,
            "reasoning": kind.reasoning,
        }
        return Step(("decision",), {"question": kind.question}, got)
    if isinstance(kind, Query):
        return Step(("query", kind.query_type), {"query": kind.query}, {"results": kind.results_count})
    if isinstance(kind, Thought):
        return Step(("thought",), {"content": kind.content}, {"confidence": kind.confidence})
    if isinstance(kind, Error):
        got = {"message": kind.message, "recoverable": kind.recoverable}
        return Step(("error",), {"error": kind.error_type}, got)
    return _custom(kind, metadata)


def _custom(kind: Custom, metadata: Value) -> Step:
    data = kind.data
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if kind.name != MODEL:
        return Step(("custom", kind.name), {"name": name}, {"data": data})
    tools = tools_called(data)
    if isinstance(data, dict):
        told = {key for key in _TOOL_KEYS if data.get(key) == tools} | CONTEXT_KEYS
        data = {key: value for key, value in data.items() if key not in told}
    return Step(("custom", MODEL), {"tools": tools}, {"data": data})


def context_of(view: RunView, seq: int) -> dict[str, Any]:
    """Return which model a model call asked and what it was given, as far as that is recorded; else nothing."""
    if view.kinds[seq] != CUSTOM or view.type_names[view.types[seq]] != MODEL:
        return {}
    try:
        trace = view.trace(seq)
        kind, metadata = trace.trace_type, trace.metadata
    except TraceTuiError:
        return {}
    data = kind.data if isinstance(kind, Custom) else None
    given = {key: data[key] for key in CONTEXT_KEYS if key in data} if isinstance(data, dict) else {}
    model = metadata.get("model") if isinstance(metadata, dict) else None
    return {"model": model, "data": given}
