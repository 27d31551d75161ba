"""Alerts with real workers: they arrive in time, and once each, whichever process dies."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import psutil
import pytest

from benchmarks.rig.services import Service, kill
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import answers, get, post, wait_until

pytestmark = pytest.mark.processes
BAR_S = 3.0  # the 95th percentile, from the answer to a packet to the alert on the socket
CALLS, SECONDS = 100, 10
WORDS = "You will hear from my lawyer."


def watcher_of(worker):
    """Return the watcher, the only process of a worker without children of its own."""
    parts = psutil.Process(worker.pid).children()
    return next((part for part in parts if not part.children()), None)


def say(address, call_id, sequence, words):
    packet = {"sequence": sequence, "data": words, "timestamp": sequence, "track": "customer"}
    post(f"{address}/v1/call/stream/{call_id}", packet)


@pytest.mark.slow
def test_words_in_a_hundred_live_calls_raise_alerts_within_seconds(tmp_path):
    told, ready = {}, threading.Event()

    def listen(address):
        with connect(f"{address.replace('http', 'ws')}/stream/ws/supervisor") as socket:
            ready.set()
            while len(told) < CALLS:
                message = json.loads(socket.recv(timeout=60))
                if message["type"] == "alert_raised":
                    told.setdefault(message["call_id"], time.monotonic())

    with Service(tmp_path) as service:
        address = service.web()
        worker = service.worker()
        wait_until(lambda: answers(f"{address}/readyz"), what="the worker")
        wait_until(lambda: watcher_of(worker), what="the watcher")
        listener = threading.Thread(target=listen, args=(address,), daemon=True)
        listener.start()
        assert ready.wait(10)
        cpu_s = sum(watcher_of(worker).cpu_times()[:2])

        said = talk(address)
        listener.join(timeout=60)
        cpu_s = sum(watcher_of(worker).cpu_times()[:2]) - cpu_s

    delays = sorted(told[call_id] - at for call_id, at in said.items() if call_id in told)
    figures = {
        "told": len(delays),
        "p50_s": round(delays[len(delays) // 2], 2),
        "p95_s": round(delays[len(delays) * 95 // 100], 2),
        "worst_s": round(delays[-1], 2),
        "watcher_cpu_s": round(cpu_s, 2),
    }
    assert len(delays) == CALLS, figures
    assert figures["p95_s"] < BAR_S, figures


def talk(address):
    """Let each call say something every second, and the words once. Return when, by call."""
    said = {}
    begin = time.monotonic()
    for second in range(SECONDS):
        for number in range(CALLS):
            is_time = second == 1 + number % (SECONDS - 1)
            say(address, f"c-{number}", second + 1, WORDS if is_time else "It is about my line.")
            if is_time:
                said[f"c-{number}"] = time.monotonic()
        time.sleep(max(0.0, begin + second + 1 - time.monotonic()))
    return said


@pytest.mark.slow
def test_each_alert_is_raised_once_while_two_workers_run_and_watchers_are_killed(tmp_path):
    calls = 60
    with Service(tmp_path) as service:
        address = service.web()
        workers = [service.worker(), service.worker()]
        wait_until(lambda: answers(f"{address}/readyz"), what="the workers")
        wait_until(lambda: all(map(watcher_of, workers)), what="the watchers")

        for number in range(calls):
            say(address, f"c-{number}", 1, WORDS)
            if number % 20 == 10:
                kill(watcher_of(workers[number // 20 % 2]) or watcher_of(workers[0]))
        found = wait_until(
            lambda: len(raised(address)) >= calls and raised(address),
            patience_s=60,
            what="all alerts",
        )
        wait_until(lambda: all(map(watcher_of, workers)), what="new watchers")
        say(address, "last", 1, WORDS)
        wait_until(lambda: "last" in raised(address), what="the last alert")
        found = raised(address)
        events = Counter(
            one["call_id"]
            for one in get(f"{address}/v1/events?limit=1000")["results"]
            if one["type"] == "alert_raised"
        )

    assert Counter(found) == events
    assert set(found) == {"last", *(f"c-{number}" for number in range(calls))}
    assert max(events.values()) == 1


def raised(address):
    return [one["call_id"] for one in get(f"{address}/v1/alerts?limit=200")["results"]]
