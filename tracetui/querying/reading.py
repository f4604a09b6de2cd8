"""Reading the fields of the language from a run: from columns where they have it, else from bodies.

Owns what each field means for a trace. A field gives a list of values: empty where it is missing, several
where a trace has several. Must not know how values are compared. Bodies that cannot be read are remembered
in ``unreadable`` and have no values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tracetui.errors import QueryError, TraceTuiError
from tracetui.model.clock import now_ms
from tracetui.model.review import review_of
from tracetui.model.run import Run
from tracetui.model.trace import STATUS_NAMES, decode_body
from tracetui.model.trace_type import (
    CUSTOM,
    DECISION,
    ERROR,
    FIELD_NAMES,
    KIND_NAMES,
    QUERY,
    THOUGHT,
    TOOL_CALL,
    TraceType,
)
from tracetui.model.value import unpack
from tracetui.querying.ast import Field
from tracetui.querying.sifting import Sieve, sift
from tracetui.querying.texts import body_texts, name_of, plain_texts
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.store.ownership import open_as

Body = tuple[TraceType, Any]
_KEPT_BODIES = 4096
_DURATION = FIELD_NAMES[TOOL_CALL].index("duration_ms")


class Cost(IntEnum):
    """What reading a field takes, which orders the residual predicates."""

    HEAD = 0
    RELATION = 1
    BODY = 2
    TEXT = 3


@dataclass(frozen=True)
class Surroundings:
    """What a query may need beside the run: the time, and what others know of it.

    ``notes`` are texts by trace id in addition to the run's own annotations, ``marks`` the same for marks.
    ``loops`` gives the seqs that are part of loops; it belongs to the analyses, which stand above.
    """

    now_ms: int = field(default_factory=now_ms)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    loops: Callable[[RunView], Collection[int]] | None = None


class Reader:
    """The fields of the traces of one run, as of when it was made."""

    def __init__(self, view: RunView, around: Surroundings | None = None) -> None:
        self.view = view
        self.around = around or Surroundings()
        self.count = view.count
        self.unreadable: dict[int, str] = {}
        self._bodies: dict[int, Body | None] = {}
        self._durations: dict[int, int | None] = {}
        self._depths: dict[int, int] = {}
        self._roots: dict[int, int] = {}
        self._run: Run | None = None
        self._notes: tuple[dict[int, list[str]], dict[int, list[str]]] | None = None
        self._loops: frozenset[int] | None = None
        self._open_as: str | None = None

    # ---- bodies ------------------------------------------------------------------------------------------

    def body(self, seq: int) -> Body | None:
        """Return type and metadata of a trace, None if they cannot be read."""
        try:
            return self._bodies[seq]
        except KeyError:
            pass
        found: Body | None
        try:
            trace = self.view.trace(seq)
            found = (trace.trace_type, trace.metadata)
        except TraceTuiError as problem:
            self.unreadable[seq] = str(problem)
            found = None
        if len(self._bodies) >= _KEPT_BODIES:
            self._bodies.clear()
        self._bodies[seq] = found
        return found

    def body_texts(self, seq: int) -> Iterator[tuple[str, str]]:
        """Yield (field, text) of what the body of a trace shows; nothing if it cannot be read."""
        body = self.body(seq)
        return iter(()) if body is None else body_texts(*body)

    def sifted(self, seqs: Sequence[int], sieves: Sequence[Sieve]) -> Sequence[int]:
        """Return the seqs whose packed bodies may pass all sieves; what is left out certainly does not.

        Bodies that cannot be read are kept: reading them says what is wrong.
        """
        for sieve in sieves:
            may = sift(self.view, seqs, sieve).may
            seqs = sorted(may) if isinstance(seqs, range) else [seq for seq in seqs if seq in may]
        return seqs

    def load(self, seqs: Sequence[int]) -> None:
        """Read the bodies of some hundred traces at once, for ``body`` to have them."""
        wanted = [seq for seq in seqs if seq not in self._bodies]
        if len(self._bodies) + len(wanted) > _KEPT_BODIES:
            self._bodies.clear()
        kinds = self.view.kinds
        for seq, packed in zip(wanted, self.view.packed_bodies(wanted), strict=True):
            if packed is not None:
                with suppress(*NOT_OURS):
                    self._bodies[seq] = decode_body(kinds[seq], packed[0], packed[1:])

    def own_durations(self, seqs: Sequence[int]) -> None:
        """Read what tool calls say of their duration, for ``duration`` to have it: no more than that is decoded."""
        known, kinds = self._durations, self.view.kinds
        wanted = [seq for seq in seqs if kinds[seq] == TOOL_CALL and seq not in known]
        for seq, packed in zip(wanted, self.view.packed_bodies(wanted), strict=True):
            if packed is not None and len(packed) == 1:
                with suppress(*NOT_OURS):
                    known[seq] = unpack(packed[0])[0][_DURATION]

    def plain_bodies(self, seqs: Sequence[int]) -> Iterator[list[str]]:
        """Yield for each seq all texts of its body, in no order; none for bodies that cannot be read."""
        kinds = self.view.kinds
        for seq, packed in zip(seqs, self.view.packed_bodies(seqs), strict=True):
            try:
                if packed is not None and len(packed) == 1:
                    yield plain_texts(unpack(packed[0]))
                    continue
                body = self.body(seq) if packed is None else decode_body(kinds[seq], packed[0], packed[1:])
            except NOT_OURS:
                body = self.body(seq)
            yield [] if body is None else [text for _, text in body_texts(*body)]

    def texts(self, seq: int) -> Iterator[tuple[str, str]]:
        """Yield (field, text) of everything of a trace that a person can see."""
        view = self.view
        type_name = view.type_names[view.types[seq]]
        yield "type", type_name
        for tag in view.tags_of(seq):
            yield "tag", tag
        yield from self.body_texts(seq)
        for note in self.notes().get(seq, ()):
            yield "note", note

    # ---- what is worked out once -------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The run, as of the first look."""
        if self._run is None:
            self._run = self.view.run
        return self._run

    def notes(self) -> dict[int, list[str]]:
        """Return the notes by seq."""
        return self._annotations()[0]

    def marks(self) -> dict[int, list[str]]:
        """Return the marks by seq, "true" where one has no text."""
        return self._annotations()[1]

    def _annotations(self) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
        if self._notes is None:
            notes: dict[int, list[str]] = {}
            marks: dict[int, list[str]] = {}
            self._notes = notes, marks
            review = review_of(self.view.annotations())
            for trace_id, left in review.notes.items():
                for text in (note.note for note in left if note.note):
                    self._keep(notes, trace_id, text)
            for trace_id, mark in review.marks.items():
                self._keep(marks, trace_id, mark)
            for trace_id, texts in self.around.notes.items():
                for text in texts:
                    self._keep(notes, trace_id, text)
            for trace_id, mark in self.around.marks.items():
                self._keep(marks, trace_id, mark or "true")
        return self._notes

    def _keep(self, kept: dict[int, list[str]], trace_id: str, text: str) -> None:
        seq = self.view.seq_of(trace_id)
        if seq is not None and seq < self.count and text:
            kept.setdefault(seq, []).append(text)

    def loops(self) -> frozenset[int]:
        """Return the seqs that are part of a loop.

        :raises QueryError: if nobody was asked to find them.
        """
        if self._loops is None:
            if self.around.loops is None:
                raise QueryError("loop: needs the analysis of loops, which this caller did not provide")
            self._loops = frozenset(self.around.loops(self.view))
        return self._loops

    def open_as(self) -> str:
        """Return what an open trace of this run is besides open: abandoned, lost, quiet or "" (alive)."""
        if self._open_as is None:
            self._open_as = open_as(self.run)
        return self._open_as

    def depth(self, seq: int) -> int:
        """Return the number of ancestors; amortised, no recursion."""
        depths, parents = self._depths, self.view.parents
        above = []
        node = seq
        while node >= 0 and node not in depths:
            above.append(node)
            node = parents[node]
        known = depths[node] if node >= 0 else -1
        for n, each in enumerate(reversed(above), 1):
            depths[each] = known + n
        return depths[seq]

    def root(self, seq: int) -> int:
        """Return the root above a trace, itself if it is one; amortised, no recursion."""
        roots, parents = self._roots, self.view.parents
        path = []
        node = seq
        while node not in roots and parents[node] >= 0:
            path.append(node)
            node = parents[node]
        top = roots.setdefault(node, node)
        roots.update(dict.fromkeys(path, top))
        return top

    def duration(self, seq: int) -> list[int]:
        """Return milliseconds: a ToolCall's own field, else end − start."""
        view = self.view
        if view.kinds[seq] == TOOL_CALL:
            try:
                own = self._durations[seq]
            except KeyError:
                body = self.body(seq)
                own = getattr(body[0], "duration_ms", None) if body else None
            if own is not None:
                return [own]
        end = view.ends[seq]
        return [] if end == NO_TIME else [end - view.timestamps[seq]]

    def number(self, seq: int) -> int:
        """Return the seq that the trace bears; damage may have left gaps before it."""
        return self.view.trace(seq).seq

    # ---- fields ------------------------------------------------------------------------------------------

    def values(self, field: Field, seq: int) -> list[Any]:
        """Return the values of a field of a trace; empty where it is missing."""
        if field.name in _BODY_VALUES:
            body = self.body(seq)
            return [] if body is None else list(_BODY_VALUES[field.name](body, field))
        return list(_HEAD_VALUES[field.name](self, seq))


