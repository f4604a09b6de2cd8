"""From the bytes of a transcript to import records: lines cut anywhere, read once, the run they make.

Owns bytes, lines and the run; what lines mean is ``conversation``'s. A session's file is fed as it is, the files
of its subagents (``agent-<id>.jsonl`` with ``.meta.json``) as parts.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import Any

from tracetui.formats.claude_code.conversation import Conversation
from tracetui.formats.claude_code.lines import FORMAT, Line, data_of, milliseconds, without_markup
from tracetui.formats.claude_code.threads import agent_of_part
from tracetui.formats.ledger import Ledger
from tracetui.formats.record import Batch, ImportRun
from tracetui.formats.sanitise import UnreadableError, clean_name, is_plain, parse_json, sanitise
from tracetui.model.text import first_line

_META = ".meta.json"


class ClaudeCodeImporter:
    """One session file with the files of its subagents; see ``Importer``."""

    format = FORMAT

    def __init__(self, path: str) -> None:
        self.path = path
        self._ledger = Ledger()
        self._conversation = Conversation(self._ledger)
        self._rest: dict[str, bytes] = {}
        self._lines: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._session = ""
        self._titles: dict[str, str] = {}
        self._metadata: dict[str, Any] = {}
        self._tags: list[str] = []
        self._created: int | None = None

    # ---- feeding -----------------------------------------------------------------------------------------

    def feed(self, chunk: bytes, part: str = "") -> None:
        """Take the next bytes of the transcript, or of a subagent's (``part`` is its file name)."""
        data = self._rest.get(part, b"") + chunk
        if part.endswith(_META):
            self._rest[part] = data
            self._link_part(part, data)
            return
        whole, _, rest = data.rpartition(b"\n")
        self._rest[part] = rest
        for raw in whole.split(b"\n") if whole else ():
            self._take_line(raw, part)

    def _link_part(self, part: str, data: bytes) -> None:
        try:
            meta = parse_json(data)
        except UnreadableError:
            return
        if isinstance(meta, dict) and isinstance(meta.get("toolUseId"), str):
            self._conversation.threads.link(agent_of_part(part), meta["toolUseId"])

    def _take_line(self, raw: bytes, part: str) -> None:
        self._lines[part] += 1
        if not raw.strip():
            return
        try:
            line = parse_json(raw)
        except UnreadableError:
            self._ledger.skipped["lines that are no JSON"] += 1
            return
        if not isinstance(line, dict):
            self._ledger.skipped["lines that are no object"] += 1
            return
        if not is_plain(raw):
            line, cut = sanitise(line)
            if cut:
                line["_cut"] = cut
        self._read(line, part, self._lines[part])

    def take(self, final: bool = False) -> Batch:
        """Hand out what is settled; ``final`` ends messages that would otherwise wait for their next line."""
        if final:
            for part in [part for part in self._rest if not part.endswith(_META)]:
                self._finish_rest(part)
            self._conversation.close_messages()
        if not self._session and not final:
            return Batch(skipped=self._drain_skipped())
        if self._created is None and not self._ledger.nodes:
            return Batch(skipped=self._drain_skipped())
        self._session = self.run_id
        records, updates = self._ledger.drain(self.run_id, final=final)
        return Batch([self._run()], records, updates, [], self._drain_skipped())

    def _finish_rest(self, part: str) -> None:
        raw, self._rest[part] = self._rest[part], b""
        if not raw.strip():
            return
        try:
            parse_json(raw)
        except UnreadableError:
            self._rest[part] = raw
            self._ledger.skipped["line cut off"] += 1
            return
        self._take_line(raw, part)

    def _drain_skipped(self) -> Counter[str]:
        skipped, self._ledger.skipped = self._ledger.skipped, Counter()
        return skipped

    # ---- lines -------------------------------------------------------------------------------------------

    def _read(self, line: Line, part: str, number: int) -> None:
        self._note_envelope(line)
        uuid = line.get("uuid")
        if isinstance(uuid, str):
            if uuid in self._seen:
                self._ledger.skipped["lines repeated"] += 1
                return
            self._seen.add(uuid)
        self._note_title(line)
        inner = data_of(line).get("message")
        if line.get("type") == "progress" and isinstance(inner, dict):
            self._note_envelope(inner)
        self._conversation.take(line, part, number)

    def _note_envelope(self, line: Line) -> None:
        self._note_time(line)
        session = line.get("sessionId") or line.get("session_id")
        if not self._session and isinstance(session, str) and session:
            self._session = clean_name(session)
        for key, name in (("cwd", "cwd"), ("gitBranch", "branch"), ("version", "version")):
            value = line.get(key)
            if isinstance(value, str) and value and name not in self._metadata:
                self._metadata[name] = value
                if name == "branch":
                    self._tags.append(clean_name(f"branch:{value}"))

    def _note_time(self, line: Line) -> None:
        stamp, snapshot = line.get("timestamp") or line.get("ts"), line.get("snapshot")
        if stamp is None and isinstance(snapshot, dict):
            stamp = snapshot.get("timestamp")
        moment = milliseconds(stamp)
        if moment is not None:
            self._conversation.now = moment
            self._created = moment if self._created is None else min(self._created, moment)

    def _note_title(self, line: Line) -> None:
        """Note a title: the session's own, or the one of the session that a line belongs to."""
        if line.get("type") == "summary" and isinstance(line.get("summary"), str):
            self._titles[str(line.get("leafUuid"))] = line["summary"]
        title = line.get("aiTitle") or line.get("title")
        if line.get("type") == "ai-title" and isinstance(title, str):
            self._titles["own"] = title

    # ---- the run -----------------------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        """The session, else the file's name."""
        return self._session or clean_name(PurePath(self.path).stem, "session")

    def _run(self) -> ImportRun:
        own = next((title for leaf, title in self._titles.items() if leaf in self._seen or leaf == "own"), "")
        prompt = first_line(without_markup(self._conversation.first_prompt, " "))[:80]
        metadata = {**self._metadata, "source": {"format": FORMAT, "file": PurePath(self.path).name}}
        return ImportRun(
            self.run_id, clean_name(own or prompt, PurePath(self.path).stem), self._created or 0,
            tags=tuple(self._tags), metadata=metadata,
        )  # fmt: skip
