"""What a call of a tool is in our words, and what its result says. Pure functions.

A search is a ``Query``, a question to the user or a plan put to them a ``Decision``, all else a ``ToolCall``.
"""

from __future__ import annotations

from typing import Any

from tracetui.model.text import first_line
from tracetui.model.trace_type import Decision, Query, ToolCall, TraceType

QUERIES = frozenset({"Grep", "Glob", "WebSearch", "WebFetch", "LSP"})
DECISIONS = frozenset({"AskUserQuestion", "ExitPlanMode", "EnterPlanMode"})
AGENTS = frozenset({"Task", "Agent"})
"""Tools that start a subagent."""

_REJECTED = (
    "The user doesn't want to proceed",
    "[Request interrupted by user",
    "User rejected",
    "Tool use rejected",
)


def call_type(name: str, given: Any) -> TraceType:
    """Return what a call of this tool with this input is."""
    if name in QUERIES:
        asked = given if isinstance(given, dict) else {}
        text = asked.get("pattern") or asked.get("query") or asked.get("url") or asked.get("prompt") or ""
        return Query(name, str(text))
    if name in DECISIONS:
        return Decision(_question(name, given), _options(given), "")
    return ToolCall(name, given)


def is_rejected(text: str, structured: Any) -> bool:
    """Return whether a failed call was refused or interrupted by the user: cancelled, and no error."""
    return any(mark in text or mark in str(structured)[:500] for mark in _REJECTED)


def is_launch(structured: Any) -> bool:
    """Return whether a result only says that a subagent was started in the background."""
    return isinstance(structured, dict) and (
        structured.get("isAsync") is True or structured.get("status") == "async_launched"
    )


def agent_in(structured: Any, text: str) -> str:
    """Return the id of the subagent that a result names: as a field, else in the last lines of its text."""
    if isinstance(structured, dict) and isinstance(structured.get("agentId"), str):
        return str(structured["agentId"])
    _, found, rest = text.rpartition("agentId:")
    return rest.split(maxsplit=1)[0] if found and rest.strip() else ""


def decided(kind: Decision, structured: Any, text: str) -> Decision:
    """Return a decision with the option that its result says was chosen."""
    answers = structured.get("answers") if isinstance(structured, dict) else None
    chosen = ", ".join(map(str, answers.values())) if isinstance(answers, dict) else first_line(text)
    return Decision(kind.question, kind.options, chosen[:2000], kind.reasoning)


def outcome(kind: TraceType, structured: Any, content: Any, text: str) -> tuple[Any, Any]:
    """Return the late fields of a call and the metadata that its result adds."""
    result = structured if structured not in (None, "") else content
    if isinstance(kind, Query):
        return {"results_count": _results(structured, text)}, {"result": result}
    if isinstance(kind, Decision):
        return {}, {"result": result}
    took = _took(structured)
    return {"result": result, **({} if took is None else {"duration_ms": took})}, {}


def _took(structured: Any) -> int | None:
    for key in ("totalDurationMs", "durationMs"):
        took = structured.get(key) if isinstance(structured, dict) else None
        if isinstance(took, (int, float)) and not isinstance(took, bool) and 0 <= took < 2**53:
            return int(took)
    return None


def _question(name: str, given: Any) -> str:
    if not isinstance(given, dict):
        return name
    questions = given.get("questions")
    if isinstance(questions, list):
        return "\n".join(str(q.get("question")) for q in questions if isinstance(q, dict))
    return str(given.get("question") or given.get("plan") or name)


def _options(given: Any) -> list[str]:
    found: list[str] = []
    questions = given.get("questions") if isinstance(given, dict) else None
    for question in questions if isinstance(questions, list) else ():
        options = question.get("options") if isinstance(question, dict) else None
        for option in options if isinstance(options, list) else ():
            found.append(str(option.get("label")) if isinstance(option, dict) else str(option))
    return found


def _results(structured: Any, text: str) -> int | None:
    if isinstance(structured, dict):
        for key in ("numFiles", "numMatches", "numLines"):
            if type(structured.get(key)) is int:
                return int(structured[key])
        for key in ("filenames", "results"):
            if isinstance(structured.get(key), list):
                return len(structured[key])
    return 0 if text.startswith(("No files found", "No matches")) else None
