"""Every exception of tracetui. Imports nothing; knows no disk and no screen.

The tree::

    TraceTuiError
    ├── StoreError               the request does not fit what the store holds
    │   ├── RunNotFoundError(run_id)                      also a KeyError
    │   ├── TraceNotFoundError(trace_id)                  also a KeyError
    │   ├── ParentNotFoundError(parent_id)
    │   ├── TraceExistsError(trace_id)
    │   ├── RunExistsError(run_id)
    │   ├── TraceCompletedError(trace_id)
    │   ├── InvalidTraceError(field, reason)              also a ValueError
    │   ├── InvalidRunError(field, reason)                also a ValueError
    │   ├── InvalidTransitionError(run_id, current, wanted, allowed)
    │   ├── RunClosedError(run_id, status)
    │   └── BatchTooLargeError(what, size, limit)
    ├── StorageError             the place where the runs lie does not answer as it should
    │   ├── LockedError(path, pid)
    │   ├── ClosedError(path)
    │   ├── ReadOnlyError(path)
    │   ├── UnreachableError(path, reason)
    │   ├── FormatVersionError(path, found, supported)
    │   ├── CorruptionError(path, offset, reason)
    │   └── WriteFailedError(path, reason)
    ├── QueryError               a query cannot be understood
    │   ├── QuerySyntaxError(text, position, expected)
    │   └── UnknownFieldError(name, nearest)
    ├── FormatError(path, line, reason)                   a file of another tool cannot be read
    └── ConfigError(path, key, reason)                    the settings cannot be used as they are

Every exception carries its facts as attributes, says in its message what to do next, and pickles.
Exceptions of the operating system and of libraries never pass through tracetui's public calls; they are
the ``__cause__`` of one of these.
"""

from __future__ import annotations


def _shown(text: object) -> str:
    """Quote a name for a message: control characters and lone surrogates as escapes, long names cut."""
    quoted = ascii(text) if isinstance(text, str) and not text.isprintable() else repr(text)
    return quoted if len(quoted) <= 200 else quoted[:196] + "…" + quoted[-1]


class TraceTuiError(Exception):
    """The root of every exception that tracetui raises on purpose."""

    def __str__(self) -> str:
        return self.message()

    def message(self) -> str:
        """Say what happened and what to do next."""
        return Exception.__str__(self)


class StoreError(TraceTuiError):
    """The request does not fit what the store holds; nothing was written."""


class RunNotFoundError(StoreError, KeyError):
    """No run of this id is in the store (or it was deleted meanwhile)."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def message(self) -> str:
        """Name the run and the command that lists those that exist."""
        return f"no run {_shown(self.run_id)} in this store; `tracetui run list` shows the runs it has"


class TraceNotFoundError(StoreError, KeyError):
    """No trace of this id is in the run."""

    def __init__(self, trace_id: str) -> None:
        super().__init__(trace_id)
        self.trace_id = trace_id

    def message(self) -> str:
        """Name the trace and the command that lists those that exist."""
        return f"no trace {_shown(self.trace_id)} in this run; `tracetui query --format ids` lists the ids it has"


class ParentNotFoundError(StoreError):
    """The parent does not exist in this run, neither stored nor earlier in the same commit."""

    def __init__(self, parent_id: str) -> None:
        super().__init__(parent_id)
        self.parent_id = parent_id

    def message(self) -> str:
        """Name the parent and the two ways out."""
        return (
            f"parent {_shown(self.parent_id)} is not a trace of this run; record the parent first, "
            "or pass await_parent=True if it comes later"
        )


class TraceExistsError(StoreError):
    """The run has a trace of this id already; the first one is untouched."""

    def __init__(self, trace_id: str) -> None:
        super().__init__(trace_id)
        self.trace_id = trace_id

    def message(self) -> str:
        """Name the trace and how a retry is told from a mistake."""
        return (
            f"trace {_shown(self.trace_id)} is in this run already; choose another id, "
            'or record_many(..., existing="skip") for a retry'
        )


class RunExistsError(StoreError):
    """The store has a run of this id already."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def message(self) -> str:
        """Name the run."""
        return f"run {_shown(self.run_id)} exists already; choose another id or leave the id out"


class TraceCompletedError(StoreError):
    """The trace has ended: it was recorded finished, or completed before."""

    def __init__(self, trace_id: str) -> None:
        super().__init__(trace_id)
        self.trace_id = trace_id

    def message(self) -> str:
        """Name the trace and what may still be added to it."""
        return (
            f"trace {_shown(self.trace_id)} has ended already and ends only once; "
            "amend() still adds tags and metadata"
        )


class InvalidTraceError(StoreError, ValueError):
    """A field of a trace holds what no engine can keep."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def message(self) -> str:
        """Name the field and what is wrong with it."""
        return f"{self.field}: {self.reason}"


class InvalidRunError(StoreError, ValueError):
    """A field of a run holds what no engine can keep."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def message(self) -> str:
        """Name the field and what is wrong with it."""
        return f"run {self.field}: {self.reason}"


