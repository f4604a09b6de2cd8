"""What a recording does not hold of a trace's payload: what was cut when it was recorded, what was redacted. Pure."""

from __future__ import annotations

from tracetui.model.value import Value

CUT, REDACTED = "cut", "redacted"


def withheld(metadata: Value) -> tuple[str, ...]:
    """Return the words for it, in their order; the reserved metadata ``truncated`` and ``redacted`` say it.

    >>> withheld({"truncated": {"result": 70_000}, "redacted": ["arguments.token"]}), withheld({"redacted": []})
    (('cut', 'redacted'), ())
    """
    if not isinstance(metadata, dict):
        return ()
    return tuple(word for word, name in ((CUT, "truncated"), (REDACTED, "redacted")) if metadata.get(name))
