"""Calls that an agent made again and again with nothing new coming of it, and calls that ran beside each other.

The words, by docs/glossary.md:

- *Loop*: three or more calls of one tool with the same canonical recorded arguments (``volatile.canonical``: ids,
  times, descriptions left out), the same normalised outcome (status, result, signatures of its errors), one nearest
  agent, at most ten other calls of that agent and no user turn between. A call that is open has no outcome.
- *Fan-out*: two or more calls of one tool below one parent that overlap in time. A call that overlaps another of the
  same arguments is in no loop.
- Arguments that are not recorded, or only in part (truncated, redacted), never match.
- *Wasted* is what the repeats took, all but the first call: their time, and the model steps that asked for them.

Order is that of (timestamp, seq). O(n log n), without recursion; bodies are read of tool calls alone, and a second
time of those that may be in a loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from tracetui.analysis.bodies import bodies, tool_calls
from tracetui.analysis.errors import AGENT, MODEL, signature_of
from tracetui.analysis.timing import TURN
from tracetui.analysis.volatile import canonical
from tracetui.model.trace import FAILED, STATUS_CODES
from tracetui.model.trace_type import CUSTOM, ERROR, Error, ToolCall
from tracetui.model.value import Value
from tracetui.storage.backend import NO_TIME, RunView

LEAST_CALLS, MOST_BETWEEN = 3, 10
_OPEN, _FAILED = 0, STATUS_CODES[FAILED]

Place = tuple[int, int]
"""Timestamp and seq."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Equal calls of one tool in order of time. ``agent`` is the seq of their nearest agent, −1 for the run itself.

    ``wasted_…`` is what all but the first took; ``failed`` if they all failed.
    """

    tool: str
    seqs: tuple[int, ...]
    agent: int
    failed: bool
    wasted_ms: int
    wasted_in: int
    wasted_out: int
    wasted_usd: float

    @property
    def wasted_tokens(self) -> int:
        """Input and output tokens of the model steps that asked for the repeats."""
        return self.wasted_in + self.wasted_out


@dataclass(frozen=True, slots=True)
class FanOut:
    """Calls of one tool below one parent that overlap, in order of time."""

    tool: str
    seqs: tuple[int, ...]
    parent: int


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops and fan-outs of a run, each in the order of their first calls."""

    loops: tuple[Loop, ...]
    fan_outs: tuple[FanOut, ...]

    def places(self) -> dict[int, tuple[int, int]]:
        """Return by seq which call of its loop it is, and of how many: (3, 7) is the badge "3/7"."""
        return {seq: (n, len(loop.seqs)) for loop in self.loops for n, seq in enumerate(loop.seqs, 1)}

    def of(self, seq: int) -> Loop | None:
        """Return the loop that a call is part of."""
        return next((loop for loop in self.loops if seq in loop.seqs), None)


@dataclass(frozen=True, slots=True)
class _Call:
    seq: int
    tool: str
    agent: int
    start: int
    end: int
    arguments: bytes
    """A digest, empty where they are not recorded whole."""

    @property
    def place(self) -> Place:
        return self.start, self.seq


def find_loops(view: RunView) -> Loops:
    """Return the loops and the fan-outs of a run."""
    calls = _calls(view)
    groups: dict[tuple[int, str, bytes], list[_Call]] = defaultdict(list)
    by_agent: dict[int, list[Place]] = defaultdict(list)
    for call in calls:
        by_agent[call.agent].append(call.place)
        if call.arguments:
            groups[call.agent, call.tool, call.arguments].append(call)
    alone = [single for group in groups.values() if len(single := _one_by_one(group)) >= LEAST_CALLS]
    chains = _chains(view, alone, by_agent)
    asked = _Asked(view)
    loops = [_loop(view, chain, asked) for chain in chains]
    return Loops(tuple(sorted(loops, key=lambda loop: _place(view, loop.seqs[0]))), _fan_outs(view, calls))


