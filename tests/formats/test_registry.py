from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tracetui import FormatError
from tracetui.formats.registry import FORMATS, HEAD_BYTES, by_name, recognise


def test_every_recording_is_recognised_by_its_content(shared_data: Path) -> None:
    """Whatever it is called."""
    wanted = {"claude-code": "claude-code", "openinference": "otlp"}
    for folder, name in wanted.items():
        for path in (shared_data / folder).rglob("*.json*"):
            assert recognise("x", path.read_bytes()[:HEAD_BYTES]).name == name, path
    for path in (shared_data / "otlp").glob("*.json*"):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert recognise("x", data[:HEAD_BYTES]).name == "otlp", path


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"hello", "no recording of a format"),
        (b'{"a": 1}', "this is JSON, but of no format"),
        (b"\x0a\x00\x12binary", "binary data, perhaps OTLP in protobuf"),
    ],
)
def test_what_is_not_known_is_said_to_be_so(head: bytes, reason: str) -> None:
    """With the command that lists what is."""
    with pytest.raises(FormatError, match=reason) as refused:
        recognise("some/file", head)
    assert "tracetui formats" in str(refused.value)
    assert refused.value.path == "some/file"


def test_formats_have_names() -> None:
    """By which they can be chosen."""
    assert [by_name(found.name) for found in FORMATS] == list(FORMATS)
    with pytest.raises(FormatError, match="there are tracetui, claude-code, otlp"):
        by_name("nothing")
