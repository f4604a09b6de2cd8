from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracetui
from tracetui import Custom, Decision, Error, Query, Thought, ToolCall, TraceDraft
from tracetui.formats.claude_code import ClaudeCodeImporter, milliseconds
from tracetui.formats.record import Batch, whole
from tracetui.importing.committer import Committer

# tools, errors, orphan tool_use of the main conversation, from the provenance of the recordings
COUNTS = {
    "episodic-large.jsonl": (152, 22, 0),
    "episodic-medium.jsonl": (0, 0, 0),
    "episodic-short.jsonl": (0, 0, 0),
    "erk-runner-compact-2.6MB.jsonl": (193, 6, 0),
    "erk-runner-parallel-2.1MB.jsonl": (208, 9, 0),
    "erk-small-orphan-tooluse.jsonl": (13, 0, 1),
    "erk-subagents15-compact-4MB.jsonl": (249, 4, 3),
    "fasthooks-agent-sidechain.jsonl": (0, 0, 0),
    "fasthooks-main-compact.jsonl": (10, 2, 0),
}


def imported(path: Path) -> Batch:
    """Import a file whole."""
    return whole(ClaudeCodeImporter(str(path)), [path.read_bytes()])


def drafts(batch: Batch) -> dict[str, TraceDraft]:
    """Return the records by id."""
    return {str(record.draft.id): record.draft for record in batch.records}


def is_tool(draft: TraceDraft) -> bool:
    """Whether a record is a call of a tool, whatever its type became."""
    return any(tag.startswith("tool:") for tag in draft.tags)


def in_subagent(draft: TraceDraft, by_id: dict[str, TraceDraft]) -> bool:
    """Whether a record hangs below a subagent."""
    node: TraceDraft | None = draft
    while node is not None:
        if "sidechain" in node.tags:
            return True
        node = by_id.get(str(node.parent_id))
    return False


@pytest.mark.parametrize("name", COUNTS)
def test_every_recording_has_the_counts_of_its_provenance(shared_data: Path, name: str) -> None:
    """Tools, errors (rejections and interrupts are cancelled calls) and calls without a result."""
    by_id = drafts(imported(shared_data / "claude-code" / name))
    tools = [draft for draft in by_id.values() if is_tool(draft) and not in_subagent(draft, by_id)]
    failed = [draft for draft in tools if draft.status in ("error", "cancelled")]
    assert (len(tools), len(failed), sum(draft.open for draft in tools)) == COUNTS[name]
    errors = [d for d in by_id.values() if isinstance(d.trace_type, Error) and not in_subagent(d, by_id)]
    assert len(errors) == sum(draft.status == "error" for draft in tools)
    assert all(draft.parent_id in by_id for draft in by_id.values() if draft.parent_id is not None)


def test_lines_of_one_message_are_one_message_with_its_largest_usage(shared_data: Path) -> None:
    """As many model calls as message ids; output tokens are those of the last word, not the sum of repeats."""
    path = shared_data / "claude-code" / "erk-runner-parallel-2.1MB.jsonl"
    best: dict[str, int] = {}
    for line in path.read_text().splitlines():
        message = json.loads(line).get("message") or {}
        if message.get("role") == "assistant":
            best[message["id"]] = max(best.get(message["id"], 0), message["usage"]["output_tokens"])
    calls = [
        d
        for d in drafts(imported(path)).values()
        if isinstance(d.trace_type, Custom) and d.trace_type.name == "LLM"
    ]
    assert {d.id for d in calls} == set(best)
    metadata: Any = [d.metadata for d in calls]
    assert sum(m["usage"]["output"] for m in metadata) == sum(best.values())


def test_subagents_of_progress_lines_hang_below_their_call(shared_data: Path) -> None:
    """Fifteen agents, each below the Task that started it, ended as it ended."""
    by_id = drafts(imported(shared_data / "claude-code" / "erk-subagents15-compact-4MB.jsonl"))
    agents = [d for d in by_id.values() if "sidechain" in d.tags]
    assert len(agents) == 15
    for agent in agents:
        call = by_id[str(agent.parent_id)]
        assert isinstance(call.trace_type, ToolCall)
        assert call.trace_type.tool_name in ("Task", "Agent")
        assert agent.status == call.status


