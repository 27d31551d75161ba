"""The fast lane for the two hot routes, one packet and a batch of packets, over plain ASGI.

It takes a request only if it can answer it with 202, 429 or 503. Every other request is passed on
to the REST viewsets, with its body. They define the contract, and only they reject requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host

from calls.asgi import App, Message, Receive, Scope, Send
from calls.ingest.buffer import RETRY_AFTER_S, check, store_async
from calls.ingest.call_ids import ADDRESSED_PATTERN, NOT_CALL_IDS
from calls.ingest.requests import Unavailable, Way
from calls.ingest.wire import Packets, read_batch, read_lines, read_packet
from calls.keys import ApiClient, address_of, admit_at_once, key_from_headers
from calls.keys.limits import RATE_TAKEN, seconds, told, wait_for_packets
from calls.models import ApiKey

ROUTE = re.compile(rf"/v1/call/stream/({ADDRESSED_PATTERN})(/batch)?")
JSON_TYPES = {b"application/json", b"application/json; charset=utf-8"}
NDJSON_TYPES = {b"application/x-ndjson"}
JSON_ACCEPTED = {b"", b"*/*", b"application/json"}
# Requests with these headers go to the REST viewsets.
DOUBTFUL_HEADERS = {b"content-encoding", b"cookie", b"expect", b"transfer-encoding"}
MAX_DIGITS = 18  # of a Content-Length; Python refuses to convert thousands of digits
ACCEPTED = b'{"status":"accepted"}'


class Route(NamedTuple):
    """What a request sends, and with which key; None if the API is open."""

    call_id: str
    is_batch: bool
    is_lines: bool
    client: ApiClient | None = None


class ExpressLane:
    """Wraps the application. ``EXPRESS_LANE=off`` removes it, and only the speed changes."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._body_limit = settings.BODY_LIMIT
        self._redirects = settings.SECURE_SSL_REDIRECT
        self._hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        call_id, is_batch, is_lines, client = route
        if client and (wait_s := wait_for_packets(client)):
            await _read(receive)
            await _answer(send, 429, _refusal(told(wait_s)), retry_after=seconds(wait_s))
            return
        way = Way.BATCH if is_batch else Way.SINGLE
        body = await _read(receive)
        try:
            check(way)  # before decoding: refusing must cost less than accepting
            packets = _decode(body, call_id, is_batch=is_batch, is_lines=is_lines)
            if packets is not None:
                await store_async(packets, way)
        except Unavailable as error:
            await _answer(send, 503, _refusal(str(error)), retry_after=RETRY_AFTER_S)
            return
        except (DatabaseError, ValueError):
            packets = None  # an unexpected fault of the packets
        if packets is None:
            await self.app({**scope, RATE_TAKEN: True}, _replay(body, receive), send)
            return
        await _answer(send, 202, _batch_accepted(len(packets)) if is_batch else ACCEPTED)

    def _route(self, scope: Scope) -> Route | None:
        """Return what to do, or None if the REST viewsets must answer."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            return None
        match = ROUTE.fullmatch(scope["path"])
        if match is None or match[1] in NOT_CALL_IDS:
            return None
        headers = dict(scope["headers"])
        is_batch = match[2] is not None
        is_lines = is_batch and headers.get(b"content-type") in NDJSON_TYPES
        plain = is_lines or headers.get(b"content-type", b"").lower() in JSON_TYPES
        if not (plain and self._is_plain(headers)):
            return None
        if settings.API_AUTH == "open":
            return Route(match[1], is_batch, is_lines)
        client = _find_sender(scope, headers)
        return Route(match[1], is_batch, is_lines, client) if client else None

    def _is_plain(self, headers: Mapping[bytes, bytes]) -> bool:
        if not DOUBTFUL_HEADERS.isdisjoint(headers):
            return False
        if headers.get(b"accept", b"") not in JSON_ACCEPTED:
            return False
        if self._redirects or not self._is_small(headers.get(b"content-length", b"")):
            return False
        return self._is_ours(headers.get(b"host", b""))

    def _is_small(self, length: bytes) -> bool:
        # Servers read no more than was announced, so what arrives need not be counted.
        return length.isdigit() and len(length) <= MAX_DIGITS and int(length) <= self._body_limit

    def _is_ours(self, host: bytes) -> bool:
        if host in self._hosts:
            return True
        domain, _ = split_domain_port(host.decode("latin-1"))
        if not (domain and validate_host(domain, settings.ALLOWED_HOSTS)):
            return False
        if len(self._hosts) < 100:
            self._hosts.add(host)
        return True


def _find_sender(scope: Scope, headers: Mapping[bytes, bytes]) -> ApiClient | None:
    plain = key_from_headers(
        headers.get(b"authorization", b"").decode("latin-1"),
        headers.get(b"x-api-key", b"").decode("latin-1"),
    )
    client = admit_at_once(plain, address_of(scope)) if plain else None
    return client if client and ApiKey.Scope.INGEST in client.scopes else None


async def _read(receive: Receive) -> list[Message]:
    """Read the body until it ends or the client disconnects."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replayed() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replayed


def _decode(messages: list[Message], call_id: str, *, is_batch: bool, is_lines: bool) -> Packets:
    if messages[-1]["type"] != "http.request":
        return None
    body = b"".join(message.get("body", b"") for message in messages)
    if is_lines:
        return read_lines(body, call_id)
    return read_batch(body, call_id) if is_batch else read_packet(body, call_id)


def _batch_accepted(count: int) -> bytes:
    return b'{"status":"accepted","accepted":%d}' % count


def _refusal(detail: str) -> bytes:
    return json.dumps({"detail": detail}, separators=(",", ":")).encode()


async def _answer(send: Send, status: int, body: bytes, *, retry_after: int = 0) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-content-type-options", b"nosniff"),
    ]
    if retry_after:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
