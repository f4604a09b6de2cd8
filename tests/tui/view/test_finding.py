from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tracetui import Custom, Error, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.querying.patterns import Bounded
from tracetui.querying.texts import texts_of
from tracetui.tui.view.finding import find_text, pattern_of

TEXTS = st.text(alphabet="abiIsSkK\u0130\u0131\u017f\u212aß é日404.true", max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=8), TEXTS)
def test_sifting_never_loses_a_hit(texts: list[str], wanted: str) -> None:
    """What is found without decoding every body is what is found by decoding all."""
    with tracetui.open("memory://") as db:
        run = db.create_run()
        drafts = [
            draft
            for text in texts
            for draft in (
                TraceDraft(Thought(text), tags=[text]),
                TraceDraft(ToolCall("tool", {text: [404, True, 1.5, text]})),
                TraceDraft(Custom(text, {"nested": {"key": text}})),
            )
        ]
        TraceStore(db).record_many(run.id, drafts)
        view, pattern = db.view(run.id), pattern_of(wanted)
        plain = re.compile(re.escape(wanted), re.IGNORECASE if wanted == wanted.lower() else re.NOFLAG)
        every = [seq for seq in range(view.count) if any(map(plain.search, texts_of(view.trace(seq))))]
        assert [seq for piece in find_text(view, pattern) for seq in piece] == every


def test_case_matters_once_a_capital_is_typed() -> None:
    """Lower case finds all, upper case only itself; a regular expression is one."""
    with tracetui.open("memory://") as db:
        run = db.create_run()
        TraceStore(db).record_many(
            run.id,
            [TraceDraft(Thought("Token")), TraceDraft(Thought("token")), TraceDraft(Error("E", "[x]", True))],
        )
        view = db.view(run.id)

        def found(pattern: Bounded) -> list[int]:
            return [seq for piece in find_text(view, pattern) for seq in piece]

        assert found(pattern_of("token")) == [0, 1]
        assert found(pattern_of("Token")) == [0]
        assert found(pattern_of("[x]")) == [2]
        assert found(pattern_of("^t.k", is_regex=True)) == [0, 1]
