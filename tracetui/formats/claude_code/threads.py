"""Whose line it is: the session's own conversation, or which subagent's, and below which call that hangs.

Subagents come in three generations. Lines with ``isSidechain`` in the session's file: one subagent a chain of
``parentUuid``, linked by its prompt. ``agent_progress`` lines, which name the call. Files of their own, fed as
parts (``agent-<id>.jsonl``), linked by ``agent-<id>.meta.json``, by their prompt, or by the result of the call,
which names them; until one of these is known, they are held back.

Invariant: the place of a subagent is settled before its record is handed out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from tracetui.formats.claude_code.calls import AGENTS
from tracetui.formats.claude_code.lines import Line, content_of, text_of
from tracetui.formats.ledger import Gate, Ledger, Node
from tracetui.formats.sanitise import clean_name
from tracetui.model.text import first_line
from tracetui.model.trace_type import Custom, ToolCall


@dataclass(slots=True, eq=False)
class Thread:
    """One conversation: the session's own, or a subagent's."""

    holder: Node
    """What its turns hang below."""
    turn: Node | None = None
    message: Node | None = None
    """The model's message that is being written."""
    said: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    last_ms: int = 0
    prompt: str | None = None
    """What a subagent was told: said again in its first line, which is no turn. None: not an agent's."""

    @property
    def place(self) -> str:
        """Id of what the next thing belongs below."""
        return (self.turn or self.holder).id


@dataclass(slots=True, eq=False)
class Call:
    """A call of a tool, and the subagents that it started."""

    node: Node
    name: str
    agents: list[Node] = field(default_factory=list)
    in_background: bool = False
    """Whether its result came at once, and its subagents go on."""

    @property
    def is_agents(self) -> bool:
        """Whether it starts a subagent."""
        return self.name in AGENTS


class Threads:
    """The conversations of a session, and its calls of tools by id."""

    def __init__(self, ledger: Ledger) -> None:
        self.calls: dict[str, Call] = {}
        self._ledger = ledger
        self._main: Thread | None = None
        self._agents: dict[str, Thread] = {}
        self._call_of: dict[str, str] = {}
        self._ended: dict[str, tuple[str, int]] = {}
        self._chains: dict[str, str] = {}
        self._last_chain = ""

    def all(self) -> list[Thread]:
        """Return every conversation there is so far."""
        return [*([self._main] if self._main else []), *self._agents.values()]

    def main(self, now: int) -> Thread:
        """Return the session's own."""
        if self._main is None:
            root = Node("session", None, Custom("Agent", {}), now, metadata={"name": "session"})
            self._main = Thread(self._ledger.add(root))
        return self._main

    def of(self, line: Line, part: str, now: int) -> Thread:
        """Return the conversation that a line belongs to."""
        if part:
            return self.agent(agent_of_part(part), None, line, now)
        if not line.get("isSidechain"):
            return self.main(now)
        agent = line.get("agentId")
        agent = agent if isinstance(agent, str) else self._chain(line)
        return self.agent(agent, self._call_open() if agent not in self._agents else None, line, now)

    def _chain(self, line: Line) -> str:
        """Return the name of a sidechain without an agent's id: the id of its first line."""
        uuid, parent = line.get("uuid"), line.get("parentUuid")
        known = self._chains.get(parent) if isinstance(parent, str) else None
        begins = line.get("type") == "user" and isinstance(uuid, str) and bool(text_of(content_of(line)))
        chain = known or (str(uuid) if begins or not self._last_chain else self._last_chain)
        if isinstance(uuid, str):
            self._chains[uuid] = chain
        self._last_chain = chain
        return chain

    def agent(self, agent: str, call: str | None, line: Line, now: int) -> Thread:
        """Return the conversation of a subagent, beginning it with its first line.

        ``call`` is the one it likely belongs to, if neither a link nor its prompt says more.
        """
        thread = self._agents.get(agent)
        if thread is None:
            thread = self._agents[agent] = self._begin(agent, call, line, now)
        return thread

    def _begin(self, agent: str, call: str | None, line: Line, now: int) -> Thread:
        said = text_of(content_of(line)) if line.get("type") == "user" else ""
        data = {"agent": agent, **({"prompt": said} if said else {})}
        node = Node(
            f"agent:{clean_name(agent)}", self.main(now).holder.id, Custom("Agent", data), now,
            tags=["sidechain", clean_name(f"agent:{agent}")],
            metadata={"name": first_line(said)[:80] or f"agent {agent}"}, gate=Gate(held=True),
        )  # fmt: skip
        thread = Thread(self._ledger.add(node), prompt=said)
        call = self._call_of.get(agent) or self._call_that_said(said) or call
        if call is not None:
            self._hang(agent, node, call)
        return thread

    def _call_that_said(self, prompt: str) -> str | None:
        """Return the oldest call without a subagent whose prompt this is."""
        for own, call in self.calls.items():
            kind = call.node.trace_type
            if call.is_agents and not call.agents and isinstance(kind, ToolCall):
                given = kind.arguments
                if prompt and isinstance(given, dict) and given.get("prompt") == prompt:
                    return own
        return None

    def _call_open(self) -> str | None:
        """Return the last call that started a subagent and has not ended."""
        return next((own for own, c in reversed(self.calls.items()) if c.is_agents and c.node.open), None)

    def _hang(self, agent: str, node: Node, own: str) -> None:
        """Settle that a subagent was started by a call; it ends as the call does, or in its own time."""
        node.parent_id = own
        node.gate.held = False
        call = self.calls.setdefault(own, Call(_unseen(own), ""))
        call.agents.append(node)
        if agent in self._ended:
            node.status, node.end_ms = self._ended[agent]
        elif call.in_background or call.node.open:
            node.open = True
        else:
            node.status, node.end_ms = call.node.status, call.node.end_ms

    # ---- calls -------------------------------------------------------------------------------------------

    def called(self, own: str, node: Node, name: str) -> None:
        """Note a call of a tool; subagents that name it may be there already."""
        early = self.calls.get(own)
        self.calls[own] = Call(node, name, early.agents if early else [])

    def link(self, agent: str, own: str) -> None:
        """Note which call a subagent belongs to, unless its place is settled."""
        self._call_of.setdefault(agent, own)
        thread = self._agents.get(agent)
        if thread is not None and thread.holder.gate.held and not thread.holder.emitted:
            self._hang(agent, thread.holder, own)

    def end_agents(self, call: Call, status: str, now: int) -> None:
        """End the subagents of a call with it."""
        for node in call.agents:
            if node.open:
                self._ledger.finish(node, now, status)

    def end_agent(self, agent: str, status: str, now: int, result: Any) -> None:
        """End a subagent that went on in the background."""
        self._ended[agent] = status, now
        thread = self._agents.get(agent)
        if thread is not None and thread.holder.open:
            late = {"data": {"output": result}} if result else {}
            self._ledger.finish(thread.holder, now, status, late=late)


def agent_of_part(part: str) -> str:
    """Return the subagent's id that a file's name holds.

    >>> agent_of_part("agent-a1.jsonl"), agent_of_part("x/agent-a1.meta.json")
    ('a1', 'a1')
    """
    return PurePath(part).name.partition(".")[0].removeprefix("agent-")


def _unseen(own: str) -> Node:
    """Return what stands for a call that was named before it was read."""
    return Node(own, None, ToolCall("", None), None, open=True)