def loop_seqs(view: RunView) -> frozenset[int]:
    """Return the calls that are part of loops: what ``loop:true`` finds."""
    return frozenset(seq for loop in find_loops(view).loops for seq in loop.seqs)


def _place(view: RunView, seq: int) -> Place:
    return view.timestamps[seq], seq


# ---- calls -----------------------------------------------------------------------------------------------


def _calls(view: RunView) -> list[_Call]:
    """Return every tool call in order of time."""
    agents = nearest_agents(view)
    found = []
    for seq, kind, metadata in tool_calls(view):
        start, end = view.timestamps[seq], view.ends[seq]
        if kind.duration_ms is not None:
            end = start + kind.duration_ms
        whole = kind.arguments is not None and not _is_partial(metadata)
        digest = _digest(canonical(kind.arguments)) if whole else b""
        found.append(_Call(seq, kind.tool_name, agents[seq], start, start if end == NO_TIME else end, digest))
    return sorted(found, key=lambda call: call.place)


def nearest_agents(view: RunView) -> list[int]:
    """Return by seq the nearest agent above, −1 where there is none; linear, no recursion."""
    parents, kinds, types, names = view.parents, view.kinds, view.types, view.type_names
    found = [-2] * view.count
    for seq in range(view.count):
        path, node = [], seq
        while node >= 0 and found[node] == -2:
            path.append(node)
            node = parents[node]
        for each in reversed(path):
            parent = parents[each]
            is_agent = parent >= 0 and kinds[parent] == CUSTOM and names[types[parent]] == AGENT
            found[each] = parent if parent < 0 or is_agent else found[parent]
    return found


def _is_partial(metadata: Value) -> bool:
    if not isinstance(metadata, dict):
        return False
    return any(
        isinstance(path, str) and path.startswith("arguments")
        for name in ("truncated", "redacted")
        if isinstance(marked := metadata.get(name), dict | list)
        for path in marked
    )


def _digest(*texts: str) -> bytes:
    return blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _one_by_one(calls: Sequence[_Call]) -> list[_Call]:
    """Return those calls, given in order of time, that overlap none of the others."""
    found: list[_Call] = []
    until, crowd = NO_TIME, 0
    for call in calls:
        crowd = crowd + 1 if call.start < until else 0
        if crowd == 1:
            found.pop()
        if crowd == 0:
            found.append(call)
        until = max(until, call.end)
    return found


# ---- loops -----------------------------------------------------------------------------------------------


def _chains(
    view: RunView, groups: Sequence[Sequence[_Call]], by_agent: dict[int, list[Place]]
) -> list[list[_Call]]:
    """Return the loops among groups of calls of equal arguments: equal outcomes, near each other, no turn between."""
    outcomes = _outcomes(view, [call.seq for group in groups for call in group])
    turns = sorted(_place(view, seq) for seq in view.by_type(TURN) if view.kinds[seq] == CUSTOM)
    found: list[list[_Call]] = []
    for group in groups:
        chains: dict[bytes, list[_Call]] = {}
        for call in group:
            outcome = outcomes.get(call.seq)
            if outcome is None:
                continue
            chain = chains.setdefault(outcome, [])
            if chain and not _is_near(chain[-1], call, by_agent[call.agent], turns):
                chain = chains[outcome] = []
            chain.append(call)
            if len(chain) == LEAST_CALLS:
                found.append(chain)
    return found


def _is_near(before: _Call, after: _Call, calls: Sequence[Place], turns: Sequence[Place]) -> bool:
    between = bisect_left(calls, after.place) - bisect_left(calls, before.place) - 1
    return between <= MOST_BETWEEN and bisect_left(turns, before.place) == bisect_left(turns, after.place)


