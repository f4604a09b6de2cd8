"""Claude Code transcripts (``~/.claude/projects/<folder>/<session>.jsonl``), re-nested as a person reads them.

A file is a chain of lines linked by ``parentUuid``, hundreds deep; what it means is session → turn → message →
tool. Owns that meaning. Several lines with one ``message.id`` are one message, its usage the largest that was
written; a tool's result comes in a later line and closes the call. Subagents come in three ways: lines with
``isSidechain`` in the same file, ``agent_progress`` lines, and files of their own (``subagents/agent-<id>.jsonl``
with ``.meta.json``), which are fed as parts.

Not turns, but messages inside the one before: slash commands, their output, interrupts, what the program says to
the model by itself. A rejection or interrupt is cancelled and no error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from tracetui.formats.ledger import Gate, Ledger, Node
from tracetui.formats.record import Batch, ImportRun
from tracetui.formats.sanitise import UnreadableError, clean_name, is_plain, parse_json, sanitise
from tracetui.model.text import first_line
from tracetui.model.trace_type import Custom, Decision, Error, Query, Thought, ToolCall, TraceType

FORMAT = "claude-code"
QUERIES = frozenset({"Grep", "Glob", "WebSearch", "WebFetch", "LSP"})
DECISIONS = frozenset({"AskUserQuestion", "ExitPlanMode", "EnterPlanMode"})

_REJECTED = (
    "The user doesn't want to proceed",
    "[Request interrupted by user",
    "User rejected",
    "Tool use rejected",
)
_INTERRUPT = "[Request interrupted by user"
_COMMAND = re.compile(r"\s*<(?:command-|local-command-|bash-|task-notification|system-reminder)")
_MARKUP = re.compile(r"</?[a-z_-]+>")
_ENVELOPE = frozenset({
    "type", "uuid", "parentUuid", "timestamp", "sessionId", "version", "gitBranch", "userType", "isSidechain", "cwd",
    "slug",
})  # fmt: skip


@dataclass(slots=True)
class _Thread:
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
    is_agent: bool = False

    __hash__ = None  # type: ignore[assignment]

    @property
    def place(self) -> str:
        """Id of what the next thing belongs below."""
        return (self.turn or self.holder).id


class ClaudeCodeImporter:
    """One session file with the files of its subagents; see ``Importer``."""

    format = FORMAT

    def __init__(self, path: str) -> None:
        self.path = path
        self._ledger = Ledger()
        self._rest: dict[str, bytes] = {}
        self._lines: dict[str, int] = {}
        self._session = ""
        self._titles: dict[str, str] = {}
        self._first_prompt = ""
        self._metadata: dict[str, Any] = {}
        self._tags: list[str] = []
        self._created: int | None = None
        self._now = 0
        self._threads: dict[str, _Thread] = {}
        self._tools: dict[str, tuple[Node, str]] = {}
        self._seen: set[str] = set()
        self._waiting: list[tuple[dict[str, Any], str, int]] = []
        self._links: dict[str, str] = {}
        self._agents_of: dict[str, list[Node]] = {}

    # ---- feeding -----------------------------------------------------------------------------------------

    def feed(self, chunk: bytes, part: str = "") -> None:
        """Take the next bytes of the transcript, or of a subagent's (``part`` is its file name)."""
        data = self._rest.get(part, b"") + chunk
        if part.endswith(".meta.json"):
            self._rest[part] = data
            self._link_part(part, data)
            return
        whole, _, rest = data.rpartition(b"\n")
        self._rest[part] = rest
        for raw in whole.split(b"\n") if whole else ():
            self._take_line(raw, part)

    def _link_part(self, part: str, data: bytes) -> None:
        try:
            meta = parse_json(data)
        except UnreadableError:
            return
        if isinstance(meta, dict) and isinstance(meta.get("toolUseId"), str):
            self._links[PurePath(part).name.removesuffix(".meta.json")] = meta["toolUseId"]

    def _take_line(self, raw: bytes, part: str) -> None:
        number = self._lines[part] = self._lines.get(part, 0) + 1
        if not raw.strip():
            return
        try:
            line = parse_json(raw)
        except UnreadableError:
            self._ledger.skipped["lines that are no JSON"] += 1
            return
        if not isinstance(line, dict):
            self._ledger.skipped["lines that are no object"] += 1
            return
        if not is_plain(raw):
            line, cut = sanitise(line)
            if cut:
                line["_cut"] = cut
        self._read(line, part, number)

    def take(self, final: bool = False) -> Batch:
        """Hand out what is settled; ``final`` ends messages that would otherwise wait for their next line."""
        if final:
            for part in list(self._rest):
                if not part.endswith(".meta.json") and self._rest[part].strip():
                    self._finish_rest(part)
            for thread in self._threads.values():
                self._close_message(thread)
        if self._created is None and not self._ledger.nodes:
            return Batch(skipped=self._drain_skipped())
        records, updates = self._ledger.drain(self.run_id, final=final)
        return Batch([self._run()], records, updates, [], self._drain_skipped())

    def _finish_rest(self, part: str) -> None:
        raw, self._rest[part] = self._rest[part], b""
        try:
            parse_json(raw)
        except UnreadableError:
            self._rest[part] = raw
            self._ledger.skipped["line cut off"] += 1
            return
        self._take_line(raw, part)

    def _drain_skipped(self) -> Any:
        skipped, self._ledger.skipped = self._ledger.skipped, type(self._ledger.skipped)()
        return skipped

    @property
    def run_id(self) -> str:
        """The session, else the file's name."""
        return self._session or PurePath(self.path).stem or "session"

    def _run(self) -> ImportRun:
        own = next((title for leaf, title in self._titles.items() if leaf in self._seen or leaf == "own"), "")
        name = clean_name(
            own or first_line(_MARKUP.sub(" ", self._first_prompt))[:80], PurePath(self.path).stem
        )
        metadata = {**self._metadata, "source": {"format": FORMAT, "file": PurePath(self.path).name}}
        return ImportRun(self.run_id, name, self._created or 0, tags=tuple(self._tags), metadata=metadata)

    # ---- lines -------------------------------------------------------------------------------------------

    def _read(self, line: dict[str, Any], part: str, number: int) -> None:
        kind = line.get("type")
        uuid = line.get("uuid")
        self._note_envelope(line)
        if isinstance(uuid, str):
            if uuid in self._seen:
                self._ledger.skipped["lines repeated"] += 1
                return
            self._seen.add(uuid)
        if kind == "summary" and isinstance(line.get("summary"), str):
            self._titles[str(line.get("leafUuid"))] = line["summary"]
        if kind == "ai-title" and isinstance(line.get("aiTitle") or line.get("title"), str):
            self._titles["own"] = line.get("aiTitle") or line["title"]
        if kind == "user":
            self._user(line, self._thread_of(line, part), number)
        elif kind == "assistant":
            self._assistant(line, self._thread_of(line, part), number)
        elif kind == "progress" and self._data(line).get("type") == "agent_progress":
            self._agent_progress(line, number)
        else:
            self._other(line, self._thread_of(line, part), number)

    def _note_envelope(self, line: dict[str, Any]) -> None:
        stamp = line.get("timestamp") or line.get("ts")
        if stamp is None and isinstance(line.get("snapshot"), dict):
            stamp = line["snapshot"].get("timestamp")
        moment = milliseconds(stamp)
        if moment is not None:
            self._now = moment
            self._created = moment if self._created is None else min(self._created, moment)
        session = line.get("sessionId") or line.get("session_id")
        if not self._session and isinstance(session, str) and session:
            self._session = clean_name(session)
        for key, name in (("cwd", "cwd"), ("gitBranch", "branch"), ("version", "version")):
            if isinstance(line.get(key), str) and line[key] and name not in self._metadata:
                self._metadata[name] = line[key]
                if name == "branch":
                    self._tags.append(clean_name(f"branch:{line[key]}"))

    def _main(self) -> _Thread:
        thread = self._threads.get("")
        if thread is None:
            root = Node("session", None, Custom("Agent", {}), self._now, metadata={"name": "session"})
            thread = self._threads[""] = _Thread(self._ledger.add(root))
        return thread

    def _thread_of(self, line: dict[str, Any], part: str) -> _Thread:
        agent = line.get("agentId")
        if part:
            stem = PurePath(part).name.removesuffix(".jsonl")
            agent = agent if isinstance(agent, str) else stem.removeprefix("agent-")
            return self._agent(agent, self._links.get(stem), line)
        if line.get("isSidechain"):
            return self._agent(agent if isinstance(agent, str) else "sidechain", self._task_for(line), line)
        return self._main()

    def _task_for(self, line: dict[str, Any]) -> str | None:
        """Return the call whose prompt began a sidechain: the oldest that says the same, else the last one open."""
        said = _text_of(_content(line))
        tasks = [(key, node) for key, (node, name) in self._tools.items() if name in ("Task", "Agent")]
        for key, node in tasks:
            kind = node.trace_type
            if (
                isinstance(kind, ToolCall)
                and isinstance(kind.arguments, dict)
                and kind.arguments.get("prompt") == said
            ):
                return key
        return next((key for key, node in reversed(tasks) if node.open), None)

    def _agent(self, agent: str, call: str | None, line: dict[str, Any]) -> _Thread:
        thread = self._threads.get(agent)
        if thread is None:
            parent = self._tools[call][0].id if call in self._tools else self._main().holder.id
            data = {"agent": agent}
            prompt = _text_of(_content(line))
            if prompt and line.get("type") == "user":
                data["prompt"] = prompt
            node = Node(
                f"agent:{clean_name(agent)}", parent, Custom("Agent", data), self._now,
                tags=["sidechain", clean_name(f"agent:{agent}")],
                metadata={"name": first_line(prompt)[:80] or f"agent {agent}"},
                open=call in self._tools and self._tools[call][0].open,
            )  # fmt: skip
            if call is not None:
                self._agents_of.setdefault(call, []).append(node)
            thread = self._threads[agent] = _Thread(self._ledger.add(node), is_agent=True)
        return thread

    def _agent_progress(self, line: dict[str, Any], number: int) -> None:
        data = self._data(line)
        inner = data.get("message")
        if not isinstance(inner, dict):
            self._other(line, self._main(), number)
            return
        thread = self._agent(str(data.get("agentId") or "agent"), line.get("parentToolUseID"), inner)
        self._note_envelope(inner)
        if inner.get("type") == "assistant":
            self._assistant({**inner, "uuid": inner.get("uuid") or line.get("uuid")}, thread, number)
        elif inner.get("type") == "user":
            self._user({**inner, "uuid": inner.get("uuid") or line.get("uuid")}, thread, number)
        else:
            self._other(inner, thread, number)

    @staticmethod
    def _data(line: dict[str, Any]) -> dict[str, Any]:
        data = line.get("data")
        return data if isinstance(data, dict) else {}

    # ---- what people say ---------------------------------------------------------------------------------

    def _user(self, line: dict[str, Any], thread: _Thread, number: int) -> None:
        self._close_message(thread)
        thread.message = None
        content = _content(line)
        results = [b for b in content if isinstance(b, dict) and b.get("type") == "tool_result"]
        for block in results:
            self._result(block, line, number)
        rest = [block for block in content if block not in results]
        text = _text_of(rest)
        if not rest or (not text and results):
            return
        uuid = str(line.get("uuid") or f"line-{number}")
        is_message = (
            line.get("isMeta") or line.get("isCompactSummary") or results or _COMMAND.match(text)
            or text.startswith((_INTERRUPT, "Caveat: The messages below"))
        )  # fmt: skip
        if thread.is_agent and thread.turn is None and not is_message:
            if not self._first_prompt:
                self._first_prompt = text
            return
        body: dict[str, Any] = {"role": "user", "text": text}
        others = [block for block in rest if not (isinstance(block, dict) and block.get("type") == "text")]
        if others and not isinstance(rest[0], str):
            body["content"] = others
        if not is_message:
            self._first_prompt = self._first_prompt or text
            node = Node(
                uuid, thread.holder.id, Custom("Turn", {"prompt": text, **{k: body[k] for k in body if k == "content"}}),
                self._now, metadata={"name": first_line(text)[:200] or "turn", **self._source(number, uuid)},
            )  # fmt: skip
            thread.turn = self._ledger.add(node)
            return
        if not self._first_prompt and _COMMAND.match(text):
            self._first_prompt = text
        interrupt = text.startswith(_INTERRUPT)
        node = Node(
            uuid, thread.place, Custom("Message", body), self._now, status="cancelled" if interrupt else None,
            tags=["interrupt"] if interrupt else ["compact"] if line.get("isCompactSummary") else [],
            metadata={"name": first_line(_MARKUP.sub(" ", text))[:200], **self._source(number, uuid)},
        )  # fmt: skip
        self._ledger.add(node)

    def _source(self, number: int, native: str) -> dict[str, Any]:
        return {"source": {"format": FORMAT, "line": number, "native_id": native}}

    # ---- what the model says -----------------------------------------------------------------------------

    def _assistant(self, line: dict[str, Any], thread: _Thread, number: int) -> None:
        message = line.get("message") if isinstance(line.get("message"), dict) else {}
        assert isinstance(message, dict)  # noqa: S101 - just made so
        uuid = str(line.get("uuid") or f"line-{number}")
        content = _content(line)
        model = message.get("model")
        if line.get("isApiErrorMessage") or (model == "<synthetic>" and line.get("error")):
            self._close_message(thread)
            error = Error("ApiError", _text_of(content) or "the model did not answer", recoverable=False)
            self._ledger.add(Node(uuid, thread.place, error, self._now, metadata=self._source(number, uuid)))
            return
        node = self._message(line, message, thread, uuid, number)
        usage = _usage(message.get("usage"))
        if usage:
            thread.usage = {key: max(n, thread.usage.get(key, 0)) for key, n in usage.items()}
            self._ledger.amend(node, metadata={"usage": thread.usage})
        for at, block in enumerate(content):
            self._block(block, thread, node, f"{uuid}#{at}", number)

    def _message(
        self, line: dict[str, Any], message: dict[str, Any], thread: _Thread, uuid: str, number: int
    ) -> Node:
        """Return the node of a message: the one that is being written, or a new one."""
        own = str(message.get("id") or uuid)
        if thread.message is not None and thread.message.id == own:
            return thread.message
        self._close_message(thread)
        thread.message = None
        model = message.get("model")
        tags = [clean_name(f"model:{model}")] if isinstance(model, str) else []
        metadata: dict[str, Any] = {"provider": "anthropic", **self._source(number, uuid)}
        if isinstance(model, str):
            metadata["model"] = model
        if line.get("_cut"):
            metadata["truncated"] = line["_cut"]
        known = self._ledger.nodes.get(own)
        if known is not None:
            own = uuid
        node = Node(
            own,
            thread.place,
            Custom("LLM", {}),
            self._now,
            tags=tags,
            metadata=metadata,
            open=True,
        )
        thread.message, thread.said, thread.tools, thread.usage = self._ledger.add(node), [], [], {}
        return thread.message

    def _close_message(self, thread: _Thread) -> None:
        """End the message that was being written: its output is what its lines said.

        Should more lines of it come all the same, they still go below it.
        """
        node = thread.message
        if node is None or not node.open:
            return
        data: dict[str, Any] = {}
        if thread.said:
            data["output"] = "\n".join(thread.said)
        if thread.tools:
            data["tool_calls"] = thread.tools
        self._ledger.finish(node, thread.last_ms, late={"data": data})

    def _block(self, block: Any, thread: _Thread, node: Node, native: str, number: int) -> None:
        if isinstance(block, str):
            block = {"type": "text", "text": block}
        if not isinstance(block, dict):
            self._ledger.skipped["blocks that are no object"] += 1
            return
        kind = block.get("type")
        thread.last_ms = self._now
        if kind == "text":
            thread.said.append(str(block.get("text") or ""))
            self._thought(str(block.get("text") or ""), node, native, number, [])
        elif kind in ("thinking", "redacted_thinking"):
            text = str(block.get("thinking") or "(redacted)")
            self._thought(text, node, native, number, ["thinking"])
        elif kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            thread.tools.append(str(block.get("name")))
            self._tool(block, node, native, number)
        else:
            made = Custom(clean_name(kind, "block"), block)
            self._ledger.add(Node(native, node.id, made, self._now, metadata=self._source(number, native)))

    def _thought(self, text: str, node: Node, native: str, number: int, tags: list[str]) -> None:
        if text.strip():
            made = Node(
                native, node.id, Thought(text), self._now, tags=tags, metadata=self._source(number, native)
            )
            self._ledger.add(made)

    # ---- tools -------------------------------------------------------------------------------------------

    def _tool(self, block: dict[str, Any], node: Node, native: str, number: int) -> None:
        own = str(block.get("id") or native)
        name, given = str(block.get("name") or "tool"), block.get("input")
        gate = Gate(held=name in DECISIONS)
        made = Node(
            own, node.id, _call_type(name, given), self._now, tags=[clean_name(f"tool:{name}")],
            metadata={"name": name, **self._source(number, own)}, open=True, gate=gate,
        )  # fmt: skip
        if own in self._ledger.nodes:
            self._ledger.skipped["tool calls repeated"] += 1
            return
        if isinstance(made.trace_type, Query):
            made.metadata["arguments"] = given
        self._tools[own] = (self._ledger.add(made), name)

    def _result(self, block: dict[str, Any], line: dict[str, Any], number: int) -> None:
        own = str(block.get("tool_use_id"))
        found = self._tools.get(own)
        structured = line.get("toolUseResult")
        text = _text_of(block.get("content"))
        if found is None:
            data = {"tool_use_id": own, "content": block.get("content"), "result": structured}
            self._orphan_result(own, data, text, number, failed=bool(block.get("is_error")))
            return
        node, name = found
        failed = bool(block.get("is_error"))
        rejected = failed and any(mark in text or mark in str(structured)[:500] for mark in _REJECTED)
        status = "cancelled" if rejected else "error" if failed else "ok"
        late, metadata = _outcome(node, structured, block.get("content"), text)
        was_open = node.open
        self._ledger.finish(node, self._now, status, late=late, metadata=metadata)
        for agent in self._agents_of.get(own, ()):
            if agent.open:
                self._ledger.finish(agent, self._now, status)
        if isinstance(node.trace_type, Decision) and node.gate.held:
            node.trace_type = _decided(node.trace_type, structured, text)
            node.gate.held = False
        if failed and not rejected and was_open:
            error = Error(f"{name}Error", _MARKUP.sub("", text).strip() or "failed", recoverable=False)
            self._ledger.add(
                Node(
                    f"{own}#error",
                    own,
                    error,
                    self._now,
                    end_ms=self._now,
                    metadata=self._source(number, own),
                )
            )

    def _orphan_result(self, own: str, data: dict[str, Any], text: str, number: int, *, failed: bool) -> None:
        """Keep a result whose call is not in the file."""
        native, source = f"result:{own}", self._source(number, own)
        status = "error" if failed else None
        node = Node(
            native, self._main().place, Custom("tool_result", data), self._now, metadata=source, status=status
        )
        self._ledger.add(node)
        if failed:
            error = Error("ToolError", _MARKUP.sub("", text).strip() or "failed", recoverable=False)
            self._ledger.add(
                Node(f"{native}#error", native, error, self._now, end_ms=self._now, metadata=source)
            )

    # ---- everything else ---------------------------------------------------------------------------------

    def _other(self, line: dict[str, Any], thread: _Thread, number: int) -> None:
        kind = str(line.get("type") or line.get("event") or "record")
        data = self._data(line)
        name = str(line.get("subtype") or data.get("type") or kind)
        native = str(line.get("uuid") or f"{name}:{number}")
        body = {key: value for key, value in line.items() if key not in _ENVELOPE}
        parent = thread.place
        call = line.get("parentToolUseID") or line.get("toolUseID")
        if isinstance(call, str) and call in self._tools:
            parent = self._tools[call][0].id
        made: TraceType = Custom(clean_name(name, "record"), body)
        if name == "api_error":
            made = Error(
                "ApiError",
                _text_of(line.get("error") or line.get("content")) or str(body)[:2000],
                recoverable=True,
            )
        self._ledger.add(
            Node(clean_name(native), parent, made, self._now, metadata=self._source(number, native))
        )


