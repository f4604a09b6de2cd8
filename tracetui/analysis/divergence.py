"""Where many runs of one work part, and which way those went that failed.

All runs are merged into one tree: the newest good run, then one run after the other, each aligned with what is there
as two runs are in a diff. A *place* of that tree is one step, with the runs that took it. A *parting* is a place at
which the runs below the same step went several ways: they took the step or not, chose otherwise in it (another
option, other arguments, other tools), or it failed for some. What a thought or an answer says, and how long
anything took, is no way of its own: no two runs of a model say the same.

Partings that divide the runs in the same way are told once, by the first of them: what follows from a choice
looks like it. They are ordered by how closely the way taken and the failing go together (the phi coefficient of the
two, which is 1 where "the 3 that did not failed" and no other), then by place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Literal, NamedTuple

from tracetui.analysis.alignment import align, in_order
from tracetui.analysis.fanout import exchanged, groups_of
from tracetui.analysis.steps import MODEL, Steps, step_of, steps_of
from tracetui.analysis.verdict import BAD_LABELS, GOOD_LABELS
from tracetui.model.trace import FAILED, STATUS_CODES
from tracetui.model.trace_type import CUSTOM, DECISION, ERROR, THOUGHT, TOOL_CALL
from tracetui.storage.backend import RunView
from tracetui.storage.garbage import uncollected

Way = Literal["step", "choice", "outcome"]
STEP: Way = "step"
CHOICE: Way = "choice"
OUTCOME: Way = "outcome"
LIVE = "LIVE"
_FAILED = STATUS_CODES[FAILED]


class Candidate(NamedTuple):
    """A run to be compared, and its verdict's label."""

    view: RunView
    label: str


class Member(NamedTuple):
    """A run that was compared. Others name it by its number in ``Divergence.runs``."""

    run_id: str
    name: str | None
    label: str
    traces: int

    @property
    def failed(self) -> bool:
        """Whether it ended badly: FAILED, LOST, CUT OFF."""
        return self.label in BAD_LABELS


class Place(NamedTuple):
    """One step of the merged runs: how deep it stands, and (run, seq) of all that took it, by run."""

    depth: int
    parent: int
    taken: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way at a place: the runs that went it, how many of them failed, and one of them with its seq there.

    ``seq`` is −1 for the way of not taking the step.
    """

    runs: tuple[int, ...]
    failed: int
    run: int
    seq: int


@dataclass(frozen=True, slots=True)
class Parting:
    """A place where runs part. ``took`` is the way that is told, ``instead`` what the others did, most first.

    ``way`` says how they part; of an "outcome" ``took`` are the runs in which the step did not fail. ``score`` is
    from 0 to 1; ``alike`` counts the later partings that divide the runs in the same way.
    """

    place: int
    way: Way
    took: Alternative
    instead: tuple[Alternative, ...]
    score: float
    alike: int = 0

    @property
    def others(self) -> int:
        """Number of runs that went another way."""
        return sum(len(each.runs) for each in self.instead)

    @property
    def others_failed(self) -> int:
        """Number of them that failed."""
        return sum(each.failed for each in self.instead)

    def text(self) -> str:
        """Return "28 of 31 took this step; the 3 that did not failed"."""
        took, failed = len(self.took.runs), self.took.failed
        others, others_failed = self.others, self.others_failed
        said = {STEP: "took this step", CHOICE: "chose this", OUTCOME: "got through this step"}[self.way]
        told = f"{took} of {took + others} {said}"
        if others_failed == others and not failed:
            return f"{told}; the {f'{others} that' if others > 1 else 'one that'} did not failed"
        if failed == took and not others_failed:
            return f"{told}, and failed; none of the others did"
        if others == 1:
            return f"{told}: {failed or 'none'} of them failed, the other {'too' if others_failed else 'did not'}"
        return f"{told}: {failed or 'none'} of them failed, {others_failed or 'none'} of the {others} others"


@dataclass(frozen=True, slots=True)
class Divergence:
    """Runs that were compared, good ones first, newest first; their steps in pre-order; where they part.

    ``left_out`` are the ids of runs that still go on: what they did not do they may yet do.
    """

    runs: tuple[Member, ...]
    places: tuple[Place, ...]
    partings: tuple[Parting, ...]
    left_out: tuple[str, ...] = ()

    def first_of(self, run: int) -> tuple[Parting, Alternative] | None:
        """Return the first place at which a run went another way than most, and that way; None if it never did.

        Where as many went one way as another, that of the first run counts.
        """
        for parting in sorted(self.partings, key=lambda each: each.place):
            ways = (parting.took, *parting.instead)
            usual = max(ways, key=lambda each: (len(each.runs), 0 in each.runs))
            own = next((each for each in ways if run in each.runs), usual)
            if own is not usual:
                return parting, own
        return None


def diverge(
    candidates: Sequence[Candidate], done: Callable[[int, int], object] = lambda _number, _count: None
) -> Divergence:
    """Compare runs of one work; ``candidates`` newest first. Reads every body of every run once.

    ``done`` is told how many runs of how many were merged: of many long ones, each takes tens of milliseconds.
    """
    left_out = tuple(each.view.run_id for each in candidates if each.label == LIVE)
    chosen = [each for each in candidates if each.label != LIVE]
    chosen.sort(key=lambda each: (each.label not in GOOD_LABELS, each.label in BAD_LABELS))
    members = tuple(
        Member(each.view.run_id, each.view.run.name, each.label, each.view.count) for each in chosen
    )
    with uncollected():
        nodes = _merged(chosen, done)
        found = _told_once(_Partings([each.view for each in chosen], members, nodes).found())
    places = tuple(
        Place(node.depth, node.parent, tuple((run, taken.seq) for run, taken in node.taken.items()))
        for node in nodes
    )
    return Divergence(members, places, tuple(found), left_out)


# ---- merging ---------------------------------------------------------------------------------------------


class _Taken(NamedTuple):
    """How one run took a step: its seq, and what it is and chose as a number."""

    seq: int
    chose: int


@dataclass(slots=True)
class _Node:
    """A step of the merged tree. ``keys`` are those of the run that brought it, finest first."""

    depth: int
    keys: tuple[int, int, int, int]
    group: tuple[int, int, int]
    """Which of that run's siblings ran at the same time: run, row above, place of the first of them."""
    taken: dict[int, _Taken] = field(default_factory=dict)
    children: list[_Node] = field(default_factory=list)
    number: int = -1
    parent: int = -1


