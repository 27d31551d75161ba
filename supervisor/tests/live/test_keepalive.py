"""Pings detect dead clients, and never mistake a live one for dead."""

import asyncio
import socket as sockets
from contextlib import suppress

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from calls.asgi import PINGS, STREAM
from calls.ingest.pressure import Unread
from supervisor.protocol import SECOND_LOOK_S, WebSocketProtocol

INTERVAL_S, TIMEOUT_S = 20.0, 20.0


class Clock:
    """Stands for the event loop's timers. Time passes when the test says so."""

    def __init__(self):
        self.now = 0.0
        self.timers = []

    def time(self):
        return self.now

    def call_later(self, delay, function, *arguments):
        timer = Timer(self.now + delay, function, arguments)
        self.timers.append(timer)
        return timer

    def call_at(self, moment, function):
        return self.call_later(moment - self.now, function)

    def create_task(self, work):
        return asyncio.get_running_loop().create_task(work)

    def pass_to(self, moment):
        while due := [each for each in self.timers if each.at <= moment and not each.cancelled]:
            first = min(due, key=lambda each: each.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            first.function(*first.arguments)
        self.now = moment


class Timer:
    def __init__(self, at, function, arguments):
        self.at, self.function, self.arguments = at, function, arguments
        self.cancelled = False

    def cancel(self):
        self.cancelled = True


class Transport:
    """Collects what the server writes."""

    def __init__(self):
        self.written = b""
        self.closed = self.reading_paused = False
        self.socket = sockets.socket()

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        self.reading_paused = True

    def resume_reading(self):
        self.reading_paused = False

    def get_extra_info(self, name, default=None):
        return self.socket if name == "socket" else default


class Line:
    """A client's connection to a server whose application reads when the test says so."""

    def __init__(self, **accept):
        self.accept, self.clock, self.transport = accept, Clock(), Transport()
        self.may_read = asyncio.Event()
        config = Config(self._serve, ws_ping_interval=INTERVAL_S, ws_ping_timeout=TIMEOUT_S)
        config.load()
        self.server = WebSocketProtocol(config, ServerState(), {}, _loop=self.clock)
        self.server.app = self._serve
        self.client = ClientProtocol(parse_uri("ws://test/"))

    async def _serve(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept", **self.accept})
        while True:
            await self.may_read.wait()
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return

    async def open(self):
        self.server.connection_made(self.transport)
        self.client.send_request(self.client.connect())
        self.deliver()
        while not self.server.handshake_complete:  # noqa: ASYNC110
            await asyncio.sleep(0)
        self.read()

    def deliver(self):
        """Bring the client's bytes to the server, if it reads."""
        if not self.transport.reading_paused:
            self.server.data_received(b"".join(self.client.data_to_send()))

    def read(self):
        """Let the client read. Returns the frames of the server."""
        self.client.receive_data(self.transport.written)
        self.transport.written = b""
        return [each for each in self.client.events_received() if isinstance(each, Frame)]

    def pings(self):
        return [each for each in self.read() if each.opcode is Opcode.PING]

    async def close(self):
        self.transport.socket.close()
        self.may_read.set()
        if not self.transport.closed:
            self.server.connection_lost(None)
        for task in list(self.server.tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def line():
    lines = []

    async def make(**accept):
        lines.append(Line(**accept))
        await lines[-1].open()
        return lines[-1]

    yield make
    for each in lines:
        await each.close()


async def test_a_client_that_answers_pings_stays(line):
    client = await line()

    for round_ in range(1, 10):
        client.clock.pass_to(round_ * INTERVAL_S + 0.1 * round_)
        assert client.pings()
        client.deliver()  # the pong, which the client's protocol has written by itself

    assert not client.transport.closed


async def test_a_silent_client_is_closed(line):
    client = await line()

    client.clock.pass_to(INTERVAL_S + TIMEOUT_S + SECOND_LOOK_S + 0.1)

    assert client.transport.closed


async def test_any_message_is_a_sign_of_life(line):
    client = await line()
    client.may_read.set()

    for second in range(10, 300, 10):
        client.client.send_text(b"a message, and never a pong")
        client.deliver()
        await asyncio.sleep(0)
        client.clock.pass_to(second)

    assert client.pings() == []
    assert not client.transport.closed


async def test_a_message_after_the_ping_counts_as_a_pong(line):
    client = await line()
    client.may_read.set()
    client.clock.pass_to(INTERVAL_S + 1)
    assert client.pings()
    client.client.data_to_send()  # the pong is lost

    client.client.send_text(b"still here")
    client.deliver()
    await asyncio.sleep(0)
    client.clock.pass_to(INTERVAL_S + TIMEOUT_S + SECOND_LOOK_S + 1)

    assert not client.transport.closed


async def test_while_the_server_does_not_read_no_timer_runs_against_the_client(line):
    client = await line()
    client.client.send_text(b"the application is busy and does not read this")
    client.deliver()
    assert client.transport.reading_paused

    client.clock.pass_to(600)

    assert not client.transport.closed
    client.may_read.set()
    while client.transport.reading_paused:  # noqa: ASYNC110
        await asyncio.sleep(0)
    client.read()
    client.deliver()  # the pong that had been waiting
    client.clock.pass_to(600 + TIMEOUT_S + SECOND_LOOK_S)
    assert not client.transport.closed


async def test_a_pong_that_is_read_after_its_timer_still_counts(line):
    client = await line()
    client.clock.pass_to(INTERVAL_S + TIMEOUT_S)  # the process stood still: the timer comes first

    client.read()
    client.deliver()
    client.clock.pass_to(INTERVAL_S + TIMEOUT_S + SECOND_LOOK_S)

    assert not client.transport.closed


async def test_a_carrier_gets_tcp_probes_instead_of_pings(line):
    client = await line(**{PINGS: False})

    client.clock.pass_to(3600)

    assert client.pings() == []
    assert not client.transport.closed
    assert client.transport.socket.getsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE)


async def send_slowly(line):
    """Send a message every half second, and let each be read when the next one comes."""
    line.may_read.set()
    for _ in range(10):
        line.clock.now += 0.5
        line.client.send_text(b"x" * 1000)
        line.deliver()
        while line.transport.reading_paused:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_the_server_knows_how_long_packets_lay_in_a_socket(line, monkeypatch):
    measured = Unread()
    monkeypatch.setattr("supervisor.protocol.unread", measured)
    stream = await line(**{STREAM: True})

    await send_slowly(stream)

    assert measured.wait_s(stream.clock.time()) == pytest.approx(0.5, abs=0.1)


async def test_only_sockets_that_bring_packets_are_measured(line, monkeypatch):
    measured = Unread()
    monkeypatch.setattr("supervisor.protocol.unread", measured)
    page = await line()

    await send_slowly(page)

    assert measured.wait_s(page.clock.time()) == 0.0
