from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tracetui import Thought, TraceDraft, TraceStore
from tracetui.tui.view.minimap import minimap


@given(
    st.integers(1, 60), st.integers(1, 40), st.sets(st.integers(0, 59)), st.one_of(st.none(), st.sets(st.integers(0, 59)))
)  # fmt: skip
def test_a_cell_leads_to_its_first_hit(
    traces: int, width: int, sought: set[int], there: set[int] | None
) -> None:
    """Each cell of a hit stands for the first hit of its stretch that is there, whatever the widths are."""
    hits = sorted(seq for seq in sought if seq < traces)
    with tracetui.open("memory://") as db:
        run = db.create_run()
        TraceStore(db).record_many(run.id, [TraceDraft(Thought("x")) for _ in range(traces)])
        is_there = None if there is None else there.__contains__
        cells = minimap(db.view(run.id), width, set(), -1, -1, None, hits, is_there=is_there)
    first: dict[int, int] = {}
    for hit in hits:
        if there is None or hit in there:
            first.setdefault(hit * len(cells) // traces, hit)
    assert {number: cell.seq for number, cell in enumerate(cells) if cell.role == "map hit"} == first
