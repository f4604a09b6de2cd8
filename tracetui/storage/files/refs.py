"""Where the bodies of a run lie in its log, by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tracetui.storage.state.columns import Base, Columns, Numbers


class BodyRefs(Columns):
    """Where bodies lie, by row: offset, length and CRC in 16 bytes each."""

    CODES: ClassVar = {"offsets": "Q", "sizes": "I", "crcs": "I"}
    offsets: Numbers
    sizes: Numbers
    crcs: Numbers

    def __init__(self, room: str, base: Base | None, rows: int) -> None:
        self.ROOM = room
        super().__init__(base, rows)

    def append(self, ref: tuple[int, int, int]) -> None:
        """Add the body of the next row."""
        if self._is_fixed:
            self.grow()
        offset, size, crc = ref
        self.offsets.append(offset)
        self.sizes.append(size)
        self.crcs.append(crc)

    def extend(self, refs: Sequence[tuple[int, int, int]]) -> None:
        """Add the bodies of the next rows."""
        if self._is_fixed:
            self.grow()
        offsets, sizes, crcs = zip(*refs, strict=True)
        self.add_columns(offsets=offsets, sizes=sizes, crcs=crcs)

    def __getitem__(self, row: int) -> tuple[int, int, int]:
        return self.offsets[row], self.sizes[row], self.crcs[row]

    def take(self, rows: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return the references of many rows."""
        columns = ([column[row] for row in rows] for column in (self.offsets, self.sizes, self.crcs))
        return list(zip(*columns, strict=True))
