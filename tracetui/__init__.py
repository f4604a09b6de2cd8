"""tracetui: see what an AI agent did, from a terminal.

The names below are the library's public face, loaded when first used. ``open`` gives a ``Database`` of runs;
``TraceStore`` records and reads traces in it::

    import tracetui

    db = tracetui.open("runs")
    store = tracetui.TraceStore(db)
    run = db.create_run("fix login bug")
    plan = store.record(run.id, tracetui.Thought("read the failing test first", 0.7), tags=["plan"])
    store.record_child(run.id, plan, tracetui.ToolCall("grep", {"pattern": "token"}, result="auth.py:12"))
    db.end_run(run.id)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetui.analysis.asking import search
    from tracetui.errors import (
        BatchTooLargeError,
        ClosedError,
        ConfigError,
        CorruptionError,
        FormatError,
        FormatVersionError,
        InvalidRunError,
        InvalidTraceError,
        InvalidTransitionError,
        LockedError,
        ParentNotFoundError,
        QueryError,
        QuerySyntaxError,
        ReadOnlyError,
        RunClosedError,
        RunExistsError,
        RunNotFoundError,
        StorageError,
        StoreError,
        TraceCompletedError,
        TraceExistsError,
        TraceNotFoundError,
        TraceTuiError,
        UnknownFieldError,
        UnreachableError,
        WriteFailedError,
    )
    from tracetui.model.change import Annotation, Change
    from tracetui.model.draft import TraceDraft
    from tracetui.model.run import Damage, Owner, Run
    from tracetui.model.trace import Trace
    from tracetui.model.trace_type import Custom, Decision, Error, Query, Thought, ToolCall, TraceType
    from tracetui.model.tree import TraceTree
    from tracetui.model.value import Value, ValueLike
    from tracetui.store.database import Database
    from tracetui.store.database import open_database as open  # noqa: A004 - the public name
    from tracetui.store.trace_store import TraceStore
    from tracetui.store.transaction import Transaction

__version__ = "0.1.0"

_HOMES = {
    "tracetui.errors": (
        "TraceTuiError", "StoreError", "RunNotFoundError", "TraceNotFoundError", "ParentNotFoundError",
        "TraceExistsError", "RunExistsError", "TraceCompletedError", "InvalidTraceError", "InvalidRunError",
        "InvalidTransitionError", "RunClosedError", "BatchTooLargeError", "StorageError", "LockedError",
        "ClosedError", "ReadOnlyError", "UnreachableError", "FormatVersionError", "CorruptionError",
        "WriteFailedError", "QueryError", "QuerySyntaxError", "UnknownFieldError", "FormatError", "ConfigError",
    ),
    "tracetui.model.change": ("Annotation", "Change"),
    "tracetui.model.draft": ("TraceDraft",),
    "tracetui.model.run": ("Damage", "Owner", "Run"),
    "tracetui.model.trace": ("Trace",),
    "tracetui.model.trace_type": (
        "ToolCall", "Decision", "Query", "Thought", "Error", "Custom", "TraceType",
    ),
    "tracetui.model.tree": ("TraceTree",),
    "tracetui.model.value": ("Value", "ValueLike"),
    "tracetui.analysis.asking": ("search",),
    "tracetui.store.database": ("Database", "open"),
    "tracetui.store.trace_store": ("TraceStore",),
    "tracetui.store.transaction": ("Transaction",),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_OTHER_NAMES = {"open": "open_database"}

__all__ = [
    "Annotation",
    "BatchTooLargeError",
    "Change",
    "ClosedError",
    "ConfigError",
    "CorruptionError",
    "Custom",
    "Damage",
    "Database",
    "Decision",
    "Error",
    "FormatError",
    "FormatVersionError",
    "InvalidRunError",
    "InvalidTraceError",
    "InvalidTransitionError",
    "LockedError",
    "Owner",
    "ParentNotFoundError",
    "Query",
    "QueryError",
    "QuerySyntaxError",
    "ReadOnlyError",
    "Run",
    "RunClosedError",
    "RunExistsError",
    "RunNotFoundError",
    "StorageError",
    "StoreError",
    "Thought",
    "ToolCall",
    "Trace",
    "TraceCompletedError",
    "TraceDraft",
    "TraceExistsError",
    "TraceNotFoundError",
    "TraceStore",
    "TraceTree",
    "TraceTuiError",
    "TraceType",
    "Transaction",
    "UnknownFieldError",
    "UnreachableError",
    "Value",
    "ValueLike",
    "WriteFailedError",
    "__version__",
    "open",
    "search",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'tracetui' has no attribute {name!r}")
    value = getattr(import_module(home), _OTHER_NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