@pytest.mark.parametrize("name", COUNTS)
def test_importing_again_changes_nothing(shared_data: Path, name: str) -> None:
    """The same ids and drafts; a second commit adds no change to the run."""
    path = shared_data / "claude-code" / name
    with tracetui.open("memory://") as db:
        Committer(db).commit(imported(path))
        before = {run.id: db.view(run.id).rev for run in db.runs()}
        again = Committer(db)
        again.commit(imported(path))
        assert (again.committed.traces, again.committed.updates) == (0, 0)
        assert {run.id: db.view(run.id).rev for run in db.runs()} == before


@pytest.mark.parametrize("name", [n for n in COUNTS if n != "erk-runner-compact-2.6MB.jsonl"])
def test_a_file_that_grows_gives_the_same_in_the_end(shared_data: Path, name: str) -> None:
    """Cut into random pieces, each committed at once, it is what it is whole."""
    data = (shared_data / "claude-code" / name).read_bytes()
    chance = random.Random(4)
    with tracetui.open("memory://") as one, tracetui.open("memory://") as two:
        Committer(one).commit(whole(ClaudeCodeImporter(name), [data]))
        importer, committer, at = ClaudeCodeImporter(name), Committer(two), 0
        while at < len(data):
            size = chance.randrange(1, 100_000)
            importer.feed(data[at : at + size])
            at += size
            committer.commit(importer.take())
        committer.commit(importer.take(final=True))
        assert everything(two) == everything(one)


def everything(db: tracetui.Database) -> dict[str, object]:
    """Return all that a store knows of its traces."""
    store = tracetui.TraceStore(db)
    return {
        trace.id: (
            trace.parent_id,
            repr(trace.trace_type),
            trace.timestamp,
            sorted(trace.tags),
            trace.metadata,
            trace.status,
            trace.end_ms,
        )
        for run in db.runs()
        for trace in store.list(run.id)
    }


def test_a_file_cut_anywhere_is_read_as_far_as_it_goes(shared_data: Path) -> None:
    """At every line, and inside the last one: no exception, a prefix of the records, the rest counted."""
    data = (shared_data / "claude-code" / "fasthooks-main-compact.jsonl").read_bytes()
    ends = [n + 1 for n, byte in enumerate(data) if byte == 10]
    total = len(drafts(whole(ClaudeCodeImporter("x"), [data])))
    counts = []
    for end in [*ends, *(end - 40 for end in ends[1:])]:
        batch = whole(ClaudeCodeImporter("x"), [data[:end]])
        counts.append(len(batch.records))
        assert set(batch.skipped) <= {"line cut off"}
    assert max(counts) == total


# ---- rules that the recordings do not show ----------------------------------------------------------------


def line(kind: str, content: object, n: int, **more: object) -> dict[str, object]:
    """Return a line of a transcript."""
    message: dict[str, object] = {"role": kind, "content": content}
    if kind == "assistant":
        message |= {
            "id": f"msg{more.pop('msg', n)}",
            "model": "m",
            "usage": {"input_tokens": 1, "output_tokens": n},
        }
    return {
        "type": kind,
        "uuid": f"u{n}",
        "parentUuid": None,
        "sessionId": "s1",
        "timestamp": f"2026-01-01T00:00:{n:02d}Z",
        "message": message,
        **more,
    }


def read(*lines: dict[str, object], parts: dict[str, str] | None = None) -> dict[str, TraceDraft]:
    """Import lines."""
    importer = ClaudeCodeImporter("a.jsonl")
    for name, text in (parts or {}).items():
        importer.feed(text.encode(), name)
    importer.feed("\n".join(json.dumps(each) for each in lines).encode() + b"\n")
    return drafts(importer.take(final=True))


