"""What `tracetui why` must name, written down by reading the recordings themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.analysis.conftest import recording, run_of
from tests.tui.conftest import T0
from tracetui import Custom, Database, Decision, Error, ToolCall, TraceDraft
from tracetui.analysis.explanation import Explanation, explain, slow_spots
from tracetui.analysis.seen import seen_before, signatures_of
from tracetui.analysis.summary import summary
from tracetui.analysis.timing import timing_of
from tracetui.storage.backend import RunView

LATER = T0 + 10**12

# (file, which run of it, verdict, errors, recovered, part of the sentence): where each was read stands beside it.
READ = [
    # lines 30 and 48 are the two failed calls; line 55, the last, sums up what was done
    ("claude-code/fasthooks-main-compact.jsonl", 0, "ENDED", 2, 2, "Great! Here's what I did across multiple tool calls"),
    # 22 failed results, of which line 369 is an interrupt and line 405 a rejection; line 460 is the last word
    ("claude-code/episodic-large.jsonl", 0, "ENDED", 20, 20, "Perfect! All critical blocking issues fixed"),
    # the last error, line 493, is a pull request that existed already; line 499 ends with its address
    ("claude-code/erk-runner-compact-2.6MB.jsonl", 0, "ENDED", 6, 6, "Implementation complete. PR updated at https://github.com"),
    # nine edits of files that were not read first, lines 108 to 254; line 485 says it is done
    ("claude-code/erk-runner-parallel-2.1MB.jsonl", 0, "ENDED", 9, 9, "Plan execution complete"),
    # lines 1243 and 1244 are calls without results, the file ends at line 1245
    ("claude-code/erk-subagents15-compact-4MB.jsonl", 0, "CUT OFF", 18, 18, "cut off in Bash erk exec impl-verify"),
    # line 34 of 35 is a call without a result
    ("claude-code/erk-small-orphan-tooluse.jsonl", 0, "CUT OFF", 0, 0, "cut off in Bash erk exec upload-impl-session"),
    # span "execute_tool flaky" fails once with a ToolRetryError; the planner ends well and answers
    ("otlp/pydantic-ai-default.otlp.jsonl", 0, "ENDED", 1, 1, "Done: Zürich 12°C, 東京 21°C"),
    # spans "execute_tool boom" and "invoke_agent crasher" fail with RuntimeError: disk on fire
    ("otlp/pydantic-ai-default.otlp.jsonl", 1, "FAILED", 1, 0, "RuntimeError: disk on fire, in boom x=0"),
    ("otlp/pydantic-ai-default-batch.otlp.jsonl", 1, "FAILED", 1, 0, "RuntimeError: disk on fire, in boom x=0"),
    ("otlp/pydantic-ai-v2.otlp.jsonl", 1, "FAILED", 1, 0, "RuntimeError: disk on fire, in boom x=0"),
    # span "boom" fails, the spans "tools", "LangGraph" and "support-bot" around it have status ok, a model answers later
    ("openinference/langgraph.otlp.jsonl", 0, "ENDED", 1, 1, "last: "),
    # spans "boom", "tools" and the root "LangGraph" fail with ValueError: tool exploded
    ("openinference/langgraph.otlp.jsonl", 1, "FAILED", 1, 0, "ValueError: tool exploded, in boom x=1"),
    # "Step 2" fails, its exception told in two events 2 ms apart; the spans around it end ok, the root's output is "done"
    ("openinference/smolagents.otlp.jsonl", 0, "ENDED", 1, 1, "CodeAgent.run answered: done"),
    # the one line is a failed result whose call is not in the file
    ("claude-code/fragments/MultiEdit-tool_result_error.jsonl", 0, "FAILED", 1, 0, "Found 2 matches of the string to replace"),
    # snapshots of files and one summary, no message of anybody; line 23, the last, is a snapshot
    ("claude-code/episodic-medium.jsonl", 0, "ENDED", 0, 0, "no model output is recorded; the last step: file-history-snapshot"),
    # spans of one run each: a structured answer, of a model call and of the agent around it; an embedding
    ("openinference/vercel-v6-all-spans.json", 4, "ENDED", 0, 0, 'last: {"name": "Scrambled Eggs"'),
    ("openinference/vercel-v6-all-spans.json", 5, "ENDED", 0, 0, 'ai.generateObject answered: {"name": "Scrambled Eggs"'),
    ("openinference/vercel-v6-all-spans.json", 9, "ENDED", 0, 0, "last: ai.embed"),
    # the same two agents as above, recorded through two other exporters
    ("otlp/pydantic-ai-default-batch.otlp.jsonl", 0, "ENDED", 1, 1, "Done: Zürich 12°C, 東京 21°C"),
    ("otlp/pydantic-ai-v2.otlp.jsonl", 0, "ENDED", 1, 1, "Done: Zürich 12°C, 東京 21°C"),
]  # fmt: skip


def explained(view: RunView, **more: Any) -> Explanation:
    """Explain a run, long after."""
    return explain(view, LATER, **more)


@pytest.mark.parametrize(("name", "at", "verdict", "errors", "recovered", "said"), READ)
def test_why_names_what_a_careful_reader_names(
    shared_data: Path, name: str, at: int, verdict: str, errors: int, recovered: int, said: str
) -> None:
    """Verdict, errors, how many were recovered, and what ended it."""
    told = explained(recording(shared_data / name, at))
    assert (told.verdict.label, told.verdict.errors, told.verdict.recovered) == (verdict, errors, recovered)
    assert said in told.sentence
    assert told.loops.loops == ()  # nobody repeats himself in any of them


def test_an_error_of_a_real_run_was_seen_in_another_of_its_file(shared_data: Path) -> None:
    """Both runs of the graph call ``boom``, which explodes: one recovered from it, the other ended by it."""
    path = shared_data / "openinference" / "langgraph.otlp.jsonl"
    recovered, ended = recording(path, 0), recording(path, 1)
    told = explained(
        ended, others=[("the other", signatures_of(recovered)), ("M", signatures_of(recording(path, 2)))]
    )
    (seen,) = told.seen
    assert (seen.here, seen.others, seen.looked_at) == (1, (("the other", 1),), 2)


def test_why_the_failing_sample_failed(samples: Database) -> None:
    """Read in the run: seven calls, each exits 1 with a missing module; retry was chosen each time at 0.31."""
    view = samples.view("run-95f59d74")
    good = signatures_of(samples.view("run-9a6e9778"))
    told = explained(view, others=[("run-9a6e9778", good), ("run-faed1436", {})])
    assert told.sentence == (
        "tests exited 1 (ModuleNotFoundError: No module named 'app.auth') after 7 identical calls of "
        "bash python -m unittest -q; the plan chose retry at confidence 0.31"
    )
    assert [summary(view.trace(seq)) for seq in told.path[:2]] == ["fix login bug", "run tests"]
    assert told.before.last_good_call == -1
    assert told.loop is not None
    assert len(told.loop.seqs) == 7
    (seen,) = told.seen
    assert (seen.here, seen.others, seen.looked_at) == (7, (("run-9a6e9778", 1),), 2)
    assert seen.text() == "7× here, in 1 of 2 other runs"
    assert (seen.first, seen.last) == (10, 34)


def test_the_other_samples(samples: Database) -> None:
    """The killed one was cut off in its third page, the good one says nothing but how it ended."""
    killed = explained(samples.view("run-c6398eb6"))
    assert killed.verdict.label == "CUT OFF"
    assert "cut off in fetch" in killed.sentence
    good = explained(samples.view("run-9a6e9778"))
    assert (good.verdict.label, good.verdict.errors) == ("OK", 1)


# ---- small ones ------------------------------------------------------------------------------------------


def failing(*, decided_at: int, metadata: dict[str, float] | None = None) -> RunView:
    """Return two failing calls and a decision."""
    return run_of([
        TraceDraft(ToolCall("make", {"t": 1}), id="a", timestamp=100, end_ms=200, status="error"),
        TraceDraft(Error("Broken", "no rule", False), parent_id="a", timestamp=200),
        TraceDraft(Decision("what now?", ["on", "off"], "on"), timestamp=decided_at, metadata=metadata),
        TraceDraft(ToolCall("make", {"t": 2}), id="b", timestamp=400, end_ms=500, status="error"),
        TraceDraft(Error("Broken", "no rule", False), parent_id="b", timestamp=500),
    ])  # fmt: skip


def test_a_decision_is_named_with_its_confidence_if_it_has_one() -> None:
    """Only one that came after the call before."""
    assert (
        explained(failing(decided_at=300)).sentence == "Broken: no rule, in make t=2; the decision chose on"
    )
    sure = explained(failing(decided_at=300, metadata={"confidence": 0.5}))
    assert sure.sentence.endswith("chose on at confidence 0.5")


def test_slow_spots_are_gaps_and_long_traces_longest_first() -> None:
    """Waiting for the user is none."""
    view = run_of([
        TraceDraft(ToolCall("a", {}), timestamp=0, end_ms=3000),
        TraceDraft(Custom("Turn"), timestamp=90_000),
        TraceDraft(ToolCall("b", {}), timestamp=92_000, end_ms=92_050),
    ])  # fmt: skip
    spots = slow_spots(timing_of(view))
    assert [(spot.seq, spot.ms, spot.gap is not None) for spot in spots] == [
        (0, 3000, False),
        (2, 2000, True),
    ]


def test_an_empty_run_has_nothing_to_say() -> None:
    """No path, no sentence, no slow spots."""
    told = explained(run_of([]))
    assert (told.path, told.seen, told.slow, told.loop) == ((), (), (), None)


def test_nothing_is_read_of_other_runs_without_errors_here() -> None:
    """Looking costs what is asked for."""
    read: list[str] = []
    others = ((name, {"A": 1}) for name in "xyz" if not read.append(name))  # type: ignore[func-returns-value]
    assert seen_before(run_of([TraceDraft(ToolCall("a", {}))]), others) == []
    assert read == []


def test_the_terminal_error_is_told_first() -> None:
    """Then what other runs have most."""
    view = run_of([
        TraceDraft(Error("A", "one", True), timestamp=1),
        TraceDraft(Error("B", "two", True), timestamp=2),
        TraceDraft(Error("C", "three", False), timestamp=3),
    ])  # fmt: skip
    seen = seen_before(view, [("x", {"B two": 4}), ("y", {"B two": 1, "A one": 1})])
    assert [one.signature for one in seen] == ["C three", "B two", "A one"]
    assert seen[1].others == (("x", 4), ("y", 1))
