"""What the shell offers to complete: runs, traces, formats and the like, by the store that the line names.

Never says anything but completions: a store that cannot be read offers none. Where nothing of these fits, the
shell goes on with the names of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from tracetui.cli.diagnostics import UsageError
from tracetui.cli.session import as_file, find_run, session
from tracetui.errors import TraceTuiError

if TYPE_CHECKING:
    from tracetui.storage.backend import RunView

MOST = 50
"""So many runs or traces are offered, the newest."""

Offers = list[tuple[str, str]]


def among(*words: str) -> Callable[[str], list[str]]:
    """Return what completes one of a few words."""

    def offer(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return offer


def runs(ctx: typer.Context, incomplete: str) -> Offers:
    """Return names and ids of runs, newest first; a name that needs quoting is told beside its id."""
    return _safe(ctx, incomplete, _runs)


def traces(ctx: typer.Context, incomplete: str) -> Offers:
    """Return ids of traces of the run that the line names, the newest first."""
    return _safe(ctx, incomplete, _traces)


def _safe(
    ctx: typer.Context, incomplete: str, offers: Callable[[typer.Context], Iterator[tuple[str, str]]]
) -> Offers:
    session.store = ctx.find_root().params.get("store")
    try:
        return [offer for offer in offers(ctx) if offer[0].startswith(incomplete)][:MOST]
    except (TraceTuiError, OSError):
        return []


def _runs(_ctx: typer.Context) -> Iterator[tuple[str, str]]:
    found = session.db.runs(fresh=False)
    if found:
        yield "latest", "the newest run"
    for name in dict.fromkeys(run.name for run in found):
        if name and name.isprintable() and not set(name) & set(" \t'\"\\$`"):
            yield name, "the newest run of this name"
    for run in found:
        yield run.id, run.name or run.status


def _traces(ctx: typer.Context) -> Iterator[tuple[str, str]]:
    from tracetui.analysis.summary import summary

    run = find_run(session.db, ctx.params.get("run"), quiet=True)
    view = session.db.view(run.id)
    for seq in reversed(range(view.count)):
        yield view.ids[seq], summary(view.trace(seq))[:60]


# ---- expressions -----------------------------------------------------------------------------------------


def expression(ctx: typer.Context, incomplete: str) -> Offers:
    """Return what completes a word of a query: fields, relations, types, tags and names with how many traces have them."""
    session.store = ctx.find_root().params.get("store")
    try:
        return list(_words(ctx, incomplete))[:MOST]
    except (TraceTuiError, OSError):
        return []


def values_of(field: str) -> Callable[[typer.Context, str], Offers]:
    """Return what completes the value of a field, for flags that stand for a term."""

    def offer(ctx: typer.Context, incomplete: str) -> Offers:
        session.store = ctx.find_root().params.get("store")
        return _fitting(f"{field}:{incomplete}", incomplete, _view(ctx))[:MOST]

    return offer


def _words(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield whole words; only their last part where the shell parts words at colons, as bash does."""
    before = joined([*(ctx.params.get("expression") or ()), incomplete])
    view = _view(ctx)
    found = _fitting(before, incomplete, view)
    if len(found) == 1 and found[0][0].endswith((":", ".")):
        word = found[0][0]
        deeper = _fitting(before.removesuffix(incomplete) + word, word, view)
        found = deeper or found  # several, so that the shell goes on behind the colon
    yield from ((Behind(text) if incomplete == ":" else text, told) for text, told in found)


class Behind(str):
    """What stands behind a colon. Bash tells of the colon as the word to complete and replaces what follows it."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Agree, since Typer drops what does not begin with the word."""
        return True


def joined(words: Sequence[str]) -> str:
    """Return the words of a query as one text; a colon that stands alone was parted from its neighbours.

    >>> joined(["a", "tag", ":", "b"]), joined(["tag", ":", ""]), joined(["type:Error", "ta"])
    ('a tag:b', 'tag:', 'type:Error ta')
    """
    text = " ".join(words)
    return text.replace(" : ", ":").removesuffix(" :") + (":" if text.endswith(" :") else "")


def _fitting(before: str, word: str, view: RunView | None) -> list[tuple[str, str]]:
    """Return the words that a shell can take as they are, with what there is to say of each."""
    from tracetui.querying.completion import complete

    word = "" if word == ":" else word
    found = []
    for candidate in complete(before, view=view):
        kept = word[: max(len(word) - (candidate.end - candidate.start), 0)]
        text = kept + candidate.text.removesuffix("(").rstrip()
        if not set(text) & set(" \t'\"\\$`()|<>&;*?!"):
            count = candidate.count
            told = "" if count is None else f"{count} trace" + ("s" if count != 1 else "")
            found.append((text, candidate.about or told))
    return found


def _view(ctx: typer.Context) -> RunView | None:
    """Return the run that is asked; None, so that fields alone are known, if there is none or a file must be read."""
    name = ctx.params.get("run")
    try:
        if as_file(name) is not None:
            return None
        return session.db.view(find_run(session.db, name, quiet=True).id)
    except (TraceTuiError, OSError, UsageError):
        return None
