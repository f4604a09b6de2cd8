from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.strategies import metadata, texts, trace_types
from tests.tui.conftest import T0, login_bug
from tracetui import Custom, Error, Thought, ToolCall, TraceStore
from tracetui.analysis.verdict import Verdict, judge
from tracetui.model.text import printable
from tracetui.model.trace_type import TraceType
from tracetui.render.markdown import hits_markdown, run_markdown, trace_markdown
from tracetui.render.payload import code, cut, fenced, tokens, weight
from tracetui.samples import copied_samples
from tracetui.storage.backend import RunView


def run_of(kinds: list[tuple[TraceType, object]], name: str = "r") -> tuple[RunView, Verdict]:
    """Record a run whose traces hang under one another at random; return it with its verdict."""
    db = tracetui.open("memory://")
    store, run = TraceStore(db), db.create_run(name, id="r")
    source = random.Random(len(kinds))
    for n, (kind, more) in enumerate(kinds):
        parent = f"t{source.randrange(n)}" if n and source.random() < 0.7 else None
        store.record_with_options(run.id, kind, id=f"t{n}", parent_id=parent, timestamp=T0 + n, metadata=more)  # type: ignore[arg-type]
    view = db.view(run.id)
    return view, judge(view, T0 + 10**9)


def login() -> tuple[RunView, Verdict]:
    """Return the failing run with its verdict."""
    db = tracetui.open("memory://")
    view = db.view(login_bug(db, loops=5))
    return view, judge(view, T0 + 10**9)


RUNS = st.lists(st.tuples(trace_types(), metadata()), max_size=8)


# ---- payloads --------------------------------------------------------------------------------------------


@given(texts(30), texts(30))
def test_weights_add_up(a: str, b: str) -> None:
    """So a document weighs what its pieces do."""
    assert weight(a) + weight(b) == weight(a + b)


@given(texts(60) | st.text("`~\n a", max_size=60))
def test_a_fence_cannot_be_left(text: str) -> None:
    """No line within has the fence, and nothing within obeys a terminal."""
    first, *inside, last = fenced(text).split("\n")
    assert len(set(last)) == 1
    assert len(last) >= 3
    assert first == last
    assert not any(last in row for row in inside)
    assert "\n".join(inside) == printable(text, newlines=True)


@given(texts(40) | st.text("` a", max_size=20))
def test_a_code_span_ends_where_its_text_ends(text: str) -> None:
    """Its delimiter does not stand within, and it is one line."""
    shown = code(text)
    ticks = re.match("`+", shown)
    assert ticks is not None
    inside = shown[len(ticks.group()) : -len(ticks.group())]
    assert ticks.group() not in re.findall("`+", inside)
    assert "\n" not in shown


@given(texts(200), st.integers(0, 300))
def test_a_cut_fits_and_says_how_much_is_gone(text: str, room: int) -> None:
    """What is shown and what is said to be gone is the whole."""
    shown, gone = cut(text, room)
    assert weight(shown) <= room
    if not gone:
        assert shown == printable(text, newlines=True)
    elif shown:
        assert f"[... {gone:,} characters left out ...]" in shown
    else:
        assert gone == len(text)


# ---- documents -------------------------------------------------------------------------------------------


@given(RUNS, st.integers(1, 900))
def test_no_document_is_over_its_budget(kinds: list[tuple[TraceType, object]], budget: int) -> None:
    """Runs, traces and hits of any content, hostile ones included; and none has control characters."""
    view, verdict = run_of(kinds, "a\x1b`b\n# c")
    written = [
        run_markdown(view, verdict, budget),
        hits_markdown([(view, n) for n in range(view.count)], "`x`", budget),
    ]
    written += [trace_markdown(view, seq, budget) for seq in range(view.count)]
    for text in written:
        assert tokens(text) <= budget
        assert printable(text, newlines=True) == text


@given(RUNS)
def test_without_a_budget_everything_is_told(kinds: list[tuple[TraceType, object]]) -> None:
    """Every trace by its id, and nothing is said to be left out."""
    view, verdict = run_of(kinds)
    text = run_markdown(view, verdict)
    assert all(f"`t{n}` · " in text for n in range(len(kinds)))
    assert "Left out" not in text


