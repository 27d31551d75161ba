"""Three web and two worker processes behind nginx and pgbouncer, as in docs/operations.md."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connection

from benchmarks.rig.nginx import nginx
from benchmarks.rig.services import Service
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import get, post, wait_until
from calls.tests.operation.bouncer import bouncer
from calls.tests.programs import installed

pytestmark = pytest.mark.processes
CALLS = 12


def packet(sequence, data="I would like to change my address."):
    return {"sequence": sequence, "data": data, "timestamp": sequence * 1.0, "track": "customer"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the proxy, and the service behind it."""
    if connection.vendor != "postgresql":
        pytest.skip("several processes need PostgreSQL")
    programs = installed("nginx"), installed("pgbouncer")
    folder = tmp_path_factory.mktemp("several")
    with (
        Service(folder, AI_PROVIDER="null") as service,
        bouncer(programs[1], folder, service.database) as pooled,
    ):
        service.environment |= {
            "DATABASE_URL": pooled,
            "DATABASE_POOLER": "transaction",
            "DATABASE_DIRECT_URL": service.database,
        }
        ports = [int(service.web().rpartition(":")[2]) for _ in range(3)]
        for _ in range(2):
            service.worker()
        with nginx(programs[0], folder / "nginx", ports) as address:
            yield address, service
            service.close()  # while the pooler is there: they have something to store


def test_calls_are_received_followed_and_analysed_behind_proxy_and_pooler(site):
    address, _ = site
    sockets = address.replace("http", "ws")
    names = [f"several-{number}" for number in range(CALLS)]

    with connect(f"{sockets}/stream/ws/supervisor") as feed:
        with ThreadPoolExecutor(CALLS) as pool:
            list(pool.map(lambda name: carry(address, name), names))
        archived = follow(feed, names)

    assert archived == set(names)
    for name in names:
        call = get(f"{address}/v1/call/{name}")
        assert (call["packet_count"], call["state"]) == (5, "ARCHIVED")
        assert [each["number"] for each in call["attempts"]] == [1, 1]


def carry(address, name):
    """Send packets by every way in, and end the call."""
    post(f"{address}/v1/call/stream/{name}", packet(1))
    post(f"{address}/v1/call/stream/{name}/batch", [packet(2), packet(3)])
    with connect(f"{address.replace('http', 'ws')}/v1/call/stream/{name}") as socket:
        for number in (4, 5):
            socket.send(json.dumps(packet(number)))
        while json.loads(socket.recv(timeout=20)).get("sequence") != 5:
            pass
    post(f"{address}/v1/call/{name}/end")


def follow(feed, names):
    """Return the calls that the feed says are archived."""
    seen = set()
    while seen != set(names):
        event = json.loads(feed.recv(timeout=30))
        if event.get("type") == "state_change" and event.get("state") == "ARCHIVED":
            seen.add(event["call_id"])
    return seen


def test_migrations_bypass_the_pooler(site):
    _, service = site

    told = service.run("migrate")

    assert "No migrations to apply" in told.stdout


@pytest.mark.slow
def test_a_killed_process_causes_no_errors_for_clients(site):
    address, service = site
    acknowledged = Counter()
    over = threading.Event()
    odd = []

    def send(name):
        with httpx.Client(timeout=30) as client:
            while not over.is_set():
                number = acknowledged[name] + 1
                answer = client.post(f"{address}/v1/call/stream/{name}", json=packet(number))
                acknowledged[name] += answer.status_code == 202
                if answer.status_code != 202 and "retry-after" not in answer.headers:
                    odd.append(answer.status_code)

    names = ("k-1", "k-2", "k-3", "k-4")
    with ThreadPoolExecutor(len(names)) as pool:
        sending = [pool.submit(send, name) for name in names]
        try:
            service.processes[0].kill()
            service.processes[0].wait()
            wait_until(lambda: acknowledged["k-1"] > 100, patience_s=60, what="packets")
        finally:
            over.set()  # the pool waits for its threads
    for each in sending:
        each.result()
    stored = {name: get(f"{address}/v1/call/{name}")["packet_count"] for name in names}

    assert odd == []
    assert all(stored[name] >= acknowledged[name] for name in names)


def test_a_pooler_without_a_direct_address_is_refused(tmp_path):
    with Service(tmp_path, DATABASE_POOLER="transaction") as service:
        told = service.run("check", check=False)

    assert "also needs DATABASE_DIRECT_URL" in told.stderr
