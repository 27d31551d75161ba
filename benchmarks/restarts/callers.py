"""Calls over a proxy: packets at a rate, native sockets, and calls that end.

They behave as clients should: they resend requests that got 503 or no response, and reconnect.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from benchmarks.ingest.connections import HOST, _content_length
from benchmarks.overload.senders import HttpSender, Ledger, NativeSender, Offer

BACK_S = 0.2
WORDS = b'{"sequence":1,"data":"I would like to change my address.","timestamp":0}'


def is_odd(head: bytes) -> bool:
    """Return whether a response is an error that no client can handle."""
    status = head[9:12]
    return status.startswith(b"5") and (status != b"503" or b"retry-after:" not in head.lower())


class Packets(HttpSender):
    """One call, whose packets go one by one over a kept connection."""

    acknowledged = 0

    def data_received(self, data: bytes) -> None:
        before, received = self.ledger.acknowledged, self.received + data
        super().data_received(data)
        self.acknowledged += self.ledger.acknowledged - before
        if not self.received:
            self.ledger.answers["odd"] += is_odd(received)

    def come_back(self, pause_s: float) -> None:
        super().come_back(min(pause_s, BACK_S))


class Frames(NativeSender):
    """One call over a native socket."""

    acknowledged = 0

    def take(self, message: bytes) -> None:
        before = self.ledger.acknowledged
        super().take(message)
        self.acknowledged += self.ledger.acknowledged - before

    def data_received(self, data: bytes) -> None:
        if not self.is_open:
            self.ledger.answers["odd"] += is_odd(self.received + data)
        super().data_received(data)

    def come_back(self, pause_s: float) -> None:
        super().come_back(min(pause_s, BACK_S))


class Ends:
    """Opens, speaks in and ends calls, ``rate`` of them a second, each over its own connection."""

    def __init__(self, offer: Offer, answers: Counter[str]) -> None:
        self.offer, self.answers = offer, answers
        self.ended: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, rate: float, over: asyncio.Event) -> None:
        begin, number = time.monotonic(), 0
        while not over.is_set():
            number += 1
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            task = asyncio.create_task(self._end(f"{self.offer.prefix}-ended-{number}"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.gather(*self._tasks)

    async def _end(self, call_id: str) -> None:
        await self._insist(f"/v1/call/stream/{call_id}", WORDS, {"202"})
        await self._insist(f"/v1/call/{call_id}/end", b"", {"200"})
        self.ended.append(call_id)

    async def _insist(self, path: str, body: bytes, wanted: set[str]) -> None:
        while True:
            try:
                head = await self._post(path, body)
            except (OSError, asyncio.IncompleteReadError):
                head = b"no connection"
            status = head[9:12].decode()
            self.answers["odd"] += is_odd(head)
            self.answers[f"ends: {status}"] += 1
            if status in wanted:
                return
            await asyncio.sleep(BACK_S)

    async def _post(self, path: str, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, self.offer.port)
        try:
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: {HOST}:{self.offer.port}\r\n"
                f"Authorization: Bearer {self.offer.key}\r\nConnection: close\r\n"
                "Content-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_content_length(head))
            return head
        finally:
            writer.close()


def make_callers(offer: Offer, ledger: Ledger, *, sockets: int) -> list[Packets | Frames]:
    """Return callers that are not connected yet. The first ``sockets`` use native sockets."""
    kinds: list[type[Packets] | type[Frames]] = [Frames] * sockets
    kinds += [Packets] * (offer.senders - sockets)
    return [kind(offer, ledger, number) for number, kind in enumerate(kinds)]
