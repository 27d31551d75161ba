"""SIGTERM to real web processes: nothing acknowledged is lost, and clients reconnect."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from contextlib import suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import get, wait_until
from calls.tests.ingest.carriers.carrier_dialects import twilio_like
from calls.tests.ingest.carriers.test_carrier_messages import speech, texts

pytestmark = pytest.mark.processes
RESTART = 1012
STOP_S = 15


def packet(sequence):
    return {"sequence": sequence, "data": "Hello.", "timestamp": sequence * 1.0}


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path) as running:
        yield running


def tell_to_stop(service, number=signal.SIGTERM):
    service.processes[0].send_signal(number)


def stopped(service):
    return service.processes[0].wait(timeout=STOP_S)


def until_closed(opened):
    """Return what a socket still receives, and its close code."""
    heard = []
    try:
        while True:
            heard.append(json.loads(opened.recv(timeout=STOP_S)))
    except ConnectionClosed as closed:
        return heard, closed.rcvd.code


def test_every_kind_of_socket_is_told_of_the_restart_and_loses_nothing(service):
    address = service.web("--delay", "0.5")
    sockets = address.replace("http", "ws")
    dialect = twilio_like("Twilio")
    messages = [text for text in texts(dialect.messages(speech(8000))) if '"stop"' not in text]

    with (
        connect(f"{sockets}/stream/ws/supervisor") as feed,
        connect(f"{sockets}/v1/call/stream/native") as native,
        connect(f"{sockets}/v1/media") as carrier,
        httpx.stream("GET", f"{address}/v1/events/stream", timeout=STOP_S) as stream,
    ):
        for number in range(1, 201):
            native.send(json.dumps(packet(number)))
        for message in messages:
            carrier.send(message)
        tell_to_stop(service)
        told, native_code = until_closed(native)
        events = "".join(stream.iter_text())
        codes = [until_closed(feed)[1], native_code, until_closed(carrier)[1]]

    assert codes == [RESTART] * 3
    assert events.endswith(f'event: close\ndata: {{"type":"close","code":{RESTART}}}\n\n')
    assert stopped(service) == 0
    again = service.web()
    acknowledged = max(one["sequence"] for one in told if one["type"] == "ack")
    assert get(f"{again}/v1/call/native")["packet_count"] == acknowledged
    call = get(f"{again}/v1/call/{dialect.call_id}")
    assert call["streams"][0]["frame_count"] == sum('"media"' in text for text in messages)
    assert call["state"] == "IN_PROGRESS"  # it waits for its carrier to come back


@pytest.mark.slow
def test_a_stopping_process_continues_for_its_delay_and_is_not_ready(service):
    address = service.web("--delay", "2")
    with httpx.Client(base_url=address) as kept, httpx.Client(base_url=address) as new:
        kept.get("/healthz")

        tell_to_stop(service)
        wait_until(lambda: kept.get("/readyz").status_code == 503, what="the end of readiness")
        told = kept.get("/readyz")
        alive = kept.get("/healthz")
        stored = new.post("/v1/call/stream/late", json=packet(1))

    assert told.json()["problems"] == ["This process has been told to stop."]
    assert told.headers["connection"] == "close"
    assert alive.status_code == 200
    assert (stored.status_code, stored.headers["connection"]) == (202, "close")
    with pytest.raises(Exception, match="503"):
        connect(f"{address.replace('http', 'ws')}/v1/media")
    assert stopped(service) == 0
    assert get(f"{service.web()}/v1/call/late")["packet_count"] == 1


@pytest.mark.slow
def test_connections_that_wait_to_be_accepted_are_answered(service):
    address = service.web()
    host, port = address.removeprefix("http://").split(":")
    service.processes[0].send_signal(signal.SIGSTOP)
    waiting = [socket.create_connection((host, int(port)), timeout=STOP_S) for _ in range(20)]
    body = json.dumps(packet(1)).encode()
    for number, client in enumerate(waiting):
        head = f"POST /v1/call/stream/queued-{number} HTTP/1.1\r\nHost: {host}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)

    tell_to_stop(service)
    service.processes[0].send_signal(signal.SIGCONT)
    answers = [client.recv(4096).split(b"\r\n")[0] for client in waiting]

    assert answers == [b"HTTP/1.1 202 Accepted"] * len(waiting)
    assert stopped(service) == 0
    for client in waiting:
        client.close()


@pytest.mark.slow
def test_ctrl_c_stops_at_once_and_a_client_that_never_ends_cannot_prevent_it(service):
    address = service.web("--delay", "600", "--timeout", "1")
    host, port = address.removeprefix("http://").split(":")
    slow = socket.create_connection((host, int(port)))
    slow.sendall(
        b"POST /v1/call/stream/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    )
    begun_at = time.monotonic()

    tell_to_stop(service, signal.SIGINT)

    assert stopped(service) == 0
    assert time.monotonic() - begun_at < 10
    slow.settimeout(1)
    answer = slow.recv(4096).decode().lower()
    assert answer.startswith("http/1.1 503")
    assert "retry-after: 1\r\n" in answer
    slow.close()


@pytest.mark.slow
def test_restarts_under_load_lose_no_acknowledged_packet(service):
    acknowledged: dict[str, int] = {}
    addresses = [service.web("--delay", "0.5"), service.web("--delay", "0.5")]
    over = threading.Event()
    odd: list[int] = []

    def send(call_id):
        number = 1
        while not over.is_set():
            for address in addresses:
                with suppress(httpx.TransportError):
                    answer = httpx.post(f"{address}/v1/call/stream/{call_id}", json=packet(number))
                    if answer.status_code == 202:
                        acknowledged[call_id] = number
                        number += 1
                        break
                    if answer.status_code != 503 or "retry-after" not in answer.headers:
                        odd.append(answer.status_code)

    senders = [threading.Thread(target=send, args=(f"c-{at}",)) for at in range(4)]
    for sender in senders:
        sender.start()
    try:
        for place in (0, 1):
            before = sum(acknowledged.values())
            wait_until(
                lambda before=before: sum(acknowledged.values()) > before + 20, what="packets"
            )
            service.processes[place].terminate()
            assert service.processes[place].wait(timeout=STOP_S) == 0
            addresses[place] = service.web("--delay", "0.5")
    finally:
        over.set()  # a thread that goes on would keep the tests from ending
    for sender in senders:
        sender.join()

    stored = {one: get(f"{addresses[0]}/v1/call/{one}")["packet_count"] for one in acknowledged}
    assert all(stored[one] >= count for one, count in acknowledged.items())
    assert odd == []


@pytest.mark.slow
def test_an_address_in_use_is_named(service):
    port = service.web().rpartition(":")[2]

    result = service.run("web", "--port", port, check=False)

    assert f"127.0.0.1:{port}: Address already in use." in result.stderr
