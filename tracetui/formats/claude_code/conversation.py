"""Lines of a transcript as the records they mean: turns, messages, thoughts, calls and their results.

Several lines with one ``message.id`` are one message, its usage the largest that was written; a tool's result
comes in a later line and closes the call. Not turns, but messages inside the one before: slash commands, their
output, interrupts, what the program says to the model by itself. A rejection or interrupt is cancelled and no
error. Turns that the user went back behind are tagged ``rewound``.
"""

from __future__ import annotations

from typing import Any

from tracetui.formats.claude_code.calls import (
    DECISIONS,
    agent_in,
    call_type,
    decided,
    is_launch,
    is_rejected,
    outcome,
)
from tracetui.formats.claude_code.lines import (
    COMMAND,
    ENVELOPE,
    INTERRUPT,
    Line,
    content_of,
    data_of,
    message_of,
    notice_in,
    source_of,
    text_of,
    usage_of,
    uuid_of,
    without_markup,
)
from tracetui.formats.claude_code.threads import Call, Thread, Threads
from tracetui.formats.ledger import Gate, Ledger, Node
from tracetui.formats.sanitise import clean_name
from tracetui.model.text import first_line
from tracetui.model.trace_type import Custom, Decision, Error, Query, Thought, TraceType

REWOUND = "rewound"
_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


