"""Payloads in the detail pane: JSON that came as text is folded like any other, edits are shown as what they change.

Nothing is left out: what cannot be read as more than text stays text. Sizes are bounded where work is not linear.
"""

from __future__ import annotations

import json
from difflib import unified_diff
from typing import Any

from tracetui.model.value import Value
from tracetui.tui.view.document import Document

MOST_JSON = 2_000_000
"""Characters of a text that is tried as JSON."""
MOST_DIFF_LINES = 2_000
"""Lines on each side up to which an edit is shown as a difference."""
_EDITS = (("old_string", "new_string"), ("old_str", "new_str"), ("before", "after"), ("search", "replace"))
_PATCH_HEADS = ("diff --git ", "--- ", "*** Begin Patch", "Index: ")


def add_arguments(arguments: Any, document: Document) -> None:
    """Add the arguments of a call; those of an edit as the lines that it takes out and puts in."""
    value: Any = as_json(arguments) if isinstance(arguments, str) else arguments
    edit = _edit(value)
    if edit is None:
        add_payload("", arguments, document)
        return
    old, new = edit
    for name, part in value.items():
        if name not in (old, new):
            add_payload(name, part, document)
    lines = list(unified_diff(value[old].splitlines(), value[new].splitlines(), old, new, lineterm="", n=3))
    _add_patch("change", lines or ["(no difference)"], document)


def _edit(value: Any) -> tuple[str, str] | None:
    """Return the names of the texts that an edit takes out and puts in, None if it is no edit or too large."""
    if not isinstance(value, dict):
        return None
    for old, new in _EDITS:
        before, after = value.get(old), value.get(new)
        if isinstance(before, str) and isinstance(after, str):
            is_small = max(before.count("\n"), after.count("\n")) <= MOST_DIFF_LINES
            return (old, new) if is_small else None
    return None


def add_payload(label: str, value: Any, document: Document, depth: int = 0) -> None:
    """Add a payload of any shape: text that holds JSON as that, a patch with its lines told apart."""
    if isinstance(value, dict) and value:
        for name, part in value.items() if not label else ():
            add_payload(name, part, document, depth)
        if label:
            document.add_value(label, value, depth)
        return
    if isinstance(value, str):
        found = as_json(value)
        if found is not None:
            document.add_value(label or "JSON", found, depth)
            return
        if value.startswith(_PATCH_HEADS) and "\n" in value:
            _add_patch(label, value.split("\n"), document, depth)
            return
        document.add_text(label, value, depth=depth)
        return
    document.add_value(label, value, depth)


def _add_patch(label: str, lines: list[str], document: Document, depth: int = 0) -> None:
    if label:
        document.add("", "label", label=label, depth=depth)
    for line in lines:
        document.add(line, _patch_role(line), depth=depth)


def _patch_role(line: str) -> str:
    if line.startswith(("+++", "---", "@@", "diff ", "***")):
        return "dim"
    return {"+": "good", "-": "failed text"}.get(line[:1], "string")


def as_json(text: str) -> Value:
    """Return the object or list that a text holds, None if it holds none.

    >>> as_json('{"a": [1]}'), as_json("[x"), as_json("12"), as_json("{}")
    ({'a': [1]}, None, None, None)
    """
    if len(text) > MOST_JSON or text.lstrip()[:1] not in ("{", "[") or text.rstrip()[-1:] not in ("}", "]"):
        return None
    try:
        found: Value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) and found else None
