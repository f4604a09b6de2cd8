from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui import Thought, Trace, TraceTree
from tracetui.model.tree import Forest, build_forest


def load(seqs: Sequence[int]) -> list[Trace]:
    """Return traces named by their seq."""
    return [Trace(f"t{seq}", None, seq, (), trace_type=Thought(str(seq)), seq=seq) for seq in seqs]


def linked(parents: list[int]) -> Forest:
    """Build the forest of a parent list (−1 is a root)."""
    first = array("i", [-1]) * len(parents)
    following = array("i", [-1]) * len(parents)
    last = [-1] * len(parents)
    for seq, parent in enumerate(parents):
        if parent >= 0:
            if last[parent] < 0:
                first[parent] = seq
            else:
                following[last[parent]] = seq
            last[parent] = seq
    return build_forest([s for s, p in enumerate(parents) if p < 0], first, following, load)


@st.composite
def parent_lists(draw: st.DrawFn) -> list[int]:
    """Draw parents of up to 40 traces, each pointing back."""
    count = draw(st.integers(0, 40))
    return [draw(st.integers(-1, seq - 1)) for seq in range(count)]


def naive(parents: list[int], node: int, depth: int = 0) -> list[tuple[int, int]]:
    """Return (depth, seq) of a subtree in pre-order, recursively."""
    rows = [(depth, node)]
    for seq, parent in enumerate(parents):
        if parent == node:
            rows += naive(parents, seq, depth + 1)
    return rows


@given(parent_lists())
def test_a_forest_is_the_pre_order_of_its_links(parents: list[int]) -> None:
    """Rows, depths and sizes equal those of the recursive definition."""
    forest = linked(parents)
    forest.check()
    expected = [row for s, p in enumerate(parents) if p < 0 for row in naive(parents, s)]
    assert list(zip(forest.depths, forest.seqs, strict=True)) == expected
    for tree in forest.roots():
        assert [(d, t.seq) for d, t in tree.walk()] == naive(parents, tree.trace.seq)
        assert len(tree) == len(naive(parents, tree.trace.seq))


@given(parent_lists())
def test_children_are_those_one_level_below_in_seq_order(parents: list[int]) -> None:
    """Each cursor's children are the direct ones."""
    stack = list(linked(parents).roots())
    while stack:
        tree = stack.pop()
        found = tree.children
        assert [c.trace.seq for c in found] == [s for s, p in enumerate(parents) if p == tree.trace.seq]
        assert all(c.trace.depth == (tree.trace.depth or 0) + 1 for c in found)
        stack += found


def test_trees_compare_by_shape_and_traces() -> None:
    """Equal parents give equal trees, another shape does not."""
    chain, star = TraceTree(linked([-1, 0, 1])), TraceTree(linked([-1, 0, 0]))
    assert chain == TraceTree(linked([-1, 0, 1]))
    assert chain != star
    assert chain != TraceTree(linked([-1, 0]))
    assert chain != "tree"
    assert repr(chain) == "<TraceTree 't0' with 3 traces>"
    with pytest.raises(TypeError):
        hash(chain)


def test_a_chain_of_100_000_needs_no_recursion() -> None:
    """Built, walked, compared, printed and freed like any other."""
    parents = list(range(-1, 99_999))
    one, two = TraceTree(linked(parents)), TraceTree(linked(parents))
    assert sum(1 for _ in one.walk()) == 100_000
    assert one == two
    assert "100000 traces" in repr(one)
    node = one
    while node.children:
        node = node.children[0]
    assert node.trace.depth == 99_999


def test_check_finds_a_broken_forest() -> None:
    """The invariants are code."""
    with pytest.raises(AssertionError, match="row 1"):
        Forest([0, 1], [0, 2], [2, 1], load).check()