def cost_of(field: Field) -> Cost:
    """Return what reading a field takes."""
    if field.name == "text":
        return Cost.TEXT
    return Cost.BODY if field.name in _BODY_VALUES or field.name == "dur" else Cost.HEAD


# ---- paths -----------------------------------------------------------------------------------------------


def at_path(value: object, path: Sequence[str]) -> Iterator[object]:
    """Yield what lies at a path of keys: in a list a number is a place, any other key is looked for in all.

    Keys that hold dots are found without quotes too.

    >>> list(at_path({"a": [{"b": 1}, {"b": 2}]}, ["a", "b"])), list(at_path({"x.y": 3}, ["x", "y"]))
    ([1, 2], [3])
    """
    pending: list[tuple[object, Sequence[str]]] = [(value, path)]
    while pending:
        here, rest = pending.pop()
        if not rest:
            yield here
        elif isinstance(here, dict):
            for size in range(1, len(rest) + 1):
                key = ".".join(rest[:size])
                if key in here:
                    pending.append((here[key], rest[size:]))
        elif isinstance(here, list | tuple):
            if rest[0].isascii() and rest[0].isdigit():
                place = int(rest[0][:9])
                if place < len(here):
                    pending.append((here[place], rest[1:]))
            else:
                pending.extend((item, rest) for item in reversed(here))


