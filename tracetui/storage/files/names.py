"""How the files of a run are called. An id never becomes a path; a name tells whose file it is.

The log is the run. Beside it may lie its index, bytes that were cut off, the log as it was before a repair, the mark
of a failed sync, and what is being made. Anything else is another run's, or not ours.
"""

from __future__ import annotations

import re

LOG_SUFFIX, INDEX_SUFFIX = ".log", ".idx"
FAILED_SUFFIX = ".failed"
"""Beside a log: a sync failed, nobody writes before a repair."""
ASIDE_PREFIX = ".new-"
"""How the name of a file begins that is being made; left over only by a process that died right then."""
_PLAIN_ID = re.compile(r"(?!x-)[a-z0-9][a-z0-9._-]{0,99}\Z")
_OF_RUN = re.compile(
    r"(?P<stem>.+)(?:\.log|\.log\.torn-\d+-\d+|\.log\.damaged-\d+|(?P<derived>\.log\.failed|\.idx)"
    r"|(?P<made>\.log\.repair-\d+|\.log\.compress-\d+|\.idx\.new))",
    re.DOTALL,
)


def file_name(run_id: str) -> str:
    """Return the name of a run's files without suffix; an id never becomes a path.

    >>> file_name("run-1"), file_name("../etc")
    ('run-1', 'x-dfb7dc9638aab3f1281dd8a8418d9cd1')
    """
    if _PLAIN_ID.match(run_id) and not run_id.endswith(LOG_SUFFIX):
        return run_id
    from hashlib import blake2b

    digest = blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16)
    return "x-" + digest.hexdigest()


def index_path(path: str) -> str:
    """Return where the index of a log lies."""
    return path.removesuffix(LOG_SUFFIX) + INDEX_SUFFIX


def stem_of(name: str) -> str | None:
    """Return the name of the run that a file belongs to, None if it is not one of a run's.

    >>> [stem_of(name) for name in ("a.log", "a.idx", "a.log.torn-64-9", "a.log.b.log", "a.txt")]
    ['a', 'a', 'a', 'a.log.b', None]
    """
    found = _OF_RUN.fullmatch(name)
    return None if found is None else found["stem"]


def is_being_made(name: str) -> bool:
    """Whether a file is one that a process is making, or left over when it died."""
    found = _OF_RUN.fullmatch(name)
    return name.startswith(ASIDE_PREFIX) or (found is not None and found["made"] is not None)


def needs_log(name: str) -> str | None:
    """Return the name of the log without which a file is of no use to anybody, None if there is none such."""
    found = _OF_RUN.fullmatch(name)
    return None if found is None or found["derived"] is None else found["stem"] + LOG_SUFFIX
