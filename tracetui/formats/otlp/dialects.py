"""What the attributes of a span mean, in the dialects that are in use: one table, first match wins.

GenAI semantic conventions (old and new), OpenInference, Traceloop, Langfuse, Vercel AI SDK, MLflow. Owns which
attribute gives a tool's name, arguments and result, a model's input, output and usage; knows nothing of OTLP.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tracetui.formats.sanitise import clean_name
from tracetui.model.trace_type import Custom, Decision, Query, ToolCall, TraceType

TOOL, MODEL, QUERY, DECISION, AGENT, TASK, CHAIN = (
    "tool",
    "model",
    "query",
    "decision",
    "Agent",
    "Task",
    "Chain",
)

_OPERATIONS = {
    "execute_tool": TOOL, "chat": MODEL, "text_completion": MODEL, "generate_content": MODEL, "embeddings": QUERY,
    "retrieval": QUERY, "invoke_agent": AGENT, "create_agent": AGENT, "invoke_workflow": AGENT, "plan": AGENT,
    "execute_task": TASK,
}  # fmt: skip
_OPENINFERENCE = {
    "TOOL": TOOL, "RETRIEVER": QUERY, "RERANKER": QUERY, "EMBEDDING": QUERY, "LLM": MODEL, "DECISION": DECISION,
    "GUARDRAIL": DECISION, "EVALUATOR": DECISION, "AGENT": AGENT, "CHAIN": CHAIN, "PROMPT": CHAIN,
}  # fmt: skip
_TRACELOOP = {"workflow": AGENT, "agent": AGENT, "task": TASK, "tool": TOOL}
_LANGFUSE = {
    "generation": MODEL, "agent": AGENT, "tool": TOOL, "chain": CHAIN, "retriever": QUERY, "embedding": QUERY,
    "evaluator": DECISION, "guardrail": DECISION,
}  # fmt: skip
_MLFLOW = {
    "TOOL": TOOL, "LLM": MODEL, "CHAT_MODEL": MODEL, "RETRIEVER": QUERY, "EMBEDDING": QUERY, "RERANKER": QUERY,
    "AGENT": AGENT, "CHAIN": CHAIN, "WORKFLOW": AGENT, "TASK": TASK, "GUARDRAIL": DECISION, "EVALUATOR": DECISION,
}  # fmt: skip
_TRACELOOP_CALLS = {"chat": MODEL, "completion": MODEL, "embedding": QUERY, "rerank": QUERY}
_VERCEL = {".doGenerate": MODEL, ".doStream": MODEL, ".doEmbed": QUERY, "ai.toolCall": TOOL}
"""Ends of ``ai.operationId``; the other operations wrap these."""
_KINDS: tuple[tuple[str, dict[str, str]], ...] = (
    ("gen_ai.operation.name", _OPERATIONS),
    ("openinference.span.kind", _OPENINFERENCE),
    ("traceloop.span.kind", _TRACELOOP),
    ("langfuse.observation.type", _LANGFUSE),
    ("mlflow.spanType", _MLFLOW),
    ("llm.request.type", _TRACELOOP_CALLS),
)

_TOOL_NAME = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name", "tool_name")
_TOOL_ARGUMENTS = (
    "gen_ai.tool.call.arguments", "tool_arguments", "ai.toolCall.args", "input.value", "traceloop.entity.input",
    "langfuse.observation.input", "mlflow.spanInputs", "tool.parameters",
)  # fmt: skip
_TOOL_RESULT = (
    "gen_ai.tool.call.result", "tool_response", "ai.toolCall.result", "output.value", "traceloop.entity.output",
    "langfuse.observation.output", "mlflow.spanOutputs",
)  # fmt: skip
_INPUT = (
    "gen_ai.input.messages", "ai.prompt.messages", "ai.prompt", "ai.value", "ai.values", "input.value",
    "traceloop.entity.input", "langfuse.observation.input", "mlflow.spanInputs", "gen_ai.prompt", "all_messages_events",
)  # fmt: skip
_OUTPUT = (
    "gen_ai.output.messages", "ai.response.text", "ai.response.object", "output.value", "traceloop.entity.output",
    "langfuse.observation.output", "mlflow.spanOutputs", "gen_ai.completion", "final_result",
)  # fmt: skip
_MODEL_NAME = (
    "gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id", "langfuse.observation.model.name",
    "embedding.model_name", "reranker.model_name", "mlflow.llm.model",
)  # fmt: skip
_PROVIDER = (
    "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider", "mlflow.llm.provider",
)  # fmt: skip
_USAGE = {
    "input": (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens",
        "ai.usage.promptTokens",
    ),
    "output": (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
        "ai.usage.outputTokens", "ai.usage.completionTokens",
    ),
    "cached_input": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.details.cache_read_tokens",
        "llm.token_count.prompt_details.cache_read", "ai.usage.cachedInputTokens",
    ),
    "cache_write": ("gen_ai.usage.cache_creation.input_tokens", "llm.token_count.prompt_details.cache_write"),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning",
        "ai.usage.reasoningTokens",
    ),
}  # fmt: skip
_USAGE_OBJECTS = ("langfuse.observation.usage_details", "mlflow.chat.tokenUsage")
"""Attributes that hold all of the usage as one object, or as its JSON."""
_USAGE_MEMBERS = {
    "input": ("input", "input_tokens", "prompt_tokens", "promptTokens"),
    "output": ("output", "output_tokens", "completion_tokens", "completionTokens"),
    "cached_input": ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read"),
    "cache_write": ("cache_creation_input_tokens", "input_cache_creation"),
    "reasoning": ("output_reasoning_tokens", "output_reasoning"),
}
_COST = ("gen_ai.usage.cost", "llm.cost.total", "operation.cost")
_COST_OBJECTS = ("langfuse.observation.cost_details", "mlflow.llm.cost")
_ASKED = {
    "gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}  # fmt: skip
"""Events of the GenAI conventions before 1.37 that hold one message of the input, and its role."""


Attributes = dict[str, Any]


@dataclass(slots=True)
class Mapped:
    """A span in our words."""

    trace_type: TraceType
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)

    __hash__ = None  # type: ignore[assignment]


def map_span(name: str, attributes: Attributes, events: list[Attributes], *, failed: bool) -> Mapped:
    """Return what a span of this name and attributes is; unknown ones are custom traces of their own name.

    ``events`` are those of the span, each a dict of its ``name`` and attributes.
    """
    kind = _kind(name, attributes)
    metadata = _metadata(attributes)
    if kind == TOOL:
        return _tool(name, attributes, metadata)
    if kind == MODEL:
        return _model(attributes, events, metadata)
    if kind == QUERY:
        return _query(name, attributes, metadata)
    if kind == DECISION:
        chosen = _as_text(_first(attributes, _OUTPUT))
        return Mapped(Decision(name, [], chosen or ("failed" if failed else "passed")), metadata)
    data = _data(attributes)
    if kind in (AGENT, TASK, CHAIN):
        agent = attributes.get("gen_ai.agent.name") or attributes.get("agent.name")
        if isinstance(agent, str) and kind == AGENT:
            metadata["name"] = agent
        return Mapped(Custom(kind, data), metadata)
    return Mapped(Custom(clean_name(kind or name, "span"), data), metadata)


def _kind(name: str, attributes: Attributes) -> str:
    for key, meanings in _KINDS:
        value = attributes.get(key)
        if isinstance(value, str):
            found = meanings.get(value.strip('"')) or meanings.get(value.strip('"').upper())
            if found:
                return found
    operation = attributes.get("ai.operationId")
    if isinstance(operation, str):
        return next((kind for end, kind in _VERCEL.items() if operation.endswith(end)), AGENT)
    if any(key.startswith("db.") for key in attributes):
        return QUERY
    if "gen_ai.tool.name" in attributes or name.startswith(("running tool", "execute_tool")):
        return TOOL if "gen_ai.tool.name" in attributes else TASK
    if "gen_ai.request.model" in attributes and "gen_ai.agent.name" not in attributes:
        return MODEL
    return AGENT if "gen_ai.agent.name" in attributes or "agent_name" in attributes else ""


def _tool(name: str, attributes: Attributes, metadata: dict[str, Any]) -> Mapped:
    called = _first(attributes, _TOOL_NAME)
    tool = called if isinstance(called, str) else name
    call = ToolCall(tool, _first(attributes, _TOOL_ARGUMENTS), _first(attributes, _TOOL_RESULT))
    return Mapped(call, metadata, [f"tool:{tool}"])


def _query(name: str, attributes: Attributes, metadata: dict[str, Any]) -> Mapped:
    said = _first(attributes, ("db.query.text", "db.statement", "gen_ai.retrieval.query", *_INPUT))
    system = attributes.get("db.system.name") or attributes.get("db.system")
    if isinstance(said, list) and all(isinstance(text, str) for text in said):
        said = "\n".join(_as_text(_read(text)) for text in said)
    asked = _plain_query(said) or _as_text(said) or name
    return Mapped(Query(clean_name(system, name), asked, _results(attributes)), metadata)


def _model(attributes: Attributes, events: list[Attributes], metadata: dict[str, Any]) -> Mapped:
    asked, answered = _messages_in(events)
    given = (
        _flat(attributes, "llm.input_messages")
        or _flat(attributes, "gen_ai.prompt")
        or _first(attributes, _INPUT)
        or asked
    )
    said = (
        _flat(attributes, "llm.output_messages")
        or _flat(attributes, "gen_ai.completion")
        or _first(attributes, _OUTPUT)
        or answered
    )
    instructions = _first(attributes, ("gen_ai.system_instructions",))
    calls = _first(attributes, ("ai.response.toolCalls",))
    told = (("instructions", instructions), ("input", given), ("output", said), ("tool_calls", calls))
    usage = _usage(attributes)
    if usage:
        metadata["usage"] = usage
    price = _cost(attributes)
    if price is not None:
        metadata["cost"] = {"usd": price, "source": "recorded"}
    model = metadata.get("model")
    data = {key: value for key, value in told if value is not None}
    return Mapped(Custom("LLM", data), metadata, [f"model:{model}"] if model else [])


def _messages_in(events: list[Attributes]) -> tuple[Any, Any]:
    """Return input and output of a model call that were written as events, None where they were not."""
    asked: list[Any] = []
    answered: list[Any] = []
    for event in events:
        name = str(event.get("name"))
        more = {
            key: _read(value)
            for key, value in event.items()
            if key not in ("name", "time_ns", "gen_ai.system")
        }
        if name in _ASKED:
            asked.append({"role": _ASKED[name], **more})
        elif name == "gen_ai.choice":
            answered.append(more)
        elif name in ("gen_ai.content.prompt", "gen_ai.content.completion", _DETAILS):
            asked += _listed(_first(event, ("gen_ai.input.messages", "gen_ai.prompt")))
            answered += _listed(_first(event, ("gen_ai.output.messages", "gen_ai.completion")))
    return asked or None, answered or None


_DETAILS = "gen_ai.client.inference.operation.details"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _usage(attributes: Attributes) -> dict[str, int | float]:
    """Return usage by our names, from attributes of its own or from one that holds all of it."""
    found = {key: n for key, names in _USAGE.items() if (n := _number(attributes, names)) is not None}
    for name in _USAGE_OBJECTS:
        whole = _first(attributes, (name,))
        if isinstance(whole, dict):
            more = {
                key: n for key, names in _USAGE_MEMBERS.items() if (n := _number(whole, names)) is not None
            }
            found = {**more, **found}
    return found


def _cost(attributes: Attributes) -> int | float | None:
    """Return the price of a call in US dollars as its source gives it, None if it does not."""
    for name in _COST_OBJECTS:
        whole = _first(attributes, (name,))
        if isinstance(whole, dict) and (total := _number(whole, ("total", "total_cost"))) is not None:
            return total
    return _number(attributes, _COST)


def _metadata(attributes: Attributes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    model, provider = _first(attributes, _MODEL_NAME), _first(attributes, _PROVIDER)
    if isinstance(model, str):
        found["model"] = model
    if isinstance(provider, str):
        found["provider"] = provider
    return found


def _data(attributes: Attributes) -> dict[str, Any] | None:
    given, said = _first(attributes, _INPUT), _first(attributes, _OUTPUT)
    data = {key: value for key, value in (("input", given), ("output", said)) if value is not None}
    return data or None


def _first(attributes: Attributes, names: tuple[str, ...]) -> Any:
    """Return the first attribute that is there; JSON in a string is read."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return _read(value)
    return None


