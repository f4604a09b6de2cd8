"""What each model step was given: what was new in its context, how full it was, what was dropped.

Two sources, and every step says which (``source``):

- ``messages``: the recording holds the input messages of the step. *New* are those that the step before it, of the
  same conversation, had neither in its input nor in its output; *dropped* are those it had and this one has not.
  Messages are compared whole, as the multiset of their canonical texts.
- ``usage``: it holds only token counts. Then *new* is how many input tokens came, *dropped* how many went, beside
  the step before; which messages they were is not known.
- ``none``: neither.

The step before is the one before in the same agent, of the same model where both name theirs. *Full* is input
tokens of the model's window, where the recording says how large the window is; nothing is guessed from names.
Bodies are read of model calls alone; linear in them and their messages.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from tracetui.analysis.bodies import bodies
from tracetui.analysis.errors import MODEL
from tracetui.analysis.loops import nearest_agents
from tracetui.analysis.volatile import canonical
from tracetui.model.trace_type import CUSTOM, Custom
from tracetui.model.value import Value
from tracetui.storage.backend import RunView

Source = Literal["messages", "usage", "none"]
_INPUTS = ("input", "messages")
_KEPT, _LOOK_BACK = 2_000, 200
"""Steps that ``Contexts`` remembers, and how far it looks for the step before."""
_WINDOW_KEYS = ("context_window", "model_context_window", "max_input_tokens", "context_length")


@dataclass(frozen=True, slots=True)
class ModelStep:
    """One model call. Tokens are −1 where unknown, ``window`` 0.

    With ``source`` "messages", ``new`` are places in the step's own input and ``dropped`` places in the input of
    ``before``, the seq of the step before (−1 for a first one: all is new). ``new_tokens`` and ``dropped_tokens`` are
    differences of usage, told for both sources.
    """

    seq: int
    before: int
    source: Source
    messages: int
    new: tuple[int, ...]
    dropped: tuple[int, ...]
    tokens_in: int
    tokens_out: int
    new_tokens: int
    dropped_tokens: int
    window: int

    @property
    def full(self) -> float | None:
        """Share of the window that the input took, None where one of them is not known."""
        return self.tokens_in / self.window if self.window > 0 and self.tokens_in >= 0 else None


def model_steps(view: RunView) -> list[int]:
    """Return the model calls of a run in the order of (timestamp, seq), from the columns alone."""
    models = [seq for seq in view.by_type(MODEL) if seq < view.count and view.kinds[seq] == CUSTOM]
    return sorted(models, key=lambda seq: (view.timestamps[seq], seq))


def context_of(view: RunView) -> list[ModelStep]:
    """Return the model steps of a run in the order of (timestamp, seq)."""
    models = model_steps(view)
    agents = nearest_agents(view)
    last: dict[tuple[int, str], _Given] = {}
    found = []
    for seq, kind, metadata in bodies(view, models):
        given = _given(view, seq, kind, metadata)
        key = agents[seq], given.model
        found.append(_step(view, given, last.get(key)))
        last[key] = given
    return found


class Contexts:
    """The same, a step at a time: for who looks at a few steps of a long run.

    ``of`` reads the bodies of the step and of the one before it, and of those between that asked another model.
    What is in the columns is looked at once: make another one after news.
    """

    def __init__(self, view: RunView) -> None:
        self._view = view
        models = model_steps(view)
        self._agents = nearest_agents(view)
        self._numbers: dict[int, int] = {}
        self._by_agent: dict[int, list[int]] = {}
        for number, seq in enumerate(models):
            self._numbers[seq] = number
            self._by_agent.setdefault(self._agents[seq], []).append(seq)
        self._steps: dict[int, ModelStep | None] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, seq: int) -> int:
        """Return which model step of the run it is, from 0; −1 for what is none."""
        return self._numbers.get(seq, -1)

    def before(self, seq: int) -> int:
        """Return the model step that a trace is, or the last one of the same agent before it; −1 if there is none."""
        if seq in self._numbers or not 0 <= seq < len(self._agents):
            return seq if seq in self._numbers else -1
        times, here = self._view.timestamps, (self._view.timestamps[seq], seq)
        earlier = self._by_agent.get(self._agents[seq], [])
        at = bisect_left(earlier, here, key=lambda step: (times[step], step))
        return earlier[at - 1] if at else -1

    def of(self, seq: int) -> ModelStep | None:
        """Return what a model step was given; None for what is no model step, or cannot be read."""
        if seq not in self._steps:
            if len(self._steps) > _KEPT:
                self._steps.clear()
            self._steps[seq] = self._compare(seq) if seq in self._numbers else None
        return self._steps[seq]

    def _compare(self, seq: int) -> ModelStep | None:
        given = self._read(seq)
        if given is None:
            return None
        earlier = self._by_agent[self._agents[seq]]
        at = bisect_left(earlier, self._numbers[seq], key=self._numbers.__getitem__)
        for other in reversed(earlier[max(at - _LOOK_BACK, 0) : at]):
            before = self._read(other)
            if before is not None and before.model == given.model:
                return _step(self._view, given, before)
        return _step(self._view, given, None)

    def _read(self, seq: int) -> _Given | None:
        found = next(bodies(self._view, [seq]), None)
        return None if found is None else _given(self._view, *found)


def messages_of(data: Any) -> list[Any] | None:
    """Return the input messages that a model call recorded, None if it recorded none.

    >>> messages_of({"input": [{"role": "user"}]}), messages_of({"input": "hi"}), messages_of({"output": "x"})
    ([{'role': 'user'}], ['hi'], None)
    """
    if not isinstance(data, dict):
        return None
    for name in _INPUTS:
        given = data.get(name)
        if isinstance(given, dict) and isinstance(given.get("messages"), list):
            given = given["messages"]
        if isinstance(given, list):
            return given
        if isinstance(given, str) and given:
            return [given]
    return None


@dataclass(frozen=True, slots=True)
class _Given:
    seq: int
    model: str
    digests: tuple[bytes, ...] | None
    said: tuple[bytes, ...]
    window: int


def _given(view: RunView, seq: int, kind: Any, metadata: Value) -> _Given:
    data = kind.data if isinstance(kind, Custom) else None
    told = metadata if isinstance(metadata, dict) else {}
    model = told.get("model")
    messages = messages_of(data)
    output = data.get("output") if isinstance(data, dict) else None
    said = output if isinstance(output, list) else [] if output is None else [output]
    return _Given(
        seq,
        model if isinstance(model, str) else "",
        None if not messages else _digests(messages),
        _digests(
            [*said, *({"role": "assistant", "content": text} for text in said if isinstance(text, str))]
        ),
        _window(told) or _window(data if isinstance(data, dict) else {}) or _window(view.run.metadata),
    )


def _digests(messages: Sequence[Any]) -> tuple[bytes, ...]:
    return tuple(
        blake2b(canonical(message).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for message in messages
    )


def _window(told: Any) -> int:
    if not isinstance(told, dict):
        return 0
    for name in _WINDOW_KEYS:
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0


def _step(view: RunView, given: _Given, before: _Given | None) -> ModelStep:
    seq, earlier = given.seq, -1 if before is None else before.seq
    tokens, told = view.tokens_in[seq], view.tokens_out[seq]
    was = view.tokens_in[earlier] if earlier >= 0 else 0
    known = tokens >= 0 and was >= 0
    new, dropped = _compared(given, before)
    source: Source = "messages" if given.digests is not None else "usage" if tokens >= 0 else "none"
    return ModelStep(
        seq, earlier, source, len(given.digests or ()), new, dropped, tokens, told,
        max(tokens - was, 0) if known else -1, max(was - tokens, 0) if known else -1, given.window,
    )  # fmt: skip


def _compared(given: _Given, before: _Given | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return places of new messages here, and of dropped ones there."""
    mine = given.digests or ()
    theirs = (before.digests or ()) if before is not None else ()
    if not mine:
        return (), ()
    known = Counter(theirs)
    known.update(before.said if before is not None else ())
    return _beyond(mine, known), _beyond(theirs, Counter(mine))


def _beyond(messages: Sequence[bytes], known: Counter[bytes]) -> tuple[int, ...]:
    """Return the places of messages that are not among the known, each known one taken once."""
    found = []
    for n, message in enumerate(messages):
        if known[message]:
            known[message] -= 1
        else:
            found.append(n)
    return tuple(found)
