"""Bytes of a file, a pipe or a growing file, read in pieces and unpacked if they were packed.

Owns reading. Knows nothing of formats or stores. A file is only ever opened for reading; whether it was cut
or replaced meanwhile, ``is_replaced`` tells.
"""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path
from typing import BinaryIO

from tracetui.errors import FormatError

CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"


class Source:
    """One file or stream, read from its beginning, a piece at a time.

    ``read`` gives b"" at the end; a file that grows gives more later. ``size`` is the number of packed bytes
    where it is known, ``position`` how many of them were read.
    """

    def __init__(self, path: str, stream: BinaryIO | None = None) -> None:
        self.path = path
        self.position = 0
        self._stream = stream if stream is not None else _open(path)
        self._is_file = stream is None
        self._unpack: zlib._Decompress | None = None
        self._identity = self._stat_identity()

    def _stat_identity(self) -> tuple[int, int] | None:
        if not self._is_file:
            return None
        stat = os.fstat(self._stream.fileno())
        return stat.st_dev, stat.st_ino

    @property
    def size(self) -> int | None:
        """Bytes of the file as it is now, None for a stream."""
        return os.fstat(self._stream.fileno()).st_size if self._is_file else None

    def read(self, limit: int = CHUNK_BYTES) -> bytes:
        """Return the next bytes, unpacked; b"" if there are none now.

        :raises FormatError: if the file cannot be read, or packed bytes are damaged.
        """
        try:
            chunk = self._stream.read(limit)
        except OSError as problem:
            raise FormatError(self.path, 0, f"cannot be read: {problem.strerror}") from problem
        if self.position == 0 and chunk.startswith(_GZIP):
            self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self.position += len(chunk)
        return self._unpacked(chunk)

    def _unpacked(self, chunk: bytes) -> bytes:
        if self._unpack is None:
            return chunk
        out = io.BytesIO()
        try:
            while chunk:
                out.write(self._unpack.decompress(chunk))
                chunk = self._unpack.unused_data
                if chunk:
                    self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        except zlib.error as problem:
            raise FormatError(self.path, 0, f"the gzip data are damaged: {problem}") from problem
        return out.getvalue()

    def is_replaced(self) -> bool:
        """Return whether the path now leads to another file than the one being read, or it was cut."""
        if self._identity is None:
            return False
        if (self.size or 0) < self.position:
            return True
        try:
            stat = Path(self.path).stat()
        except OSError:
            return True
        return (stat.st_dev, stat.st_ino) != self._identity

    def close(self) -> None:
        """Let go of the file."""
        if self._is_file:
            self._stream.close()


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as problem:
        raise FormatError(path, 0, f"cannot be opened: {problem.strerror}") from problem
