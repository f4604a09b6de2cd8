"""``tracetui record batch``: JSON lines from standard input into a run, 500 a commit.

What is refused is told with the number of its line; what was committed before it stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from tracetui.cli import diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.errors import (
    BatchTooLargeError,
    InvalidTraceError,
    ParentNotFoundError,
    TraceExistsError,
    TraceTuiError,
)
from tracetui.model.change import new_trace
from tracetui.model.draft import TraceDraft
from tracetui.model.trace_type import type_from_json
from tracetui.model.value import from_jsonable
from tracetui.store.trace_store import TraceStore

COMMIT_LINES = 500


class Numbered(NamedTuple):
    """A draft and the number of the line that it came from."""

    line: int
    draft: TraceDraft


def record_lines(store: TraceStore, run_id: str, lines: Iterable[str]) -> None:
    """Record lines of JSON and print the ids, after each commit.

    :raises UsageError: for a line that cannot be recorded.
    """
    waiting: list[Numbered] = []
    recorded = 0
    try:
        for number, text in enumerate(lines, 1):
            if text.strip():
                waiting.append(Numbered(number, _draft(text, number)))
            if len(waiting) >= COMMIT_LINES:
                recorded += _commit(store, run_id, waiting)
                waiting = []
        _commit(store, run_id, waiting)
    except BaseException:
        if recorded:
            diagnostics.say(f"{recorded:,} traces were recorded before this")
        raise


def _commit(store: TraceStore, run_id: str, numbered: list[Numbered]) -> int:
    """Commit lines together, or in halves if they are too large for one commit; print and count them."""
    try:
        ids = store.record_many(run_id, [draft for _, draft in numbered])
    except BatchTooLargeError:
        half = len(numbered) // 2
        return _commit(store, run_id, numbered[:half]) + _commit(store, run_id, numbered[half:])
    except TraceTuiError as problem:
        line = _line_of(problem, numbered)
        if line is not None:
            diagnostics.say(f"tracetui: line {line}: {problem}")
            raise diagnostics.Ended(diagnostics.code_of(problem)) from None
        raise
    output.lines(ids)
    output.flush()
    return len(ids)


def _line_of(problem: TraceTuiError, numbered: list[Numbered]) -> int | None:
    """Return the line that a refusal is about, None if it is about none of them."""
    for line, draft in reversed(numbered):
        if isinstance(problem, ParentNotFoundError) and draft.parent_id == problem.parent_id:
            return line
        if isinstance(problem, TraceExistsError) and draft.id == problem.trace_id:
            return line
    if isinstance(problem, InvalidTraceError):
        return next((line for line, draft in numbered if _is_invalid(draft)), None)
    return None


def _is_invalid(draft: TraceDraft) -> bool:
    try:
        new_trace(draft)
    except InvalidTraceError:
        return True
    return False


def _draft(text: str, number: int) -> TraceDraft:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"line {number} is no JSON: {problem}") from None
    if not isinstance(value, dict) or "trace_type" not in value:
        raise UsageError(f'line {number}: needs an object with "trace_type"')
    is_open = bool(value.get("open")) or value.get("status") == "open"
    try:
        return TraceDraft(
            type_from_json(value["trace_type"]), value.get("id"), value.get("parent_id"),
            bool(value.get("await_parent")), value.get("tags") or (), from_jsonable(value.get("metadata")),  # type: ignore[arg-type]
            value.get("timestamp"), value.get("end_ms"), None if is_open else value.get("status"), is_open,
        )  # fmt: skip
    except InvalidTraceError as problem:
        raise UsageError(f"line {number}: {problem}") from None
