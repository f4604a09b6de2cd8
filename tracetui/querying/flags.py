"""Queries from the shell: words and flags build the same tree as text does; and the way back, as commands.

Owns what repeated flags mean: a trace has one type and one parent, so any of them; it may have many tags
and texts, so all of them. Must not know the parser of the command line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from tracetui.errors import QuerySyntaxError
from tracetui.querying.ast import Expression, Field, Query, Range, Term, Text, all_of, any_of
from tracetui.querying.fields import TRACE_FIELDS
from tracetui.querying.grammar import Parsed, parse_with_hints
from tracetui.querying.literals import value_of
from tracetui.querying.printer import print_query
from tracetui.querying.scanner import Hint
from tracetui.querying.values import check_time

_NEGATED = re.compile(r'-(?:-*\(|-*"|-*[A-Za-z_][\w-]*(?:\.[^\s:]+)*:)')


def is_expression_word(word: str) -> bool:
    """Whether an argument that begins with a dash belongs to the expression: ``-tag:retry`` and ``-(``.

    >>> [is_expression_word(word) for word in ("-tag:retry", "-(type:Error", "--limit", "-n")]
    [True, True, False, False]
    """
    return _NEGATED.match(word) is not None


def split_words(
    arguments: Sequence[str], options: Mapping[str, bool] | None = None
) -> tuple[list[str], list[str]]:
    """Return (words of the expression, options with their values) of a command's arguments.

    ``options`` are the names with dashes, and whether each takes a value. After ``--`` all is expression.
    """
    known = options or {}
    words: list[str] = []
    rest: list[str] = []
    pending = list(arguments)
    while pending:
        word = pending.pop(0)
        if word == "--":
            words += pending
            break
        name, equals, _ = word.partition("=")
        if word.startswith("-") and not is_expression_word(word) and (name in known or word.startswith("--")):
            rest.append(word)
            if known.get(name) and not equals and pending:
                rest.append(pending.pop(0))
        else:
            words.append(word)
    return words, rest


def query_of(
    words: Sequence[str] = (),
    *,
    types: Sequence[str] = (),
    tags: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    parents: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> Parsed:
    """Return the query that words and flags mean together: words are joined by spaces, all must hold.

    Types and tags may be globs; ``since`` and ``until`` are times, the end not held.

    :raises QuerySyntaxError: naming the flag, if a value cannot be read.

    >>> print_query(query_of(["timeout"], types=["Error", "LLM"], tags=["a", "b"], since="-10m").query)
    'timeout type:(Error OR LLM) tag:a tag:b time:-10m..'
    """
    parsed = parse_with_hints(" ".join(words))
    flagged: list[Expression] = []
    if types:
        flagged.append(_exact("type", types))
    flagged += [_exact("tag", [tag]) for tag in tags]
    if since is not None or until is not None:
        flagged.append(_time(since, until))
    if parents:
        flagged.append(any_of(*(_exact("parent", [parent]) for parent in parents)))
    flagged += [Text(text) for text in texts if text]
    return Parsed(Query(all_of(parsed.query.where, *flagged), parsed.query.stages), parsed.hints)


def _exact(name: str, given: Sequence[str]) -> Term:
    spec = TRACE_FIELDS[name]
    return Term(Field(name), tuple(value_of(spec, "", text, quoted=not _is_word(text)) for text in given))


def _is_word(text: str) -> bool:
    return re.fullmatch(r'[^\s"()|~=<>][^\s"()|]*', text) is not None


def _time(since: str | None, until: str | None) -> Term:
    for flag, text in (("--since", since), ("--until", until)):
        if text is not None:
            try:
                check_time(text.replace(" ", "T"))
            except ValueError as problem:
                raise QuerySyntaxError(text, 0, f"{flag} takes {problem}") from None
    ends = [None if text is None else text.replace(" ", "T") for text in (since, until)]
    return Term(Field("time"), (Range(*ends),))


# ---- the way back ----------------------------------------------------------------------------------------


def query_command(query: Query, run_id: str | None = None) -> str:
    """Return the shell command that asks the same of a run.

    >>> print(query_command(parse_with_hints('type:Error "no module"').query, "run-1"))
    tracetui query 'type:Error "no module"' --run run-1
    """
    text = print_query(query)
    return shlex.join(
        ["tracetui", "query", *([text] if text else []), *(["--run", run_id] if run_id else [])]
    )


def open_command(run_id: str, trace_id: str | None = None, query: Query | None = None) -> str:
    """Return the shell command that opens the explorer at a run, a trace and a filter: a link."""
    text = "" if query is None else print_query(query)
    at = ["--trace", trace_id] if trace_id else []
    return shlex.join(["tracetui", "open", run_id, *at, *(["--query", text] if text else [])])


__all__ = ["Hint", "Parsed", "is_expression_word", "open_command", "query_command", "query_of", "split_words"]
