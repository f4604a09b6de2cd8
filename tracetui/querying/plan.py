"""From an expression to predicates over one run, and the account of how it was answered.

Owns the choice of index for each term, and resolving times against the run. For AND the index leaves (type,
tag, parent, time, id) are ordered by cardinality and intersected, then the residual is asked, cheapest
first; OR is a union where every branch has an index, else a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracetui.errors import QueryError
from tracetui.model.trace import STATUS_NAMES
from tracetui.model.trace_type import KIND_NAMES
from tracetui.querying.ast import And, Expression, Literal, Not, Or, Query, Related, Term, Text, Value
from tracetui.querying.comparing import check_of, exact, moments
from tracetui.querying.fields import TRACE_FIELDS, nearest
from tracetui.querying.predicates import (
    AllOf,
    AnyOf,
    Chosen,
    Columns,
    Every,
    NoneOf,
    Postings,
    Predicate,
    Seqs,
    TimeSpan,
    Valued,
    Worded,
)
from tracetui.querying.printer import print_expression
from tracetui.querying.reading import KINDS_WITH, Cost, Reader, Surroundings, cost_of
from tracetui.querying.relations import RELATION_CLASSES
from tracetui.querying.sifting import sieves_of
from tracetui.querying.values import RunClock
from tracetui.storage.backend import RunView

FIRST_PIECE, PIECE = 256, 2048
"""How many candidates are looked at between two answers: few at first, so that the first hits come at once."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explained plan.

    ``listed`` is what an index gave, None if it was not asked; ``checked`` and ``kept`` are None if no trace was looked at.
    """

    depth: int
    label: str
    how: str
    estimate: int
    listed: int | None
    checked: int | None
    kept: int | None


class Plan:
    """A query made ready for one run as it is now. Answers are in seq order.

    ``hints`` say what may not be as meant: names that the run does not know. ``unreadable`` fills while it
    runs: seq to reason, for bodies that could not be read and therefore did not match.
    """

    def __init__(self, view: RunView, query: Query, around: Surroundings | None = None) -> None:
        self.reader = Reader(view, around)
        self.query = query
        self.hints: list[str] = []
        self.found = 0
        compiler = _Compiler(self.reader, self.hints)
        self.predicate = Every(view.count) if query.where is None else compiler.predicate(query.where)
        self._expected = _estimates(self.predicate)

    @property
    def unreadable(self) -> Mapping[int, str]:
        """Bodies that could not be read, by seq, with the reason."""
        return self.reader.unreadable

    def pieces(self) -> Iterator[list[int]]:
        """Yield hits in lists, the first soon; empty lists too, so that a caller may stop in time."""
        predicate = self.predicate
        indexed = predicate.indexed
        candidates: Seqs = predicate.noted(predicate.candidates()) if indexed else range(self.reader.count)
        narrow = predicate.narrowed if indexed else predicate.counted
        predicate.prepare(len(candidates))
        at, size = 0, FIRST_PIECE
        while at < len(candidates):
            kept = narrow(candidates[at : at + size])
            self.found += len(kept)
            yield kept
            at, size = at + size, PIECE

    def seqs(self) -> list[int]:
        """Return all hits."""
        predicate = self.predicate
        found = list(predicate.seqs() if predicate.indexed else predicate.counted(range(self.reader.count)))
        if not predicate.parts and predicate.indexed:
            predicate.noted(found)
        self.found = len(found)
        return found

    def matches(self, seqs: Seqs) -> list[int]:
        """Return those of the seqs that match, in their order."""
        count = self.reader.count
        return self.predicate.narrow([seq for seq in seqs if seq < count])

    def steps(self) -> list[Step]:
        """Return the plan as lines, with what was seen so far."""
        return list(_steps(self.predicate, 0, self._expected, driving=True))

    def explain(self) -> str:
        """Return the plan as text: estimates, and after a run what each part listed, looked at and kept."""
        lines = [f"{self.reader.count} traces, {self.found} found"]
        for step in self.steps():
            actual = "" if step.listed is None else f", listed {step.listed}"
            actual += "" if step.checked is None else f", looked at {step.checked}, kept {step.kept}"
            lines.append(f"{'  ' * step.depth}{step.label}  [{step.how}, about {step.estimate}{actual}]")
        return "\n".join(lines)


def _estimates(predicate: Predicate) -> dict[int, int]:
    """Return what was expected of each part before anything was looked at, by the part's identity."""
    found: dict[int, int] = {}
    pending = [predicate]
    while pending:
        part = pending.pop()
        found[id(part)] = part.estimate
        pending += part.parts
    return found


