"""What each screen answers, in words for its help. Pure."""

from __future__ import annotations

from textwrap import wrap

ANSWERS = {
    "picker": (
        "Which run failed, and which one goes on? Every run of the store, with what became of it; the newest that "
        "failed is chosen, and told below or beside the list."
    ),
    "tree": (
        "What did the agent do, what failed, and why? One row a step; the cursor begins on what ended the run, whose "
        "message, path and last steps the detail tells."
    ),
    "waterfall": (
        "Where did the time go? One bar a step on the axis of time, with idle gaps, waiting for you, and what the end "
        "of the run waited for (the critical path)."
    ),
    "transcript": (
        "What did the model see, and what did it say? Step by step: what was new in its context and what was dropped, "
        "how full it was, the answer, and what the tools gave."
    ),
    "stats": (
        "What took the time, the tokens, the money? Figures by type, tool, model and agent, of what the filter finds "
        "and as of the moment that is shown; below are the slowest of a row."
    ),
    "diff": (
        "What did the other run do differently? Whole runs beside each other, equal steps folded: - is what only A did,"
        " + what only B did, ~ what both did otherwise. It opens where the two part."
    ),
    "facets": (
        "What is in this run, how often, and what if one looks at that alone? Every value with shown/all; what is "
        "chosen becomes the filter, and below stands its command."
    ),
}
"""By the name of a view, of the filter panes, or of the board."""


def answer(name: str, width: int) -> list[str]:
    """Return what a screen answers in lines of at most so many cells, [] for one that is not known."""
    return wrap(ANSWERS.get(name, ""), width)
