"""Columns of numbers and texts by row that begin in an index file and go on in memory.

Owns how a column is found, read and grown; knows neither what it means nor what files are. What an index covers
is the *base*: buffers that are mapped privately, so that a change to a covered row stays with this process, and
that are looked at (and verified) when somebody first touches them. What came since is the *tail*.

A column has one of these forms, which read alike:

- an ``array``, where there is no base: the fastest, and the only one that a run without an index ever has;
- the base's own buffer, while no row was added behind it: whole, or as ``Checked``, which verifies what is touched;
- a ``Column``, which joins the two, from the first row behind the base on.

``Columns.settle`` turns a ``Column`` back into an ``array`` for those who look at every row.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, ClassVar, Protocol

from tracetui.model.value import pack, unpack

Numbers = Any
"""A column of numbers by row, in one of these forms."""


class Base(Protocol):
    """What an index covers of a run, by the names of its sections.

    :raises BadIndexError: from every method, if a section is not what was written.
    """

    rows: int
    """Number of traces covered."""
    is_bad: bool
    """Whether a section was found that is not what was written."""

    def numbers(self, name: str, typecode: str) -> Any:
        """Return a column as a buffer that can be changed without changing the file."""
        ...

    def column(self, name: str, typecode: str) -> Any:
        """Return the same, but verified a block at a time when somebody touches it: for a look at a few rows."""
        ...

    def value(self, name: str) -> Any:
        """Return the value of a packed section."""
        ...

    def verify(self) -> None:
        """Look at every section, once."""
        ...


class BadIndexError(Exception):
    """An index that is not what was written: it is derived, so whoever meets this does without it."""


class Checked:
    """Numbers of a base that are verified a block at a time: the first look at a block costs its checksum.

    So that a look at a few rows of a large run does not cost a look at all of it.
    """

    __slots__ = ("_buffer", "_look", "_seen", "_shift")

    def __init__(self, buffer: memoryview, seen: bytearray, rows: int, look: Callable[[int], None]) -> None:
        self._buffer: Any = buffer
        self._seen = seen
        self._shift = rows.bit_length() - 1
        self._look = look

    def __len__(self) -> int:
        return len(self._buffer)

    def __getitem__(self, row: Any) -> Any:
        if type(row) is slice:
            first, stop, _ = row.indices(len(self._buffer))
            for block in range(first >> self._shift, (stop - 1 >> self._shift) + 1 if stop > first else 0):
                self._touch(block)
            return self._buffer[row]
        if row < 0:
            row += len(self._buffer)
        self._touch(row >> self._shift)
        return self._buffer[row]

    def __setitem__(self, row: int, value: Any) -> None:
        self._touch(row >> self._shift)
        self._buffer[row] = value

    def _touch(self, block: int) -> None:
        if not self._seen[block]:
            self._look(block)

    def whole(self) -> Any:
        """Return the buffer itself, all of it verified."""
        for block in range(len(self._seen)):
            self._touch(block)
        return self._buffer

    def __iter__(self) -> Iterator[Any]:
        return iter(self.whole())

    def tobytes(self) -> bytes:
        """Return all of it as bytes."""
        return bytes(self.whole().tobytes())


def unwrapped(numbers: Any) -> Any:
    """Return numbers in a form that is read without a look at whether they were verified: all are by then."""
    return numbers.whole() if isinstance(numbers, Checked) else numbers


class Column:
    """Numbers by row: those of the base, loaded on first touch, then those that were added.

    >>> column = Column("i", lambda: memoryview(array("i", [7, 8])), 2)
    >>> column.append(9)
    >>> column[0] = 5
    >>> list(column), len(column), column[2]
    ([5, 8, 9], 3, 9)
    """

    __slots__ = ("_base", "_load", "_more", "append", "covered", "extend", "typecode")

    def __init__(self, typecode: str, load: Callable[[], Any], covered: int) -> None:
        self.typecode = typecode
        self.covered = covered
        self._load = load
        self._base: Any = None
        self._more = array(typecode)
        self.append, self.extend = self._more.append, self._more.extend

    def __len__(self) -> int:
        return self.covered + len(self._more)

    def _buffer(self) -> Any:
        if self._base is None:
            self._base = self._load()
        return self._base

    def __getitem__(self, row: int) -> Any:
        if row < 0:
            row += len(self)
        return self._more[row - self.covered] if row >= self.covered else self._buffer()[row]

    def __setitem__(self, row: int, value: Any) -> None:
        if row >= self.covered:
            self._more[row - self.covered] = value
        else:
            self._buffer()[row] = value

    def __iter__(self) -> Iterator[Any]:
        yield from self._buffer()
        yield from self._more

    def unwrap(self) -> None:
        """Read the base's rows without a look at whether they were verified: they all were."""
        self._base = unwrapped(self._base)

    def joined(self) -> array[Any]:
        """Return all rows as one array."""
        whole = array(self.typecode)
        whole.frombytes(unwrapped(self._buffer()).cast("B"))
        whole.extend(self._more)
        return whole


