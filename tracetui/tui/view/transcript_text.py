"""What an entry of the transcript says, as rows of pieces laid out at a width. Pure.

A model step: which it is, how full its context was, what was new in it and what was dropped, what it answered. What
is not recorded is said to be so. Texts under 20 KB are laid out at once, as Markdown where people or models speak;
longer ones show their beginning, and all of them line by line as they come into view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracetui.analysis.context import ModelStep, messages_of
from tracetui.analysis.messages import Part, Said, answers, said
from tracetui.analysis.summary import letter
from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.model.trace import Trace
from tracetui.model.trace_type import CUSTOM, Custom, Decision, Error, Query, Thought, ToolCall
from tracetui.model.value import Value, ValueLike
from tracetui.render.cells import cut, width_of
from tracetui.render.figures import cost, count, duration, offset
from tracetui.tui.view.document import Document, value_document
from tracetui.tui.view.prose import Row, markdown, plain, wrap
from tracetui.tui.view.run_model import RunModel

SMALL = 20_000
"""Characters up to which a text is laid out at once."""
KEEP_SAID, KEEP_GIVEN, KEEP_RESULT = 30, 8, 8
"""Rows that the beginning of a text has: what was said, what a model was given, what a tool returned."""
INDENT = 4
AGENTS_SHOWN, LOOK_UP = 4, 64
_DROPPED_SHOWN = 3
SPOKEN = frozenset({"Turn", "Message"})
_WORDS = ("prompt", "content", "text", "input", "output")
_EMPTY: tuple[ValueLike, ...] = (None, "", [], {})


@dataclass(slots=True)
class Entry:
    """An entry laid out. ``has_more`` if not all of it is shown."""

    seq: int
    rows: list[Row] = field(default_factory=list)
    has_more: bool = False
    _tail: list[tuple[int, Document, int]] = field(default_factory=list)
    """Documents whose rows are made when they are drawn: first row, document, indentation."""
    _length: int = 0

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self._length

    def add(self, rows: list[Row]) -> None:
        """Add rows."""
        for row in rows:
            self.rows.append(row)
        self._length += len(rows)

    def add_document(self, document: Document, indent: int) -> None:
        """Add a document that is already laid out."""
        self._tail.append((self._length, document, indent))
        self._length += len(document)
        self.rows.extend([[]] * len(document))

    def pieces(self, row: int) -> Row:
        """Return what a row says."""
        for first, document, indent in self._tail:
            if first <= row < first + len(document):
                return [(" " * indent, "text"), *document.pieces(row - first)]
        return self.rows[row]


def entry_of(model: RunModel, seq: int, level: int, width: int) -> Entry:
    """Return the entry of a trace; a damaged one says so."""
    indent = 2 * min(_agents_above(model, seq), AGENTS_SHOWN)
    writer = _Writer(model, Entry(seq), level, width, indent)
    try:
        trace = model.trace(seq)
        writer.head(trace)
        if level:
            writer.body(trace)
    except TraceTuiError as problem:
        writer.row([("damaged: ", "error text"), (printable(str(problem)), "error text")])
    return writer.entry


def _agents_above(model: RunModel, seq: int) -> int:
    view, found, node = model.view, 0, model.view.parents[seq]
    for _ in range(LOOK_UP):
        if node < 0:
            break
        found += view.kinds[node] == CUSTOM and view.type_names[view.types[node]] == "Agent"
        node = view.parents[node]
    return max(found - 1, 0)


class _Writer:
    """Writes one entry."""

    def __init__(self, model: RunModel, entry: Entry, level: int, width: int, indent: int) -> None:
        self.model, self.entry, self.level = model, entry, level
        self.width, self.indent = max(width, 20), indent

    def row(self, pieces: Row, depth: int = INDENT) -> None:
        """Add one line, wrapped."""
        lead = (" " * (self.indent + depth), "text")
        self.entry.add(wrap(pieces, self.width - 1, lead))

    def text(self, text: str, keep: int, role: str = "", depth: int = INDENT) -> None:
        """Add a text: Markdown without a role; its first ``keep`` rows, unless all of it is asked for."""
        indent = self.indent + depth
        if len(text) > SMALL:
            self._long(text, keep, role or "text", indent)
            return
        room = max(self.width - indent - 1, 10)
        rows = markdown(text, room) if not role else plain(text, room, role)
        shown = rows if self.level > 1 or len(rows) <= keep + 2 else rows[:keep]
        self.entry.add([[(" " * indent, "text"), *row] for row in shown])
        if len(shown) < len(rows):
            self._more(f"{len(rows) - len(shown)} more lines", indent)

    def _long(self, text: str, keep: int, role: str, indent: int) -> None:
        document = Document()
        whole = self.level > 1
        lines = text.split("\n") if whole else text[: keep * self.width].split("\n", keep)[:keep]
        for line in lines:
            document.add(line, role)
        document.layout(self.width - indent - 1)
        if not whole:
            document.keep_rows(keep)
        self.entry.add_document(document, indent - 2)
        if not whole:
            self._more(f"{count(len(text))} characters in all", indent)

    def value(self, value: ValueLike, keep: int, role: str, depth: int = INDENT) -> None:
        """Add a value of any shape: a text as it is, all else field by field."""
        if isinstance(value, str):
            self.text(value, keep, role, depth)
            return
        document = value_document(value)  # type: ignore[arg-type]
        document.layout(self.width - self.indent - depth + 1)
        rows = len(document)
        if self.level < 2 and rows > keep + 2:
            document.keep_rows(keep)
        self.entry.add_document(document, self.indent + depth - 2)
        if len(document) < rows:
            self._more(f"{rows - keep:,} more lines", self.indent + depth)

    def _more(self, what: str, indent: int) -> None:
        self.entry.has_more = True
        said = cut(f"… {what} (Space shows all)", max(self.width - indent - 1, 8))
        self.entry.add([[(" " * indent, "text"), (said, "dim")]])

    # ---- first lines -------------------------------------------------------------------------------------

    def head(self, trace: Trace) -> None:
        """Add the first line: what it is, when, how long, and for a model step how full its context was."""
        model, seq = self.model, self.entry.seq
        view = model.view
        kind = letter(view.kinds[seq], model.type_name(seq))
        status = ("open", "", "failed", "cancelled")[view.statuses[seq]]
        facts = [*self._facts(trace), status, self._when()]
        right = self._fitting([fact for fact in facts if fact])
        title = self._title(trace)
        room = self.width - self.indent - width_of(right) - 4
        title = cut(title, max(room, 8))
        gap = max(self.width - self.indent - 2 - width_of(title) - width_of(right) - 1, 1)
        name = _LETTERS.get(kind, "other")
        self.entry.add([[
            (" " * self.indent, "text"), (f"{kind} ", f"letter {name}"), (title, _HEADS.get(kind, "text")),
            (" " * gap, "text"), (right, "failed text" if status == "failed" else "dim"),
        ]])  # fmt: skip

    def _title(self, trace: Trace) -> str:
        kind = trace.trace_type
        if isinstance(kind, Custom) and kind.name == "LLM":
            metadata = trace.metadata
            name = metadata.get("model") if isinstance(metadata, dict) else None
            number = self.model.contexts.number(self.entry.seq) + 1
            asked = f"  {name}" if isinstance(name, str) else ""
            of = f" of {len(self.model.contexts)}" if self.model.past is None else ""
            return printable(f"model step {number}{of}{asked}")
        if isinstance(kind, Custom) and kind.name == "Turn":
            return "user"
        if isinstance(kind, Thought):
            return "thought" + (f"  {kind.confidence:g}" if kind.confidence is not None else "")
        return self.model.summary(self.entry.seq)

    def _fitting(self, facts: list[str]) -> str:
        """Return facts in at most half of the line; the last ones matter most."""
        while len(facts) > 1 and width_of("  ".join(facts)) > (self.width - self.indent) * 55 // 100:
            facts = facts[1:]
        return "  ".join(facts)

    def _facts(self, trace: Trace) -> list[str]:
        view, seq = self.model.view, self.entry.seq
        parts = []
        step = self.model.context(seq)
        if step is not None:
            parts += [fill_words(step), f"out {count(step.tokens_out)}" if step.tokens_out >= 0 else ""]
            parts.append(cost(view.costs[seq]) if view.costs[seq] == view.costs[seq] else "")
        return [*parts, duration(trace.duration_ms) if trace.duration_ms else ""]

    def _when(self) -> str:
        view, seq = self.model.view, self.entry.seq
        return offset(view.timestamps[seq] - self.model.start_ms) if self.model.has_times else f"#{seq + 1}"

    # ---- bodies ------------------------------------------------------------------------------------------

    def body(self, trace: Trace) -> None:
        """Add what the trace says."""
        kind = trace.trace_type
        if isinstance(kind, ToolCall):
            self._call(kind)
        elif isinstance(kind, Thought):
            self.text(kind.content, KEEP_SAID)
        elif isinstance(kind, Decision):
            self._decision(kind)
        elif isinstance(kind, Query):
            self.text(kind.query, KEEP_SAID, "string")
        elif isinstance(kind, Error):
            self.text(kind.message, KEEP_SAID, "error text")
        elif isinstance(kind, Custom):
            self._custom(trace, kind)

    def _call(self, kind: ToolCall) -> None:
        if kind.arguments not in (None, {}, []):
            self.value(kind.arguments, KEEP_RESULT, "md call")
        if kind.result is not None:
            self.row([("result", "label")])
            self.value(kind.result, KEEP_RESULT, "string", 2 * INDENT)

    def _decision(self, kind: Decision) -> None:
        self.text(kind.question, KEEP_SAID)
        for option in kind.options:
            chosen = option == kind.chosen
            self.row(
                [("* " if chosen else "  ", "chosen"), (printable(option), "chosen" if chosen else "text")]
            )
        if kind.chosen not in kind.options:
            self.row([("* ", "chosen"), (printable(kind.chosen), "chosen")])
        if kind.reasoning:
            self.text(kind.reasoning, KEEP_SAID, "dim")

    def _custom(self, trace: Trace, kind: Custom) -> None:
        if kind.name == "LLM":
            self._model_step(trace, kind)
            return
        data = kind.data
        if kind.name not in SPOKEN:
            self._wrapper(data)
        elif isinstance(data, dict):
            for name in _WORDS:
                if data.get(name) not in _EMPTY:
                    self._said(said(data[name]), KEEP_SAID)
        elif isinstance(data, str):
            self.text(data, KEEP_SAID)

    def _wrapper(self, data: ValueLike) -> None:
        """Add what went in and out of what only holds other steps, if all is asked for: it tells them again."""
        if data in _EMPTY:
            return
        self.entry.has_more = True
        if self.level > 1:
            self.value(data, KEEP_SAID, "text")

    def _model_step(self, trace: Trace, kind: Custom) -> None:
        data = kind.data if isinstance(kind.data, dict) else {"output": kind.data}
        step = self.model.context(trace.seq)
        if step is not None:
            self._context(step, messages_of(data) or [])
        answered = answers(data.get("output"))
        asked = data.get("tool_calls")
        if isinstance(asked, list) and not any(
            part.kind == "call" for each in answered for part in each.parts
        ):
            answered.append(said({"role": "assistant", "tool_calls": asked}))
        if answered:
            self.row([("answered", "label")])
        for message in answered:
            self._said(message, KEEP_SAID)

    def _context(self, step: ModelStep, given: list[Value]) -> None:
        for words, role in context_words(step):
            if role != "dim":
                self.row([(words, role)])
        for place in step.new:
            message = said(given[place]) if place < len(given) else Said("", ())
            self.row([("+ ", "good"), (printable(message.role or "message"), "label")])
            self._said(message, KEEP_GIVEN)
        for line in dropped_lines(self.model, step):
            self.row([("- ", "failed text"), (line, "dim")])

    def _said(self, message: Said, keep: int) -> None:
        for part in message.parts:
            self._part(part, keep)

    def _part(self, part: Part, keep: int) -> None:
        depth = 2 * INDENT
        name = printable(part.name)
        if part.kind == "call":
            self.row(
                [
                    ("calls ", "label"),
                    (name, "md call"),
                    (" ", "text"),
                    (cut(printable(part.text), 300), "dim"),
                ],
                depth,
            )
        elif part.kind == "result":
            self.row([(f"result of {name}" if name else "result", "label")], depth)
            self.text(part.text, min(keep, KEEP_RESULT), "string", depth + 2)
        elif part.kind == "thinking":
            self.text(part.text, keep, "md quote", depth)
        else:
            self.text(part.text, keep, "" if part.kind == "text" else "dim", depth)


_LETTERS = {
    "T": "tool", "?": "decision", ".": "thought", "Q": "query", "!": "error", "M": "model", "A": "agent", "U": "turn",
}  # fmt: skip
_HEADS = {"M": "md head", "U": "md head", "A": "md head", "!": "error text"}


def fill_words(step: ModelStep) -> str:
    """Return how full the context of a model step was, as far as that is known.

    >>> fill_words(ModelStep(0, -1, "usage", 0, (), (), 124_000, 40, 0, 0, 200_000))
    'in 124k, 62% of 200k'
    """
    if step.tokens_in < 0:
        return ""
    full = step.full
    return f"in {count(step.tokens_in)}" + (
        f", {full:.0%} of {count(step.window)}" if full is not None else ""
    )


def context_words(step: ModelStep) -> Iterator[tuple[str, str]]:
    """Yield sentences on what was new in the context of a model step, and what was dropped, with their roles."""
    tokens = f", {step.new_tokens:+,} tokens" if step.new_tokens > 0 else ""
    if step.source == "messages":
        old = step.messages - len(step.new)
        kept = f"{old} kept, " if old else ""
        yield f"context: {_messages(step.messages)}: {kept}{len(step.new)} new{tokens}", "label"
    elif step.source == "usage":
        yield "context: which messages it was given is not recorded", "dim"
        if step.new_tokens > 0:
            yield f"context: {step.new_tokens:+,} tokens", "label"
    else:
        yield "context: what it was given is not recorded", "dim"
    if step.dropped:
        yield f"dropped: {_messages(len(step.dropped))} that the step before had", "warning"
    elif step.dropped_tokens > 0:
        yield f"dropped: {step.dropped_tokens:,} tokens less than the step before", "warning"


def _messages(number: int) -> str:
    return f"{number} message{'' if number == 1 else 's'}"


def dropped_lines(model: RunModel, step: ModelStep) -> Iterator[str]:
    """Yield a line for each of the first dropped messages."""
    if not step.dropped:
        return
    kind = model.trace(step.before).trace_type
    before = messages_of(kind.data if isinstance(kind, Custom) else None) or []
    for place in step.dropped[:_DROPPED_SHOWN]:
        if place < len(before):
            message = said(before[place])
            yield cut(printable(f"{message.role} {message.text()[:300]}"), 160)
    if len(step.dropped) > _DROPPED_SHOWN:
        yield f"and {len(step.dropped) - _DROPPED_SHOWN} more"
