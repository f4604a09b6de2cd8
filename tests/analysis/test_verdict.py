from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

import tracetui
from tests.tui.conftest import T0, login_bug
from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.before import just_before
from tracetui.analysis.errors import find_errors, signature, signature_of
from tracetui.analysis.rollup import totals
from tracetui.analysis.summary import letter, summary
from tracetui.analysis.verdict import Liveness, Verdict, judge
from tracetui.errors import UnreachableError
from tracetui.importing.opening import FileImport
from tracetui.storage.backend import RunView

LATER = T0 + 10**10


class Runs:
    """A store in memory with shorthands for small runs."""

    def __init__(self) -> None:
        self.db: Database = tracetui.open("memory://")
        self.store = TraceStore(self.db)
        self.run = self.db.restore_run("r", created_ms=T0)
        self.at = 0

    def put(self, own: str, kind: tracetui.TraceType, parent: str | None = None, **more: object) -> str:
        """Record a trace a second after the one before."""
        self.at += 1000
        options: dict[str, object] = {"id": own, "parent_id": parent, "timestamp": T0 + self.at, **more}
        return self.store.record_with_options("r", kind, **options)  # type: ignore[arg-type]

    def judge(self, **more: object) -> Verdict:
        """Judge the run, long after."""
        return judge(self.db.view("r"), LATER, **more)  # type: ignore[arg-type]

    def id_of(self, seq: int) -> str:
        """Return the id of a seq."""
        return self.db.view("r").ids[seq]


@pytest.fixture
def runs() -> Runs:
    """Return an empty run."""
    return Runs()


def boom(kind: str = "ValueError", message: str = "no", *, recoverable: bool = False) -> Error:
    """Return an error."""
    return Error(kind, message, recoverable)


# ---- errors ----------------------------------------------------------------------------------------------


class Hurt:
    """A view whose bodies cannot be read together from one on: they do not hold, or the disk does not answer."""

    def __init__(self, view: RunView, *, answers: bool) -> None:
        self._view, self._answers = view, answers

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)

    def packed_bodies(self, seqs: list[int]) -> Iterator[tuple[bytes, ...] | None]:
        """Yield the first body, then nothing that can be used."""
        yield next(iter(self._view.packed_bodies(seqs[:1])))
        for _ in seqs[1:]:
            if not self._answers:
                raise UnreachableError("run.log", "no answer")
            yield None


@pytest.mark.parametrize(("answers", "second"), [(True, ("(damaged)", "")), (False, ("B", "b"))])
def test_errors_read_together_are_damaged_where_they_do_not_hold_and_read_apart_where_nothing_answers(
    runs: Runs, answers: bool, second: tuple[str, str]
) -> None:
    """What one body is like, or how the disk fares, keeps no error from being counted."""
    runs.put("a", boom("A", "a"))
    runs.put("b", boom("B", "b"))
    found = find_errors(cast("RunView", Hurt(runs.db.view("r"), answers=answers))).found
    assert [(each.type, each.message) for each in found] == [("A", "a"), second]


def test_the_same_error_along_one_chain_counts_once_the_innermost(runs: Runs) -> None:
    """Told again further out it is the same failure; beside each other they are two."""
    runs.put("agent", Custom("Agent"))
    runs.put("tool", ToolCall("x", {}), "agent")
    runs.put("inner", boom(), "tool")
    runs.put("outer", boom(), "agent")
    runs.put("other", boom("KeyError"), "agent")
    runs.put("tool2", ToolCall("x", {}), "agent")
    runs.put("beside", boom(), "tool2")
    runs.put("below an error", boom("KeyError"), "other")
    found = find_errors(runs.db.view("r"))
    assert [runs.id_of(error.seq) for error in found.found] == ["inner", "beside", "below an error"]


def test_cancelled_and_custom_ones_are_no_errors(runs: Runs) -> None:
    """Only Error records that were not cancelled."""
    runs.put("a", boom(), status="cancelled")
    runs.put("b", Custom("Error"))
    assert find_errors(runs.db.view("r")).found == ()


