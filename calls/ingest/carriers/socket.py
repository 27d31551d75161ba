"""The WebSockets that carriers open to this server: I/O and timing. ``session`` has the logic.

Plain ASGI, because a hundred calls send ten thousand messages per second.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError

from calls.asgi import PINGS, STREAM
from calls.ingest.buffer import store_async
from calls.ingest.call_ids import as_call_id, as_external_id, decode
from calls.ingest.carriers import Event, Reply, Start
from calls.ingest.carriers.auth import Check, check_handshake, check_token
from calls.ingest.carriers.backlog import Backlog
from calls.ingest.carriers.detect import AnyParser
from calls.ingest.carriers.heartbeat import heartbeat
from calls.ingest.carriers.opening import Opened, TooManyStreams, open_stream
from calls.ingest.carriers.preamble import SUBPROTOCOLS
from calls.ingest.carriers.presence import end_connection, settle_call
from calls.ingest.carriers.session import Identity, Session
from calls.ingest.packets import IncomingPacket
from calls.ingest.refusal import admission
from calls.ingest.requests import Unavailable, Way
from calls.keys import NO_WATCH, address_of, close_when_refused
from calls.outage import is_contention, is_outage

log = logging.getLogger(__name__)

START_PATIENCE_S = 5.0
FLUSH_SHARE = 0.2  # of the time within which a frame has to be stored
RETRY_S = 0.5
STORED_AT_ONCE = 500  # packets; after an outage, minutes of audio are waiting
MAX_MALFORMED = 1000
CLOSE_NORMAL = 1000
CLOSE_PROTOCOL = 1008
CLOSE_NO_STATUS = 1005

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Close(Exception):
    """Close the socket with this code."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


async def media_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one carrier stream."""
    await receive()  # websocket.connect
    async with admission(scope, send, Way.CARRIER) as admitted:
        if admitted:
            await _serve(scope, receive, send)


async def _serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    offered = [name for name in scope.get("subprotocols", ()) if name in SUBPROTOCOLS]
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": offered[0] if offered else None,
            PINGS: settings.CARRIER_PINGS,
            STREAM: True,
        }
    )
    stream = _Stream(scope, receive, send)
    try:
        await stream.run()
    except _Close as close:
        with suppress(RuntimeError):  # the client has disconnected
            await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
    finally:
        stream.backlog.clear()


def _described(scope: dict[str, Any]) -> dict[str, str] | None:
    """Return the address's description of the audio, or None if it has no call id."""
    if "call_id" not in scope["url_route"]["kwargs"]:
        return None
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


