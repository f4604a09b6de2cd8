"""Which formats there are, and which one some bytes are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracetui.errors import FormatError
from tracetui.formats import claude_code, native, otlp
from tracetui.formats.record import Importer

HEAD_BYTES = 65_536
"""How much of a file decides its format."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, what it is, where it is found, and how it is read."""

    name: str
    title: str
    where: str
    make: Callable[[str], Importer]
    marks: tuple[bytes, ...]
    """Any of these in the head means the format."""


FORMATS: tuple[Format, ...] = (
    Format(
        native.FORMAT, "tracetui's own JSON lines (read and written)", "tracetui export", native.NativeImporter,
        (b'{"run": {"id"', b'{"trace": {"id"', b'"trace_type"'),
    ),
    Format(
        claude_code.FORMAT, "Claude Code transcripts (read, followed)", "~/.claude/projects/<folder>/<session>.jsonl",
        claude_code.ClaudeCodeImporter,
        (b'"parentUuid"', b'"isSidechain"', b'"file-history-snapshot"', b'"leafUuid"', b'"transcript_path"'),
    ),
    Format(
        otlp.FORMAT, "OpenTelemetry OTLP/JSON: GenAI, OpenInference, Traceloop, Langfuse, Vercel (read, followed)",
        "Collector file exporter, SDK exporters", otlp.OtlpImporter,
        (b'"resourceSpans"', b'"resource_spans"', b'"spanContext"', b'"startTimeUnixNano"'),
    ),
)  # fmt: skip


def by_name(name: str) -> Format:
    """Return a format by its name.

    :raises FormatError: naming those that exist.
    """
    for found in FORMATS:
        if found.name == name:
            return found
    raise FormatError(name, 0, f"no such format; there are {', '.join(found.name for found in FORMATS)}")


def recognise(path: str, head: bytes) -> Format:
    """Return the format that the first bytes of a file (unpacked) are of.

    :raises FormatError: if it is none that is known, saying what it looks like.
    """
    stripped = head.lstrip()
    for found in FORMATS:
        if any(mark in stripped for mark in found.marks):
            return found
    compact = stripped.replace(b'": ', b'":')
    for found in FORMATS:
        if any(mark.replace(b'": ', b'":') in compact for mark in found.marks):
            return found
    raise FormatError(path, 0, _looks_like(path, stripped))


def _looks_like(path: str, head: bytes) -> str:
    known = "`tracetui formats` lists what can be read"
    if not head:
        return f"the file is empty; {known}"
    if path.endswith(".pb") or (b"\x00" in head[:200] and b"{" not in head[:1]):
        return f"this looks like binary data, perhaps OTLP in protobuf; export OTLP as JSON instead; {known}"
    if head[:1] in b"{[":
        return f"this is JSON, but of no format that is known; {known}"
    return f"this is no recording of a format that is known; {known}"