def _read(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in '{["' and value:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _number(attributes: Attributes, names: tuple[str, ...]) -> int | float | None:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    return None


def _results(attributes: Attributes) -> int | None:
    count = 0
    while f"retrieval.documents.{count}.document.content" in attributes:
        count += 1
    if count:
        return count
    said = _first(attributes, _OUTPUT)
    return len(said) if isinstance(said, list) else None


def _plain_query(value: Any) -> str:
    """Return the question in an input, "" if it is not plain to see."""
    value = _read(value)
    if isinstance(value, dict):
        return next((str(value[key]) for key in _QUESTIONS if isinstance(value.get(key), str)), "")
    return value if isinstance(value, str) else ""


_QUESTIONS = ("query", "input", "question", "text")


def _as_text(value: Any) -> str:
    """Return a text as it is, anything else as JSON, nothing as ""."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, default=str, ensure_ascii=False)


def _flat(attributes: Attributes, prefix: str) -> list[Any] | None:
    """Return a list that was flattened into keys, such as ``llm.input_messages.0.message.role``, as a list again.

    Numbers may be missing where a writer dropped attributes; what is there keeps its order.
    """
    found: dict[int, dict[str, Any]] = {}
    start = prefix + "."
    for key, value in attributes.items():
        if key.startswith(start):
            number, _, rest = key[len(start) :].partition(".")
            if number.isdigit() and rest:
                _put(found.setdefault(int(number), {}), rest.removeprefix("message.").split("."), value)
    return [_lists(found[number]) for number in sorted(found)] if found else None


def _put(into: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        inner = into.setdefault(step, {})
        if not isinstance(inner, dict):
            inner = into[step] = {"value": inner}
        into = inner
    into[path[-1]] = _read(value)


def _lists(value: Any) -> Any:
    """Turn dicts whose keys are all numbers into lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(item) for key, item in value.items()}