class InvalidTransitionError(StoreError):
    """A run cannot go from its status to the wanted one; it keeps what it has."""

    def __init__(self, run_id: str, current: str, wanted: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(run_id, current, wanted, allowed)
        self.run_id = run_id
        self.current = current
        self.wanted = wanted
        self.allowed = allowed

    def message(self) -> str:
        """Name both states and the moves that are open."""
        allowed = ", ".join(self.allowed) or "nothing: it is final"
        return (
            f"run {_shown(self.run_id)} is {self.current} and cannot become {self.wanted}; "
            f"from {self.current} it may become {allowed}"
        )


class RunClosedError(StoreError):
    """Traces are recorded only into an active run."""

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(run_id, status)
        self.run_id = run_id
        self.status = status

    def message(self) -> str:
        """Name the status and what may still be written."""
        return (
            f"run {_shown(self.run_id)} is {self.status}, recording needs an active run; completions, "
            "amendments and notes are still taken, `tracetui run start` begins another run"
        )


class BatchTooLargeError(StoreError):
    """A commit holds more than an engine takes at once; nothing of it was written."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(what, size, limit)
        self.what = what
        self.size = size
        self.limit = limit

    def message(self) -> str:
        """Name the limit."""
        return f"a commit of {self.size:,} {self.what} is over the limit of {self.limit:,}; split it"


class StorageError(TraceTuiError):
    """The place where the runs lie does not answer as it should."""

    def __init__(self, path: str, *rest: object) -> None:
        super().__init__(path, *rest)
        self.path = path


class LockedError(StorageError):
    """Another process held the lock for too long."""

    def __init__(self, path: str, pid: int | None = None) -> None:
        super().__init__(path, pid)
        self.pid = pid

    def message(self) -> str:
        """Name the file and, where known, the process that holds it."""
        holder = f"process {self.pid}" if self.pid else "another process"
        return f"{self.path} is locked by {holder}; wait for it or end it, then try again"


class ClosedError(StorageError):
    """The store was closed by this program."""

    def message(self) -> str:
        """Name the store."""
        return f"{self.path} was closed by this program; open it again"


class ReadOnlyError(StorageError):
    """The store may be read and not written."""

    def message(self) -> str:
        """Name the store and the way out."""
        return f"{self.path} cannot be written by this user; choose another place with --store"


class UnreachableError(StorageError):
    """The store cannot be opened at all."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.reason = reason

    def message(self) -> str:
        """Name the store and what the system said."""
        return f"{self.path} cannot be opened: {self.reason}; choose another place with --store"


class FormatVersionError(StorageError):
    """The store or a file in it was written by a newer tracetui."""

    def __init__(self, path: str, found: int, supported: int) -> None:
        super().__init__(path, found, supported)
        self.found = found
        self.supported = supported

    def message(self) -> str:
        """Name both versions."""
        return (
            f"{self.path} has format {self.found}, this tracetui reads up to {self.supported}; "
            "upgrade tracetui (nothing was changed)"
        )


class CorruptionError(StorageError):
    """Bytes on the disk are not what was written there."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(path, offset, reason)
        self.offset = offset
        self.reason = reason

    def message(self) -> str:
        """Name the file, the offset and the command that helps."""
        return (
            f"{self.path} is damaged at byte {self.offset}: {self.reason}; "
            "what surrounds it can be read, `tracetui check` lists all damage, `tracetui repair` copies "
            "what is readable"
        )


class WriteFailedError(StorageError):
    """The system refused a write; what it means for the data is in the reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.reason = reason

    def message(self) -> str:
        """Name the file and what the system said."""
        return f"writing {self.path} failed: {self.reason}"


class QueryError(TraceTuiError):
    """A query cannot be understood."""


class QuerySyntaxError(QueryError):
    """The text of a query breaks the grammar at a position (characters, from 0)."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(text, position, expected)
        self.text = text
        self.position = position
        self.expected = expected

    def message(self) -> str:
        """Say what was expected, and where."""
        return f"at character {self.position + 1}: {self.expected}"


class UnknownFieldError(QueryError):
    """A term of a query's text names, at a position, a field that the language does not have."""

    def __init__(self, name: str, nearest: str | None = None, text: str = "", position: int = 0) -> None:
        super().__init__(name, nearest, text, position)
        self.name = name
        self.nearest = nearest
        self.text = text
        self.position = position

    def message(self) -> str:
        """Name the field and the nearest one that exists."""
        hint = f"did you mean {self.nearest}:?" if self.nearest else "quote it to search for it as text"
        return f"no field {_shown(self.name)}; {hint}"


class FormatError(TraceTuiError):
    """A file of another tool cannot be read (line 0 means the file as a whole)."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path = path
        self.line = line
        self.reason = reason

    def message(self) -> str:
        """Name file, line and what was wrong."""
        where = f"{self.path}, line {self.line}" if self.line else self.path
        return f"{where}: {self.reason}"


class ConfigError(TraceTuiError):
    """The settings cannot be used as they are (key "" means the file as a whole)."""

    def __init__(self, path: str, key: str, reason: str) -> None:
        super().__init__(path, key, reason)
        self.path = path
        self.key = key
        self.reason = reason

    def message(self) -> str:
        """Name file and key, what is wrong, and the command that opens the file."""
        where = f"{self.path}: {_shown(self.key)}" if self.key else self.path
        return f"{where}: {self.reason}; `tracetui config edit` opens the file"


__all__ = [name for name, value in list(globals().items()) if isinstance(value, type)]
