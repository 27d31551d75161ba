"""Both lanes behind a real server, with what can only be tested byte by byte."""

import json
import socket

import pytest

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import get

pytestmark = pytest.mark.processes
GOOD = json.dumps({"sequence": 1, "data": "hello", "timestamp": 1.5}).encode()
HUGE = b"x" * (4 * 1024 * 1024 + 1)


def request(body, *headers, call_id="wire", length=True):
    lines = [
        f"POST /v1/call/stream/{call_id} HTTP/1.1".encode(),
        b"Host: 127.0.0.1",
        b"Content-Type: application/json",
        *headers,
    ]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return request(chunks + b"0\r\n\r\n", b"Transfer-Encoding: chunked", length=False)


def packet(sequence):
    return GOOD.replace(b'"sequence": 1', b'"sequence": %d' % sequence)


CONVERSATIONS = {
    "one": [request(GOOD)],
    "two on one connection": [request(packet(1)), request(packet(2))],
    "three in one write": [request(packet(1)) + request(packet(2)) + request(packet(3))],
    "good, bad, good in one write": [request(packet(1)) + request(b"{}") + request(packet(3))],
    "chunked": [chunked(GOOD, 7)],
    "chunked into many": [chunked(packet(9), 1)],
    "chunked and over the limit": [chunked(HUGE, 65_536)],
    "announced over the limit": [request(HUGE)],
    "in two writes": [request(GOOD)[:70], request(GOOD)[70:]],
    "compressed": [request(GOOD, b"Content-Encoding: gzip")],
    "expects 100": [request(GOOD, b"Expect: 100-continue")],
    "no length at all": [request(b"", length=False)],
    "white space around": [request(b" \r\n" + GOOD + b"\t")],
    "two keys": [request(GOOD, b"X-API-Key: a", b"X-API-Key: b")],
    "a foreign host": [request(GOOD).replace(b"127.0.0.1", b"evil.example", 1)],
    "a double slash": [request(GOOD).replace(b"/v1/call", b"//v1/call", 1)],
    "escaped call id": [request(GOOD, call_id="w%69re")],
    "a question mark": [request(GOOD, call_id="wire?")],
    "a query": [request(GOOD, call_id="wire?a=b")],
}


def talk(address, writes, answers):
    """Send the writes over one connection and return status and body of what comes back."""
    host, port = address.removeprefix("http://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as connection,
        connection.makefile("rb") as reader,
    ):
        for write in writes:
            try:
                connection.sendall(write)
            except (BrokenPipeError, ConnectionResetError):
                break  # refused before it was all sent
        return [read_answer(reader) for _ in range(answers)]


def read_answer(reader):
    try:
        status = int(reader.readline().split()[1])
    except (ConnectionResetError, IndexError):
        return None
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    if status == 100:
        return read_answer(reader)
    body = reader.read(int(headers.get(b"content-length", 0)))
    return status, json.loads(body) if b"json" in headers.get(b"content-type", b"") else body


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    services = [
        Service(tmp_path_factory.mktemp(lane), EXPRESS_LANE=lane).__enter__()
        for lane in ("on", "off")
    ]
    yield [service.web() for service in services]
    for service in services:
        service.close()


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_both_lanes_respond_alike_on_the_wire(lanes, name):
    writes = CONVERSATIONS[name]
    expected = b"".join(writes).count(b"POST /")

    fast, slow = (talk(address, writes, expected) for address in lanes)

    assert fast == slow
    assert all(answer and 200 <= answer[0] < 500 for answer in fast)


def test_both_lanes_have_stored_the_same_in_the_end(lanes):
    for address in lanes:
        talk(address, [request(packet(77))], 1)

    fast, slow = (get(f"{address}/v1/call/wire/packets?limit=1000") for address in lanes)

    def rows(page):
        return [(row["sequence"], row["data"], row["timestamp"]) for row in page["results"]]

    assert rows(fast) == rows(slow)
    assert rows(fast)
