from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracetui
from tracetui import Custom, Decision, Error, Query, ToolCall, TraceDraft
from tracetui.formats.otlp import OtlpImporter, attribute_value, nanoseconds
from tracetui.formats.otlp.dialects import map_span
from tracetui.formats.record import Batch, whole
from tracetui.importing.committer import Committer

# spans, runs, greatest depth (levels), from the provenance of the recordings
COUNTS = {
    "otlp/pydantic-ai-default-batch.otlp.jsonl": (25, 2, 4),
    "otlp/pydantic-ai-default.otlp.jsonl": (25, 2, 4),
    "otlp/pydantic-ai-v2.otlp.jsonl": (25, 2, 4),
    "otlp/scale-deep.otlp.jsonl": (242, 1, 122),
    "otlp/scale-wide-20k.otlp.jsonl.gz": (20_003, 1, 2),
    "otlp/otel-proto-example-trace.json": (1, 1, 1),
    "openinference/langgraph.otlp.jsonl": (208, 3, 5),
    "openinference/smolagents.otlp.jsonl": (13, 1, 5),
    "openinference/vercel-v6-all-spans.json": (10, 10, 1),
}


def content(path: Path) -> bytes:
    """Return a file's bytes, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def spans(batch: Batch) -> list[TraceDraft]:
    """Return the records that are spans and no errors below them."""
    return [record.draft for record in batch.records if "#" not in str(record.draft.id)]


@pytest.mark.parametrize("name", COUNTS)
def test_every_recording_has_the_counts_of_its_provenance(shared_data: Path, name: str) -> None:
    """Spans, runs and depth; taken whole, parents stand before children and nothing waits that is there."""
    batch = whole(OtlpImporter(name), [content(shared_data / name)])
    with tracetui.open("memory://") as db:
        Committer(db).commit(batch)
        views = [db.view(run.id) for run in db.runs()]
        errors = sum(view.type_counts().get("Error", 0) for view in views)
        assert (sum(view.count for view in views) - errors, len(views)) == COUNTS[name][:2]
        depth = 0
        for view in views:
            is_span = [view.type_names[code] != "Error" for code in view.types]
            forest = view.forest()
            depth = max(
                [depth, *(d + 1 for s, d in zip(forest.seqs, forest.depths, strict=True) if is_span[s])]
            )
        assert depth == COUNTS[name][2]
        again = Committer(db)
        again.commit(whole(OtlpImporter(name), [content(shared_data / name)]))
        assert (again.committed.traces, again.committed.updates) == (0, 0)
    assert batch.skipped == Counter()
    missing = 1 if "otel-proto" in name else 0
    assert sum(draft.await_parent for draft in spans(batch)) == missing


@pytest.mark.parametrize(
    "name",
    [
        "otlp/pydantic-ai-default.otlp.jsonl",
        "openinference/smolagents.otlp.jsonl",
        "otlp/scale-deep.otlp.jsonl",
    ],
)
def test_in_pieces_it_is_the_same_in_the_end(shared_data: Path, name: str) -> None:
    """Children that come first wait for their parents, and find them."""
    data, chance = content(shared_data / name), random.Random(6)
    with tracetui.open("memory://") as one, tracetui.open("memory://") as two:
        Committer(one).commit(whole(OtlpImporter(name), [data]))
        importer, committer, at = OtlpImporter(name), Committer(two), 0
        while at < len(data):
            size = chance.randrange(1, 30_000)
            importer.feed(data[at : at + size])
            at += size
            committer.commit(importer.take())
        committer.commit(importer.take(final=True))
        assert links(two) == links(one)


def links(db: tracetui.Database) -> dict[str, object]:
    """Return every trace with its parent as the tree has it."""
    found: dict[str, object] = {}
    for run in db.runs():
        view = db.view(run.id)
        for seq in range(view.count):
            trace = view.trace(seq)
            parent = view.parents[seq]
            found[f"{run.id}/{trace.id}"] = (
                None if parent < 0 else view.ids[parent],
                repr(trace.trace_type),
                trace.timestamp,
                trace.end_ms,
                trace.status,
                trace.metadata,
            )
    return found


def document(*given: dict[str, Any], key: str = "resourceSpans") -> bytes:
    """Return one OTLP document."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "svc"}}]}
    return json.dumps(
        {key: [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": list(given)}]}]}
    ).encode()


def span(own: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    """Return a span with attributes."""
    typed = [
        {
            "key": key.replace("__", "."),
            "value": {"stringValue" if isinstance(value, str) else "intValue": value},
        }
        for key, value in attributes.items()
    ]
    return {
        "traceId": "t1",
        "spanId": own,
        "parentSpanId": parent,
        "name": own,
        "startTimeUnixNano": "1000000000",
        "endTimeUnixNano": "3000000000",
        "attributes": typed,
    }


def read(*chunks: bytes) -> dict[str, TraceDraft]:
    """Import bytes whole."""
    return {str(record.draft.id): record.draft for record in whole(OtlpImporter("a.json"), chunks).records}


def test_documents_may_stand_in_any_shape() -> None:
    """One object, several behind each other, spread over lines, a line each, snake_case, old names, bare spans."""
    one, two = document(span("a")), document(span("b", "a"))
    pretty = json.dumps(json.loads(one), indent=2).encode()
    old = json.dumps(
        {
            "resource_spans": [
                {
                    "instrumentationLibrarySpans": [
                        {
                            "spans": [
                                {
                                    "trace_id": "t1",
                                    "span_id": "b",
                                    "parent_span_id": "a",
                                    "name": "b",
                                    "start_time_unix_nano": 5,
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    ).encode()
    for chunks in (
        (one + two,),
        (one, b"\n", two, b"\n"),
        (pretty + two,),
        (one + b"\n" + old,),
        (json.dumps([span("a"), span("b", "a")]).encode(),),
    ):
        found = read(*chunks)
        assert set(found) == {"a", "b"}
        assert found["b"].parent_id == "a"


def test_parents_missing_and_in_a_circle() -> None:
    """What names a parent that is not there waits; a circle is cut and counted."""
    batch = whole(OtlpImporter("a"), [document(span("x", "gone"), span("p", "q"), span("q", "p"))])
    found = {record.draft.id: record.draft for record in batch.records}
    assert found["x"].await_parent
    assert batch.skipped == Counter({"links in a circle": 1})
    with tracetui.open("memory://") as db:
        Committer(db).commit(batch)
        assert {t.id for t in tracetui.TraceStore(db).get_roots("t1")} >= {"x"}


def test_times_statuses_and_exceptions() -> None:
    """Without an end a span is open; a failed one has an Error child, from its exception or its status."""
    failed = {**span("f"), "status": {"code": "STATUS_CODE_ERROR", "message": "no luck"}}
    raised = {**span("r"), "status": {"code": 2}, "events": [
        {"name": "exception", "timeUnixNano": "2000000000", "attributes": [
            {"key": "exception.type", "value": {"stringValue": "ValueError"}}, {"key": "exception.message", "value": {"stringValue": "bad"}}]},
        {"name": "note", "timeUnixNano": "1"}]}  # fmt: skip
    running = {
        **span("o"),
        "endTimeUnixNano": "0",
        "droppedAttributesCount": 3,
        "links": [{"traceId": "t2", "spanId": "s2"}],
    }
    found = read(document(failed, raised, running))
    assert (found["f"].timestamp, found["f"].end_ms, found["f"].status) == (1000, 3000, "error")
    assert found["f#status"].trace_type == Error("StatusError", "no luck", recoverable=False)
    assert found["r#0"].trace_type == Error("ValueError", "bad", recoverable=False)
    assert found["o"].open
    metadata: Any = found["o"].metadata
    assert metadata["truncated"] == {"attributes": 3}
    assert metadata["links"] == [{"type": "span", "run_id": "t2", "trace_id": "s2"}]
    assert metadata["ext"]["start_ns"] == 1_000_000_000


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ls", "gen_ai.tool.call.arguments": '{"a": 1}', "gen_ai.tool.call.result": "[1]"}, ToolCall("ls", {"a": 1}, [1])),
        ({"openinference.span.kind": "TOOL", "tool.name": "t", "input.value": "x", "output.value": "y"}, ToolCall("t", "x", "y")),
        ({"traceloop.span.kind": "tool", "traceloop.entity.name": "t", "traceloop.entity.input": "x"}, ToolCall("t", "x")),
        ({"ai.operationId": "ai.toolCall", "ai.toolCall.name": "t", "ai.toolCall.args": "{}"}, ToolCall("t", {})),
        ({"langfuse.observation.type": "tool", "langfuse.observation.input": "q"}, ToolCall("span", "q")),
        ({"openinference.span.kind": "RETRIEVER", "input.value": "who?", "retrieval.documents.0.document.content": "a"}, Query("span", "who?", 1)),
        ({"db.system": "postgresql", "db.statement": "select 1"}, Query("postgresql", "select 1")),
        ({"openinference.span.kind": "GUARDRAIL"}, Decision("span", [], "passed")),
        ({"traceloop.span.kind": "workflow"}, Custom("Agent")),
        ({"gen_ai.operation.name": "execute_task"}, Custom("Task")),
        ({"openinference.span.kind": "CHAIN", "input.value": "x"}, Custom("Chain", {"input": "x"})),
        ({"mlflow.spanType": '"CHAT_MODEL"', "mlflow.spanOutputs": '"hi"'}, Custom("LLM", {"output": "hi"})),
        ({"http.method": "GET"}, Custom("span")),
        ({"llm.request.type": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi", "gen_ai.completion.0.content": "yo"}, Custom("LLM", {"input": [{"role": "user", "content": "hi"}], "output": [{"content": "yo"}]})),
        ({"ai.operationId": "ai.embed.doEmbed", "ai.values": ['"a"', '"b"']}, Query("span", "a\nb")),
        ({"ai.operationId": "ai.generateText.doGenerate", "ai.response.toolCalls": '[{"toolName": "ls"}]'}, Custom("LLM", {"tool_calls": [{"toolName": "ls"}]})),
        ({"ai.operationId": "ai.streamText"}, Custom("Agent")),
        ({"mlflow.spanType": '"RETRIEVER"', "mlflow.spanInputs": '{"q": "x"}', "mlflow.spanOutputs": "[1, 2]"}, Query("span", '{"q": "x"}', 2)),
    ],
)  # fmt: skip
def test_each_dialect_says_what_a_span_is(attributes: dict[str, Any], expected: object) -> None:
    """One table for all."""
    assert map_span("span", attributes, [], failed=False).trace_type == expected


def test_model_calls_have_messages_usage_and_cost() -> None:
    """Flattened lists are lists again; old and new names of usage are one."""
    mapped = map_span("chat", {
        "gen_ai.operation.name": "chat", "gen_ai.system": "p", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 7,
        "gen_ai.usage.completion_tokens": 2, "gen_ai.usage.cost": 0.5,
        "llm.input_messages.0.message.role": "user", "llm.input_messages.2.message.role": "tool",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "ls",
    }, [], failed=False)  # fmt: skip
    data: Any = mapped.trace_type.data if isinstance(mapped.trace_type, Custom) else None
    assert data["input"] == [{"role": "user"}, {"role": "tool"}]
    assert data["output"] == [{"tool_calls": [{"tool_call": {"function": {"name": "ls"}}}]}]
    assert mapped.metadata["usage"] == {"input": 7, "output": 2}
    assert mapped.metadata["cost"] == {"usd": 0.5, "source": "recorded"}
    assert (mapped.metadata["model"], mapped.metadata["provider"], mapped.tags) == ("m", "p", ["model:m"])


def test_messages_that_were_written_as_events_are_the_models_input_and_output() -> None:
    """The GenAI conventions before 1.37, the ones before those, and the event that holds all of it."""
    call = {"gen_ai.operation.name": "chat"}

    def data_of(*events: dict[str, Any]) -> Any:
        kind = map_span("chat", call, list(events), failed=False).trace_type
        return kind.data if isinstance(kind, Custom) else None

    assert data_of(
        {"name": "gen_ai.system.message", "time_ns": 1, "content": "be brief"},
        {"name": "gen_ai.user.message", "time_ns": 2, "content": "hi", "gen_ai.system": "openai"},
        {"name": "gen_ai.choice", "time_ns": 3, "index": 0, "message": '{"content": "yo"}'},
        {"name": "something else", "time_ns": 4},
    ) == {
        "input": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "output": [{"index": 0, "message": {"content": "yo"}}],
    }
    assert data_of(
        {"name": "gen_ai.content.prompt", "gen_ai.prompt": '[{"role": "user"}]'},
        {"name": "gen_ai.content.completion", "gen_ai.completion": "yo"},
    ) == {"input": [{"role": "user"}], "output": ["yo"]}
    details = {
        "name": "gen_ai.client.inference.operation.details",
        "gen_ai.input.messages": '[{"role": "user"}]',
    }
    assert data_of(details) == {"input": [{"role": "user"}]}


def test_usage_and_cost_in_one_object() -> None:
    """Langfuse's and MLflow's, as JSON in a string."""
    langfuse = map_span("x", {
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": "m",
        "langfuse.observation.usage_details": '{"input": 10, "output": 5, "input_cached_tokens": 4}',
        "langfuse.observation.cost_details": '{"total": 0.25}',
    }, [], failed=False)  # fmt: skip
    assert langfuse.metadata == {
        "model": "m", "usage": {"input": 10, "output": 5, "cached_input": 4}, "cost": {"usd": 0.25, "source": "recorded"},
    }  # fmt: skip
    mlflow = map_span("x", {
        "mlflow.spanType": '"LLM"', "mlflow.llm.model": '"m"', "mlflow.chat.tokenUsage": '{"input_tokens": 3, "output_tokens": 1}',
    }, [], failed=False)  # fmt: skip
    assert mlflow.metadata == {"model": "m", "usage": {"input": 3, "output": 1}}


def test_what_failed_by_its_attributes() -> None:
    """Langfuse says it by a level; the type of an error may stand beside the status."""
    found = read(
        document(
            span("a", langfuse__observation__level="ERROR", langfuse__observation__status_message="no luck"),
            {**span("b", error__type="TimeoutError"), "status": {"code": 2}},
        )
    )
    assert found["a"].status == "error"
    assert found["a#status"].trace_type == Error("StatusError", "no luck", recoverable=False)
    assert found["b#status"].trace_type == Error(
        "TimeoutError", "the span's status is an error", recoverable=False
    )


def test_values_of_every_type() -> None:
    """Integers in strings, lists, nested maps, bytes; what is broken stays as it is."""
    assert attribute_value({"intValue": "9007199254740993"}) == 9_007_199_254_740_993
    assert attribute_value({"arrayValue": {"values": [{"boolValue": True}, {"doubleValue": 0.5}]}}) == [
        True,
        0.5,
    ]
    assert attribute_value({"kvlistValue": {"values": [{"key": "a", "value": {"bytesValue": "aGk="}}]}}) == {
        "a": b"hi"
    }
    assert attribute_value({"intValue": "x"}) == "x"
    assert attribute_value("plain") == "plain"
    assert nanoseconds("nonsense") == nanoseconds(2**70) == 0


def test_the_last_word_on_a_span_holds(tmp_path: Path) -> None:
    """Before it is handed out all of it; of one that was open then its end; of one that had ended nothing."""
    begun = {**span("a", gen_ai__tool__name="ls"), "endTimeUnixNano": "0"}
    ended = {**span("a", gen_ai__tool__name="ls", gen_ai__tool__call__result="x"), "status": {"code": 2}}
    both = whole(OtlpImporter("a"), [document(begun) + b"\n" + document(ended)])
    assert [record.draft.id for record in both.records] == ["a", "a#status"]
    assert both.records[0].draft.trace_type == ToolCall("ls", None, "x")
    assert both.skipped == Counter({"spans repeated": 1})
    with tracetui.open("memory://") as one, tracetui.open("memory://") as two:
        Committer(one).commit(both)
        importer, committer = OtlpImporter("a"), Committer(two)
        for given in (begun, begun, ended, ended, begun):
            importer.feed(document(given) + b"\n")
            committer.commit(importer.take())
        assert links(two) == links(one)
        assert committer.committed.traces == 2
        assert committer.committed.updates == 1


def test_what_cannot_be_used_is_counted() -> None:
    """Broken lines, documents without spans, spans without id, repeats."""
    batch = whole(
        OtlpImporter("a"),
        [document(span("a")) + b"\n{broken\n{}\n3\n" + document({"name": "x"}, span("a")) + b"\n"],
    )
    assert batch.skipped == Counter(
        {
            "lines that are no JSON": 1,
            "documents without spans": 1,
            "documents that are no object": 1,
            "spans without an id": 1,
            "spans repeated": 1,
        }
    )
    assert whole(OtlpImporter("a"), [b'{"resourceSpans": [{"scope']).skipped == Counter(
        {"documents cut off": 1}
    )
