"""A trace that is yet to be recorded: what a caller gives, before the store has seen it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tracetui.model.trace_type import TraceType
from tracetui.model.value import ValueLike


class TraceDraft(NamedTuple):
    """One trace for ``record_many``; the options are those of ``record_with_options``.

    ``timestamp`` and ``end_ms`` are in milliseconds since the epoch. Without an id one is made; without a
    timestamp the commit sets it. ``status`` is "ok", "error" or "cancelled" (left out: "error" for an
    ``Error``, else "ok"); ``open`` leaves it to a later ``complete``.
    """

    trace_type: TraceType
    id: str | None = None
    parent_id: str | None = None
    await_parent: bool = False
    tags: Iterable[str] = ()
    metadata: ValueLike = None
    timestamp: int | None = None
    end_ms: int | None = None
    status: str | None = None
    open: bool = False