class Conversation:
    """The records of a session in the making. ``now`` is the time of the line that is being read."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.threads = Threads(ledger)
        self.now = 0
        self.first_prompt = ""
        self._turns: list[Node] = []
        self._turn_of: dict[str, str] = {}

    def close_messages(self) -> None:
        """End every message that would otherwise wait for its next line."""
        for thread in self.threads.all():
            self._close_message(thread)

    def take(self, line: Line, part: str, number: int) -> None:
        """Take in a line of the session, or of a subagent's file (``part``)."""
        kind = line.get("type")
        if kind == "progress" and data_of(line).get("type") == "agent_progress":
            self._agent_progress(line, number)
            thread = None
        else:
            thread = self.threads.of(line, part, self.now)
            self._take(line, thread, number)
        if not part and (thread is None or thread.prompt is None):
            self._note_turn(line)

    def _take(self, line: Line, thread: Thread, number: int) -> None:
        kind = line.get("type")
        if kind == "user":
            self._user(line, thread, number)
        elif kind == "assistant":
            self._assistant(line, thread, number)
        else:
            self._other(line, thread, number)

    def _agent_progress(self, line: Line, number: int) -> None:
        """Take in a line of a subagent that stands inside a line of the session."""
        data = data_of(line)
        inner, call = data.get("message"), line.get("parentToolUseID")
        if not isinstance(inner, dict):
            self._other(line, self.threads.main(self.now), number)
            return
        agent = str(data.get("agentId") or "agent")
        thread = self.threads.agent(agent, call if isinstance(call, str) else None, inner, self.now)
        if inner.get("type") in ("user", "assistant"):
            inner = {**inner, "uuid": inner.get("uuid") or line.get("uuid")}
        self._take(inner, thread, number)

    # ---- turns that the user went back behind ------------------------------------------------------------

    def _note_turn(self, line: Line) -> None:
        """Note to which turn a line of the session belongs, by the chain of its parents.

        A new turn whose chain leads past later turns was said after going back: those are rewound. A chain that
        leads out of the file says nothing.
        """
        uuid = line.get("uuid")
        if not isinstance(uuid, str):
            return
        parent = line.get("parentUuid")
        current = self._turns[-1].id if self._turns else ""
        if current == uuid:
            if isinstance(parent, str) and parent in self._turn_of:
                self._mark_rewound(self._turn_of[parent])
            self._turn_of[uuid] = uuid
        else:
            self._turn_of[uuid] = self._turn_of.get(parent, current) if isinstance(parent, str) else current

    def _mark_rewound(self, before: str) -> None:
        for turn in reversed(self._turns[:-1]):
            if turn.id == before or REWOUND in turn.tags:
                return
            self.ledger.amend(turn, tags=[REWOUND])

    # ---- what people say ---------------------------------------------------------------------------------

    def _user(self, line: Line, thread: Thread, number: int) -> None:
        self._close_message(thread)
        thread.message = None
        content = content_of(line)
        results = [b for b in content if isinstance(b, dict) and b.get("type") == "tool_result"]
        for block in results:
            self._result(block, line, thread, number)
        rest = [block for block in content if block not in results]
        text = text_of(rest)
        if not rest or (results and not text):
            return
        others = [block for block in rest if not (isinstance(block, dict) and block.get("type") == "text")]
        more = {"content": others} if others and not isinstance(rest[0], str) else {}
        if self._is_turn(line, text, is_result=bool(results)):
            self._turn(text, more, line, thread, number)
        else:
            self._aside(text, more, line, thread, number)

    @staticmethod
    def _is_turn(line: Line, text: str, *, is_result: bool) -> bool:
        if is_result or line.get("isMeta") or line.get("isCompactSummary"):
            return False
        return not (COMMAND.match(text) or text.startswith((INTERRUPT, "Caveat: The messages below")))

    def _turn(self, text: str, more: Line, line: Line, thread: Thread, number: int) -> None:
        self.first_prompt = self.first_prompt or text
        if thread.prompt is not None and thread.turn is None and text == thread.prompt:
            return
        uuid = uuid_of(line, number)
        turn = Node(
            uuid, thread.holder.id, Custom("Turn", {"prompt": text, **more}), self.now,
            metadata={"name": first_line(text)[:200] or "turn", **source_of(number, uuid)},
        )  # fmt: skip
        thread.turn = self.ledger.add(turn)
        if thread.prompt is None:
            self._turns.append(thread.turn)

    def _aside(self, text: str, more: Line, line: Line, thread: Thread, number: int) -> None:
        """Take in what was said in between: a command, its output, an interrupt, a notice, a summary."""
        if not self.first_prompt and COMMAND.match(text):
            self.first_prompt = text
        self._end_in_background(text)
        uuid, interrupt = uuid_of(line, number), text.startswith(INTERRUPT)
        node = Node(
            uuid, thread.place, Custom("Message", {"role": "user", "text": text, **more}), self.now,
            status="cancelled" if interrupt else None,
            tags=["interrupt"] if interrupt else ["compact"] if line.get("isCompactSummary") else [],
            metadata={"name": first_line(without_markup(text, " "))[:200], **source_of(number, uuid)},
        )  # fmt: skip
        self.ledger.add(node)

    def _end_in_background(self, text: str) -> None:
        """End the subagent whose end in the background a notice tells."""
        notice = notice_in(text)
        if notice is None:
            return
        call = self.threads.calls.get(notice.call)
        if call is not None and call.agents:
            self.threads.end_agents(call, notice.status, self.now)
        if notice.agent:
            self.threads.end_agent(notice.agent, notice.status, self.now, notice.result)

    # ---- what the model says -----------------------------------------------------------------------------

    def _assistant(self, line: Line, thread: Thread, number: int) -> None:
        message, content = message_of(line), content_of(line)
        uuid = uuid_of(line, number)
        if line.get("isApiErrorMessage") or (message.get("model") == "<synthetic>" and line.get("error")):
            self._close_message(thread)
            error = Error("ApiError", text_of(content) or "the model did not answer", recoverable=False)
            self.ledger.add(Node(uuid, thread.place, error, self.now, metadata=source_of(number, uuid)))
            return
        node = self._message(line, message, thread, uuid, number)
        usage = usage_of(message.get("usage"))
        if usage:
            thread.usage = {key: max(n, thread.usage.get(key, 0)) for key, n in usage.items()}
            self.ledger.amend(node, metadata={"usage": thread.usage})
        for at, block in enumerate(content):
            self._block(block, thread, node, f"{uuid}#{at}", number)

    def _message(self, line: Line, message: Line, thread: Thread, uuid: str, number: int) -> Node:
        """Return the node of a message: the one that is being written, or a new one."""
        own = clean_name(message.get("id"), uuid)
        if thread.message is not None and thread.message.id == own:
            return thread.message
        self._close_message(thread)
        model = message.get("model")
        metadata: Line = {"provider": "anthropic", **source_of(number, uuid)}
        tags = []
        if isinstance(model, str):
            metadata["model"] = model
            tags.append(clean_name(f"model:{model}"))
        if line.get("_cut"):
            metadata["truncated"] = line["_cut"]
        if own in self.ledger.nodes:
            own = uuid
        node = Node(
            own, thread.place, Custom("LLM", {}), self.now, tags=tags, metadata=metadata, open=True
        )  # fmt: skip
        thread.message, thread.said, thread.tools, thread.usage = self.ledger.add(node), [], [], {}
        return thread.message

    def _close_message(self, thread: Thread) -> None:
        """End the message that was being written: its output is what its lines said.

        Should more lines of it come all the same, they still go below it.
        """
        node = thread.message
        if node is None or not node.open:
            return
        data: Line = {}
        if thread.said:
            data["output"] = "\n".join(thread.said)
        if thread.tools:
            data["tool_calls"] = thread.tools
        self.ledger.finish(node, thread.last_ms, late={"data": data})

    def _block(self, block: Any, thread: Thread, node: Node, native: str, number: int) -> None:
        if isinstance(block, str):
            block = {"type": "text", "text": block}
        if not isinstance(block, dict):
            self.ledger.skipped["blocks that are no object"] += 1
            return
        kind = block.get("type")
        thread.last_ms = self.now
        if kind == "text":
            thread.said.append(str(block.get("text") or ""))
            self._thought(thread.said[-1], node, native, number, [])
        elif kind in ("thinking", "redacted_thinking"):
            self._thought(str(block.get("thinking") or "(redacted)"), node, native, number, ["thinking"])
        elif kind in _CALLS:
            thread.tools.append(str(block.get("name")))
            self._call(block, node, native, number)
        else:
            made = Custom(clean_name(kind, "block"), block)
            self.ledger.add(Node(native, node.id, made, self.now, metadata=source_of(number, native)))

    def _thought(self, text: str, node: Node, native: str, number: int, tags: list[str]) -> None:
        if text.strip():
            source = source_of(number, native)
            self.ledger.add(Node(native, node.id, Thought(text), self.now, tags=tags, metadata=source))

    # ---- tools -------------------------------------------------------------------------------------------

    def _call(self, block: Line, node: Node, native: str, number: int) -> None:
        own = clean_name(block.get("id"), native)
        name, given = str(block.get("name") or "tool"), block.get("input")
        if own in self.ledger.nodes:
            self.ledger.skipped["tool calls repeated"] += 1
            return
        made = Node(
            own, node.id, call_type(name, given), self.now, tags=[clean_name(f"tool:{name}")],
            metadata={"name": name, **source_of(number, own)}, open=True, gate=Gate(held=name in DECISIONS),
        )  # fmt: skip
        if isinstance(made.trace_type, Query):
            made.metadata["arguments"] = given
        self.threads.called(own, self.ledger.add(made), name)

    def _result(self, block: Line, line: Line, thread: Thread, number: int) -> None:
        own, structured = clean_name(block.get("tool_use_id"), "unnamed"), line.get("toolUseResult")
        text, failed = text_of(block.get("content")), bool(block.get("is_error"))
        call = self.threads.calls.get(own)
        if call is None or own not in self.ledger.nodes:
            data = {"tool_use_id": own, "content": block.get("content"), "result": structured}
            self._orphan_result(own, data, text, thread, number, failed=failed)
            return
        node = call.node
        rejected = failed and is_rejected(text, structured)
        status = "cancelled" if rejected else "error" if failed else "ok"
        late, metadata = outcome(node.trace_type, structured, block.get("content"), text)
        was_open = node.open
        self._note_agents(call, own, structured, text)
        self.ledger.finish(node, self.now, status, late=late, metadata=metadata)
        if not call.in_background:
            self.threads.end_agents(call, status, self.now)
        if isinstance(node.trace_type, Decision) and node.gate.held:
            node.trace_type = decided(node.trace_type, structured, text)
            node.gate.held = False
        if failed and not rejected and was_open:
            self._error(f"{call.name}Error", text, own, source_of(number, own))

    def _note_agents(self, call: Call, own: str, structured: Any, text: str) -> None:
        """Note the subagent that a result names, and whether it goes on behind it."""
        if call.is_agents:
            call.in_background = is_launch(structured)
            agent = agent_in(structured, text)
            if agent:
                self.threads.link(agent, own)

    def _error(self, error_type: str, text: str, parent: str, source: Line) -> None:
        error = Error(error_type, without_markup(text).strip() or "failed", recoverable=False)
        self.ledger.add(
            Node(f"{parent}#error", parent, error, self.now, end_ms=self.now, metadata=source)
        )  # fmt: skip

    def _orphan_result(
        self, own: str, data: Line, text: str, thread: Thread, number: int, *, failed: bool
    ) -> None:
        """Keep a result whose call is not in the file."""
        native, source = f"result:{own}", source_of(number, own)
        status = "error" if failed else None
        self.ledger.add(
            Node(native, thread.place, Custom("tool_result", data), self.now, metadata=source, status=status)
        )
        if failed:
            self._error("ToolError", text, native, source)

    # ---- everything else ---------------------------------------------------------------------------------

    def _other(self, line: Line, thread: Thread, number: int) -> None:
        name = str(
            line.get("subtype")
            or data_of(line).get("type")
            or line.get("type")
            or line.get("event")
            or "record"
        )
        native = clean_name(line.get("uuid"), f"{name}:{number}")
        body = {key: value for key, value in line.items() if key not in ENVELOPE}
        call = line.get("parentToolUseID") or line.get("toolUseID")
        parent = call if isinstance(call, str) and call in self.ledger.nodes else thread.place
        made: TraceType = Custom(clean_name(name, "record"), body)
        if name == "api_error":
            said = text_of(line.get("error") or line.get("content")) or str(body)[:2000]
            made = Error("ApiError", said, recoverable=True)
        source = source_of(number, native)
        self.ledger.add(Node(native, parent, made, self.now, metadata=source))