def test_recovered_is_said_or_follows_from_what_encloses_it(runs: Runs) -> None:
    """By its own word, by metadata, by an agent that ended ok, or by a later model step of the same agent."""
    runs.put("said", boom(recoverable=True))
    runs.put("told", boom("A"), metadata={"recovered": True})
    runs.put("good", Custom("Agent"), end_ms=T0 + 90_000)
    runs.put("in good", boom("B"), "good")
    runs.put("bad", Custom("Agent"), end_ms=T0 + 90_000, status="error")
    runs.put("in bad", boom("C"), "bad")
    runs.put("later step of bad", Custom("LLM"), "bad")
    runs.put("endless", Custom("Agent"))
    runs.put("before a step", boom("D"), "endless")
    runs.put("step", Custom("LLM"), "endless")
    runs.put("after it", boom("E"), "endless")
    runs.put("step of the run", Custom("LLM"))
    found = find_errors(runs.db.view("r"))
    assert {runs.id_of(e.seq) for e in found.found if not e.recovered} == {"in bad", "after it"}
    assert found.terminal is not None
    assert runs.id_of(found.terminal.seq) == "after it"
    assert found.recovered == 4


def test_a_signature_leaves_out_what_changes_from_run_to_run(runs: Runs) -> None:
    """Paths, numbers, hex, quoted text and escapes; the tool is part of it."""
    one = signature_of(
        "E", "\x1b[31mFile /a/b/x.py line 12: 'abc' at 0xdeadbeef\n\n----\nsecond <b>line</b>", "bash"
    )
    two = signature_of("E", "File /c/x.py line 999: 'other' at 0x12\nsecond line", "bash")
    assert one == two
    assert len(signature_of("E", "x" * 1000)) == 200
    runs.put("t", ToolCall("bash", {}))
    runs.put("e", boom("E", "line 5"), "t")
    assert signature(runs.db.view("r"), 1) == "E bash line #"


# ---- verdict and landing ---------------------------------------------------------------------------------


def test_the_recorded_end_comes_first(runs: Runs) -> None:
    """Completed is OK, failed FAILED, cancelled CANCELLED, whatever errors there are."""
    runs.put("a", boom())
    for status, label in (("completed", "OK"), ("failed", "FAILED"), ("cancelled", "CANCELLED")):
        other = Runs()
        other.put("a", boom())
        other.db.end_run("r", status)
        assert other.judge().label == label
    assert runs.judge(liveness=Liveness(lost=True)).label == "LOST"


@pytest.mark.parametrize(
    ("outcome", "label", "why"),
    [
        ({"reward": 1}, "OK", "reward 1"),
        ({"reward": 0, "reason": "wrong file"}, "FAILED", "reward 0: wrong file"),
        ({"score": 0.5}, "OK", "score 0.5"),
        ({"exit_status": "Submitted"}, "OK", "exit status Submitted"),
        ({"exit_status": 1}, "FAILED", "exit status 1"),
        ({"exit_status": None}, "ENDED", "last: x"),
    ],
)
def test_a_recorded_outcome_comes_next_with_its_reason(
    runs: Runs, outcome: dict[str, object], label: str, why: str
) -> None:
    """A failed one without errors lands on the last thing that was said."""
    runs.put("a", Thought("x"))
    runs.db.update_run("r", metadata={"outcome": outcome})  # type: ignore[dict-item]
    verdict = runs.judge()
    assert (verdict.label, verdict.why) == (label, why)
    assert verdict.landing == 0


def test_a_live_run_is_told_by_its_newest_step_or_its_last_error(runs: Runs) -> None:
    """It has not ended, so nothing ended it, and what it began with says nothing of where it is."""
    live = Liveness(owned=True)
    runs.put("root", Thought("begin"))
    runs.put("next", Thought("read the test"), "root")
    assert runs.judge(liveness=live).why == "last: read the test"
    runs.put("no", boom(), "root")
    assert runs.judge(liveness=live).why == "last error: ValueError: no, in begin"
    assert runs.judge().why == "ended by ValueError: no, in begin"