def _steps(predicate: Predicate, depth: int, expected: Mapping[int, int], *, driving: bool) -> Iterator[Step]:
    how = (
        ("index" if driving else "index or look-up")
        if predicate.indexed
        else f"scan, {_COSTS[predicate.cost]}"
    )
    seen = predicate.checked > 0
    yield Step(
        depth, predicate.label, how, expected[id(predicate)], predicate.listed,
        predicate.checked if seen else None, predicate.kept if seen else None,
    )  # fmt: skip
    for number, part in enumerate(predicate.parts):
        leads = driving and (number == 0 or predicate.label == "OR")
        yield from _steps(part, depth + 1, expected, driving=leads)


_COSTS = ("head", "relatives", "body", "text")

# ---- compiling -------------------------------------------------------------------------------------------


class _Compiler:
    """Turns the nodes of an expression into predicates of one run."""

    def __init__(self, reader: Reader, hints: list[str]) -> None:
        self.reader = reader
        self.view = reader.view
        self.hints = hints
        self.clock = RunClock(self._start_ms, self._end_ms, reader.around.now_ms)
        self._special: dict[str, Callable[[Term, str], Predicate]] = {
            "type": self._type, "tag": self._tag, "kind": self._kind, "id": self._id, "parent": self._parent,
            "time": self._time, "status": self._status, "open": self._open, "note": self._note,
            "mark": self._mark, "loop": self._loop, "run": self._run, "root": self._root, "text": self._text,
        }  # fmt: skip

    def _start_ms(self) -> int:
        view = self.view
        if not view.count:
            return self.reader.run.created_ms
        return view.timestamps[0] if isinstance(view.by_time(0, 0), range) else min(view.timestamps)

    def _end_ms(self) -> int:
        run = self.reader.run
        return run.last_ms if run.ended_ms is None else run.ended_ms

    def predicate(self, expression: Expression) -> Predicate:
        """Return the predicate of an expression; nesting is as bounded as the grammar's."""
        if isinstance(expression, And):
            return AllOf([self.predicate(item) for item in expression.items])
        if isinstance(expression, Or):
            return AnyOf([self.predicate(item) for item in expression.items])
        if isinstance(expression, Not):
            return NoneOf(self.predicate(expression.item), self.reader.count)
        if isinstance(expression, Related):
            label = f"{expression.relation}:"
            return RELATION_CLASSES[expression.relation](label, self.reader, self.predicate(expression.item))
        label = print_expression(expression)
        if isinstance(expression, Text):
            return self._worded(label, (Literal(expression.text),))
        special = self._special.get(expression.field.name)
        return special(expression, label) if special else self._valued(expression, label)

    def _valued(self, term: Term, label: str) -> Predicate:
        field, reader = term.field, self.reader
        check = check_of(term.values, TRACE_FIELDS[field.name].kind, self.clock)
        cost = cost_of(field)
        if field.name == "dur":
            return Valued(label, reader, reader.duration, check, cost, load=reader.own_durations)
        sieves = sieves_of(term) if cost is Cost.BODY else ()
        kind = KINDS_WITH.get(field.name)
        return Valued(label, reader, lambda seq: reader.values(field, seq), check, cost, kind, sieves)

    # ---- indices -----------------------------------------------------------------------------------------

    def _names(self, values: Sequence[Value], known: Callable[[], Sequence[str]], what: str) -> list[str]:
        """Return the names that values stand for: words as they are, globs by what the run has."""
        names: dict[str, None] = {}
        for value in values:
            if isinstance(value, Literal):
                names[value.text] = None
            else:
                names.update(dict.fromkeys(filter(exact(value), known())))
        if not any(name in self._present(what) for name in names):
            self._warn(values, known(), what)
        return list(names)

    def _present(self, what: str) -> _Index:
        return _Index(self.view.by_type if what == "type" else self.view.by_tag)

    def _warn(self, values: Sequence[Value], known: Sequence[str], what: str) -> None:
        shown = [value.text for value in values if isinstance(value, Literal)]
        meant = nearest(shown[0], known, limit=_slips(shown[0])) if shown and len(known) <= 5000 else None
        first = shown[0] if shown else "of this pattern"
        self.hints.append(f"no {what} {first}: 0 in the index" + (f", nearest: {meant}" if meant else ""))

    def _type(self, term: Term, label: str) -> Predicate:
        view, types = self.view, self.view.types
        names = self._names(term.values, lambda: list(view.type_names), "type")
        codes = frozenset(code for code, name in enumerate(view.type_names) if name in set(names))
        narrow = Columns(label, types, codes, self.reader.count).narrow
        return Postings(label, [view.by_type(name) for name in names], narrow, self.reader.count, cheap=True)

    def _tag(self, term: Term, label: str) -> Predicate:
        view = self.view
        names = self._names(term.values, lambda: list(view.tag_counts()), "tag")
        wanted = frozenset(names)
        tags_of = view.tags_of

        def narrow(seqs: Seqs) -> list[int]:
            return [seq for seq in seqs if not wanted.isdisjoint(tags_of(seq))]

        return Postings(label, [view.by_tag(name) for name in names], narrow, self.reader.count)

    def _id(self, term: Term, label: str) -> Predicate:
        if not all(isinstance(value, Literal) for value in term.values):
            return self._valued(term, label)
        seqs = {self.view.seq_of(value.text) for value in term.values if isinstance(value, Literal)}
        return Chosen(label, (seq for seq in seqs if seq is not None and seq < self.reader.count))

    def _parent(self, term: Term, label: str) -> Predicate:
        (value,) = term.values
        if not isinstance(value, Literal):
            return self._valued(term, label)
        seq, count, view = self.view.seq_of(value.text), self.reader.count, self.view
        if seq is not None:
            return Chosen(label, (child for child in view.children(seq) if child < count))
        return Chosen(
            label, (root for root in view.roots() if root < count and view.awaiting(root) == value.text)
        )

    def _time(self, term: Term, label: str) -> Predicate:
        metadata = self.reader.run.metadata
        if isinstance(metadata, dict) and metadata.get("time") == "none":
            raise QueryError("time: this run has no times (its source recorded none); ask by seq: instead")
        return TimeSpan(label, self.reader, [moments(value, self.clock) for value in term.values])

    # ---- columns and what is known one by one ------------------------------------------------------------

    def _columns(self, label: str, column: Sequence[int], codes: set[int]) -> Predicate:
        return Columns(label, column, frozenset(codes), self.reader.count)

    def _kind(self, term: Term, label: str) -> Predicate:
        check = check_of(term.values, TRACE_FIELDS["kind"].kind, self.clock)
        codes = {code for code, name in enumerate(KIND_NAMES) if check(name)}
        if not codes:
            self._warn(term.values, KIND_NAMES, "kind")
        return self._columns(label, self.view.kinds, codes)

    def _status(self, term: Term, label: str) -> Predicate:
        check = check_of(term.values, TRACE_FIELDS["status"].kind, self.clock)
        codes = {code for code, name in enumerate(STATUS_NAMES) if check(name)}
        also = self.reader.open_as() if 0 not in codes else ""
        if also and check(also):
            codes.add(0)
        if not codes and not any(check(name) for name in ("abandoned", "lost", "quiet")):
            self._warn(term.values, (*STATUS_NAMES, "abandoned", "lost", "quiet"), "status")
        return self._columns(label, self.view.statuses, codes)

    def _open(self, term: Term, label: str) -> Predicate:
        codes = {0 if value == Literal("true") else 1 for value in term.values}
        return self._columns(label, self.view.statuses, (codes & {0}) | ({1, 2, 3} if 1 in codes else set()))

    def _root(self, term: Term, label: str) -> Predicate:
        made: list[Predicate] = []
        for value in term.values:
            if value in (Literal("true"), Literal("false")):
                roots = self._columns(label, self.view.parents, {-1})
                made.append(roots if value == Literal("true") else NoneOf(roots, self.reader.count))
            else:
                made.append(self._valued(Term(term.field, (value,)), label))
        return made[0] if len(made) == 1 else AnyOf(made)

    def _note(self, term: Term, label: str) -> Predicate:
        check = check_of(term.values, TRACE_FIELDS["note"].kind, self.clock)
        return Chosen(label, (seq for seq, texts in self.reader.notes().items() if any(map(check, texts))))

    def _mark(self, term: Term, label: str) -> Predicate:
        marks = self.reader.marks()
        if Literal("false") in term.values:
            return NoneOf(Chosen(label, marks), self.reader.count)
        check = check_of(term.values, TRACE_FIELDS["mark"].kind, self.clock)
        every = Literal("true") in term.values
        return Chosen(label, (seq for seq, texts in marks.items() if every or any(map(check, texts))))

    def _loop(self, term: Term, label: str) -> Predicate:
        found = Chosen(label, (seq for seq in self.reader.loops() if seq < self.reader.count))
        made = [found if v == Literal("true") else NoneOf(found, self.reader.count) for v in term.values]
        return made[0] if len(made) == 1 else AnyOf(made)

    def _run(self, term: Term, label: str) -> Predicate:
        check = check_of(term.values, TRACE_FIELDS["run"].kind, self.clock)
        run = self.reader.run
        fits = check(run.id) or (run.name is not None and check(run.name))
        return Every(self.reader.count) if fits else Chosen(label, ())

    def _text(self, term: Term, label: str) -> Predicate:
        return self._worded(label, term.values)

    def _worded(self, label: str, values: tuple[Value, ...]) -> Predicate:
        return Worded(label, self.reader, values)


def _slips(name: str) -> int:
    """Return how many slips make one name out of another: fewer than it has letters."""
    return min(max(1 if len(name) <= 4 else 2, len(name) // 3), max(len(name) - 1, 0))


class _Index:
    """Whether a name is in an index, asked with ``in``."""

    def __init__(self, look_up: Callable[[str], Seqs]) -> None:
        self._look_up = look_up

    def __contains__(self, name: str) -> bool:
        return bool(self._look_up(name))