def use(name: str, own: str, given: object = None) -> dict[str, object]:
    """Return a tool_use block."""
    return {"type": "tool_use", "id": own, "name": name, "input": given or {}}


def result(own: str, text: str, **more: object) -> dict[str, object]:
    """Return a tool_result block."""
    return {"type": "tool_result", "tool_use_id": own, "content": text, **more}


def test_turn_message_tool() -> None:
    """The nesting is what a person reads, not the chain of parents; times and results are the call's."""
    found = read(
        line("user", "fix it", 1),
        line("assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "ok"}], 2, msg=1),
        line("assistant", [use("Bash", "t1", {"command": "ls"})], 3, msg=1),
        line("user", [result("t1", "a\nb")], 5, toolUseResult={"stdout": "a\nb", "durationMs": 1500}),
    )
    assert found["u1"].trace_type == Custom("Turn", {"prompt": "fix it"})
    assert found["msg1"].parent_id == "u1"
    assert found["msg1"].trace_type == Custom("LLM", {"output": "ok", "tool_calls": ["Bash"]})
    assert [found["u2#0"].trace_type, found["u2#1"].trace_type] == [Thought("hm"), Thought("ok")]
    assert found["t1"].trace_type == ToolCall(
        "Bash", {"command": "ls"}, {"stdout": "a\nb", "durationMs": 1500}, 1500
    )
    assert (found["t1"].parent_id, found["t1"].status) == ("msg1", "ok")


def test_decisions_and_queries() -> None:
    """A question to the user is a decision with its options and the answer; a search is a query with its results."""
    asked = {"questions": [{"question": "which?", "options": [{"label": "a"}, {"label": "b"}]}]}
    found = read(
        line("assistant", [use("AskUserQuestion", "q1", asked), use("Grep", "g1", {"pattern": "x"})], 1),
        line("user", [result("q1", "answered")], 2, toolUseResult={"answers": {"which?": "b"}}),
        line("user", [result("g1", "No files found")], 3, toolUseResult={"numFiles": 0}),
    )
    assert found["q1"].trace_type == Decision("which?", ["a", "b"], "b")
    assert found["g1"].trace_type == Query("Grep", "x", 0)


def test_rejections_and_interrupts_are_cancelled_and_no_errors() -> None:
    """Neither makes an Error, an interrupt is no turn."""
    found = read(
        line("user", "go", 1),
        line("assistant", [use("Edit", "t1")], 2),
        line(
            "user", [result("t1", "The user doesn't want to proceed with this tool use.", is_error=True)], 3
        ),
        line("user", [{"type": "text", "text": "[Request interrupted by user]"}], 4),
        line("user", "<command-name>/clear</command-name>", 5),
    )
    assert found["t1"].status == "cancelled"
    assert not [d for d in found.values() if isinstance(d.trace_type, Error)]
    assert found["u4"].status == "cancelled"
    assert [d.trace_type.name for d in (found["u4"], found["u5"]) if isinstance(d.trace_type, Custom)] == [
        "Message"
    ] * 2
    assert found["u5"].parent_id == "u1"


def agent_file(agent: str, *lines: dict[str, object]) -> bytes:
    """Return the file of a subagent."""
    return b"".join(
        json.dumps({**each, "agentId": agent, "isSidechain": True}).encode() + b"\n" for each in lines
    )


LAUNCH = [line("user", "go", 1), line("assistant", [use("Task", "t1", {"prompt": "look"})], 2)]
INNER = agent_file(
    "a1",
    line("user", "look", 3),
    line("assistant", [use("Task", "t2", {"prompt": "deeper"})], 4),
    line("user", [result("t2", "found\nagentId: b2")], 7),
)
DEEPER = agent_file(
    "b2", line("user", "said otherwise", 5), line("assistant", [{"type": "text", "text": "x"}], 6)
)
DONE = [line("user", [result("t1", "done")], 9)]


def together(*files: tuple[bytes, str]) -> dict[str, tracetui.Trace]:
    """Import files of one session in this order, committing after each."""
    importer = ClaudeCodeImporter("a.jsonl")
    with tracetui.open("memory://") as db:
        committer = Committer(db)
        for at, (data, part) in enumerate(files):
            importer.feed(data, part)
            committer.commit(importer.take(final=at == len(files) - 1))
        assert not committer.committed.refused
        return {trace.id: trace for trace in tracetui.TraceStore(db).list("s1")}


def test_subagents_in_files_of_their_own_hang_below_their_calls() -> None:
    """Linked by the meta file, by the prompt, or by the result that names them; a nested one as well."""
    main = b"".join(json.dumps(each).encode() + b"\n" for each in LAUNCH + DONE)
    meta = (b'{"toolUseId": "t1"}', "agent-a1.meta.json")
    for files in (
        [(main, ""), meta, (INNER, "agent-a1.jsonl"), (DEEPER, "agent-b2.jsonl")],
        [meta, (INNER, "agent-a1.jsonl"), (main, ""), (DEEPER, "agent-b2.jsonl")],
        [(main, ""), (DEEPER, "agent-b2.jsonl"), (INNER, "agent-a1.jsonl")],
    ):
        found = together(*files)
        assert (found["agent:a1"].parent_id, found["agent:b2"].parent_id) == ("t1", "t2")
        assert (found["msg4"].parent_id, found["msg6"].parent_id) == ("agent:a1", "agent:b2")
        assert found["agent:a1"].status == "ok"
    lonely = together((main, ""), (DEEPER, "agent-b2.jsonl"))
    assert lonely["agent:b2"].parent_id == "session"


def test_what_comes_before_its_parent_waits_for_it() -> None:
    """A subagent whose call is read later is its child all the same, in the store too."""
    importer = ClaudeCodeImporter("a.jsonl")
    with tracetui.open("memory://") as db:
        for data, part in ((b'{"toolUseId": "t1"}', "agent-a1.meta.json"), (INNER, "agent-a1.jsonl")):
            importer.feed(data, part)
        committer = Committer(db)
        committer.commit(importer.take(final=True))
        store = tracetui.TraceStore(db)
        assert "agent:a1" in {trace.id for trace in store.get_roots("s1")}
        importer.feed(b"".join(json.dumps(each).encode() + b"\n" for each in LAUNCH + DONE))
        committer.commit(importer.take(final=True))
        assert {trace.id for trace in store.get_roots("s1")} == {"session"}
        agent = store.get("s1", "agent:a1")
        assert agent is not None
        assert (agent.parent_id, agent.status) == ("t1", "ok")


def test_a_subagent_in_the_background_ends_with_its_notice() -> None:
    """The result that comes at once closes the call alone."""
    stub = line(
        "user", [result("t1", "Async agent launched")], 8, toolUseResult={"isAsync": True, "agentId": "a1"}
    )
    notice = "<task-notification><task-id>a1</task-id><status>failed</status><result>no luck</result></task-notification>"
    for told in ([], [line("user", notice, 9)]):
        main = b"".join(json.dumps(each).encode() + b"\n" for each in [*LAUNCH, stub, *told])
        for files in ([(main, ""), (INNER, "agent-a1.jsonl")], [(INNER, "agent-a1.jsonl"), (main, "")]):
            found = together(*files)
            agent = found["agent:a1"]
            assert (found["t1"].status, agent.parent_id) == ("ok", "t1")
            assert agent.status == ("error" if told else "open")


def test_turns_that_were_gone_back_behind_are_tagged() -> None:
    """A prompt said again from an earlier place rewinds those after it; side branches of one turn rewind nothing."""
    found = read(
        line("user", "first", 1),
        line("assistant", [use("Bash", "t1"), use("Bash", "t2")], 2, parentUuid="u1"),
        line("user", [result("t1", "x")], 3, parentUuid="u2"),
        line("user", [result("t2", "x")], 4, parentUuid="u2"),
        line("user", "second", 5, parentUuid="u3"),
        line("user", "third", 6, parentUuid="u5"),
        line("user", "second, in other words", 7, parentUuid="u4"),
        line("user", "next", 8, parentUuid="u7"),
        line("user", "after a gap", 9, parentUuid="not in the file"),
    )
    turns = [own for own, draft in found.items() if getattr(draft.trace_type, "name", "") == "Turn"]
    assert turns == ["u1", "u5", "u6", "u7", "u8", "u9"]
    assert [own for own in turns if "rewound" in found[own].tags] == ["u5", "u6"]


@pytest.mark.parametrize("name", COUNTS)
def test_no_real_session_here_was_rewound(shared_data: Path, name: str) -> None:
    """Progress lines and parallel results fork the chain 202 times in one file and mean nothing."""
    assert not [
        d for d in drafts(imported(shared_data / "claude-code" / name)).values() if "rewound" in d.tags
    ]


def test_sidechains_in_the_same_file_are_found_by_their_prompt() -> None:
    """The call that said the same started them."""
    found = read(
        line("assistant", [use("Task", "t1", {"prompt": "other"}), use("Task", "t2", {"prompt": "look"})], 1),
        line("user", "look", 2, isSidechain=True),
        line("assistant", [{"type": "text", "text": "done"}], 3, isSidechain=True),
    )
    assert found["agent:u2"].parent_id == "t2"


def test_sidechains_in_the_same_file_are_told_apart_by_their_chains() -> None:
    """Two that run at once, without a word of who they are, are two subagents; each line goes to its own."""
    asked = [use("Task", "t1", {"prompt": "one"}), use("Task", "t2", {"prompt": "two"})]
    found = read(
        line("assistant", asked, 1),
        line("user", "one", 2, isSidechain=True),
        line("user", "two", 3, isSidechain=True),
        line("assistant", [{"type": "text", "text": "a"}], 4, isSidechain=True, parentUuid="u2"),
        line("assistant", [{"type": "text", "text": "b"}], 5, isSidechain=True, parentUuid="u3"),
        line("user", [result("t1", "done")], 6),
    )
    assert (found["agent:u2"].parent_id, found["agent:u3"].parent_id) == ("t1", "t2")
    assert (found["msg4"].parent_id, found["msg5"].parent_id) == ("agent:u2", "agent:u3")
    assert (found["agent:u2"].status, found["agent:u2"].open, found["agent:u3"].open) == ("ok", False, True)


def test_api_errors_unknown_lines_and_repeats() -> None:
    """The first are errors, the second keep their name, the third are counted."""
    importer = ClaudeCodeImporter("a.jsonl")
    lines = [
        line("assistant", [{"type": "text", "text": "API Error: 529"}], 1, isApiErrorMessage=True),
        {
            "type": "system",
            "subtype": "api_error",
            "uuid": "e",
            "sessionId": "s1",
            "error": {"message": "overloaded"},
        },
        {"type": "brand-new", "uuid": "b", "sessionId": "s1", "data": {"x": 2**70}},
        {"type": "ai-title", "aiTitle": "A title", "sessionId": "s1"},
        line("user", "hello", 1),
    ]
    for each in lines:
        importer.feed(json.dumps(each).encode() + b"\n")
    importer.feed(b"[1]\nnot json\n")
    batch = importer.take(final=True)
    found = drafts(batch)
    assert found["u1"].trace_type == Error("ApiError", "API Error: 529", recoverable=False)
    assert found["e"].trace_type == Error("ApiError", "overloaded", recoverable=True)
    assert found["b"].trace_type == Custom("brand-new", {"data": {"x": str(2**70)}})
    assert batch.skipped == Counter(
        {"lines repeated": 1, "lines that are no object": 1, "lines that are no JSON": 1}
    )
    assert batch.runs[0].name == "A title"


def test_times_are_iso() -> None:
    """With Z or an offset; anything else is none."""
    assert milliseconds("2026-01-01T00:00:00+01:00") == milliseconds("2025-12-31T23:00:00Z")
    assert milliseconds("yesterday") is None
    assert milliseconds(5) is None