def test_live_lost_failed_cut_off_and_ended(runs: Runs) -> None:
    """In this order; a run without an owner is live only while its news are fresh."""
    runs.put("root", Custom("Agent"))
    runs.put("said", Custom("LLM", {"output": "hello"}), "root")
    assert judge(runs.db.view("r"), T0 + runs.at + 1000).label == "LIVE"
    assert runs.judge(liveness=Liveness(owned=True)).label == "LIVE"
    assert runs.judge(liveness=Liveness(lost=True)).label == "LOST"
    ended = runs.judge()
    assert (ended.label, runs.id_of(ended.landing)) == ("ENDED", "said")
    runs.put("call", ToolCall("x", {}), "root", open=True)
    runs.put("deeper", ToolCall("y", {}), "call", open=True)
    cut = runs.judge()
    assert (cut.label, runs.id_of(cut.landing)) == ("CUT OFF", "deeper")
    assert "cut off in y" in cut.why
    runs.put("error", boom(), "call")
    failed = runs.judge()
    assert (failed.label, runs.id_of(failed.landing), failed.terminal) == ("FAILED", "error", failed.landing)
    assert failed.text() == "FAILED  1 error, 0 recovered"
    assert failed.why == "ended by ValueError: no, in x"


def test_an_empty_run_lands_nowhere(runs: Runs) -> None:
    """And a good one on its root."""
    assert runs.judge().landing == -1
    runs.put("root", Custom("Agent"))
    runs.put("error", boom(), "root")
    runs.db.end_run("r")
    assert runs.id_of(runs.judge().landing) == "root"


@pytest.mark.parametrize(
    ("holder", "status", "errors"),
    [(ToolCall("x", {}), "error", 1), (ToolCall("x", {}), "ok", 2), (Custom("Agent"), "error", 2)],
)
def test_a_failed_step_that_tells_its_error_twice_failed_once(
    runs: Runs, holder: tracetui.TraceType, status: str, errors: int
) -> None:
    """The last counts; a step that went on, and an agent, may fail twice in the same way."""
    runs.put("step", holder, status=status)
    runs.put("one", boom(), "step")
    runs.put("two", boom(), "step")
    found = find_errors(runs.db.view("r")).found
    assert [runs.id_of(error.seq) for error in found] == ["one", "two"][-errors:]


def test_what_came_just_before(runs: Runs) -> None:
    """Last words, last decision, previous and last good call of the same tool, of the same agent only."""
    runs.put("agent", Custom("Agent"))
    runs.put("good", ToolCall("bash", {}), "agent")
    runs.put("decided", Decision("?", ["a"], "a"), "agent")
    runs.put("thought", Thought("hm"), "agent")
    runs.put("failed before", ToolCall("bash", {}), "agent", status="error")
    runs.put("other tool", ToolCall("read", {}), "agent")
    runs.put("sub", Custom("Agent"), "agent")
    runs.put("said elsewhere", Thought("not this"), "sub")
    runs.put("call", ToolCall("bash", {}), "agent", status="error")
    runs.put("error", boom(), "call")
    view = runs.db.view("r")
    before = just_before(view, view.count - 1)
    assert [runs.id_of(seq) for seq in before.seqs()] == ["failed before", "thought", "decided"]
    assert runs.id_of(before.last_good_call) == "good"
    assert just_before(view, 0).seqs() == []


def test_a_thought_is_not_preceded_by_the_model_call_that_said_it(runs: Runs) -> None:
    """Where one lands on the last words of a run, what came before are other words."""
    runs.put("agent", Custom("Agent"))
    runs.put("first", Custom("LLM"), "agent")
    runs.put("last", Custom("LLM"), "agent")
    runs.put("words", Thought("done"), "last")
    view = runs.db.view("r")
    assert [runs.id_of(seq) for seq in just_before(view, view.count - 1).seqs()] == ["first"]


# ---- roll-ups --------------------------------------------------------------------------------------------


def usage(given: int, said: int, usd: float | None = None) -> dict[str, object]:
    """Return metadata with usage."""
    found: dict[str, object] = {"usage": {"input": given, "output": said}}
    return found | ({"cost": {"usd": usd}} if usd is not None else {})


