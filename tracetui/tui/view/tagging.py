"""The tags of a run as a line of words that can be edited, and back. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tracetui.model.text import printable


def tag_words(tags: Sequence[str]) -> str:
    """Return tags as words, in quotes where that is needed, with nothing in them that a terminal would obey.

    >>> tag_words(["auth", "needs review"])
    "auth 'needs review'"
    """
    return shlex.join(printable(tag) for tag in tags)


def tags_of_words(text: str, before: Sequence[str]) -> list[str]:
    """Return the tags that a line of words names, each once; one that stood there before is kept as it was.

    >>> tags_of_words("auth 'needs review' auth", ["old"])
    ['auth', 'needs review']

    :raises ValueError: if a quotation mark is not closed.
    """
    known = {printable(tag): tag for tag in before}
    return list(dict.fromkeys(known.get(word, word) for word in shlex.split(text) if word))
