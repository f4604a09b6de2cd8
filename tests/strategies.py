"""Hypothesis strategies for what a store can hold."""

from __future__ import annotations

from hypothesis import strategies as st

from tracetui import Custom, Decision, Error, Query, Thought, ToolCall
from tracetui.model.trace_type import TraceType

SURROGATES = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"])


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Any text a program can hold: lone surrogates, NUL and controls included."""
    return st.text(st.one_of(st.characters(), SURROGATES), max_size=max_size)


def names() -> st.SearchStrategy[str]:
    """Ids, tags and type names, hostile ones often."""
    awkward = ["", "a", "ab", "a:b", "a__b", "a/b", "\0", "\n", "..", "/", "ToolCall", "Tool", "é", "日本"]
    return st.one_of(st.sampled_from(awkward), texts(8))


def scalars() -> st.SearchStrategy[object]:
    """Values without parts."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        texts(),
        st.binary(max_size=12),
    )


def values(max_leaves: int = 8) -> st.SearchStrategy[object]:
    """Any value that can be stored."""
    return st.recursive(
        scalars(),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts(), inner, max_size=4)),
        max_leaves=max_leaves,
    )


def metadata() -> st.SearchStrategy[object]:
    """Metadata: mostly a dict or nothing."""
    return st.one_of(st.none(), st.dictionaries(texts(), values(3), max_size=3), scalars())


def trace_types() -> st.SearchStrategy[TraceType]:
    """Any of the six types."""
    count = st.none() | st.integers(0, 10**9)
    number = st.none() | st.floats(allow_nan=False)
    return st.one_of(
        st.builds(ToolCall, texts(), values(3), values(3), count),
        st.builds(Decision, texts(), st.lists(texts(), max_size=3), texts(), st.none() | texts()),
        st.builds(Query, texts(), texts(), count),
        st.builds(Thought, texts(), number),
        st.builds(Error, texts(), texts(), st.booleans()),
        st.builds(Custom, names(), values(3)),
    )