def test_tokens_count_on_leaf_model_calls(runs: Runs) -> None:
    """A wrapper above a model call is skipped, totals on agents too; a call's own agent counts by itself."""
    runs.put("agent", Custom("Agent"), metadata=usage(1000, 1000))
    runs.put("wrapper", Custom("LLM"), "agent", metadata=usage(10, 1, 0.5))
    runs.put("leaf", Custom("LLM"), "wrapper", metadata=usage(10, 1, 0.5))
    runs.put("outer", Custom("LLM"), "agent", metadata=usage(7, 2))
    runs.put("tool", ToolCall("sub", {}), "outer")
    runs.put("inner", Custom("LLM"), "tool", metadata=usage(100, 3))
    runs.put("alone", Custom("Agent"), metadata=usage(5, 5))
    view = runs.db.view("r")
    rollup = view.rollup()
    figures = totals(view, rollup)
    assert (figures.tokens_in, figures.tokens_out) == (10 + 7 + 100 + 5, 1 + 2 + 3 + 5)
    assert figures.cost_usd == 0.5
    assert rollup.tokens_in[view.seq_of("agent") or 0] == 117
    assert rollup.context[view.seq_of("agent") or 0] == 100
    assert rollup.traces[0] == 6


def test_roll_ups_are_sums_and_spans_also_for_children_that_came_first(runs: Runs) -> None:
    """Errors and traces are sums, times from the earliest start to the latest end."""
    runs.put("child", ToolCall("x", {}), "parent", await_parent=True, end_ms=T0 + 9000)
    runs.put("error", boom(), "child")
    runs.put("parent", Custom("Agent"))
    view = runs.db.view("r")
    rollup = view.rollup()
    assert (rollup.errors[2], rollup.traces[2], rollup.duration_ms(2)) == (1, 3, 8000)
    assert totals(view, rollup).duration_ms == 8000


def test_roll_ups_equal_their_recursive_definition() -> None:
    """On the sample of the explorer's tests."""
    with tracetui.open("memory://") as db:
        view = db.view(login_bug(db))
        rollup = view.rollup()

        def below(seq: int) -> list[int]:
            return [seq, *(found for child in view.children(seq) for found in below(child))]

        for seq in range(view.count):
            inside = below(seq)
            assert rollup.traces[seq] == len(inside)
            assert rollup.errors[seq] == sum(
                view.type_names[view.types[other]] == "Error" for other in inside
            )


def test_a_run_100_000_deep_is_analysed(runs: Runs) -> None:
    """Without recursion."""
    for start in range(0, 100_000, 10_000):
        runs.store.record_many(
            "r",
            [
                TraceDraft(Thought(""), id=str(n), parent_id=str(n - 1) if n else None, timestamp=n)
                for n in range(start, start + 10_000)
            ],
        )
    view = runs.db.view("r")
    assert view.rollup().traces[0] == 100_000
    assert judge(view, LATER).label == "ENDED"


# ---- summaries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "metadata", "line"),
    [
        (ToolCall("read", {"path": "/w/a/b.py", "limit": 3}), None, "read a/b.py"),
        (ToolCall("bash", {"command": "ls\nrm"}), None, "bash ls"),
        (ToolCall("f", {"n": 3, "m": True}), None, "f n=3 m=True"),
        (ToolCall("f", "text"), None, "f text"),
        (ToolCall("f", [1]), None, "f [1]"),
        (ToolCall("f", {}), None, "f"),
        (Thought("\n\n  look \nmore"), None, "look"),
        (Thought(""), None, "(empty thought)"),
        (Decision("which?", ["a"], "a"), None, "which? → a"),
        (Query("sql", "select 1", 3), None, "sql select 1 (3 results)"),
        (Error("E", "----\nno module", recoverable=False), None, "E: no module"),
        (Custom("LLM", {"tool_calls": [{"function": {"name": "ls"}}]}), {"model": "m"}, "→ ls"),
        (Custom("LLM", {"output": [{"role": "a", "parts": [{"type": "text", "content": "hi"}]}]}), None, "hi"),
        (Custom("LLM"), {"name": "n"}, "n"),
        (Custom("Agent", {"name": "plan"}), None, "plan"),
        (Custom("Agent"), {"name": "Agent"}, "Agent"),
        (Custom("x\x1b[1m", "y"), None, "x␛[1m y"),
    ],
)  # fmt: skip
def test_a_line_says_what_tells_a_trace_from_its_neighbours(
    runs: Runs, kind: tracetui.TraceType, metadata: object, line: str
) -> None:
    """Paths relative to the run's folder, the first line that says something, nothing a terminal obeys."""
    runs.put("t", kind, metadata=metadata)
    assert summary(runs.db.view("r").trace(0), "/w") == line