def _of_type(name: str) -> Callable[[Body, Field], Iterable[Any]]:
    """Return a reader of a field that some types have and others have not."""

    def read(body: Body, _: Field) -> Iterable[Any]:
        value = getattr(body[0], name, None)
        return () if value is None else value if isinstance(value, list) else (value,)

    return read


def _in_path(name: str) -> Callable[[Body, Field], Iterable[Any]]:
    def read(body: Body, field: Field) -> Iterable[Any]:
        value = body[1] if name == "metadata" else getattr(body[0], name, None)
        return () if value is None else at_path(value, field.path)

    return read


def _error(body: Body, _: Field) -> Iterable[str]:
    kind = body[0]
    return (kind.error_type, kind.message) if type(kind).__name__ == "Error" else ()  # type: ignore[union-attr]


def _model(body: Body, _: Field) -> Iterable[str]:
    model = body[1].get("model") if isinstance(body[1], dict) else None
    return (model,) if isinstance(model, str) else ()


def _truncated(body: Body, _: Field) -> Iterable[bool]:
    return (isinstance(body[1], dict) and bool(body[1].get("truncated")),)


KINDS_WITH: dict[str, int] = {
    "args": TOOL_CALL, "result": TOOL_CALL, "data": CUSTOM, "question": DECISION, "options": DECISION,
    "chosen": DECISION, "reasoning": DECISION, "query": QUERY, "confidence": THOUGHT, "error": ERROR,
    "recoverable": ERROR,
}  # fmt: skip
"""Fields that one kind alone has."""

