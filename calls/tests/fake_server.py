"""A small server for the simulation, which fails as told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """A request as the server saw it, and when, by the clock of ``time.monotonic``."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    at: float
    raw: bytes = b""


@dataclass
class Reply:
    status: int = 202
    body: Any = field(default_factory=dict)
    headers: str = ""
    delay: float = 0.0


RESET = Reply(status=0)
GARBAGE = Reply(status=-1)
UNAVAILABLE = Reply(503, headers="Retry-After: 1\r\n")


class FakeServer:
    """Stores packets by call. ``misbehave`` may answer in its place; it gets each request."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.packets: dict[str, list[int]] = {}
        self.state = "ARCHIVED"
        self.busiest = 0
        self.misbehave: Callable[[Seen], Reply | None] = lambda _seen: None
        self.url = ""
        self._busy = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()

    def posts(self, ending: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "POST" and seen.path.endswith(ending)]

    def __enter__(self) -> FakeServer:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_args: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                pass
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        seen = await self._read(reader)
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        reply = self.misbehave(seen) or self._behave(seen)
        await asyncio.sleep(reply.delay)
        self._busy -= 1
        if reply.status == 0:
            writer.transport.abort()
            return False
        if reply.status < 0:
            writer.write(b"\x00\xff this is no HTTP\r\n\r\n")
            await writer.drain()
            return False
        body = json.dumps(reply.body)
        head = f"HTTP/1.1 {reply.status} X\r\n{reply.headers}Content-Length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        return True

    async def _read(self, reader: asyncio.StreamReader) -> Seen:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        body = json.loads(raw) if raw else None
        seen = Seen(method, path, body, headers, time.monotonic(), raw)
        self.seen.append(seen)
        return seen

    def _behave(self, seen: Seen) -> Reply:
        if seen.path == "/healthz":
            return Reply(200)
        call_id = seen.path.removeprefix("/v1/call/").removeprefix("stream/").split("/")[0]
        stored = self.packets.setdefault(call_id, [])
        if seen.method == "GET":
            return Reply(200, self._show(seen.path, stored))
        if "/stream/" in seen.path:
            arrived = seen.body if seen.path.endswith("/batch") else [seen.body]
            stored += [p["sequence"] for p in arrived if p["sequence"] not in stored]
            return Reply(202, {"status": "accepted"})
        return Reply(200)

    def _show(self, path: str, stored: list[int]) -> dict[str, Any]:
        if "/packets" not in path:
            return {"state": self.state, "packet_count": len(stored)}
        begin = int(path.partition("?after=")[2] or 0)
        page = [{"sequence": sequence, "track": ""} for sequence in stored[begin : begin + 3]]
        more = f"http://elsewhere.test/v1/call/x/packets?after={begin + 3}"
        return {"next": more if stored[begin + 3 :] else None, "previous": None, "results": page}


def first_only(reply: Reply, ending: str) -> Callable[[Seen], Reply | None]:
    replies = [reply]
    return lambda seen: replies.pop() if replies and seen.path.endswith(ending) else None
