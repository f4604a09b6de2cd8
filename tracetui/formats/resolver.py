"""Records in the order in which a store takes them: parents first, each once, no circle.

Owns what importers do about children that come before their parents, parents that never come and links in a
circle. Knows nothing of any format; never recurses, so chains of 100,000 pass. A record that comes again is the
ledger's concern.

Worked example. Given b→a, c→b, x→missing, p→q, q→p (child→parent), in this order::

    order(...)  gives  a  b  c        parents first, else as given
                       x  (awaits)    its parent was not received
                       p  (circle)    the link that closed the circle is cut: a root
                       q              whose parent p now is
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

ROOT, PLACED, AWAITS, CIRCLE = "root", "placed", "awaits", "circle"


class Placed(NamedTuple, Generic[Item]):
    """An item in its turn. ``link`` says what its parent link is worth.

    "root": it names none. "placed": the parent came before. "awaits": not received yet. "circle": following
    the link would lead back to the item, so it counts as a root.
    """

    item: Item
    link: str


def order(
    items: Sequence[Item],
    id_of: Callable[[Item], str],
    parent_of: Callable[[Item], str | None],
    known: Collection[str] = (),
) -> list[Placed[Item]]:
    """Return the items with parents before children, otherwise as given. Linear in their number.

    ``known`` are ids that came before; ids of ``items`` must differ from each other.
    """
    by_id = {id_of(item): item for item in items}
    done: set[str] = set()
    placed: list[Placed[Item]] = []
    for item in items:
        chain = _unplaced_ancestors(item, by_id, done, id_of, parent_of)
        for link_item in reversed(chain):
            own = id_of(link_item)
            placed.append(Placed(link_item, _link(parent_of(link_item), own, by_id, done, known)))
            done.add(own)
    return placed


def _unplaced_ancestors(
    item: Item,
    by_id: dict[str, Item],
    done: set[str],
    id_of: Callable[[Item], str],
    parent_of: Callable[[Item], str | None],
) -> list[Item]:
    """Return the item and its ancestors that are not placed yet, nearest first, stopping at a circle."""
    chain: list[Item] = []
    on_path: set[str] = set()
    at: Item | None = item
    while at is not None:
        own = id_of(at)
        if own in done or own in on_path:
            break
        on_path.add(own)
        chain.append(at)
        parent = parent_of(at)
        at = by_id.get(parent) if parent else None
    return chain


def _link(
    parent: str | None, own: str, by_id: dict[str, Item], done: set[str], known: Collection[str]
) -> str:
    if not parent:
        return ROOT
    if parent in done or (parent in known and parent != own):
        return PLACED
    return CIRCLE if parent in by_id else AWAITS
