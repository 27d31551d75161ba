"""Clients that follow the protocol of the feed and keep the state of every call.

They are written from docs/feed.md alone, not from the server's code, to test the documentation.
"""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

BACK_OFF_S = (0, 2, 5, 10)
State = tuple[str, int]


class Replica:
    """Keeps the state and version of every call, across reconnects."""

    def __init__(self, port: int, *, absence_s: float = 0.0) -> None:
        self.calls: dict[str, State] = {}
        self.offset = 0
        self.is_live = False
        self.replays = self.snapshots = self.losses = 0
        self._epoch = ""
        self._tries = 0
        self._address = f"ws://127.0.0.1:{port}/stream/ws/supervisor"
        self._absence_s = absence_s

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with connect(self._address, max_size=None, open_timeout=10) as socket:
                    async for text in socket:
                        await self._take(json.loads(text), socket)
            except (OSError, WebSocketException):
                pass
            self.losses += self.is_live
            away_s = self._absence_s if self.is_live else 0.0
            self.is_live = False
            await asyncio.sleep(away_s + self._pause_s())

    def _pause_s(self) -> float:
        base = BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1
        return base + random.random()

    async def _take(self, message: dict[str, Any], socket: ClientConnection) -> None:
        match message["type"]:
            case "hello":
                await self._resume(socket)
            case "snapshot":
                self._start_over(message)
            case "replay":
                self.offset = message["after"]
            case "resumed":
                self.is_live, self._tries = True, 0
                self.replays += message["recovered"]
            case "heartbeat" if message["head"] > self.offset:
                await self._resume(socket)
            case _ if message.get("offset", 0) > self.offset:
                self._follow(message)

    async def _resume(self, socket: ClientConnection) -> None:
        resume = {"type": "resume", "epoch": self._epoch, "offset": self.offset}
        await socket.send(json.dumps(resume))

    def _start_over(self, message: dict[str, Any]) -> None:
        self.snapshots += 1
        self._epoch, self.offset = message["epoch"], message["head"]
        self.calls = {
            call["call_id"]: (call["state"], call["version"]) for call in message["calls"]
        }

    def _follow(self, message: dict[str, Any]) -> None:
        self.offset = message["offset"]
        if message["type"] != "state_change":
            return
        call_id, version = message["call_id"], message["data"]["version"]
        # A call of a snapshot may already be ahead of the events that follow (docs/feed.md).
        if version > self.calls.get(call_id, ("", 0))[1]:
            self.calls[call_id] = (message["state"], version)
