"""Which commands there are, and as much of them as the words of one call can mean.

Every command that Typer prepares costs a millisecond or two, since it looks at each parameter of it. So the one that is
named comes alone, and where commands are only listed (help, a word that is none) they come by name and help line.
Completion alone gets everything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import copy
from importlib import import_module
from typing import Any

import typer
from typer.models import CommandInfo

MODULES = {
    "query": "reading", "tree": "reading", "show": "reading", "facets": "reading", "tail": "tailing", "why": "analysis",
    "stats": "analysis", "loops": "analysis", "diff": "differences", "compare": "differences", "import": "files",
    "export": "files", "open": "files", "demo": "files", "formats": "files", "check": "care", "repair": "care",
    "reindex": "care", "gc": "care", "note": "care", "web": "web", "screenshot": "screenshot",
}  # fmt: skip
"""By command: the module of this folder that makes it, in the order of the help."""
FAMILIES = {"run": "runs", "record": "recording", "config": "config"}
"""The same of families of commands."""
COMMANDS = frozenset({*MODULES, *FAMILIES})
"""The words that a first argument is taken for; any other that is a path is opened."""
COMPLETING = "_TRACETUI_COMPLETE"
"""The variable by which a shell says that it wants completions."""


def add_commands(app: typer.Typer, words: Sequence[str]) -> None:
    """Add the commands that these words, with options hoisted, can mean."""
    named, after = _named(words)
    whole = COMPLETING in os.environ
    if named in MODULES and not whole:
        _module(MODULES[named]).register(app)
        app.registered_commands = [one for one in app.registered_commands if _name(one) == named]
    elif named in FAMILIES and not whole:
        app.add_typer(_family(FAMILIES[named], _named(after)[0]), name=named)
    else:
        for module in dict.fromkeys(MODULES.values()):
            _module(module).register(app)
        for family, module in FAMILIES.items():
            app.add_typer(_module(module).app if whole else _family(module, ""), name=family)
        if not whole:
            app.registered_commands = [_listed(one) for one in app.registered_commands]


def _named(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the first word that is neither an option nor the store's place, "" if help is wanted before; and the rest.

    >>> _named(["--store", "run", "record", "tool"]), _named(["--help", "run"])
    (('record', ['tool']), ('', []))
    """
    at = 0
    while at < len(words) and words[at] not in ("-h", "--help"):
        if words[at][:1] != "-":
            return words[at], words[at + 1 :]
        at += 2 if words[at] == "--store" else 1
    return "", []


def _module(name: str) -> Any:
    return import_module(f"tracetui.cli.{name}")


def _family(module: str, command: str) -> typer.Typer:
    """Return a family with the command that is named; without such, all of them to be listed."""
    whole: typer.Typer = _module(module).app
    made = typer.Typer(help=whole.info.help, rich_markup_mode=None, no_args_is_help=True)
    ready = [one for one in whole.registered_commands if _name(one) == command]
    listed = [_listed(one) for one in whole.registered_commands if one not in ready]
    made.registered_commands = [*ready, *listed[: len(ready) or None]]  # of one command Typer makes no family
    return made


def _name(command: CommandInfo) -> str:
    return command.name or (command.callback.__name__ if command.callback else "")


def _listed(command: CommandInfo) -> CommandInfo:
    """Return a command that shows in a list and takes no parameters; nobody can call it, since it was not named."""

    def never() -> None:
        raise AssertionError(listed.name)

    never.__doc__ = command.callback.__doc__
    listed = copy(command)
    listed.name, listed.callback = _name(command), never
    return listed
