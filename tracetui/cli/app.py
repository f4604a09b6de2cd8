"""The command ``tracetui``: its options, its commands, and what happens to their errors.

Starting must stay quick: commands import what they need inside themselves, Typer prints plain help, and nothing but
the explorer imports Textual.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tracetui.cli import diagnostics, output
from tracetui.cli.commands import COMMANDS, add_commands
from tracetui.cli.session import session
from tracetui.errors import TraceTuiError


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line with the commands that these words can mean."""
    app = typer.Typer(
        name="tracetui",
        help="See what an AI agent did: record, query and explore traces of agent runs",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Without a command the explorer opens; `tracetui FILE` opens a recording, `tracetui demo` an example.",
    )
    app.callback(invoke_without_command=True)(main_options)
    add_commands(app, words)
    return app


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
    if (
        not gc.isenabled()
    ):  # the program has just started: what is there now stays, and need not be looked through
        gc.freeze()
        gc.enable()
    session.store = store
    session.ascii_only = ascii_only
    if ctx.invoked_subcommand is None:
        piped = not sys.stdin.isatty() and sys.stdin.readable() and not os.environ.get("TRACETUI_NO_STDIN")
        from tracetui.cli import files

        files.open_explorer(["-"] if piped and not output.is_terminal_input() else [])


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    _open_standard_streams()
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        output.flush()
    except output.ClosedPipeError:
        output.give_up()
    except output.UnwritableError as problem:
        code = _unwritable(problem)
    sys.exit(code)


def _open_standard_streams() -> None:
    """Put nothing in the place of streams that were closed, lest a file of the store takes their numbers."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.dup2(descriptor, number)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
            if descriptor != number:
                os.close(descriptor)
    output.take_buffer()


def _unwritable(problem: output.UnwritableError) -> int:
    output.give_up()
    diagnostics.say(f"tracetui: {problem}")
    return diagnostics.USAGE


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code. Every error of ours is said on standard error, none as a traceback."""
    try:
        words = prepared(arguments)
        result = command_line(words)(args=words, standalone_mode=False, prog_name="tracetui")
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
    except output.UnwritableError as problem:
        return _unwritable(problem)
    except OSError as problem:
        named = f"{problem.filename}: " if problem.filename else ""
        diagnostics.say(f"tracetui: {named}{problem.strerror or problem}")
        return diagnostics.UNREACHABLE
    except KeyboardInterrupt:
        return diagnostics.INTERRUPTED
    finally:
        session.close()


# Typer carries its own copy of Click from 0.26 on; its exceptions are reached through the names it exports.
ClickException: Any = typer.BadParameter.__mro__[2]

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
    if (
        rest
        and rest[0] not in COMMANDS
        and (
            rest[0] == "-" or (rest[0][:1] != "-" and os.path.exists(rest[0]))  # noqa: PTH110 - Path raises for some
        )
    ):
        rest.insert(0, "open")
    return [*front, *rest]


if __name__ == "__main__":
    main()
