"""A small OpenAI-compatible server on the test's own event loop, which fails as told.

It answers like one of several real servers (``flavour``), unless ``script`` holds something else
for the next request to a path.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

TRANSCRIBE = "/v1/audio/transcriptions"
CHAT = "/v1/chat/completions"
SAID = ["Good evening.", "I have lost my card."]


@dataclass
class Seen:
    """A request: ``fields`` is its JSON, or the parts of its form; ``file`` its upload."""

    path: str
    headers: dict[str, str]
    fields: dict[str, Any]
    file: tuple[str, bytes] | None = None


@dataclass
class Reply:
    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


RESET = Reply(status=0)
HANG = Reply(delay_s=60)
HTML = Reply(
    503,
    "<!DOCTYPE html>\n<html><head><title>503 Service Temporarily Unavailable</title></head>\n",
    {"Content-Type": "application/json"},
)


def failing(status: int, message: str = "No.", **named: Any) -> Reply:
    """An error in OpenAI's shape; ``headers`` go into the head, the rest into the error."""
    headers = named.pop("headers", {})
    return Reply(status, {"error": {"message": message, **named}}, headers)


def completion(content: Any, reason: str = "stop", refusal: str | None = None) -> Reply:
    text = content if isinstance(content, str) else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return Reply(body={"choices": [{"message": message, "finish_reason": reason}]})


def judgement(count: int, **changed: Any) -> dict[str, Any]:
    """What a model answers about so many turns."""
    rows = [{"id": at, "label": "NEGATIVE", "score": -2} for at in range(count)]
    answer = {"turns": rows, "summary": "A card was lost.", "keywords": ["card"], "insights": {}}
    return {**answer, **changed}


def transcript(flavour: str = "openai", scale: float = 1.0) -> dict[str, Any]:
    """Two sentences as a server of that kind words them; ``scale`` is its unit of time."""
    times = [(0.5 * scale, 1.5 * scale), (2.0 * scale, 3.5 * scale)]
    segments: list[dict[str, Any]] = [
        {"id": at, "start": start, "end": end, "text": f" {text}"}
        for at, ((start, end), text) in enumerate(zip(times, SAID, strict=True))
    ]
    body: dict[str, Any] = {"text": " ".join(SAID), "language": "english", "duration": 4.0}
    if flavour == "ollama":
        return {"text": body["text"]}
    if flavour == "vllm":
        doubts = {"no_speech_prob": None, "avg_logprob": -0.2, "compression_ratio": 1.1}
        return {**body, "duration": "4.0", "segments": [{**each, **doubts} for each in segments]}
    if flavour == "localai":
        words = [{"text": "Good", "start": 0.6 * scale, "end": 0.9 * scale}]
        return {**body, "segments": segments, "words": words}
    doubts = {"no_speech_prob": 0.01, "avg_logprob": -0.2, "compression_ratio": 1.1}
    words = [
        {"word": "Good", "start": 0.6 * scale, "end": 0.9 * scale},
        {"word": "evening", "start": 0.9 * scale, "end": 1.4 * scale},
    ]
    return {**body, "segments": [{**each, **doubts} for each in segments], "words": words}


class FakeOpenAI:
    """``refused`` are response formats that are answered with 400."""

    def __init__(self, flavour: str = "openai") -> None:
        self.flavour = flavour
        self.refused: set[str] = set()
        self.seen: list[Seen] = []
        self.script: dict[str, deque[Reply]] = defaultdict(deque)
        self.url = ""
        self._tasks: set[asyncio.Task[Any]] = set()

    def will(self, path: str, *replies: Reply) -> None:
        """Answer the next requests to a path like this."""
        self.script[path].extend(replies)

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    async def __aenter__(self) -> FakeOpenAI:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._answer(reader, writer):
                    pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        seen = _parse(*await _read(reader))
        self.seen.append(seen)
        planned = self.script[seen.path]
        reply = planned.popleft() if planned else self._well_behaved(seen)
        await asyncio.sleep(reply.delay_s)
        if not reply.status:
            writer.transport.abort()
            return False
        writer.write(_written(reply))
        await writer.drain()
        return True

    def _well_behaved(self, seen: Seen) -> Reply:
        form = seen.fields.get("response_format", "text")
        name = form.get("type") if isinstance(form, dict) else form
        if name in self.refused:
            return failing(400, f"{name} is not supported", param="response_format")
        if seen.path == TRANSCRIBE:
            whole = transcript(self.flavour)
            return Reply(body=whole if name == "verbose_json" else {"text": whole["text"]})
        if seen.path == CHAT:
            asked = seen.fields["messages"][-1]["content"]
            return completion(judgement(len(asked.splitlines())))
        return failing(404, f"There is no {seen.path}")


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return first.split()[1], headers, body


def _parse(path: str, headers: dict[str, str], body: bytes) -> Seen:
    kind = headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return Seen(path, headers, json.loads(body))
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    seen = Seen(path, headers, {})
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename():
            seen.file = (str(part.get_filename()), content)
        else:
            seen.fields.setdefault(name, []).append(content.decode())
    seen.fields = {
        name: values if name.endswith("[]") else values[0] for name, values in seen.fields.items()
    }
    return seen


def _written(reply: Reply) -> bytes:
    body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    headers = {"Content-Type": "application/json", "X-Request-Id": "req-7", **reply.headers}
    headers["Content-Length"] = str(len(body.encode()))
    lines = [f"HTTP/1.1 {reply.status} Whatever", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
