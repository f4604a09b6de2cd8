"""From a decided commit to the state of its run: what a writer does with its own commit once that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracetui.model.change import Amendment, Completion, NewAnnotation, NewTrace
from tracetui.model.trace_type import ERROR
from tracetui.storage.backend import NO_TIME
from tracetui.storage.decide import AMENDMENT, ANNOTATION, COMPLETION, TRACE, Commit, Entry, TraceCommit
from tracetui.storage.state.rows import Rows, TraceColumns


def apply(rows: Rows, commit: Commit, refs: Sequence[Any]) -> None:
    """Take over a commit that is kept; ``refs`` say where the body of each entry lies."""
    with rows.lock:
        for entry, ref in zip(commit.entries, refs, strict=True):
            if entry.code == TRACE:
                _apply_trace(rows, entry, ref)
            elif entry.code in (COMPLETION, AMENDMENT):
                _apply_addition(rows, entry, ref)
            elif entry.code == ANNOTATION:
                change = entry.change
                assert type(change) is NewAnnotation  # noqa: S101
                rows.add_annotation(entry.seq, change.id, entry.time_ms, ref)
            else:
                rows.change_run(dict(entry.values or {}))


def apply_traces(rows: Rows, commit: TraceCommit) -> None:
    """Take over traces alone into an engine that keeps bodies as they are, column by column."""
    (
        ids, _, _, names, kinds, _, statuses, ends, tags, tokens_in, tokens_out, costs, mergeable, bodies,
    ) = commit.columns  # fmt: skip
    with rows.lock:
        rows.add_traces(TraceColumns(
            ids, commit.parents, names, kinds, commit.times, [NO_TIME if end is None else end for end in ends],
            statuses, tags, tokens_in, tokens_out, costs, mergeable, bodies, commit.set_ms, kinds.count(ERROR),
        ))  # fmt: skip


def _apply_trace(rows: Rows, entry: Entry, ref: Any) -> None:
    change = entry.change
    assert type(change) is NewTrace  # noqa: S101 - the code says so
    rows.add_trace(
        change.id, entry.parent, entry.awaited, change.type_name, change.kind, entry.time_ms,
        change.timestamp is None, change.status, change.end_ms, change.tags, change.tokens_in,
        change.tokens_out, change.cost, change.mergeable, ref,
    )  # fmt: skip


def _apply_addition(rows: Rows, entry: Entry, ref: Any) -> None:
    change = entry.change
    if type(change) is Completion:
        rows.add_completion(
            entry.seq, change.status, entry.time_ms, change.tags, change.tokens_in, change.tokens_out,
            change.cost, ref,
        )  # fmt: skip
    else:
        assert type(change) is Amendment  # noqa: S101
        rows.add_amendment(entry.seq, change.tags, change.tokens_in, change.tokens_out, change.cost, ref)