def _outcomes(view: RunView, seqs: Sequence[int]) -> dict[int, bytes]:
    """Return a digest of what came of each call: status, result, errors; none for calls that are open."""
    told = _errors_of(view, seqs)
    ended = sorted(seq for seq in seqs if view.statuses[seq] != _OPEN)
    found = {}
    for seq, kind, _ in bodies(view, ended):
        if isinstance(kind, ToolCall):
            result = canonical(kind.result, received=True)
            found[seq] = _digest(str(view.statuses[seq]), result, *told.get(seq, ()))
    return found


def _errors_of(view: RunView, seqs: Iterable[int]) -> dict[int, list[str]]:
    below = {
        child: seq for seq in seqs for child in view.children(seq) if view.kinds[child] == ERROR
    }  # fmt: skip
    found: dict[int, list[str]] = defaultdict(list)
    for child, kind, _ in bodies(view, sorted(below)):
        if isinstance(kind, Error):
            found[below[child]].append(signature_of(kind.error_type, kind.message))
    return found


def _loop(view: RunView, chain: Sequence[_Call], asked: _Asked) -> Loop:
    models = asked.steps(chain)
    usage = [(max(view.tokens_in[m], 0), max(view.tokens_out[m], 0), view.costs[m]) for m in models]
    return Loop(
        chain[0].tool,
        tuple(call.seq for call in chain),
        chain[0].agent,
        all(view.statuses[call.seq] == _FAILED for call in chain),
        sum(call.end - call.start for call in chain[1:]),
        sum(given for given, _, _ in usage),
        sum(out for _, out, _ in usage),
        sum(usd for _, _, usd in usage if usd == usd),  # noqa: PLR0124 - not NaN
    )


class _Asked:
    """Which model steps asked for the repeats of a loop."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._models: dict[int, list[Place]] | None = None

    def steps(self, chain: Sequence[_Call]) -> list[int]:
        """Return the model steps that asked for all calls but the first, each once."""
        first = self._above(chain[0].seq)
        found = {self._step(before, call) for before, call in pairwise(chain)}
        return sorted(found - {-1, first})

    def _step(self, before: _Call, call: _Call) -> int:
        above = self._above(call.seq)
        if above >= 0:
            return above
        models = self._of(call.agent)
        at = bisect_left(models, call.place) - 1
        return models[at][1] if at >= 0 and models[at] > before.place else -1

    def _above(self, seq: int) -> int:
        view = self._view
        node = view.parents[seq]
        while node >= 0 and view.kinds[node] == CUSTOM:
            name = view.type_names[view.types[node]]
            if name == MODEL:
                return node
            if name == AGENT:
                break
            node = view.parents[node]
        return -1

    def _of(self, agent: int) -> list[Place]:
        if self._models is None:
            agents = nearest_agents(self._view)
            self._models = defaultdict(list)
            for seq in self._view.by_type(MODEL):
                if self._view.kinds[seq] == CUSTOM:
                    self._models[agents[seq]].append(_place(self._view, seq))
            for places in self._models.values():
                places.sort()
        return self._models.get(agent, [])


# ---- fan-out ---------------------------------------------------------------------------------------------


def _fan_outs(view: RunView, calls: Sequence[_Call]) -> tuple[FanOut, ...]:
    """Return groups of calls of one tool below one parent that overlap, directly or through others."""
    beside: dict[tuple[int, str], list[_Call]] = defaultdict(list)
    for call in calls:
        beside[view.parents[call.seq], call.tool].append(call)
    found = []
    for (parent, tool), group in beside.items():
        for crowd in _crowds(group):
            if len(crowd) > 1:
                found.append(FanOut(tool, tuple(crowd), parent))
    return tuple(sorted(found, key=lambda fan: _place(view, fan.seqs[0])))


def _crowds(calls: Sequence[_Call]) -> list[list[int]]:
    found: list[list[int]] = []
    until = NO_TIME
    for call in calls:
        if call.start >= until:
            found.append([])
        found[-1].append(call.seq)
        until = max(until, call.end)
    return found