def _merged(chosen: Sequence[Candidate], done: Callable[[int, int], object]) -> list[_Node]:
    merged = _Merged()
    for number, each in enumerate(chosen):
        merged.add(number, steps_of(each.view))
        done(number + 1, len(chosen))
    return list(merged.in_pre_order())


class _Merged:
    """The tree of all steps of the runs that were added."""

    def __init__(self) -> None:
        self.root = _Node(-1, (0, 0, 0, 0), (-1, -1, -1))

    def add(self, run: int, steps: Steps) -> None:
        """Align a run with what is there, and put what is new where it stands; no recursion."""
        pending = [(self.root, -1)]
        while pending:
            node, row = pending.pop()
            rows = steps.children(row)
            if not rows:
                continue
            made = _made(run, steps, row, rows, node.depth + 1)
            pairs = _aligned(node.children, made)
            placed: list[_Node] = []
            for i, j in in_order(len(node.children), pairs, len(made)):
                kept = node.children[i] if i >= 0 else made[j]
                if j >= 0:
                    kept.taken[run] = made[j].taken[run]
                    pending.append((kept, rows[j]))
                placed.append(kept)
            node.children = placed

    def in_pre_order(self) -> Iterator[_Node]:
        """Yield all nodes but the root, numbered."""
        pending = self.root.children[::-1]
        number = 0
        while pending:
            node = pending.pop()
            node.number = number
            number += 1
            for child in node.children:
                child.parent = node.number
            pending += node.children[::-1]
            yield node


def _made(run: int, steps: Steps, above: int, rows: Sequence[int], depth: int) -> list[_Node]:
    """Return the steps of a run below one of its rows as nodes."""
    spans = [steps.spans[row] for row in rows]
    groups = groups_of([start for start, _ in spans], [end for _, end in spans])
    return [
        _Node(
            depth,
            (steps.whole[row], steps.same[row], steps.chose[row], steps.kind[row]),
            (run, above, group.start),
            {run: _Taken(steps.seqs[row], steps.chose[row])},
        )
        for row, group in zip(rows, groups, strict=True)
    ]


def _aligned(a: Sequence[_Node], b: Sequence[_Node]) -> list[tuple[int, int]]:
    tiers_a = [[node.keys[tier] for node in a] for tier in range(4)]
    tiers_b = [[node.keys[tier] for node in b] for tier in range(4)]
    pairs = align(tiers_a, tiers_b)
    if len(pairs) < min(len(a), len(b)):
        keys = list(zip(tiers_a, tiers_b, strict=True))
        pairs += exchanged(pairs, keys[:3], (_groups(a), _groups(b)))
    return pairs


def _groups(nodes: Sequence[_Node]) -> list[range]:
    """Return for each node the range of those beside it that ran at the same time in one run."""
    found: list[range] = []
    first = 0
    for n in range(1, len(nodes) + 1):
        if n == len(nodes) or nodes[n].group != nodes[first].group:
            found += [range(first, n)] * (n - first)
            first = n
    return found


# ---- partings --------------------------------------------------------------------------------------------


