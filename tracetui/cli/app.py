"""The command ``tracetui``: its options, its commands, and what happens to their errors.

Starting must stay quick: commands import what they need inside themselves, Typer prints plain help, and nothing but
the explorer imports Textual.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tracetui.cli import care, diagnostics, files, output, reading, recording, runs
from tracetui.cli.session import session
from tracetui.errors import TraceTuiError

app = typer.Typer(
    name="tracetui",
    help="See what an AI agent did: record, query and explore traces of agent runs",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command the explorer opens; `tracetui FILE` opens a recording. `tracetui demo` shows an example.",
)
app.add_typer(runs.app, name="run")
app.add_typer(recording.app, name="record")
for _module in (reading, files, care):
    _module.register(app)


@app.callback(invoke_without_command=True)
def main_options(
    ctx: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="PATH|URL", help="Store to use [default: $TRACETUI_STORE, .tracetui/, yours]"
        ),
    ] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters alone")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave")] = False,
) -> None:
    """Take the options that stand before a command; without a command open the explorer."""
    if version:
        from tracetui import __version__

        output.line(f"tracetui {__version__}")
        raise diagnostics.Ended(diagnostics.OK)
    session.store = store
    session.ascii_only = ascii_only
    if ctx.invoked_subcommand is None:
        piped = not sys.stdin.isatty() and sys.stdin.readable() and not os.environ.get("TRACETUI_NO_STDIN")
        files.open_explorer(["-"] if piped and not output.is_terminal_input() else [])


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        output.flush()
    except output.ClosedPipeError:
        output.give_up()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code. Every error of ours is said on standard error, none as a traceback."""
    try:
        result = app(args=prepared(arguments), standalone_mode=False, prog_name="tracetui")
        return result if isinstance(result, int) else diagnostics.OK
    except diagnostics.Ended as ended:
        return ended.code
    except diagnostics.UsageError as problem:
        diagnostics.say(f"tracetui: {problem}")
        return diagnostics.USAGE
    except typer.Abort:
        return diagnostics.INTERRUPTED
    except ClickException as problem:
        problem.show(file=sys.stderr)
        return diagnostics.USAGE
    except TraceTuiError as problem:
        return diagnostics.report(problem)
    except output.ClosedPipeError:
        output.give_up()
        return diagnostics.OK
    except KeyboardInterrupt:
        return diagnostics.INTERRUPTED
    finally:
        session.close()


# Typer carries its own copy of Click from 0.26 on; its exceptions are reached through the names it exports.
ClickException = typer.BadParameter.__mro__[2]

_HOISTED = ("--store",)


def prepared(arguments: list[str]) -> list[str]:
    """Return the arguments with ``--store`` and ``--ascii`` first, and a file alone turned into ``open FILE``.

    >>> prepared(["run", "list", "--store", "x"]), prepared(["query", "--", "--store"])
    (['--store', 'x', 'run', 'list'], ['query', '--', '--store'])
    """
    front, rest = [], []
    at = 0
    while at < len(arguments):
        word = arguments[at]
        if word == "--":
            rest += arguments[at:]
            break
        if word in _HOISTED and at + 1 < len(arguments):
            front += [word, arguments[at + 1]]
            at += 2
            continue
        if word.startswith("--store=") or word == "--ascii":
            front.append(word)
        else:
            rest.append(word)
        at += 1
    if rest and not rest[0].startswith("-") and rest[0] not in _commands() and Path(rest[0]).exists():
        rest.insert(0, "open")
    return [*front, *rest]


def _commands() -> set[str]:
    names = {group.name for group in app.registered_groups} | {
        command.name or (command.callback.__name__ if command.callback else "")
        for command in app.registered_commands
    }
    return {str(name) for name in names}


if __name__ == "__main__":
    main()