def test_what_ended_the_run_comes_first() -> None:
    """Verdict, path, the error in full, the call that failed, what came just before; then the rest."""
    text = run_markdown(*login())
    places = [text.index(part) for part in (
        "FAILED", "## Path", "## The step", "ModuleNotFoundError: No module named 'app.auth'\n```", "## What failed",
        "## Just before", "## Outline", "## Steps",
    )]  # fmt: skip
    assert places == sorted(places)


def test_a_small_budget_keeps_the_error() -> None:
    """And counts exactly what is not there."""
    view, verdict = login()
    text = run_markdown(view, verdict, 400)
    assert "ModuleNotFoundError" in text
    assert "read_file" not in text
    (note,) = re.findall(
        r"^Left out: (\d+) of 22 traces(?:; the payloads of (\d+) traces)?", text, re.MULTILINE
    )
    full = len(set(re.findall(r"^`([\w]+)` · ", text, re.MULTILINE)))
    assert int(note[0]) + int(note[1] or 0) + full == 22


@pytest.mark.parametrize("budget", [400, 1000, 4000])
def test_a_larger_budget_is_used(budget: int) -> None:
    """At least half of it, on a run that has more to tell."""
    with copied_samples() as db:
        run = next(run for run in db.runs() if run.name == "wide-fanout")
        view = db.view(run.id)
        text = run_markdown(view, judge(view, T0), budget)
    assert budget / 2 < tokens(text) <= budget


def test_payloads_told_before_are_only_referred_to() -> None:
    """A loop of one failure does not fill the room; a payload of some length is told once."""
    message = "pytest exited 2\n" + "E   assert 1 == 2\n" * 30
    view, verdict = run_of([(Error("E", message, recoverable=False), None)] * 4)
    text = run_markdown(view, verdict)
    assert text.count("```\npytest") == 1
    assert text.count("message: the same as in `t3`") == 3


def test_a_long_payload_keeps_both_ends() -> None:
    """How much is gone between them is said in its place and at the end."""
    view, verdict = run_of([(ToolCall("bash", {"cmd": "x"}, "BEGIN" + "x" * 50_000 + "END"), None)])
    text = run_markdown(view, verdict, 500)
    (gone,) = re.findall(r"\[... ([\d,]+) characters left out ...\]", text)
    assert text.count("BEGIN") == text.count("xEND") == 1
    assert f"Left out: {gone} characters in 1 payloads." in text


def test_what_a_model_was_given_yields_to_what_it_said() -> None:
    """A context of any length leaves the output whole."""
    call = Custom("LLM", {"input": [{"content": "old " * 9000}], "output": "the answer " * 40})
    view, _ = run_of([(call, {"ext": {"k": "v" * 9000}})])
    text = trace_markdown(view, 0, 400)
    assert "the answer " * 40 in text


def test_hits_are_told_in_order_failed_ones_first_to_be_taken() -> None:
    """So a check in CI shows what failed."""
    kinds: list[tuple[TraceType, object]] = [(Thought(f"{n} " + "so " * 100), None) for n in range(50)]
    view, _ = run_of([*kinds, (Error("E", "no such file", recoverable=False), None)])
    text = hits_markdown([(view, n) for n in range(51)], "so", 400)
    assert "no such file" in text
    assert text.index("`t0`") < text.index("`t50`")
    (missing,) = re.findall(r"Left out: (\d+) of 51 traces", text)
    assert int(missing) + text.count("\n### ") == 51


def test_damaged_traces_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not stop the rest."""
    view, verdict = run_of([(Thought("a"), None)])
    real = view.trace(0)

    class Damaged:
        type_name = "Thought"

        @property
        def trace_type(self) -> TraceType:
            raise tracetui.CorruptionError("x", 1, "bad")

        metadata = trace_type

    assert real is not None
    monkeypatch.setattr(view, "trace", lambda seq: Damaged(), raising=False)
    assert "damaged" in run_markdown(view, verdict)
