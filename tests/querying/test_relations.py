from __future__ import annotations

import pytest

import tracetui
from tracetui import Error, Thought, TraceDraft, TraceStore
from tracetui.querying.execute import execute
from tracetui.querying.grammar import parse

COUNT = 30_000


@pytest.mark.parametrize("late", [False, True])
def test_a_long_chain_is_like_any_tree(late: bool) -> None:
    """Every relation on a chain, recorded downwards or upwards, without recursion or quadratic time."""
    with tracetui.open("memory://") as db:
        run = db.create_run()
        store = TraceStore(db)
        numbers = range(COUNT)
        drafts = [
            TraceDraft(
                Error("E", "x", recoverable=False) if n % 1000 == 999 else Thought("x"),
                id=str(n),
                parent_id=str(n - 1) if n else None,
                await_parent=True,
                tags=["top"] if n == 10 else (),
            )
            for n in (reversed(numbers) if late else numbers)
        ]
        for start in range(0, COUNT, 10_000):
            store.record_many(run.id, drafts[start : start + 10_000])
        view = db.view(run.id)

        def found(text: str) -> list[int]:
            return sorted(int(view.ids[seq]) for seq in execute(view, parse(text)))

        assert found("under:(tag:top)") == list(range(11, COUNT))
        assert found("has:(tag:top)") == list(range(10))
        assert found("under:(type:Error) type:Error") == list(range(1999, COUNT, 1000))
        assert found("has:(type:Error) type:Error") == list(range(999, COUNT - 1000, 1000))
        assert found("child:(type:Error)") == list(range(998, COUNT, 1000))
        assert found("parent:(type:Error)") == list(range(1000, COUNT, 1000))
        assert found("sibling:(x)") == []
        assert len(found("under:(type:Thought)")) == COUNT - 1
        assert len(found("NOT under:(type:Error) NOT tag:top")) == 999
        assert len(found("root:0")) == COUNT
        assert found(f"depth:{COUNT - 1}") == [COUNT - 1]


def test_a_family_recorded_before_its_head_is_found_with_all_that_is_below() -> None:
    """The children of those that came too early came in time: they are no less under the head."""
    with tracetui.open("memory://") as db:
        run = db.create_run()
        drafts = [
            *(
                TraceDraft(Thought("early"), id=f"a{n}", parent_id="top", await_parent=True)
                for n in range(10)
            ),
            *(TraceDraft(Thought("below"), id=f"b{n}", parent_id=f"a{n}") for n in range(10)),
            TraceDraft(Thought("head"), id="top", tags=["top"]),
        ]
        TraceStore(db).record_many(run.id, drafts)
        view = db.view(run.id)
        assert list(execute(view, parse("under:(tag:top)"))) == list(range(20))
        assert list(execute(view, parse("NOT under:(tag:top)"))) == [20]
