"""Ingest on every supported server, while its database goes away and comes back."""

import json
import sqlite3
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection
from websockets.sync.client import connect

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import answers, free_port, get, post, wait_until
from calls.tests.ingest.carriers.carrier_dialects import twilio_like
from calls.tests.ingest.carriers.test_carrier_messages import speech, texts

pytestmark = pytest.mark.processes
SLOW_S = 6.0  # a request is answered within 2 s; the rest is for a busy machine
SERVERS = {
    "uvicorn": ("-m", "uvicorn", "callcenter.asgi:application", "--log-level", "warning", "--port"),
    "web": ("manage.py", "web", "--port"),
    "daphne": ("-m", "daphne", "-v", "0", "callcenter.asgi:application", "-p"),
    "runserver": ("manage.py", "runserver", "--noreload"),
}


def packet(sequence):
    return {"sequence": sequence, "data": "Hello.", "timestamp": sequence * 1.0}


def packets_of(address, call_id):
    return get(f"{address}/v1/call/{call_id}")["packet_count"]


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path) as running:
        yield running


def start(service, server):
    port = free_port()
    service.start(*SERVERS[server], str(port), log=server)
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{address}/healthz"), what=f"{server} to answer")
    return address


@pytest.mark.parametrize("server", SERVERS)
def test_every_interface_works_on_every_server(service, server):
    address = start(service, server)
    sockets = address.replace("http", "ws")
    dialect = twilio_like("Twilio")

    assert post(f"{address}/v1/call/stream/one", packet(1)) == {"status": "accepted"}
    batch = [packet(number) for number in range(1, 51)]
    assert post(f"{address}/v1/call/stream/many/batch", batch)["accepted"] == 50
    with connect(f"{sockets}/v1/call/stream/native") as native:
        assert json.loads(native.recv(timeout=10))["type"] == "ready"
        native.send(json.dumps([packet(1), packet(2)]))
        assert json.loads(native.recv(timeout=10))["count"] == 2
    with connect(f"{sockets}/v1/media") as carrier:
        for message in texts(dialect.messages(speech(8000))):
            carrier.send(message)
        for _ in carrier:
            pass  # until the server closes, which it does after the last commit

    assert packets_of(address, "one") == 1
    assert packets_of(address, "many") == 50
    assert packets_of(address, "native") == 2
    wait_until(
        lambda: get(f"{address}/v1/call/{dialect.call_id}")["state"] != "IN_PROGRESS",
        what="the end of the call",
    )
    assert packets_of(address, dialect.call_id) > 0


def test_a_slash_at_the_end_of_an_address_costs_no_packet(service):
    address = service.web()
    sockets = address.replace("http", "ws")

    assert post(f"{address}/v1/call/stream/one/", packet(1)) == {"status": "accepted"}
    assert post(f"{address}/v1/call/stream/one/batch/", [packet(2)])["accepted"] == 1
    with connect(f"{sockets}/v1/call/stream/one/") as native:
        assert json.loads(native.recv(timeout=10))["last_sequence"] == 2
    with connect(f"{sockets}/v1/media/raw/?encoding=l16") as carrier:
        carrier.send(b"\0\1" * 800)
    wait_until(lambda: packets_of_or_none(address, "raw"), what="the audio")
    assert post(f"{address}/v1/call/one/end/")["call_id"] == "one"


def try_to_send(address, call_id, packets):
    """Send a batch. Returns the status, and what Retry-After says."""
    request = urllib.request.Request(
        f"{address}/v1/call/stream/{call_id}/batch",
        data=json.dumps(packets).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]


def try_quickly(address, call_id, packets):
    """Send a batch, which must be answered soon, whatever the answer is."""
    began = time.monotonic()
    answer = try_to_send(address, call_id, packets)
    assert time.monotonic() - began < SLOW_S
    return answer


@contextmanager
def nobody_else_can_write(service):
    """Hold the lock that every writer of packets needs."""
    if connection.vendor == "postgresql":
        with psycopg.connect(service.database) as holder:
            holder.execute("LOCK TABLE calls_packet IN ACCESS EXCLUSIVE MODE")
            yield
        return
    with closing(sqlite3.connect(service.database.removeprefix("sqlite:///"))) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


