"""Webhooks end to end: a real worker, and a receiver that fails in every way it can."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.rig.services import Service, descendants, kill
from benchmarks.rig.waiting import answers, get, post, wait_until
from calls.tests.fake_server import GARBAGE, RESET, FakeServer, Reply

pytestmark = pytest.mark.processes
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "alerts.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwTfKQ9r8GKYqr"
MAKE = """
import json, sys
from calls import events
from calls.models import AlertRule, WebhookEndpoint
AlertRule.objects.update(enabled=False)  # silence, for instance, would raise an alert
for name, url in json.loads({!r}).items():
    WebhookEndpoint.objects.create(
        name=name, url=url, secret={!r}, state_changes=True, position=events.head()
    )
"""
SHOW = """
import json
from calls.models import WebhookDelivery as D, WebhookEndpoint as E
rows = D.objects.order_by("id").values_list(
    "endpoint__name", "state", "attempts", "status_code", "error", "response"
)
print(json.dumps([list(rows), list(E.objects.values_list("name", "enabled", "disabled_reason"))]))
"""


def is_ours(seen):
    """Verify with the code that the documentation prints."""
    scope: dict = {}
    exec(re.search(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)[1], scope)
    return scope["is_ours"](SECRET, seen.headers, seen.raw)


def make_endpoints(service, urls):
    service.run("shell", "-v", "0", "-c", MAKE.format(json.dumps(urls), SECRET))


def show(service):
    return json.loads(service.run("shell", "-v", "0", "-c", SHOW).stdout)


def open_call(address, call_id):
    packet = {"sequence": 1, "data": "Hello?", "timestamp": 1, "track": "customer"}
    post(f"{address}/v1/call/stream/{call_id}", packet)


def misbehave(plans):
    """Answer each path with the replies of its plan, one after the other, and then with 204."""
    count: defaultdict[str, int] = defaultdict(int)

    def reply(seen):
        plan = plans.get(seen.path, [])
        at, count[seen.path] = count[seen.path], count[seen.path] + 1
        return plan[at] if at < len(plan) else Reply(204)

    return reply


@pytest.mark.slow
def test_every_message_arrives_however_its_receiver_misbehaves(tmp_path):
    plans = {
        "/errs": [Reply(500, "no such tenant")],
        "/busy": [Reply(429, headers="Retry-After: 1\r\n")],
        "/resets": [RESET],
        "/moves": [Reply(302, headers="Location: http://127.0.0.1:1/elsewhere\r\n")],
        "/garbles": [GARBAGE],
        "/slow": [Reply(204, delay=3)],
        "/gone": [Reply(410)],
    }
    with FakeServer() as receiver, Service(tmp_path) as service:
        receiver.misbehave = misbehave(plans)
        urls = {path[1:]: f"{receiver.url}{path}" for path in plans}
        make_endpoints(
            service, {**urls, "private": "http://10.0.0.1/", "named": "http://0x7f.1:1/"}
        )
        address = service.web()
        service.worker()
        wait_until(lambda: answers(f"{address}/readyz"), what="the worker")
        open_call(address, "c-1")

        # One try for those who take it or are gone, a second one for everybody else.
        enough = {path: 1 if path in ("/slow", "/gone") else 2 for path in plans}
        wait_until(
            lambda: all(len(receiver.posts(path)) >= n for path, n in enough.items()),
            what="the second tries",
        )
        rows, endpoints = wait_until(lambda: outcomes(service), what="the outcomes")
        told = get(f"{address}/v1/events?limit=1000")["results"]

    by_name = {name: rest for name, *rest in rows}
    assert all(is_ours(seen) for seen in receiver.seen)
    for path, count in enough.items():
        posts = receiver.posts(path)
        assert len({seen.headers["webhook-id"] for seen in posts}) == 1, path
        assert len(posts) == count, path
    assert by_name["gone"][:3] == ["given_up", 1, 410]
    assert {name: by_name[name][0] for name in ("errs", "busy", "resets", "garbles", "slow")} == (
        dict.fromkeys(("errs", "busy", "resets", "garbles", "slow"), "delivered")
    )
    assert "not a public address" in by_name["private"][3]
    assert ["gone", False, "The receiver says that it is gone (410)."] in endpoints
    (disabled,) = [one for one in told if one["type"] == "webhook_disabled"]
    assert (disabled["call_id"], disabled["data"]["endpoint"]) == (None, "gone")
    busy = receiver.posts("/busy")
    assert 1 <= busy[1].at - busy[0].at < 4  # as long as Retry-After said, not the usual 5 s


def outcomes(service):
    """Return all deliveries and endpoints, or None while a delivery is still due."""
    rows, endpoints = show(service)
    waits = any(row[1] == "pending" and row[0] not in ("private", "named") for row in rows)
    return None if waits else (rows, endpoints)


@pytest.mark.slow
def test_a_message_survives_a_kill_of_its_sender(tmp_path):
    release = threading.Event()

    def hang(seen):
        return None if release.is_set() else Reply(204, delay=60)

    with FakeServer() as receiver, Service(tmp_path) as service:
        receiver.misbehave = lambda seen: hang(seen) or Reply(204)
        make_endpoints(service, {"crm": f"{receiver.url}/hook"})
        address = service.web()
        worker = service.worker()
        wait_until(lambda: answers(f"{address}/readyz"), what="the worker")
        open_call(address, "c-1")
        wait_until(lambda: receiver.posts("/hook"), what="the first try")

        family = descendants(worker.pid)
        kill_all(worker, family)
        release.set()
        open_call(address, "c-2")  # while nobody is there
        service.worker()
        seen = wait_until(
            lambda: (
                len({one.headers["webhook-id"] for one in receiver.posts("/hook")}) == 2
                and len(receiver.posts("/hook")) >= 3
                and receiver.posts("/hook")
            ),
            patience_s=60,
            what="both messages",
        )

    assert {one.body["data"]["call_id"] for one in seen} == {"c-1", "c-2"}
    assert all(is_ours(one) for one in seen)


def kill_all(worker, family):
    worker.kill()
    worker.wait()
    for process in family:
        if process.is_running():
            kill(process)


@pytest.mark.slow
def test_a_hanging_endpoint_does_not_hold_up_others(tmp_path):
    calls = 60
    with FakeServer() as receiver, Service(tmp_path) as service:
        receiver.misbehave = lambda seen: Reply(204, delay=60 if seen.path == "/hangs" else 0)
        make_endpoints(service, {name: f"{receiver.url}/{name}" for name in ("hangs", "quick")})
        address = service.web()
        service.worker()
        wait_until(lambda: answers(f"{address}/readyz"), what="the worker")
        began = {}

        for number in range(calls):
            began[f"c-{number}"] = time.monotonic()
            open_call(address, f"c-{number}")
        wait_until(lambda: len(receiver.posts("/quick")) >= calls, what="the messages")
        quick = receiver.posts("/quick")
        hanging = receiver.posts("/hangs")

    delays = sorted(one.at - began[one.body["data"]["call_id"]] for one in quick)
    assert len(quick) == calls, delays
    assert 1 <= len(hanging) <= 8
    assert delays[len(delays) * 95 // 100] < 5