class _Stream:
    """Reads messages into a session, and stores the packets that are due.

    A row is cut at the first flush after it is old enough, so both times are parts of the limit.
    """

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._parser = AnyParser(_described(scope))
        self._flush_s = FLUSH_SHARE * settings.MEDIA_STORE_WITHIN
        self._session = Session(row_age_s=settings.MEDIA_STORE_WITHIN - self._flush_s)
        self._patience = asyncio.timeout(None)  # for the start message
        self._opened: Opened | None = None
        self._call_id = ""
        self._is_gone = False  # the peer has closed the socket, or the connection broke off
        self._closed_in_order = False
        self._name = ""
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._is_allowed = False
        self._key_watch = NO_WATCH
        self.backlog = Backlog()
        self._patience = asyncio.timeout(None)
        self._storing = asyncio.Lock()

    async def run(self) -> None:
        await self._check_handshake()
        try:
            await self._start()
            await self._carry()
        finally:
            self._key_watch.stop()
            if self._opened:
                await asyncio.shield(self._finish(self._opened))

    async def _start(self) -> None:
        try:
            async with asyncio.timeout(START_PATIENCE_S) as self._patience:
                while not self._opened:
                    await self._read()
        except TimeoutError as error:
            await self._give_up()
            if not self._opened:
                log.warning(
                    "closed a carrier's socket: no start message within %g s", START_PATIENCE_S
                )
                raise _Close(CLOSE_PROTOCOL) from error

    async def _carry(self) -> None:
        flushing = asyncio.create_task(self._flush())
        try:
            while not (self._session.stopped or self._is_gone):
                await self._read()
        finally:
            flushing.cancel()
            with suppress(asyncio.CancelledError):
                await flushing
        raise _Close(CLOSE_NORMAL)

    async def _check_handshake(self) -> None:
        headers = dict(self._scope["headers"])
        path = f"{settings.PATH_PREFIX}{self._scope['path']}"
        address = address_of(self._scope)
        self._admit(await database_sync_to_async(check_handshake)(headers, path, address))

    def _admit(self, check: Check) -> None:
        if check.refusal:
            raise _Close(*check.refusal)
        self._is_allowed = check.is_allowed
        if check.key:
            self._key_watch = close_when_refused(check.key, self._scope, self._send)

    async def _read(self) -> None:
        await self._may_read.wait()
        message = await self._receive()
        if self._key_watch.refusal:
            raise _Close(*self._key_watch.refusal)
        if message["type"] == "websocket.disconnect":
            self._is_gone = True
            self._closed_in_order = _is_in_order(message)
            if not self._opened:
                await self._give_up()
            if not self._opened:
                raise _Close(CLOSE_NORMAL)
            return
        self.backlog.add(message)
        if self.backlog.is_full():
            self._may_read.clear()
        for event in self._events(message):
            await self._take(event)

    async def _give_up(self) -> None:
        """Wait no longer for a message that describes the audio."""
        for event in self._parser.give_up():
            await self._take(event)

    def _events(self, message: dict[str, Any]) -> Sequence[Event]:
        text = message.get("text")
        if text is not None:
            return self._parser.text(text)
        return self._parser.binary(message.get("bytes") or b"")

    async def _take(self, event: Event) -> None:
        if isinstance(event, Reply):
            with suppress(RuntimeError, OSError):  # the peer has gone; reading will say so
                await self._send({"type": "websocket.send", "text": event.text})
            return
        if isinstance(event, Start) and self._opened and self._session.is_other_format(event):
            await self._reopen(event, self._opened)
            return
        self._session.take(event, time.monotonic())
        if self._session.malformed > MAX_MALFORMED:
            log.warning("closed a carrier's stream: too many malformed messages")
            raise _Close(CLOSE_PROTOCOL)
        if isinstance(event, Start) and not self._opened:
            # From here on, the carrier waits for the database. Its time may be up already.
            with suppress(RuntimeError):
                self._patience.reschedule(None)
            await self._open(event)

    async def _open(self, start: Start) -> None:
        if not self._is_allowed:
            address = address_of(self._scope)
            self._admit(await database_sync_to_async(check_token)(start.token, address))
        own = self._named()
        name = start.stream or uuid.uuid4().hex
        call_id = as_call_id(own) or start.call_id or as_call_id(name)
        if external_id := as_external_id(own):
            start = replace(start, description={**start.description, "external_id": external_id})
        opened = await self._open_in_database(call_id, name, start)
        heartbeat.add(opened.connection)
        self._session.begin(Identity(call_id, opened.stream, opened.begins_s, opened.resumed_s))
        self._call_id, self._name, self._opened = call_id, name, opened

    def _named(self) -> str:
        """Return the sender's id in the address, if there is a usable one."""
        try:
            return decode(self._scope["url_route"]["kwargs"].get("call_id", ""))
        except ValueError:
            return ""

    async def _reopen(self, start: Start, before: Opened) -> None:
        """Open another stream for what follows: its audio has another format than that before."""
        now = time.monotonic()
        await self._store(self._session.finish(now))
        opened = await self._open_in_database(self._call_id, start.stream or self._name, start)
        heartbeat.add(opened.connection)
        session = Session(row_age_s=settings.MEDIA_STORE_WITHIN - self._flush_s)
        session.take(start, now)
        session.begin(Identity(self._call_id, opened.stream, opened.begins_s, opened.resumed_s))
        self._session, self._opened = session, opened
        # Only now: while the new connection is open, the end of the old one ends no call.
        await self._end(before, stopped=True)

    async def _open_in_database(self, call_id: str, name: str, start: Start) -> Opened:
        while True:
            try:
                opened: Opened = await database_sync_to_async(open_stream)(
                    call_id=call_id,
                    name=name,
                    media=start.media,
                    description=start.description,
                    remarks=start.remarks,
                    said=start.said,
                )
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            except TooManyStreams as error:
                log.warning("refused a carrier's stream: %s", error)
                raise _Close(CLOSE_PROTOCOL, "This call has too many streams.") from error
            else:
                return opened

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(self._flush_s)
            held = self.backlog.mark()
            if packets := self._session.due(time.monotonic()):
                # Shielded from cancellation: the session no longer holds these packets.
                await asyncio.shield(self._store(packets))
            self.backlog.release(held)
            if not self.backlog.is_full():
                self._may_read.set()

    async def _store(self, packets: list[IncomingPacket]) -> None:
        """Store, and retry until it succeeds. Reading continues until the backlog is full."""
        async with self._storing:
            while packets:
                some = packets[:STORED_AT_ONCE]
                try:
                    await self._store_some(some)
                except Unavailable:
                    self.backlog.is_refused = True
                    await asyncio.sleep(RETRY_S)
                else:
                    packets = packets[len(some) :]
                    self.backlog.is_refused = False

    async def _store_some(self, packets: list[IncomingPacket]) -> None:
        """Store packets. One that the database will never take must not hold up the others."""
        try:
            await store_async(packets, Way.CARRIER)
        except (DatabaseError, ValueError):
            if len(packets) == 1:
                log.exception("a packet of call %s is lost", self._call_id)
                return
            for packet in packets:
                await self._store_some([packet])

    async def _finish(self, opened: Opened) -> None:
        """Store the remaining packets, and record how the socket ended."""
        try:
            await self._store(self._session.finish(time.monotonic()))
        finally:
            await self._end(opened, stopped=self._is_stopped())

    async def _end(self, opened: Opened, *, stopped: bool) -> None:
        heartbeat.remove(opened.connection)
        wait_s = await _until_reachable(
            lambda: end_connection(opened.connection, call_id=self._call_id, stopped=stopped)
        )
        if wait_s is not None:
            _settle_later(self._call_id, wait_s)

    def _is_stopped(self) -> bool:
        """Whether the carrier has reported the end of the stream, in the way of its protocol."""
        start = self._session.start
        reports_by_closing = start is not None and not start.has_stop
        return self._session.stopped or (reports_by_closing and self._closed_in_order)