def test_a_stuck_writer_causes_a_quick_503_and_recovers(service):
    address = service.web()
    post(f"{address}/v1/call/stream/first", packet(1))
    batches = [[packet(number) for number in range(1, 1001)] for _ in range(26)]
    names = [f"c-{number}" for number in range(len(batches))]

    with ThreadPoolExecutor(len(batches)) as pool, nobody_else_can_write(service):
        answered = [
            pool.submit(try_quickly, address, *each) for each in zip(names, batches, strict=True)
        ]
        assert {future.result(timeout=20) for future in answered} == {(503, "1")}
        assert answers(f"{address}/healthz")

    wait_until(lambda: try_to_send(address, "after", batches[0]) == (202, None), what="the writer")
    assert packets_of(address, "after") == 1000


def test_a_database_outage_is_a_503_and_needs_no_restart_afterwards(service):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file of this process")
    address = service.web()
    name = urlsplit(service.database).path.removeprefix("/")
    assert try_to_send(address, "c-1", [packet(1)]) == (202, None)
    server = urlunsplit(urlsplit(service.database)._replace(path="/postgres"))

    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        refused = try_quickly(address, "c-1", [packet(2)])
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    assert refused == (503, "1")
    wait_until(lambda: try_to_send(address, "c-1", [packet(2)]) == (202, None), what="the database")
    assert packets_of(address, "c-1") == 2


def test_a_database_that_turns_read_only_is_a_503_with_one_warning_for_each_part(service):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such mode")
    address = service.web()
    name = urlsplit(service.database).path.removeprefix("/")
    assert try_to_send(address, "c-1", [packet(1)]) == (202, None)
    server = urlunsplit(urlsplit(service.database)._replace(path="/postgres"))
    cut_off = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"

    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        admin.execute(cut_off, [name])
        refused = {try_quickly(address, f"c-{at}", [packet(2)]) for at in range(20)}
        admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        admin.execute(cut_off, [name])

    assert refused == {(503, "1")}
    wait_until(lambda: try_to_send(address, "c-1", [packet(2)]) == (202, None), what="the database")
    assert packets_of(address, "c-1") == 2
    log = service.log("web")
    assert "Traceback" not in log
    assert log.count("packets are refused with 503") <= 1


def test_a_stop_under_load_loses_no_accepted_packet(service):
    address = service.web()
    acknowledged = [0] * 8

    def send(place):
        sequence = 0
        with suppress(OSError):  # the server has gone
            while True:
                sequence += 1
                post(f"{address}/v1/call/stream/c-{place}", packet(sequence))
                acknowledged[place] = sequence

    with ThreadPoolExecutor(len(acknowledged)) as pool:
        sending = [pool.submit(send, place) for place in range(len(acknowledged))]
        wait_until(lambda: min(acknowledged) > 20, what="the load")
        service.processes[0].terminate()
        assert service.processes[0].wait(timeout=20) is not None
        for future in sending:
            future.result(timeout=20)

    again = service.web()
    stored = [packets_of(again, f"c-{place}") for place in range(len(acknowledged))]
    assert all(found >= told for found, told in zip(stored, acknowledged, strict=True))
    assert sum(stored) - sum(acknowledged) <= len(acknowledged)


def test_a_carrier_does_not_notice_a_database_outage(service):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file of this process")
    address = service.web("--ping-interval", "0.2")
    dialect = twilio_like("Twilio")
    messages = texts(dialect.messages(speech(8000)))
    third, last = len(messages) // 3, next(at for at, each in enumerate(messages) if "stop" in each)
    name = urlsplit(service.database).path.removeprefix("/")
    server = urlunsplit(urlsplit(service.database)._replace(path="/postgres"))
    cut_off = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"

    with (
        psycopg.connect(server, autocommit=True) as admin,
        connect(f"{address.replace('http', 'ws')}/v1/media", ping_interval=None) as carrier,
    ):
        for message in messages[:third]:
            carrier.send(message)
        wait_until(lambda: packets_of_or_none(address, dialect.call_id), what="the first packet")
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute(cut_off, [name])
        assert try_to_send(address, "c-1", [packet(1)]) == (503, "1")
        for message in messages[third:last]:
            carrier.send(message)
        with pytest.raises(TimeoutError):  # longer than pings and their patience together
            carrier.recv(timeout=3)
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        carrier.send(messages[last])
        for _ in carrier:
            pass

    wait_until(
        lambda: get(f"{address}/v1/call/{dialect.call_id}")["state"] != "IN_PROGRESS",
        what="the end of the call",
    )
    stream = get(f"{address}/v1/call/{dialect.call_id}")["streams"][0]
    assert stream["missing_frames"] == 0
    assert stream["frame_count"] == sum('"media"' in str(message) for message in messages)


def packets_of_or_none(address, call_id):
    try:
        return packets_of(address, call_id)
    except urllib.error.HTTPError:
        return None
