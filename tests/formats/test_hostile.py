"""Recordings in which anything may stand anywhere: read as far as they mean something, never an exception."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracetui
from tests.formats.test_claude_code import line, result, use
from tests.formats.test_otlp import document, span
from tracetui.formats.claude_code import ClaudeCodeImporter
from tracetui.formats.native import NativeImporter
from tracetui.formats.otlp import OtlpImporter
from tracetui.formats.record import Importer, whole
from tracetui.importing.committer import Committer

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=4)
    | st.just("x" * 700),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)

SPANS: list[Any] = [
    json.loads(
        document(
            span("a", gen_ai__operation__name="chat", gen_ai__usage__input_tokens="3", session__id="s"),
            {
                **span("b", "a", gen_ai__tool__name="ls"),
                "status": {"code": 2, "message": "no"},
                "events": [{"name": "exception", "timeUnixNano": "5", "attributes": [
                    {"key": "exception.type", "value": {"stringValue": "E"}}]}],
                "links": [{"traceId": "t2", "spanId": "c"}],
            },
        )
    ),
    json.loads(document(span("c", "b", db__system="sql", db__statement="select 1"))),
]  # fmt: skip
TRANSCRIPT: list[Any] = [
    line("user", "go", 1, cwd="/x", gitBranch="main"),
    line("assistant", [{"type": "text", "text": "ok"}, use("Task", "t1", {"prompt": "look"}), use("Grep", "g")], 2),
    line("assistant", [use("AskUserQuestion", "q", {"questions": [{"question": "?", "options": [{"label": "a"}]}]})], 3),
    {"type": "progress", "uuid": "p", "sessionId": "s1", "parentToolUseID": "t1",
     "data": {"type": "agent_progress", "agentId": "a1", "message": line("user", "look", 4)}},
    line("user", [result("q", "a"), result("zz", "b", is_error=True)], 5, toolUseResult={"answers": {"?": "a"}}),
    line("user", [result("t1", "x", is_error=True)], 6, toolUseResult={"agentId": "a1", "totalDurationMs": 5}),
    line("user", "look", 7, isSidechain=True),
    {"type": "summary", "summary": "s", "leafUuid": "u1"},
    {"type": "file-history-snapshot", "snapshot": {"timestamp": "2026-01-01T00:00:00Z"}},
    {"type": "system", "subtype": "api_error", "uuid": "e", "error": {"message": "x"}},
]  # fmt: skip
OWN: list[Any] = [
    {"run": {"id": "r", "name": "n", "status": "completed", "created_ms": 1, "ended_ms": 2, "tags": [], "metadata": {}}},
    {"trace": {"id": "a", "parent_id": None, "trace_type": {"Thought": {"content": "x"}}, "timestamp": 5, "tags": ["t"],
               "metadata": {"k": 1}, "run_id": "r", "seq": 0, "status": "ok", "end_ms": 6}},
    {"annotation": {"id": "n", "run_id": "r", "trace_id": "a", "note": "x", "fields": {}, "timestamp": 7}},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a value."""
    yield path
    inner: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in inner:
        yield from places(item, (*path, key))


def with_put(value: Any, path: tuple[Any, ...], what: Any) -> Any:
    """Return a copy with something else at a path."""
    if not path:
        return what
    made = copy.deepcopy(value)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = what
    return made


def read(make: Callable[[str], Importer], values: list[Any]) -> int:
    """Import values, a line each, into a store; return how many traces came of it."""
    data = b"\n".join(json.dumps(value).encode() for value in values) + b"\n"
    with tracetui.open("memory://") as db:
        committer = Committer(db)
        committer.commit(whole(make("x.jsonl"), [data]))
        for run in db.runs():
            assert len(tracetui.TraceStore(db).walk(run.id, limit=1000)) == db.run(run.id).traces
        return committer.committed.traces


@pytest.mark.parametrize(
    ("make", "values", "least"),
    [(OtlpImporter, SPANS, 0), (ClaudeCodeImporter, TRANSCRIPT, 8), (NativeImporter, OWN, 0)],
)
@settings(max_examples=150)
@given(data=st.data())
def test_anything_may_stand_anywhere(
    make: Callable[[str], Importer], values: list[Any], least: int, data: st.DataObject
) -> None:
    """One or two parts of a good recording become something else: what is read can be stored, the rest is read."""
    changed = values
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(values) - 1))
        path = data.draw(st.sampled_from(sorted(places(values[at]), key=repr)))
        try:
            changed = with_put(changed, (at, *path), data.draw(ANYTHING))
        except (KeyError, IndexError, TypeError):
            continue
    assert read(make, changed) >= least


@pytest.mark.parametrize("make", [OtlpImporter, ClaudeCodeImporter, NativeImporter])
@pytest.mark.parametrize("nesting", [("[", "]"), ('{"a":', "}"), ('{"arrayValue":{"values":[', "]}}")])
def test_nesting_without_end_is_no_trouble(make: Callable[[str], Importer], nesting: tuple[str, str]) -> None:
    """As deep as a file can be: read, cut, or counted."""
    first, last = nesting
    for depth in (100, 300, 900, 3_000):
        deep = first * depth + "1" + last * depth
        for text in (
            deep,
            f'{{"spanId": "a", "traceId": "t", "attributes": [{{"key": "k", "value": {deep}}}]}}',
            f'{{"type": "user", "uuid": "a", "sessionId": "s", "message": {{"content": [{deep}]}}}}',
            f'{{"trace": {{"id": "a", "trace_type": {{"Custom": {{"name": "x", "data": {deep}}}}}}}}}',
        ):
            with tracetui.open("memory://") as db:
                Committer(db).commit(whole(make("x"), [text.encode() + b"\n"]))