class _Partings:
    """What each place of the merged tree says about the runs."""

    def __init__(self, views: Sequence[RunView], members: Sequence[Member], nodes: Sequence[_Node]) -> None:
        self._views, self._nodes = views, nodes
        self._failed = frozenset(n for n, member in enumerate(members) if member.failed)
        self._count = len(members)

    def found(self) -> Iterator[Parting]:
        """Yield every parting in pre-order."""
        everybody = dict.fromkeys(range(self._count))
        for node in self._nodes:
            above = everybody if node.parent < 0 else self._nodes[node.parent].taken
            ways = self._ways(node)
            absent = tuple(run for run in above if run not in node.taken)
            if absent and not self._tells_of_its_call(node):
                ways.append(self._alternative(absent, absent[0], -1))
            if len(ways) > 1:
                yield self._parting(node, ways, STEP if len(ways) == 2 and absent else CHOICE)
            yield from self._ended(node)

    def _ways(self, node: _Node) -> list[Alternative]:
        """Return the choices that were made in a step, by first occurrence."""
        by_choice: dict[object, list[int]] = {}
        for run, taken in node.taken.items():
            by_choice.setdefault(self._choice(run, taken), []).append(run)
        return [
            self._alternative(tuple(runs), runs[0], node.taken[runs[0]].seq) for runs in by_choice.values()
        ]

    def _choice(self, run: int, taken: _Taken) -> object:
        """Return what tells the choice made in a step; what is only said differently is one choice."""
        view = self._views[run]
        kind = view.kinds[taken.seq]
        if kind == THOUGHT:
            return None
        if kind == DECISION:
            return taken.chose, str(step_of(view, taken.seq).got.get("chosen"))
        return taken.chose

    def _alternative(self, runs: tuple[int, ...], run: int, seq: int) -> Alternative:
        return Alternative(runs, sum(each in self._failed for each in runs), run, seq)

    def _parting(self, node: _Node, ways: list[Alternative], way: Way) -> Parting:
        """Return the parting by the way that goes with failing most; of two that mirror each other the one of more runs."""
        scores = [self._score(each) for each in ways]
        told = max(range(len(ways)), key=lambda n: (scores[n], ways[n].seq >= 0, len(ways[n].runs)))
        if ways[told].seq < 0:  # nobody is told by what he did not do
            took = self._alternative(tuple(node.taken), ways[0].run, ways[0].seq)
            return Parting(node.number, STEP, took, (ways[told],), scores[told])
        others = sorted((each for n, each in enumerate(ways) if n != told), key=lambda each: -len(each.runs))
        return Parting(node.number, way, ways[told], tuple(others), scores[told])

    def _score(self, way: Alternative) -> float:
        """Return the phi coefficient of going this way and failing, over all runs."""
        went, failed, count = len(way.runs), len(self._failed), self._count
        spread = went * (count - went) * failed * (count - failed)
        if not spread:
            return 0.0
        return round(abs(way.failed * count - went * failed) / sqrt(spread), 4)

    # ---- outcomes ----------------------------------------------------------------------------------------

    def _ended(self, node: _Node) -> Iterator[Parting]:
        """Yield the parting of a call that failed for some; where steps below it tell of that, they do."""
        run, taken = next(iter(node.taken.items()))
        if not self._is_call(run, taken.seq) or any(not self._is_error(child) for child in node.children):
            return
        bad = [r for r, each in node.taken.items() if self._views[r].statuses[each.seq] == _FAILED]
        good = [r for r in node.taken if r not in set(bad)]
        if bad and good:
            ways = [self._alternative(tuple(runs), runs[0], node.taken[runs[0]].seq) for runs in (good, bad)]
            yield Parting(node.number, OUTCOME, ways[0], (ways[1],), self._score(ways[0]))

    def _is_call(self, run: int, seq: int) -> bool:
        view = self._views[run]
        kind = view.kinds[seq]
        return kind == TOOL_CALL or (kind == CUSTOM and view.type_names[view.types[seq]] == MODEL)

    def _is_error(self, node: _Node) -> bool:
        run, taken = next(iter(node.taken.items()))
        return self._views[run].kinds[taken.seq] == ERROR

    def _tells_of_its_call(self, node: _Node) -> bool:
        """Whether a step is the error of a call: that the call failed is told there."""
        if node.parent < 0 or not self._is_error(node):
            return False
        run, taken = next(iter(self._nodes[node.parent].taken.items()))
        return self._is_call(run, taken.seq)


def _told_once(partings: Iterator[Parting]) -> list[Parting]:
    """Return partings by score and place, those that divide the runs alike as one, told by the first."""
    heads: dict[frozenset[tuple[int, ...]], Parting] = {}
    for parting in partings:
        sides = frozenset(each.runs for each in (parting.took, *parting.instead))
        head = heads.get(sides)
        heads[sides] = parting if head is None else replace(head, alike=head.alike + 1)
    return sorted(heads.values(), key=lambda each: (-each.score, each.place))
