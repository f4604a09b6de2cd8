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
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_OF_RUN = (
    r"(?P<stem>.+)(?:\.log|\.log\.torn-\d+-\d+|\.log\.damaged-\d+|(?P<derived>\.log\.failed|\.idx)"
    r"|(?P<made>\.log\.repair-\d+|\.log\.compress-\d+|\.idx\.new))"
)


def _of_run(name: str) -> re.Match[str] | None:
    return re.fullmatch(_OF_RUN, name, re.DOTALL)


def file_name(run_id: str) -> str:
    """Return the name of a run's files without suffix; an id never becomes a path.

    >>> file_name("run-1"), file_name("../etc")
    ('run-1', 'x-dfb7dc9638aab3f1281dd8a8418d9cd1')
    """
    if _is_plain(run_id) and not run_id.endswith(LOG_SUFFIX):
        return run_id
    from hashlib import blake2b

    digest = blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16)
    return "x-" + digest.hexdigest()


def _is_plain(run_id: str) -> bool:
    return (
        0 < len(run_id) <= 100 and run_id[0] not in "._-" and run_id[:2] != "x-" and _PLAIN.issuperset(run_id)
    )


def index_path(path: str) -> str:
    """Return where the index of a log lies."""
    return path.removesuffix(LOG_SUFFIX) + INDEX_SUFFIX


def stem_of(name: str) -> str | None:
    """Return the name of the run that a file belongs to, None if it is not one of a run's.

    >>> [stem_of(name) for name in ("a.log", "a.idx", "a.log.torn-64-9", "a.log.b.log", "a.txt")]
    ['a', 'a', 'a', 'a.log.b', None]
    """
    found = _of_run(name)
    return None if found is None else found["stem"]


def is_being_made(name: str) -> bool:
    """Whether a file is one that a process is making, or left over when it died."""
    found = _of_run(name)
    return name.startswith(ASIDE_PREFIX) or (found is not None and found["made"] is not None)


def needs_log(name: str) -> str | None:
    """Return the name of the log without which a file is of no use to anybody, None if there is none such."""
    found = _of_run(name)
    return None if found is None or found["derived"] is None else found["stem"] + LOG_SUFFIX
