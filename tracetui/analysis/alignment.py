r"""Aligning two sequences: which elements of one are which of the other, in order.

Elements are known by keys, coarser from tier to tier. Each tier takes a longest common subsequence of what the
tiers before left between their pairs, so that exact twins are found first and near ones only between them::

    a   read  grep  decide:patch  write  test:ok
    b   read  grep  decide:retry         test:bad  test:bad
        exact exact  looser               looser

The subsequence is exact and its time n·m/64: one Python integer holds a row of the table, a bit for each
element (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004). Too long a gap is cut first, at keys that
occur once on both sides, then by proportion. Exchanging the sides gives the exchanged pairs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

Pair = tuple[int, int]
Gap = tuple[int, int, int, int]
"""Half-open ranges of the two sides: a from, a to, b from, b to."""

MAX_TABLE = 400_000_000
"""Bits of a table that is kept whole: 20,000 elements beside 20,000 take 50 MB."""


def align(a: Sequence[Sequence[int]], b: Sequence[Sequence[int]]) -> list[Pair]:
    """Return the aligned pairs of indices, ascending on both sides.

    ``a`` and ``b`` are lists of keys, one list a tier, the finest first; all of a side are equally long.

    >>> align([[1, 2, 3], [0, 7, 0]], [[1, 9, 3, 3], [0, 7, 0, 0]])
    [(0, 0), (1, 1), (2, 3)]
    """
    found: list[Pair] = []
    gaps: list[Gap] = [(0, len(a[0]), 0, len(b[0]))]
    for keys_a, keys_b in zip(a, b, strict=True):
        left: list[Gap] = []
        for gap in gaps:
            if gap[0] < gap[1] and gap[2] < gap[3]:
                pairs = common(keys_a, keys_b, gap)
                found += pairs
                left += between(gap, pairs)
        gaps = left
    found.sort()
    return found


def in_order(count_a: int, pairs: Iterable[Pair], count_b: int) -> Iterator[Pair]:
    """Yield indices in the order of the first side, −1 where a side has none.

    What only the second side has stands before the next that both have.

    >>> list(in_order(2, [(0, 1)], 3))
    [(-1, 0), (0, 1), (1, -1), (-1, 2)]
    """
    to_b = dict(pairs)
    to_a = {j: i for i, j in to_b.items()}
    waiting: dict[int, list[int]] = {}
    following = count_a
    for j in range(count_b - 1, -1, -1):
        if j in to_a:
            following = to_a[j]
        else:
            waiting.setdefault(following, []).append(j)
    for i in range(count_a + 1):
        yield from ((-1, j) for j in reversed(waiting.get(i, ())))
        if i < count_a:
            yield i, to_b.get(i, -1)


def between(gap: Gap, pairs: Sequence[Pair]) -> Iterator[Gap]:
    """Yield the gaps that pairs leave, those included where only one side has elements."""
    a, b = gap[0], gap[2]
    for i, j in pairs:
        if a < i or b < j:
            yield a, i, b, j
        a, b = i + 1, j + 1
    if a < gap[1] or b < gap[3]:
        yield a, gap[1], b, gap[3]


def common(a: Sequence[int], b: Sequence[int], gap: Gap) -> list[Pair]:
    """Return the pairs of a longest common subsequence within a gap: common ends, and what is common between."""
    start_a, end_a, start_b, end_b = gap
    head: list[Pair] = []
    while start_a < end_a and start_b < end_b and a[start_a] == b[start_b]:
        head.append((start_a, start_b))
        start_a, start_b = start_a + 1, start_b + 1
    tail: list[Pair] = []
    while start_a < end_a and start_b < end_b and a[end_a - 1] == b[end_b - 1]:
        end_a, end_b = end_a - 1, end_b - 1
        tail.append((end_a, end_b))
    shared = set(a[start_a:end_a]) & set(b[start_b:end_b])
    if shared:
        left = [i for i in range(start_a, end_a) if a[i] in shared]
        right = [j for j in range(start_b, end_b) if b[j] in shared]
        pairs = _subsequence([a[i] for i in left], [b[j] for j in right])
        head += [(left[i], right[j]) for i, j in pairs]
    return head + tail[::-1]


def _subsequence(x: Sequence[int], y: Sequence[int]) -> list[Pair]:
    if len(x) * len(y) <= MAX_TABLE:
        return longest_common(x, y)
    whole: Gap = (0, len(x), 0, len(y))
    anchors = _anchors(x, y)
    found = list(anchors)
    for piece in between(whole, anchors):
        for i0, i1, j0, j1 in _cut(piece):
            found += [(i0 + i, j0 + j) for i, j in longest_common(x[i0:i1], y[j0:j1])]
    found.sort()
    return found


def _cut(gap: Gap) -> Iterator[Gap]:
    """Yield a gap in pieces of like proportion whose tables can be kept."""
    i0, i1, j0, j1 = gap
    count = 1
    while -(-(i1 - i0) // count) * -(-(j1 - j0) // count) > MAX_TABLE:
        count *= 2
    for n in range(count):
        yield (
            i0 + (i1 - i0) * n // count, i0 + (i1 - i0) * (n + 1) // count,
            j0 + (j1 - j0) * n // count, j0 + (j1 - j0) * (n + 1) // count,
        )  # fmt: skip


def _anchors(x: Sequence[int], y: Sequence[int]) -> list[Pair]:
    """Return a longest ascending chain of pairs whose keys occur once on both sides (patience)."""
    in_x, in_y = Counter(x), Counter(y)
    place = {key: j for j, key in enumerate(y) if in_y[key] == 1}
    pairs = [(i, place[key]) for i, key in enumerate(x) if in_x[key] == 1 and key in place]
    tops: list[int] = []
    piles: list[int] = []
    below: list[int] = []
    for number, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        below.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [j]
        piles[pile : pile + 1] = [number]
    chain: list[Pair] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        chain.append(pairs[at])
        at = below[at]
    return chain[::-1]


def longest_common(x: Sequence[int], y: Sequence[int]) -> list[Pair]:
    """Return the pairs of a longest common subsequence; of several the earliest matches.

    >>> longest_common([1, 2, 2], [2, 1, 2, 2, 2])
    [(0, 1), (1, 2), (2, 3)]
    """
    rows = _table(x[::-1], y[::-1])
    i, j = len(x), len(y)
    length = i - rows[j].bit_count()
    pairs: list[Pair] = []
    while length:
        key_x, key_y = x[len(x) - i], y[len(y) - j]
        if key_x == key_y:
            pairs.append((len(x) - i, len(y) - j))
            i, j, length = i - 1, j - 1, length - 1
        elif not rows[j] >> (i - 1) & 1:
            j -= 1
        elif _length(rows[j - 1], i) < length or (i, -key_x) > (j, -key_y):
            i -= 1
        else:
            j -= 1
    return pairs


def _table(x: Sequence[int], y: Sequence[int]) -> list[int]:
    """Return a row for each prefix of y: bit i is 0 where x's prefix of i + 1 has one more in common than of i."""
    every = (1 << len(x)) - 1
    places: dict[int, int] = {}
    for i, key in enumerate(x):
        places[key] = places.get(key, 0) | 1 << i
    row = every
    rows = [row]
    for key in y:
        matched = row & places.get(key, 0)
        row = ((row + matched) | (row - matched)) & every
        rows.append(row)
    return rows


def _length(row: int, i: int) -> int:
    return i - (row & ((1 << i) - 1)).bit_count()