def test_letters_tell_types_apart() -> None:
    """One for each of ours, a star for others."""
    assert [letter(code, "x") for code in range(6)] == ["T", "?", "Q", ".", "!", "*"]
    assert [letter(5, name) for name in ("LLM", "Agent", "Turn", "Other")] == ["M", "A", "U", "*"]


# ---- real recordings: written down by reading the files ---------------------------------------------------

EXPECTED = {
    # Claude Code: every session went on after its errors and was not ended by one; calls without a result are cut off.
    "claude-code/episodic-large.jsonl": ("ENDED", 20, 20, "Perfect! All critical blocking issues fixed"),
    "claude-code/erk-runner-compact-2.6MB.jsonl": ("ENDED", 6, 6, "Implementation complete. PR updated"),
    "claude-code/erk-runner-parallel-2.1MB.jsonl": ("ENDED", 9, 9, "Plan execution complete"),
    "claude-code/fasthooks-main-compact.jsonl": (
        "ENDED",
        2,
        2,
        "Here's what I did across multiple tool calls",
    ),
    "claude-code/erk-small-orphan-tooluse.jsonl": ("CUT OFF", 0, 0, "erk exec upload-impl-session"),
    "claude-code/erk-subagents15-compact-4MB.jsonl": ("CUT OFF", 18, 18, "erk exec impl-verify"),
    "claude-code/episodic-short.jsonl": ("ENDED", 0, 0, "The agent designed an Employee class"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_sessions_are_judged_as_a_careful_reader_would(shared_data: Path, name: str) -> None:
    """Verdict, errors, how many were recovered, and where one lands."""
    with tracetui.open("memory://") as db:
        importing = FileImport(db, str(shared_data / name))
        importing.finish()
        importing.close()
        (run,) = db.runs()
        view = db.view(run.id)
        verdict = judge(view, LATER)
        label, errors, recovered, landed = EXPECTED[name]
        assert (verdict.label, verdict.errors, verdict.recovered) == (label, errors, recovered)
        assert landed in summary(view.trace(verdict.landing), "")


@pytest.mark.parametrize(
    ("name", "crashed", "well"),
    [
        # one agent's tool raises "disk on fire" and ends its run; the other agent retries once and answers
        ("otlp/pydantic-ai-default.otlp.jsonl", "RuntimeError: disk on fire", "東京 21°C"),
        ("otlp/pydantic-ai-v2.otlp.jsonl", "RuntimeError: disk on fire", "東京 21°C"),
    ],
)
def test_real_spans_are_judged_as_a_careful_reader_would(
    shared_data: Path, name: str, crashed: str, well: str
) -> None:
    """The crashed agent FAILED on what it raised, the other ended with its answer and one recovered error."""
    with tracetui.open("memory://") as db:
        importing = FileImport(db, str(shared_data / name))
        importing.finish()
        importing.close()
        verdicts = {}
        for run in db.runs():
            view = db.view(run.id)
            verdict = judge(view, LATER)
            verdicts[verdict.label] = (verdict, summary(view.trace(verdict.landing)))
        assert crashed in verdicts["FAILED"][1]
        assert well in verdicts["ENDED"][1]
        assert (verdicts["ENDED"][0].errors, verdicts["ENDED"][0].recovered) == (1, 1)
