"""What is always true of a run's indices, as code: asserted after each step of the stress tests."""

from __future__ import annotations

from tracetui.storage.backend import NO_TIME
from tracetui.storage.state.tail import Tail


def assert_consistent(tail: Tail) -> None:
    """Assert that every index of a run says the same as its columns."""
    links, count = tail.links, len(tail.ids)
    columns = (
        links.parents, links.first_child, links.last_child, links.next_sibling, tail.kinds, tail.types,
        tail.timestamps, tail.ends, tail.statuses, tail.tokens_in, tail.tokens_out, tail.costs, tail.mergeable,
        tail.added, tail._tags, tail._seqs,
    )  # fmt: skip
    assert [len(column) for column in columns] == [count] * len(columns)
    for seq in range(count):
        children = links.children(seq)
        assert children == [row for row in range(count) if links.parents[row] == seq]
        assert links.last_child[seq] == (children[-1] if children else -1)
    assert tail.roots() == [row for row in range(count) if links.parents[row] < 0]
    assert set(links.awaited) <= set(tail.roots())
    names = [tail.type_names[code] for code in tail.types]
    for name, posting in ((name, tail.by_type(name)) for name in tail.type_counts()):
        assert list(posting) == [row for row in range(count) if names[row] == name]
    for tag, posting in ((tag, tail.by_tag(tag)) for tag in tail.tag_counts()):
        assert list(posting) == [row for row in range(count) if tag in tail._tags[row]]
    in_time = sorted(range(count), key=lambda row: (tail.timestamps[row], row))
    assert list(tail.by_time(NO_TIME, 2**63)) == in_time
