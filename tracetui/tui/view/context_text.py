"""The tab Context of the detail: what the model was given in the step that a trace is, or that led to it. Pure.

What was new and what was dropped beside the step before, how full the context was, then all of it; what the
recording does not hold is said. Costs the messages of two model steps.
"""

from __future__ import annotations

from tracetui.analysis.context import ModelStep, messages_of
from tracetui.analysis.messages import said
from tracetui.model.text import printable
from tracetui.model.trace import Trace
from tracetui.model.trace_type import DECISION, ERROR, THOUGHT, TOOL_CALL, Custom
from tracetui.model.value import Value
from tracetui.render.figures import count
from tracetui.tui.view import story
from tracetui.tui.view.document import Document
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.transcript_text import context_words, dropped_lines, fill_words

STEPS_BEFORE, LOOK_BACK = 40, 2_000
NEW_SHOWN, LINES_SHOWN = 40, 6
"""New messages that are shown, and lines of each; all of them are in the whole below."""


def add_context(model: RunModel, trace: Trace, document: Document) -> None:
    """Add the context of the model step that a trace is, or of the last one before it."""
    seq = trace.seq
    at = model.contexts.before(seq)
    step = model.context(at) if at >= 0 else None
    if step is None:
        _add_given(trace, document)
    else:
        if at != seq:
            document.add(story.line_of(model, at), "text", label="the model step before", seq=at)
        _add_step(model, step, document)
    if step is None or at != seq or not step.messages:
        _add_before(model, seq, document)
    if step is not None:
        _add_whole(model, step, document)


def _add_given(trace: Trace, document: Document) -> None:
    """Add what a trace was given that is no model step."""
    kind = trace.trace_type
    given = kind.data.get("input") if isinstance(kind, Custom) and isinstance(kind.data, dict) else None
    if given is not None:
        document.heading("given")
        document.add_value("", given)


def _add_step(model: RunModel, step: ModelStep, document: Document) -> None:
    contexts = model.contexts
    of = f" of {len(contexts)}" if model.past is None else ""
    document.add(f"{contexts.number(step.seq) + 1}{of}", "text", label="model step")
    if full := fill_words(step):
        document.add(
            full + (f", out {count(step.tokens_out)}" if step.tokens_out >= 0 else ""),
            "metric",
            label="tokens",
        )
    for words, role in context_words(step):
        document.add(words, role)
    given = _given(model, step)
    if step.new:
        document.heading("new in it")
    for place in step.new[:NEW_SHOWN]:
        _add_message(given[place], document)
    if len(step.new) > NEW_SHOWN:
        document.add(f"… {len(step.new) - NEW_SHOWN} more below", "dim")
    dropped = list(dropped_lines(model, step))
    if dropped:
        document.heading("dropped from it")
    for line in dropped:
        document.add(f"- {line}", "dim")


def _add_whole(model: RunModel, step: ModelStep, document: Document) -> None:
    """Add all messages that a step was given, as they were recorded."""
    given = _given(model, step)
    if given:
        document.heading(f"all it was given: {len(given)} message{'' if len(given) == 1 else 's'}")
        document.add_value("messages", given)


def _given(model: RunModel, step: ModelStep) -> list[Value]:
    kind = model.trace(step.seq).trace_type
    return messages_of(kind.data if isinstance(kind, Custom) else None) or []


def _add_message(message: object, document: Document) -> None:
    """Add who says it, and its first lines."""
    told = said(message)
    document.add(f"+ {printable(told.role or 'message')}", "good")
    lines = told.text().split("\n")
    for line in lines[:LINES_SHOWN]:
        document.add(line, "string", depth=1)
    if len(lines) > LINES_SHOWN:
        document.add(f"… {len(lines) - LINES_SHOWN:,} more lines below", "dim", depth=1)


def _add_before(model: RunModel, seq: int, document: Document) -> None:
    """Add what came before a trace in its surroundings, nearest first."""
    document.heading("before this step")
    shown = 0
    for other in range(seq - 1, max(seq - LOOK_BACK, -1), -1):
        if _tells(model, other):
            told = f"{story.ago(model, other, seq):>8}  {story.line_of(model, other)}"
            document.add(told, "text", seq=other)
            shown += 1
        if shown >= STEPS_BEFORE:
            break
    if not shown:
        document.add("nothing", "dim")


def _tells(model: RunModel, seq: int) -> bool:
    """Whether a trace was there, and is something that was said or done."""
    moments = model.moments
    if moments is not None and not moments.was_there(seq):
        return False
    is_step = model.view.kinds[seq] in (THOUGHT, DECISION, TOOL_CALL, ERROR)
    return is_step or model.type_name(seq) in ("LLM", "Turn", "Message")
