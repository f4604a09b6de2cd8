"""Reading what many traces say, at once: the way of every analysis that needs more than columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.errors import TraceTuiError
from tracetui.model.trace import decode_body
from tracetui.model.trace_type import TOOL_CALL, ToolCall, TraceType
from tracetui.model.value import Value
from tracetui.storage.backend import RunView
from tracetui.storage.state.bodies import NOT_OURS


def bodies(view: RunView, seqs: Sequence[int]) -> Iterator[tuple[int, TraceType, Value]]:
    """Yield (seq, type, metadata) in the order asked for; what cannot be read is left out."""
    kinds = view.kinds
    for seq, packed in zip(seqs, view.packed_bodies(seqs), strict=True):
        if packed is None:
            continue
        try:
            trace_type, metadata = decode_body(kinds[seq], packed[0], packed[1:])
        except (TraceTuiError, *NOT_OURS):
            continue
        yield seq, trace_type, metadata


def tool_calls(view: RunView) -> Iterator[tuple[int, ToolCall, Value]]:
    """Yield (seq, call, metadata) of every tool call that can be read, in seq order."""
    kinds = view.kinds
    seqs = [seq for seq in view.by_type("ToolCall") if seq < view.count and kinds[seq] == TOOL_CALL]
    for seq, kind, metadata in bodies(view, seqs):
        if isinstance(kind, ToolCall):
            yield seq, kind, metadata