# ---- pieces ----------------------------------------------------------------------------------------------


def milliseconds(stamp: object) -> int | None:
    """Return an ISO time as milliseconds since the epoch, None if it is none.

    >>> milliseconds("1970-01-01T00:00:01.500Z")
    1500
    """
    if not isinstance(stamp, str):
        return None
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


def _content(line: dict[str, Any]) -> list[Any]:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        return content
    return [] if content is None else [content]


def _text_of(content: Any) -> str:
    """Return the text of content blocks, whatever else is among them left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return _text_of(content.get("text") or content.get("message") or content.get("content"))
    if isinstance(content, list):
        return "\n".join(part for block in content if (part := _text_of(block)))
    return ""


def _usage(usage: Any) -> dict[str, int]:
    """Return usage by our names; cached tokens are a subset of the input."""
    if not isinstance(usage, dict):
        return {}

    def count(key: str) -> int:
        value = usage.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    cached, written = count("cache_read_input_tokens"), count("cache_creation_input_tokens")
    return {
        "input": count("input_tokens") + cached + written, "output": count("output_tokens"), "cached_input": cached,
        "cache_write": written,
    }  # fmt: skip


def _call_type(name: str, given: Any) -> TraceType:
    if name in QUERIES:
        asked = given if isinstance(given, dict) else {}
        text = asked.get("pattern") or asked.get("query") or asked.get("url") or asked.get("prompt") or ""
        return Query(name, str(text))
    if name in DECISIONS:
        return Decision(_question(name, given), _options(given), "")
    return ToolCall(name, given)


def _question(name: str, given: Any) -> str:
    if isinstance(given, dict):
        questions = given.get("questions")
        if isinstance(questions, list):
            return "\n".join(str(q.get("question")) for q in questions if isinstance(q, dict))
        return str(given.get("question") or given.get("plan") or name)
    return name


def _options(given: Any) -> list[str]:
    found: list[str] = []
    questions = given.get("questions") if isinstance(given, dict) else None
    for question in questions if isinstance(questions, list) else ():
        options = question.get("options") if isinstance(question, dict) else None
        for option in options if isinstance(options, list) else ():
            found.append(str(option.get("label")) if isinstance(option, dict) else str(option))
    return found


def _decided(kind: Decision, structured: Any, text: str) -> Decision:
    answers = structured.get("answers") if isinstance(structured, dict) else None
    chosen = ", ".join(map(str, answers.values())) if isinstance(answers, dict) else first_line(text)
    return Decision(kind.question, kind.options, chosen[:2000], kind.reasoning)


def _outcome(node: Node, structured: Any, content: Any, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the late fields of a call, and what else its result says."""
    result = structured if structured not in (None, "") else content
    kind = node.trace_type
    if isinstance(kind, Query):
        return {"results_count": _results(structured, text)}, {"result": result}
    if isinstance(kind, Decision):
        return {}, {"result": result}
    late: dict[str, Any] = {"result": result}
    if isinstance(structured, dict):
        for key in ("totalDurationMs", "durationMs"):
            took = structured.get(key)
            if isinstance(took, (int, float)) and not isinstance(took, bool):
                late["duration_ms"] = int(took)
                break
    return late, {}


def _results(structured: Any, text: str) -> int | None:
    if isinstance(structured, dict):
        for key in ("numFiles", "numMatches", "numLines"):
            if isinstance(structured.get(key), int):
                return int(structured[key])
        for key in ("filenames", "results"):
            if isinstance(structured.get(key), list):
                return len(structured[key])
    return 0 if text.startswith(("No files found", "No matches")) else None
