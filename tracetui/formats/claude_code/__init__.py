"""Claude Code transcripts (``~/.claude/projects/<folder>/<session>.jsonl``), re-nested as a person reads them.

A file is a chain of lines linked by ``parentUuid``, hundreds deep; what it means is session → turn → message →
tool. ``importer`` takes bytes and hands out records, ``conversation`` turns lines into them, ``threads`` says
whose line it is (the session's or which subagent's), ``calls`` what a call of a tool is in our words, and
``lines`` reads the pieces of a line.
"""

from tracetui.formats.claude_code.importer import ClaudeCodeImporter
from tracetui.formats.claude_code.lines import FORMAT, milliseconds

__all__ = ["FORMAT", "ClaudeCodeImporter", "milliseconds"]