_BODY_VALUES: dict[str, Callable[[Body, Field], Iterable[Any]]] = {
    "name": lambda body, _: name_of(*body),
    "args": _in_path("arguments"),
    "result": _in_path("result"),
    "meta": _in_path("metadata"),
    "data": _in_path("data"),
    "question": _of_type("question"),
    "options": _of_type("options"),
    "chosen": _of_type("chosen"),
    "reasoning": _of_type("reasoning"),
    "query": _of_type("query"),
    "confidence": _of_type("confidence"),
    "error": _error,
    "recoverable": _of_type("recoverable"),
    "model": _model,
    "truncated": _truncated,
}


def _statuses(reader: Reader, seq: int) -> Iterable[str]:
    name = STATUS_NAMES[reader.view.statuses[seq]]
    also = reader.open_as() if name == "open" else ""
    return (name, also) if also else (name,)


def _known(value: float) -> Iterable[float]:
    return (value,) if value >= 0 else ()


def _tokens(reader: Reader, seq: int) -> Iterable[int]:
    into, out = reader.view.tokens_in[seq], reader.view.tokens_out[seq]
    return () if into < 0 and out < 0 else (max(into, 0) + max(out, 0),)


def _cost(reader: Reader, seq: int) -> Iterable[float]:
    cost = reader.view.costs[seq]
    return (cost,) if cost == cost else ()  # noqa: PLR0124 - not NaN


def _parent(reader: Reader, seq: int) -> Iterable[str]:
    parent = reader.view.parents[seq]
    if parent >= 0:
        return (reader.view.ids[parent],)
    awaited = reader.view.awaiting(seq)
    return (awaited,) if awaited and reader.view.seq_of(awaited) is None else ()


def _run_names(reader: Reader, _: int) -> Iterable[str]:
    return (reader.run.id, reader.run.name) if reader.run.name is not None else (reader.run.id,)


_HEAD_VALUES: dict[str, Callable[[Reader, int], Iterable[Any]]] = {
    "type": lambda r, s: (r.view.type_names[r.view.types[s]],),
    "kind": lambda r, s: (KIND_NAMES[r.view.kinds[s]],),
    "tag": lambda r, s: dict.fromkeys(r.view.tags_of(s)),
    "id": lambda r, s: (r.view.ids[s],),
    "parent": _parent,
    "root": lambda r, s: (r.view.ids[r.root(s)],),
    "depth": lambda r, s: (r.depth(s),),
    "children": lambda r, s: (len(r.view.children(s)),),
    "time": lambda r, s: (r.view.timestamps[s],),
    "dur": Reader.duration,
    "status": _statuses,
    "open": lambda r, s: (r.view.statuses[s] == 0,),
    "tokens": _tokens,
    "tokens.in": lambda r, s: _known(r.view.tokens_in[s]),
    "tokens.out": lambda r, s: _known(r.view.tokens_out[s]),
    "cost": _cost,
    "loop": lambda r, s: (s in r.loops(),),
    "orphan": lambda r, s: (r.view.awaiting(s) is not None,),
    "note": lambda r, s: r.notes().get(s, ()),
    "mark": lambda r, s: r.marks().get(s, ()),
    "run": _run_names,
    "seq": lambda r, s: (r.number(s),),
    "text": lambda r, s: (text for _, text in r.texts(s)),
}
