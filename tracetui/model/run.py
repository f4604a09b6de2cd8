"""A run: one execution of an agent, the namespace of its traces; its status machine and its damage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from tracetui.errors import InvalidRunError, InvalidTransitionError
from tracetui.model.value import MAX_NAME_BYTES, Value, to_jsonable

ACTIVE, PAUSED, COMPLETED, FAILED, CANCELLED, ARCHIVED = (
    "active", "paused", "completed", "failed", "cancelled", "archived",
)  # fmt: skip
RUN_STATUSES: tuple[str, ...] = (ACTIVE, PAUSED, COMPLETED, FAILED, CANCELLED, ARCHIVED)
ENDED: frozenset[str] = frozenset({COMPLETED, FAILED, CANCELLED, ARCHIVED})

UNREADABLE = "unreadable"
"""What a run is listed as of whose log nothing can be read, not even when it was created; never stored."""

MOVES: Mapping[str, frozenset[str]] = {
    ACTIVE: frozenset({PAUSED, COMPLETED, FAILED, CANCELLED, ARCHIVED}),
    PAUSED: frozenset({ACTIVE, CANCELLED, ARCHIVED}),
    COMPLETED: frozenset({ARCHIVED}),
    FAILED: frozenset({ARCHIVED}),
    CANCELLED: frozenset({ARCHIVED}),
    ARCHIVED: frozenset(),
}
"""The status machine: where a run may go from each status."""


def check_move(run_id: str, current: str, wanted: str) -> None:
    """Do nothing if the run may go from ``current`` to ``wanted``.

    :raises InvalidRunError: if ``wanted`` is no status.
    :raises InvalidTransitionError: if the move is not open.
    """
    if wanted not in MOVES:
        raise InvalidRunError("status", f"{wanted!r} is none of {', '.join(RUN_STATUSES)}")
    if wanted not in MOVES[current]:
        raise InvalidTransitionError(run_id, current, wanted, tuple(sorted(MOVES[current])))


def checked_run_id(run_id: object) -> str:
    """Return the id if it is a non-empty str of at most 512 bytes.

    :raises InvalidRunError: otherwise.
    """
    if not isinstance(run_id, str):
        raise InvalidRunError("id", f"must be a str, not {type(run_id).__name__}")
    if not run_id:
        raise InvalidRunError("id", "must not be empty")
    size = len(run_id.encode("utf-8", "surrogatepass"))
    if size > MAX_NAME_BYTES:
        raise InvalidRunError("id", f"{size} bytes long, at most {MAX_NAME_BYTES} are allowed")
    return str(run_id)


@dataclass(frozen=True, slots=True)
class Owner:
    """A long-lived process that writes into a run, told apart from a later one with the same pid.

    ``started`` is the process's start in clock ticks since boot (Linux) or "" where it cannot be had.
    """

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str

    def pack(self) -> list[Value]:
        """Return the owner as a plain list, the form in which runs keep it."""
        return [self.host, self.boot_id, self.pid_namespace, self.pid, self.started]

    @classmethod
    def unpack(cls, packed: object) -> Owner:
        """Read what ``pack`` made."""
        return cls(*cast("tuple[str, str, str, int, str]", packed))


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a file where bytes are not what was written. Offset and length in bytes."""

    path: str
    offset: int
    length: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason} ({self.length} bytes at {self.offset})"


class Run(NamedTuple):
    """One run as of the moment it was read; a tuple, since a list of thousands is made at once.

    Times are milliseconds since the epoch. ``errors`` counts its Error traces; tokens and cost are the sums
    over its LLM traces; ``last_ms`` is the last thing known to have happened in it. Runs compare by value.
    """

    id: str
    name: str | None = None
    status: str = ACTIVE
    created_ms: int = 0
    ended_ms: int | None = None
    tags: tuple[str, ...] = ()
    metadata: Value = None
    owners: tuple[Owner, ...] = ()
    traces: int = 0
    errors: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    last_ms: int = 0
    damage: tuple[Damage, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run will take no more traces and is not merely paused."""
        return self.status in ENDED

    def to_json(self) -> dict[str, object]:
        """Return the run as plain data that ``tracetui.model.value.dumps`` writes."""
        return {
            "id": self.id, "name": self.name, "status": self.status, "created_ms": self.created_ms,
            "ended_ms": self.ended_ms, "tags": list(self.tags), "metadata": to_jsonable(self.metadata),
            "traces": self.traces, "errors": self.errors, "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out, "cost_usd": self.cost_usd, "last_ms": self.last_ms,
            "damage": [
                {"path": d.path, "offset": d.offset, "length": d.length, "reason": d.reason}
                for d in self.damage
            ],
        }  # fmt: skip