class Columns:
    """Named columns of equal origin: without a base arrays, with one loaded from it when first touched.

    A subclass names them in ``CODES`` (attribute: ``array`` typecode) and says with ``ROOM`` under which name its
    sections stand in an index.
    """

    ROOM: str
    CODES: ClassVar[Mapping[str, str]]

    def __init__(self, base: Base | None, rows: int = 0) -> None:
        self._base = base
        self._covered = rows
        self._is_fixed = base is not None
        if base is None:
            for name, code in self.CODES.items():
                setattr(self, name, array(code))

    def _length(self) -> int:
        """Return the number of rows; nothing is loaded for it."""
        return self._covered if self._is_fixed else len(getattr(self, next(iter(self.CODES))))

    def __getattr__(self, name: str) -> Any:
        """Load a column of the base: only what is not there yet comes here."""
        if name not in self.CODES or self.__dict__.get("_base") is None:
            raise AttributeError(name)
        column = self._loader(name)()
        setattr(self, name, column)
        return column

    def _loader(self, name: str) -> Callable[[], Any]:
        """Return what loads a column; it does not hold this object, so that none outlives its last user."""
        return partial(_load, self._base, f"{self.ROOM}.{name}", self.CODES[name], self._covered)

    def grow(self) -> None:
        """Let the columns take rows behind the base."""
        self._is_fixed = False
        for name, code in self.CODES.items():
            column = self.__dict__.get(name)
            if column is None:
                setattr(self, name, Column(code, self._loader(name), self._covered))
            elif not isinstance(column, (array, Column)):
                setattr(self, name, Column(code, partial(_itself, column), self._covered))

    def add_columns(self, **columns: Sequence[Any]) -> None:
        """Add the values of the next rows to columns that take rows; through an array of their own in half the time."""
        for name, values in columns.items():
            getattr(self, name).extend(array(self.CODES[name], values))

    def settle(self, *, growing: bool) -> None:
        """Make every column quick to read row by row: an array if rows may come, else the base's own buffer.

        Costs a copy of what the base covers in the first case, and the verification of its sections in both.
        """
        if growing and self._is_fixed:
            self.grow()
        for name in self.CODES:
            column = getattr(self, name)
            if isinstance(column, Column):
                setattr(self, name, column.joined())
        self.unwrap()

    def unwrap(self) -> None:
        """Read what is loaded without a look at whether it was verified: for who reads many rows.

        :raises BadIndexError: if any of it is damaged.
        """
        for name in self.CODES:
            column = self.__dict__.get(name)
            if isinstance(column, Checked):
                setattr(self, name, column.whole())
            elif isinstance(column, Column):
                column.unwrap()

    def copied(self, name: str) -> array[Any]:
        """Return a copy of a column."""
        column = getattr(self, name)
        return column.joined() if isinstance(column, Column) else array(self.CODES[name], column.tobytes())

    def sections(self) -> Iterator[tuple[str, bytes]]:
        """Yield the columns as sections of an index."""
        for name in self.CODES:
            yield f"{self.ROOM}.{name}", self.copied(name).tobytes()


def _load(base: Base | None, name: str, typecode: str, rows: int) -> Any:
    assert base is not None  # noqa: S101 - without one every column is there
    column = base.column(name, typecode)
    if len(column) != rows:
        raise BadIndexError(f"{name} has {len(column)} rows, not {rows}")
    return column


def _itself(column: Any) -> Any:
    return column


