"""Messages of every usual shape, read as who speaks and what in."""

from __future__ import annotations

from typing import Any

import pytest

from tracetui.analysis.messages import Part, Said, answers, said

CALL = Part("call", '{"q": 1}', "search")


@pytest.mark.parametrize(
    ("message", "role", "parts"),
    [
        ("hello", "", [Part("text", "hello")]),
        ({"role": "user", "content": "hi"}, "user", [Part("text", "hi")]),
        ({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "user",
         [Part("text", "a"), Part("text", "b")]),
        ({"role": "assistant", "content": "x", "tool_calls": [{"function": {"name": "search", "arguments": '{"q": 1}'}}]},
         "assistant", [Part("text", "x"), CALL]),
        ({"role": "assistant", "content": None, "tool_calls": [{"tool_call": {"function": {"name": "search", "arguments": {"q": 1}}}}]},
         "assistant", [CALL]),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"},
                                           {"type": "tool_use", "name": "search", "input": {"q": 1}}]},
         "assistant", [Part("thinking", "hm"), CALL]),
        ({"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "found"}]}]}, "user",
         [Part("result", "found")]),
        ({"role": "assistant", "parts": [{"type": "text", "content": "x"}, {"type": "tool_call", "name": "search", "arguments": {"q": 1}}]},
         "assistant", [Part("text", "x"), CALL]),
        ({"role": "user", "parts": [{"type": "tool_call_response", "name": "search", "result": {"n": 2}}]}, "user",
         [Part("result", '{"n": 2}', "search")]),
        ({"role": "tool", "name": "search", "content": "found"}, "tool", [Part("result", "found", "search")]),
        ({"type": "human", "data": {"content": "hi"}}, "user", [Part("text", "hi")]),
        ({"lc": 1, "type": "constructor", "kwargs": {"content": "hi", "type": "ai"}}, "assistant", [Part("text", "hi")]),
        ({"role": "system", "odd": 3}, "system", [Part("other", '{"odd": 3}')]),
        ({"role": "user", "content": 7}, "user", [Part("other", "7")]),
        ({"type": "tool_call", "name": "search", "arguments": {"q": 1}}, "tool_call", [CALL]),
        (None, "", []),
    ],
)  # fmt: skip
def test_a_message_of_any_shape_is_read(message: Any, role: str, parts: list[Part]) -> None:
    """Role and parts, with nothing left out."""
    assert said(message) == Said(role, tuple(parts))


def test_an_answer_is_a_text_a_message_or_several() -> None:
    """What a model call keeps as its output."""
    assert answers(None) == []
    assert answers("x") == [Said("assistant", (Part("text", "x"),))]
    assert answers([{"role": "assistant", "content": "x"}]) == [Said("assistant", (Part("text", "x"),))]
    assert answers([{"type": "text", "text": "x"}]) == [Said("assistant", (Part("text", "x"),))]
    assert answers({"role": "assistant", "content": "x"})[0].parts == (Part("text", "x"),)
