"""What can be copied of a trace, and the shell commands that say what is on the screen. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from tracetui.model.value import dumps
from tracetui.tui.view.detail import detail
from tracetui.tui.view.run_model import RunModel


def choices(model: RunModel, seq: int, store: str) -> dict[str, tuple[str, Callable[[], str]]]:
    """Return key: (title, how to get the text), in the order of the menu."""
    found: dict[str, tuple[str, Callable[[], str]]] = {}
    if seq >= 0:
        found["i"] = ("id of the trace", lambda: model.view.ids[seq])
        found["s"] = ("summary line", lambda: model.summary(seq))
        found["t"] = ("detail as text", lambda: detail(model, seq).text())
        found["j"] = ("trace as JSON", lambda: dumps(model.trace(seq).to_json(), indent=2))
    found["r"] = ("id of the run", lambda: model.run.id)
    found["q"] = ("query command", lambda: query_command(model, store))
    found["l"] = ("link to this trace", lambda: link_command(model, seq, store))
    return found


def query_command(model: RunModel, store: str) -> str:
    """Return the ``tracetui query`` that gives what is shown."""
    words = ["tracetui", "--store", store, "query", "--run", model.run.id]
    if model.filter.text:
        words.append(model.filter.text)
    return shlex.join(words)


def link_command(model: RunModel, seq: int, store: str) -> str:
    """Return the ``tracetui open`` that shows this trace under this filter."""
    words = ["tracetui", "--store", store, "open", f"run:{model.run.id}"]
    if seq >= 0:
        words += ["--trace", model.view.ids[seq]]
    if model.filter.text:
        words += ["--query", model.filter.text]
    return shlex.join(words)
