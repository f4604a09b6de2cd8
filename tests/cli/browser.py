"""A headless Chromium that a test looks through: it goes to a page, clicks, types, and hears what the page is sent."""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1200,700", "--remote-debugging-port=0",
)  # fmt: skip


BINARY = 2
"""Kind of a WebSocket's frame; those of text are not what is drawn."""


class Page:
    """The one page of the browser, driven by its debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self.heard = b""
        """What came over the page's own WebSocket, all of it."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; return its result."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while (answer := await self._take()).get("id") != self._number:
            pass
        return dict(answer["result"])

    async def _take(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self._socket.receive_json()
        if answer.get("method") == "Network.webSocketFrameReceived":
            frame = answer["params"]["response"]
            self.heard += base64.b64decode(frame["payloadData"]) if frame["opcode"] == BINARY else b""
        return answer

    async def hear(self, text: str) -> None:
        """Wait until the page was sent a text."""
        while text.encode() not in self.heard:
            await self._take()

    async def click(self, x: int, y: int) -> None:
        """Press the mouse at a place."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def press(self, key: str, code: int, text: str) -> None:
        """Press a key."""
        await self.call(
            "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text
        )
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """Start a browser with a profile of its own; it ends with the block."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *_OPTIONS, f"--user-data-dir={folder}", "about:blank", stderr=subprocess.PIPE
    )
    try:
        async with aiohttp.ClientSession() as session:
            address = await _debugger_of(process)
            async with session.get(f"http://{address}/json") as answer:
                (page,) = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                found = Page(socket)
                await found.call("Network.enable")
                yield found
    finally:
        process.terminate()
        await process.communicate()


async def _debugger_of(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    while b"DevTools listening on ws://" not in (line := await process.stderr.readline()):
        assert line, "the browser did not start"
    return line.decode().split("ws://")[1].split("/")[0]