class Texts(Sequence[str]):
    """Texts by row: those of the base, decoded when asked for, then those that were added."""

    def __init__(self, base: Base, name: str) -> None:
        self._base = base
        self._name = name
        self._ends: Any = None
        self._text: Any = b""
        self._more: list[str] = []
        self.append, self.extend = self._more.append, self._more.extend

    def __len__(self) -> int:
        return self._base.rows + len(self._more)

    def _open(self) -> Any:
        self._text = self._base.column(f"{self._name}.text", "B")
        self._ends = self._base.column(f"{self._name}.ends", "Q")
        if len(self._ends) != self._base.rows or (len(self._ends) and self._ends[-1] != len(self._text)):
            raise BadIndexError(f"{self._name} has {len(self._ends)} rows, not {self._base.rows}")
        return self._ends

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        covered = self._base.rows
        if row < 0:
            row += len(self)
        if row >= covered:
            return self._more[row - covered]
        ends = self._ends
        if ends is None:
            ends = self._open()
        packed = self._text[ends[row - 1] if row else 0 : ends[row]]
        try:
            return str(packed, "utf-8", "surrogatepass")
        except UnicodeDecodeError:  # nothing that we wrote: whoever relies on it finds no such id
            return str(packed, "utf-8", "replace")

    def unwrap(self) -> None:
        """Read without a look at whether what is read was verified; see ``Columns.unwrap``.

        Opened here at the latest: nobody who reads the texts from then on expects a damaged index.
        """
        if self._ends is None:
            self._open()
        self._text, self._ends = unwrapped(self._text), unwrapped(self._ends)

    def frozen(self) -> Texts:
        """Return a copy that keeps what is there now."""
        copy = Texts(self._base, self._name)
        copy._more.extend(self._more)
        return copy

    def sections(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield the texts as sections of an index; see ``text_sections``."""
        ends = array("Q", self._open().tobytes())
        more = [text.encode("utf-8", "surrogatepass") for text in self._more]
        ends.extend(accumulate(map(len, more), initial=len(self._text)))
        del ends[self._base.rows]
        yield f"{name}.ends", ends.tobytes()
        yield f"{name}.text", b"".join((unwrapped(self._text), *more))


def text_sections(name: str, texts: Texts | Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield texts as two sections of an index: where each ends, and all of them end to end."""
    if isinstance(texts, Texts):
        yield from texts.sections(name)
        return
    packed = [text.encode("utf-8", "surrogatepass") for text in texts]
    yield f"{name}.ends", array("Q", accumulate(map(len, packed))).tobytes()
    yield f"{name}.text", b"".join(packed)


class TagSets:
    """The tags of each row, as tuples: equal ones are kept once, and unpacked when somebody asks for one of them.

    Reads like the list of tuples that stands in its place without a base.
    """

    def __init__(self, base: Base) -> None:
        self._base = base
        self._sets: Any = None
        self._ends: Any = None
        self._packed: Any = b""
        self._known: dict[int, tuple[str, ...]] = {}
        self._changed: dict[int, tuple[str, ...]] = {}
        self._more: list[tuple[str, ...]] = []
        self.append, self.extend = self._more.append, self._more.extend

    def __len__(self) -> int:
        return self._base.rows + len(self._more)

    def __getitem__(self, row: int) -> tuple[str, ...]:
        covered = self._base.rows
        if row >= covered:
            return self._more[row - covered]
        changed = self._changed.get(row)
        if changed is not None:
            return changed
        if self._sets is None:
            self._ends = self._base.column("tags.distinct.ends", "Q")
            self._packed = self._base.column("tags.distinct.packed", "B")
            self._sets = self._base.column("tags.sets", "I")
        number: int = self._sets[row]
        known = self._known.get(number)
        return self._set(number) if known is None else known

    def _set(self, number: int) -> tuple[str, ...]:
        start = self._ends[number - 1] if number else 0
        found = self._known[number] = tuple(unpack(bytes(self._packed[start : self._ends[number]])))
        return found

    def __setitem__(self, row: int, tags: tuple[str, ...]) -> None:
        covered = self._base.rows
        if row >= covered:
            self._more[row - covered] = tags
        else:
            self._changed[row] = tags

    def unwrap(self) -> None:
        """Read without a look at whether what is read was verified; see ``Columns.unwrap``."""
        self._sets, self._ends = unwrapped(self._sets), unwrapped(self._ends)
        self._packed = unwrapped(self._packed)

    def frozen(self) -> TagSets:
        """Return a copy that keeps what is there now."""
        copy = TagSets(self._base)
        copy._changed.update(self._changed)
        copy._more.extend(self._more)
        return copy


def tag_sections(tags: TagSets | Sequence[tuple[str, ...]]) -> Iterator[tuple[str, Any]]:
    """Yield the tags of all rows as sections of an index: the distinct sets, and each row's number of one."""
    distinct: dict[tuple[str, ...], int] = {}
    sets = array("I", [distinct.setdefault(tags[row], len(distinct)) for row in range(len(tags))])
    packed = list(map(pack, distinct))
    yield "tags.distinct.ends", array("Q", accumulate(map(len, packed))).tobytes()
    yield "tags.distinct.packed", b"".join(packed)
    yield "tags.sets", sets.tobytes()
