"""What came just before a failure, in the same agent.

The last model output or thought, the last decision, the previous call of the tool that failed, and its last
good call; each of smaller seq than the failure, the failing call itself excluded.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.analysis.errors import AGENT, MODEL
from tracetui.errors import TraceTuiError
from tracetui.model.trace import OK, STATUS_CODES
from tracetui.model.trace_type import CUSTOM, DECISION, THOUGHT, TOOL_CALL, ToolCall
from tracetui.storage.backend import RunView

_OK = STATUS_CODES[OK]
LOOK_BACK = 20_000
"""Traces looked at, at most: what came just before is near."""


@dataclass(frozen=True, slots=True)
class Before:
    """Seqs, −1 where there is none."""

    said: int = -1
    decision: int = -1
    previous_call: int = -1
    last_good_call: int = -1

    def seqs(self) -> list[int]:
        """Return what was found of the first three, newest first."""
        return sorted(
            {seq for seq in (self.said, self.decision, self.previous_call) if seq >= 0}, reverse=True
        )


def just_before(view: RunView, seq: int) -> Before:
    """Return what came just before a trace, usually an error or the call that failed."""
    call = _failing_call(view, seq)
    agent = _agent_of(view, seq)
    tool = _tool_name(view, call) if call >= 0 else ""
    found: dict[str, int] = {}
    first = call if call >= 0 else _said_by(view, seq)
    for other in range(first - 1, max(first - LOOK_BACK, 0) - 1, -1):
        role = _role(view, other)
        if role is None or _agent_of(view, other) != agent or other == agent:
            continue
        if role == "call":
            _note_call(view, other, tool, found)
        else:
            found.setdefault(role, other)
        if len(found) == (4 if tool else 2):
            break
    return Before(
        found.get("said", -1), found.get("decision", -1), found.get("previous", -1), found.get("good", -1)
    )


def _said_by(view: RunView, seq: int) -> int:
    """Return the model call that a thought is part of: its output is no other than the thought."""
    parent = view.parents[seq]
    is_part = parent >= 0 and view.kinds[seq] == THOUGHT and view.type_names[view.types[parent]] == MODEL
    return parent if is_part else seq


def _note_call(view: RunView, seq: int, tool: str, found: dict[str, int]) -> None:
    if not tool or ("previous" in found and "good" in found) or _tool_name(view, seq) != tool:
        return
    found.setdefault("previous", seq)
    if view.statuses[seq] == _OK:
        found.setdefault("good", seq)


def _role(view: RunView, seq: int) -> str | None:
    kind = view.kinds[seq]
    if kind == TOOL_CALL:
        return "call"
    if kind == DECISION:
        return "decision"
    if kind == THOUGHT or (kind == CUSTOM and view.type_names[view.types[seq]] == MODEL):
        return "said"
    return None


def _failing_call(view: RunView, seq: int) -> int:
    """Return the nearest tool call at or above a trace, within its agent; −1 if there is none."""
    node = seq
    while node >= 0:
        if view.kinds[node] == TOOL_CALL:
            return node
        if view.kinds[node] == CUSTOM and view.type_names[view.types[node]] == AGENT:
            return -1
        node = view.parents[node]
    return -1


def _agent_of(view: RunView, seq: int) -> int:
    node = view.parents[seq]
    while node >= 0:
        if view.kinds[node] == CUSTOM and view.type_names[view.types[node]] == AGENT:
            return node
        node = view.parents[node]
    return -1


def _tool_name(view: RunView, seq: int) -> str:
    try:
        kind = view.trace(seq).trace_type
    except TraceTuiError:
        return ""
    return kind.tool_name if isinstance(kind, ToolCall) else ""
