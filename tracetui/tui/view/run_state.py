"""Where somebody was in a run, by the ids of traces: taken when one leaves, and what of it still holds later. Pure.

One lands where one was only if the run says the same as then: the same verdict, and the same trace that it would
land on. A run that went on and failed since lands on what ended it, as for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from tracetui.tui.view.run_model import RunModel

VERSION = 1
MOST_FOLDS = 2_000
"""So many unfolded traces are remembered: those nearest to the cursor."""
ROWS_LOOKED_AT = 5_000
"""Above and below the cursor."""
MOST_CHARACTERS = 4_000
"""A filter longer than this is not remembered."""


@dataclass(frozen=True, slots=True)
class RunState:
    """Where somebody was: ids of traces, the view, the filter, and what the run said then."""

    label: str = ""
    landing: str = ""
    cursor: str = ""
    pinned: bool = False
    view: str = "tree"
    filter: str = ""
    unfolded: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """First calls of the groups that were unfolded."""
    on_group: bool = False
    """Whether the cursor stood on the row of a group, whose first call ``cursor`` is then."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "version": VERSION, "label": self.label, "landing": self.landing, "cursor": self.cursor,
            "pinned": self.pinned, "view": self.view, "filter": self.filter, "unfolded": list(self.unfolded),
            "groups": list(self.groups), "on_group": self.on_group,
        }  # fmt: skip


def read_state(value: Mapping[str, Any]) -> RunState | None:
    """Return the state that ``to_json`` made, None for anything else."""
    if value.get("version") != VERSION:
        return None
    texts = [value.get(name) for name in ("label", "landing", "cursor", "view", "filter")]
    pinned, unfolded, groups = value.get("pinned"), value.get("unfolded"), value.get("groups", [])
    if not isinstance(pinned, bool) or not isinstance(unfolded, list) or not isinstance(groups, list):
        return None
    if not all(isinstance(text, str) for text in (*texts, *unfolded, *groups)):
        return None
    label, landing, cursor, view, text = map(str, texts)
    on_group = value.get("on_group") is True
    return RunState(label, landing, cursor, pinned, view, text, tuple(unfolded), tuple(groups), on_group)


def state_of(model: RunModel, seq: int, view: str, *, pinned: bool, on_group: bool = False) -> RunState:
    """Return where somebody is in a run; costs the rows around the cursor."""
    ids = model.view.ids
    text = model.filter.text if model.is_filtered and len(model.filter.text) <= MOST_CHARACTERS else ""
    return RunState(
        model.present.label, _landing(model), ids[seq] if seq >= 0 else "", pinned, view, text,
        tuple(ids[node] for node in _unfolded(model, seq)),
        tuple(ids[first] for first in sorted(model.tree.groups.opened)[:MOST_FOLDS]), on_group,
    )  # fmt: skip


def _landing(model: RunModel) -> str:
    return model.view.ids[model.present.landing] if model.present.landing >= 0 else ""


def _unfolded(model: RunModel, seq: int) -> list[int]:
    """Return the unfolded traces on rows near the cursor, the nearest of them if they are many."""
    tree = model.tree
    row = max(tree.nearest(seq), 0) if seq >= 0 else 0
    near = range(max(row - ROWS_LOOKED_AT, 0), min(row + ROWS_LOOKED_AT, len(tree)))
    found = [
        other for other in near if tree.rows[other] >= 0 and tree.has_children(other) and tree.is_open(other)
    ]
    if len(found) > MOST_FOLDS:
        found = sorted(sorted(found, key=lambda other: abs(other - row))[:MOST_FOLDS])
    return [tree.rows[other] for other in found]


def still_holds(state: RunState, model: RunModel) -> bool:
    """Whether the run says what it said when it was left, so that one lands where one was."""
    same = state.label == model.present.label
    return same and (state.label == "LIVE" or state.landing == _landing(model))


def restore_folds(state: RunState, model: RunModel) -> None:
    """Unfold what was unfolded, and fold the rest."""
    seqs = [seq for name in state.unfolded if (seq := model.view.seq_of(name)) is not None]
    model.tree.groups.opened = {seq for name in state.groups if (seq := model.view.seq_of(name)) is not None}
    if seqs:
        model.tree.unfold_only(seqs)


def state_name(location: str, run_id: str) -> str:
    """Return the name under which the state of a run is kept; ``location`` tells runs of one id apart."""
    return (
        "runs/"
        + blake2b(f"{location}\0{run_id}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    )