def _is_in_order(disconnect: dict[str, Any]) -> bool:
    """Whether the peer has closed the socket with a close frame, because it was done.

    Uvicorn says 1005 for a frame without a code, and for a lost connection as well. Only the event
    of a frame has a reason.
    """
    code = disconnect.get("code")
    return code == CLOSE_NORMAL or (code == CLOSE_NO_STATUS and "reason" in disconnect)


async def _until_reachable(write: Callable[[], float | None]) -> float | None:
    while True:
        try:
            done: float | None = await database_sync_to_async(write)()
        except DatabaseError as error:
            if not is_outage(error):
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return done


_settling: set[asyncio.Task[None]] = set()  # the event loop holds tasks by weak references only


def _settle_later(call_id: str, wait_s: float) -> None:
    task = asyncio.create_task(_settle(call_id, wait_s))
    _settling.add(task)
    task.add_done_callback(_settling.discard)


async def _settle(call_id: str, wait_s: float | None) -> None:
    """End the call when it is due. If this process stops first, a worker does it."""
    while wait_s is not None:
        await asyncio.sleep(wait_s)
        try:
            wait_s = await database_sync_to_async(settle_call)(call_id=call_id)
        except DatabaseError as error:
            if not is_outage(error):
                raise
            # After an outage, leases of live sockets have expired. A worker takes that into
            # account.
            wait_s = RETRY_S if is_contention(error) else None
