"""Hypothesis strategies: trees that the language can say, and small runs with everything in them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as Either
from typing import cast

from hypothesis import strategies as st

from tests.strategies import texts
from tracetui import Custom, Decision, Error, Query, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.model.trace_type import TraceType
from tracetui.model.value import ValueLike
from tracetui.querying import ast
from tracetui.querying.ast import (
    And,
    Compare,
    Count,
    Equal,
    Expression,
    Field,
    Glob,
    Limit,
    Literal,
    Not,
    Or,
    Range,
    Regex,
    Related,
    Select,
    Sort,
    Stage,
    Stats,
    Term,
    Text,
    Value,
)
from tracetui.querying.fields import TRACE_FIELDS, Kind
from tracetui.querying.grammar import parse
from tracetui.querying.stages import columns_of

WORDS = [
    "a", "ab", "B", "Error", "ToolCall", "db", "x:y", "or", "AND", "-x", "straße",
    "7", "1..5", "..", "a*", "", " ", '"', "\\", "(", ")", "|", "~", ">5", "=", "日本",
]  # fmt: skip
NUMBERS = ["0", "3", "-2", "8k", "1.5M", "2KB", ".5", "1e3"]
SPANS = ["0", "5s", "200ms", "1m30s", "1.5h", "40"]
TIMES = [
    "+30s",
    "-10m",
    "end-1m",
    "start",
    "now",
    "14:05",
    "14:05:01.5",
    "2026-08-01",
    "2026-08-01T14:05",
    "1000",
]
GLOBS = ["*", "a*", "*b", "a*b*", "*.py", "-*"]
REGEXES = ["a", r"\d+", "a|b", "(a b)", 'x"y', r"\\", "^-", r"a\)"]


def _one_kind(kind: Kind) -> st.SearchStrategy[Value]:
    word = st.sampled_from(WORDS) | texts()
    if kind is Kind.FLAG:
        return st.sampled_from([Literal("true"), Literal("false")])
    if kind in (Kind.NUMBER, Kind.DURATION, Kind.TIME):
        return _measured(kind)
    made: list[st.SearchStrategy[Value]] = [
        word.map(Literal),
        st.sampled_from(GLOBS).map(Glob),
        st.sampled_from(REGEXES).map(Regex),
    ]
    if kind is not Kind.EXACT:
        made.append(word.map(Equal))
    if kind is Kind.PATH:
        made.append(_measured(Kind.NUMBER).filter(lambda value: not isinstance(value, Literal)))
    return st.one_of(made)


def _measured(kind: Kind) -> st.SearchStrategy[Value]:
    samples = {Kind.NUMBER: NUMBERS, Kind.DURATION: SPANS, Kind.TIME: TIMES}[kind]
    one = st.sampled_from(samples)
    ends = st.tuples(st.none() | one, st.none() | one).filter(lambda pair: pair != (None, None))
    operators = [">", "<="] if kind is Kind.TIME else [">", "<"]
    compared = st.builds(Compare, st.sampled_from(operators), one)
    return one.map(Literal) | ends.map(lambda pair: Range(*pair)) | compared


def fields() -> st.SearchStrategy[Field]:
    """Any field, with a path where it takes one."""
    path = st.lists(st.sampled_from(["a", "b.c", "0", "x y", '"', "日", "a,b", "\\"]) | texts(), max_size=3)

    def with_path(name: str) -> st.SearchStrategy[Field]:
        return path.map(lambda keys: Field(name, tuple(keys)))

    plain = sorted(name for name, spec in TRACE_FIELDS.items() if spec.kind is not Kind.PATH)
    return st.sampled_from(plain).map(Field) | st.sampled_from(["args", "result", "meta", "data"]).flatmap(
        with_path
    )


def _terms() -> st.SearchStrategy[Term]:
    def of(field: Field) -> st.SearchStrategy[Term]:
        most = 1 if field.name == "parent" else 3
        values = st.lists(_one_kind(TRACE_FIELDS[field.name].kind), min_size=1, max_size=most)
        return values.map(lambda found: Term(field, tuple(found)))

    return fields().flatmap(of)


def _combined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(And),
        several.map(Or),
        inner.map(Not),
        st.builds(Related, st.sampled_from(ast.RELATIONS), inner),
    )


def expressions() -> st.SearchStrategy[Expression]:
    """Any expression, hostile words included."""
    word = (st.sampled_from(WORDS) | texts()).filter(bool).map(Text)
    return st.recursive(word | _terms(), _combined, max_leaves=8)


@st.composite
def stages(draw: st.DrawFn) -> tuple[Stage, ...]:
    """Make a pipeline that the grammar takes: after a table only its columns are sorted by."""
    made: list[Stage] = []
    limit = st.integers(0, 10**6).map(Limit)
    summable = fields().filter(lambda f: TRACE_FIELDS[f.name].kind in (Kind.NUMBER, Kind.DURATION, Kind.PATH))
    for _ in range(draw(st.integers(0, 2))):
        made.append(draw(limit | st.builds(Sort, fields(), st.booleans())))
    if draw(st.booleans()):
        table = draw(
            st.builds(Count, st.none() | fields())
            | st.builds(Stats, summable)
            | st.lists(fields(), min_size=1, max_size=3).map(lambda found: Select(tuple(found)))
        )
        made.append(table)
        columns = columns_of(table) or ()
        if draw(st.booleans()):
            made.append(draw(limit | st.builds(Sort, st.sampled_from(columns), st.booleans())))
    return tuple(made)


def queries() -> st.SearchStrategy[ast.Query]:
    """Any query."""
    return st.builds(ast.Query, st.none() | expressions(), stages())


# ---- runs and queries that meet each other ---------------------------------------------------------------

Texts = dict[str, list[str]]
_TAGS = ["plan", "retry", "db", "DB", "tool:Grep", ""]
_TOOLS = ["bash", "grep", "Bash"]
_SAID = ["Timeout", "time out 7", "STRASSE", "straße ﬁn", "日本語", "no module", "e", "404", "true"]


def _types() -> st.SearchStrategy[TraceType]:
    said = st.sampled_from(_SAID)
    arguments = st.fixed_dictionaries(
        {}, optional={"path": said, "n": st.sampled_from([1, 7, 404, 2.5, True])}
    )
    return st.one_of(
        st.builds(
            ToolCall, st.sampled_from(_TOOLS), arguments, said | st.none(), st.sampled_from([None, 5, 9000])
        ),
        st.builds(Decision, said, st.lists(said, max_size=2), said, st.none() | said),
        st.builds(Query, st.sampled_from(_TOOLS), said),
        st.builds(Thought, said, st.sampled_from([None, 0.5, 0.9])),
        st.builds(Error, st.sampled_from(["ToolError", "Timeout"]), said, st.booleans()),
        st.builds(Custom, st.sampled_from(["LLM", "Thought", "Agent"]), arguments | st.none()),
    )


@st.composite
def runs(draw: st.DrawFn) -> list[TraceDraft]:
    """Drafts of a small run: trees of any shape, children before parents, orphans, times out of order."""
    drafts = []
    count = draw(st.integers(0, 14))
    for number in range(count):
        parent = draw(st.none() | st.integers(0, count + 1))
        metadata = st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["main", "grep"]),
                "model": st.sampled_from(["m1", "m2"]),
                "usage": st.fixed_dictionaries({"input": st.integers(0, 9)}, optional={"output": st.just(4)}),
                "cost": st.just({"usd": 0.5}),
                "truncated": st.just({"content": 9}),
            },
        )
        start = draw(st.integers(0, 20)) * 1000
        is_open = draw(st.booleans())
        drafts.append(
            TraceDraft(
                draw(_types()),
                id=f"t{number}",
                parent_id=None if parent is None else f"t{parent}",
                await_parent=True,
                tags=draw(st.lists(st.sampled_from(_TAGS), max_size=2)),
                metadata=cast("ValueLike", draw(st.none() | metadata)),
                timestamp=start,
                end_ms=None if is_open else start + draw(st.integers(0, 9)) * 1000,
                open=is_open,
            )
        )
    return drafts


@dataclass(frozen=True)
class Later:
    """What befalls a trace after it was recorded: it is completed, amended, or somebody notes something on it."""

    what: Either["complete", "amend", "annotate"]
    trace_id: str
    said: str
    tags: list[str]
    status: str
    mark: str | bool | None


def laters(drafts: list[TraceDraft]) -> st.SearchStrategy[list[Later]]:
    """Draw what comes later to a run: late tags, late metadata, late results, ends, notes, marks."""
    if not drafts:
        return st.just([])
    one = st.builds(
        Later,
        st.sampled_from(["complete", "amend", "annotate"]),
        st.sampled_from([str(draft.id) for draft in drafts]),
        st.sampled_from(_SAID),
        st.lists(st.sampled_from(_TAGS), max_size=2),
        st.sampled_from(["ok", "error", "cancelled"]),
        st.sampled_from([None, True, False, "red", "true story"]),
    )
    return st.lists(one, max_size=6)


def befall(store: TraceStore, run_id: str, later: Sequence[Later]) -> tuple[Texts, Texts]:
    """Let it happen; return the notes and the marks by trace id."""
    notes: Texts = {}
    marks: Texts = {}
    for each in later:
        trace = store.get(run_id, each.trace_id)
        assert trace is not None
        if each.what == "complete" and trace.status == "open":
            late: dict[str, ValueLike] = {"result": {"said": each.said}} if trace.kind is ToolCall else {}
            store.complete(
                run_id,
                each.trace_id,
                status=each.status,
                end_ms=trace.timestamp + 3000,
                tags=each.tags,
                **late,
            )
        elif each.what == "amend":
            store.amend(
                run_id, each.trace_id, tags=each.tags, metadata={"name": each.said, "late": each.said}
            )
        elif each.what == "annotate":
            store.annotate(
                run_id, each.trace_id, each.said, **({} if each.mark is None else {"mark": each.mark})
            )
            notes.setdefault(each.trace_id, []).append(each.said)
            if each.mark not in (None, False):
                marks.setdefault(each.trace_id, []).append(
                    str(each.mark) if each.mark is not True else "true"
                )
    return notes, marks


def _asked() -> st.SearchStrategy[Expression]:
    """Terms whose values occur in those runs, with small slips."""
    word = st.sampled_from([*_SAID, "STRASSE", "fi", "0", "N", "ModUle"])
    number: st.SearchStrategy[Value] = st.sampled_from(
        [Literal("7"), Range("2", None), Range(None, "7"), Range("1", "7"), Compare(">", "1")]
    )
    span: st.SearchStrategy[Value] = st.sampled_from(
        [Literal("5"), Range("2s", None), Range(None, "5s"), Compare(">", "5s"), Compare("<", "5s")]
    )
    moment: st.SearchStrategy[Value] = st.sampled_from(
        [
            Literal("4000"),
            Range("3000", "9000"),
            Range(None, "7000"),
            Range("7000", None),
            Compare(">", "5000"),
            Compare("<=", "5000"),
        ]
    )
    text: st.SearchStrategy[Value] = word.map(Literal) | st.sampled_from(
        [Glob("*ime*"), Glob("t*7"), Regex("t.me"), Equal("Timeout"), Literal("")]
    )
    by_kind: dict[Kind, st.SearchStrategy[Value]] = {
        Kind.NUMBER: number,
        Kind.DURATION: span,
        Kind.TIME: moment,
        Kind.FLAG: st.sampled_from([Literal("true"), Literal("false")]),
        Kind.TEXT: text,
        Kind.PATH: text | number,
    }
    exact = {
        "type": ["Error", "ToolCall", "Thought", "LLM", "Nothing"],
        "kind": ["Custom", "Error"],
        "tag": _TAGS,
        "id": ["t1", "t2", "nobody"],
        "parent": ["t0", "t1", "t99"],
        "root": ["t0", "true", "false"],
        "status": ["ok", "error", "open", "quiet"],
        "name": ["bash", "grep", "main", "LLM", "ToolError"],
        "model": ["m1"],
        "run": ["run-asked", "asked", "other"],
    }
    marks: st.SearchStrategy[Value] = st.sampled_from(
        [Literal("true"), Literal("false"), Literal("RED"), Literal("story")]
    )

    def names_like(known: list[str]) -> st.SearchStrategy[Value]:
        patterns: st.SearchStrategy[Value] = st.sampled_from([Glob("*o*"), Glob("t*"), Regex("^[A-Z]")])
        return st.one_of(st.sampled_from(known).map(Literal), patterns)

    def of(name: str) -> st.SearchStrategy[Expression]:
        spec = TRACE_FIELDS[name]
        values = (
            marks
            if name == "mark"
            else by_kind[spec.kind]
            if spec.kind in by_kind
            else names_like(exact[name])
        )
        paths = (
            st.sampled_from([(), ("path",), ("n",), ("usage", "input"), ("said",), ("late",)])
            if spec.kind is Kind.PATH
            else st.just(())
        )
        several = st.lists(values, min_size=1, max_size=1 if name == "parent" else 2).map(tuple)
        return st.builds(Term, st.builds(Field, st.just(name), paths), several)

    return st.sampled_from(sorted(TRACE_FIELDS)).flatmap(of) | word.map(Text)


def fitting_expressions() -> st.SearchStrategy[Expression]:
    """Expressions over what those runs hold, structural ones included."""
    return st.recursive(_asked(), _combined, max_leaves=6)


# ---- trees, and queries about relatives ------------------------------------------------------------------


def trees() -> st.SearchStrategy[list[TraceDraft]]:
    """Draw runs of up to 90 traces with chains and broad families, many recorded before their parents, and orphans."""
    return st.integers(0, 2**32).map(_tree)


def _tree(seed: int) -> list[TraceDraft]:
    chance = random.Random(seed)
    count, chains, late = chance.randint(1, 90), chance.random(), chance.random() / 2
    turned = chance.choice([0, 0, 1, 2, 5, count // 2])  # the first so many are recorded last
    place = [(n - turned) % count for n in range(count)]
    for n in range(count):  # exchange some neighbours far and near, so that children come first
        if chance.random() < late:
            other = chance.randrange(count)
            place[n], place[other] = place[other], place[n]
    drafts: list[TraceDraft | None] = [None] * count
    for n in range(count):
        above = n - 1 if chance.random() < chains else chance.randrange(-1, n) if n else -1
        parent = None if above < 0 else f"t{above}" if chance.random() < 0.97 else "nobody"
        failed = chance.random() < 0.1
        drafts[place[n]] = TraceDraft(
            Error("E", "no", recoverable=False) if failed else Thought("x"),
            id=f"t{n}",
            parent_id=parent,
            await_parent=True,
            tags=[
                tag
                for tag, often in (("rare", 0.04), ("some", 0.2), ("many", 0.7))
                if chance.random() < often
            ],
            timestamp=n,
        )
    return [draft for draft in drafts if draft is not None]


def relatives() -> st.SearchStrategy[Expression]:
    """Expressions that ask of relatives again and again, of what is rare and what is common."""
    asked = [
        "tag:rare",
        "tag:some",
        "tag:many",
        "type:Error",
        "root:true",
        "id:t7",
        "parent:t3",
        "orphan:true",
        "x",
        "depth:3..",
    ]
    leaf = st.sampled_from([expression for text in asked if (expression := parse(text).where)])
    related = st.builds(Related, st.sampled_from(ast.RELATIONS), leaf)
    return st.recursive(leaf | related, _combined, max_leaves=7)
