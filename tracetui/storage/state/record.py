"""What a run says of itself, and its totals: the part of a run's state that is not by trace."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from tracetui.model.run import ENDED, Damage, Owner, Run
from tracetui.model.value import Value
from tracetui.storage.backend import NO_TIME
from tracetui.storage.state.columns import BadIndexError


class RunRecord:
    """A run without its traces; it changes through ``change`` and as traces are added."""

    __slots__ = (
        "created_ms", "damage", "ended_ms", "errors", "last_ms", "last_set_ms", "metadata", "name", "owners", "run_id",
        "status", "tags", "usage",
    )  # fmt: skip

    def __init__(self, run_id: str, kept: Mapping[str, Any]) -> None:
        if kept:
            _check(kept)
        self.run_id = run_id
        self.name: str | None = kept.get("name")
        self.status: str = kept.get("status", "active")
        self.created_ms: int = kept.get("created_ms", 0)
        self.ended_ms: int | None = kept.get("ended_ms")
        self.tags: tuple[str, ...] = tuple(kept.get("tags", ()))
        self.metadata: Value = kept.get("metadata")
        self.owners: tuple[Owner, ...] = tuple(Owner.unpack(owner) for owner in kept.get("owners", ()))
        self.damage: tuple[Damage, ...] = ()
        self.last_ms: int = kept.get("last_ms", 0)
        self.errors: int = kept.get("errors", 0)
        self.usage: list[Any] = kept.get("usage", [0, 0, 0.0])
        """Tokens in and out, and cost in US dollars, summed over the traces of type LLM."""
        self.last_set_ms: int = kept.get("last_set_ms", NO_TIME)
        """The last time that the store set itself."""

    @property
    def is_ended(self) -> bool:
        """Whether no trace will come any more."""
        return self.status in ENDED

    def change(self, values: Mapping[str, Any]) -> None:
        """Change the run itself; ``values`` as in ``RunPatch``."""
        if "name" in values:
            self.name = values["name"]
        if "status" in values:
            self.status = values["status"]
        if "created_ms" in values:
            self.created_ms = values["created_ms"]
            self.last_ms = max(self.last_ms, self.created_ms)
        if values.get("ended_ms") is not None:
            self.ended_ms = values["ended_ms"]
            self.last_ms = max(self.last_ms, values["ended_ms"])
        if "tags" in values:
            self.tags = tuple(values["tags"])
        if "metadata" in values:
            self.metadata = values["metadata"]
        if "owner" in values:
            owner = Owner.unpack(values["owner"])
            if owner not in self.owners:
                self.owners = (*self.owners, owner)

    def count_usage(self, tokens_in: int, tokens_out: int, cost: float, sign: int = 1) -> None:
        """Add the usage of a model call to the totals, or with sign −1 take it out; unknown figures count nothing."""
        usage = self.usage
        usage[0] += sign * max(tokens_in, 0)
        usage[1] += sign * max(tokens_out, 0)
        if cost == cost:  # noqa: PLR0124 - not NaN
            usage[2] += sign * cost

    def run(self, traces: int) -> Run:
        """Return the run as a value."""
        tokens_in, tokens_out, cost = self.usage
        return Run(
            self.run_id, self.name, self.status, self.created_ms, self.ended_ms if self.is_ended else None,
            self.tags, self.metadata, self.owners, traces, self.errors, tokens_in, tokens_out, cost, self.last_ms,
            self.damage,
        )  # fmt: skip

    def kept(self) -> dict[str, Any]:
        """Return what an index keeps of this."""
        return {
            "run_id": self.run_id, "name": self.name, "status": self.status, "created_ms": self.created_ms,
            "ended_ms": self.ended_ms, "tags": self.tags, "metadata": self.metadata,
            "owners": [owner.pack() for owner in self.owners], "last_ms": self.last_ms, "errors": self.errors,
            "usage": self.usage, "last_set_ms": self.last_set_ms,
        }  # fmt: skip


_TYPES: dict[str, tuple[type, ...]] = {
    "run_id": (str,), "name": (str, NoneType), "status": (str,), "created_ms": (int,), "ended_ms": (int, NoneType),
    "tags": (list,), "owners": (list,), "last_ms": (int,), "errors": (int,), "usage": (list,), "last_set_ms": (int,),
}  # fmt: skip


def _check(kept: Mapping[str, Any]) -> None:
    """Refuse what no index of ours keeps: later nobody would know that it was the index that said it.

    :raises BadIndexError: if it is of other types.
    """
    wrong = [name for name, types in _TYPES.items() if type(kept.get(name)) not in types]
    if wrong or [type(figure) in (int, float) for figure in kept["usage"]] != [True] * 3:
        raise BadIndexError(f"a run whose {wrong or 'usage'} is none")
    if any(type(tag) is not str for tag in kept["tags"]):
        raise BadIndexError("a tag that is none")
