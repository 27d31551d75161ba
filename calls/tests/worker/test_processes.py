"""Web and worker as real processes: races, sudden deaths, and a clean stop."""

import json
import signal
import socket
from functools import partial

import psutil
import pytest

from benchmarks.rig.services import Service, descendants, kill
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import answers, free_port, get, post, wait_until

pytestmark = pytest.mark.processes
OVER = ("ARCHIVED", "FAILED")


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path) as running:
        yield running


def say(address, call_id, *sentences):
    for at, sentence in enumerate(sentences, 1):
        packet = {"sequence": at, "data": sentence, "timestamp": at * 3.0, "track": "customer"}
        assert post(f"{address}/v1/call/stream/{call_id}", packet) == {"status": "accepted"}


def end(address, call_id):
    return post(f"{address}/v1/call/{call_id}/end")


def state(address, call_id):
    return get(f"{address}/v1/call/{call_id}")["state"]


def test_up_runs_web_and_worker_and_leaves_no_process_behind(service):
    port = free_port()
    up = service.start("manage.py", "up", "--port", str(port), log="up")
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{address}/readyz"), what="web and worker")
    say(address, "one", "Hello, my name is Ann.", "Thank you, goodbye.")
    end(address, "one")
    wait_until(lambda: state(address, "one") == "ARCHIVED", what="the archive")
    family = descendants(up.pid)

    up.send_signal(signal.SIGINT)

    assert up.wait(timeout=10) == 0
    _, alive = psutil.wait_procs(family, timeout=1)
    assert alive == []
    assert "Stopped." in service.log("up")
    assert "manage.py createsuperuser" in service.log("up")


@pytest.mark.slow
def test_up_ends_everything_when_it_is_killed_itself(service):
    up = service.start("manage.py", "up", "--port", str(free_port()), log="up")
    wait_until(lambda: "callcenter is running" in service.log("up"), what="the start")
    family = descendants(up.pid)

    up.kill()

    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


STOPPED_AT = """
import os, signal, sys
import django
django.setup()
from calls.worker.cluster import Worker

moment = sys.argv[1]
step = getattr(Worker, moment)

def interrupted(self, *arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    return step(self, *arguments)

setattr(Worker, moment, interrupted)
Worker().run()
"""


@pytest.mark.parametrize("moment", ["_keep_pool", "_ask_for_work", "start", "_keep_watch"])
def test_a_worker_that_is_stopped_while_it_starts_stops(service, moment):
    worker = service.start("-c", STOPPED_AT, moment, log="worker")

    assert worker.wait(timeout=20) == 0, service.log("worker")


def test_up_says_which_port_is_taken(service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = service.run("up", "--port", port, check=False)

    assert result.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use." in result.stderr


def test_up_accepts_forever_only_with_demo(service):
    result = service.run("up", "--forever", check=False)

    assert result.returncode == 1
    assert "--forever needs --demo." in result.stderr


def test_a_call_whose_worker_process_is_killed_is_picked_up_again(tmp_path):
    with Service(tmp_path, AI_LEASE_SECONDS="1", AI_CHAOS_LATENCY="3") as service:
        address = service.web()
        worker = service.worker()
        say(address, "unlucky", "Hello.", "Goodbye.")
        end(address, "unlucky")
        running = f"{address}/v1/call/unlucky"
        wait_until(lambda: len(get(running)["attempts"]) == 2, what="the second stage")

        for process in descendants(worker.pid):
            kill(process)

        wait_until(lambda: state(address, "unlucky") in OVER, patience_s=90, what="the end")
        call = get(running)
        outcomes = [a["outcome"] for a in call["attempts"] if a["stage"] == "understand"]
        assert call["state"] == "ARCHIVED"
        assert outcomes == ["crashed", "succeeded"]


def test_a_worker_that_is_killed_leaves_no_process_behind(service):
    worker = service.worker()
    wait_until(lambda: len(descendants(worker.pid)) >= 5, what="the parts of the worker")
    family = descendants(worker.pid)

    worker.kill()

    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


@pytest.mark.slow
def test_a_worker_survives_the_death_of_an_idle_process(service):
    address = service.web()
    worker = service.worker()
    wait_until(lambda: answers(f"{address}/readyz"), what="the worker")
    idle = [p for p in descendants(worker.pid) if p.ppid() != worker.pid]
    # Whoever waits for work holds the lock of the queue; kill them all, one of them is it.
    for process in idle[:2]:
        kill(process)

    say(address, "after", "Hello.")
    end(address, "after")

    over = ("ARCHIVED", "FAILED")
    wait_until(lambda: state(address, "after") in over, patience_s=60, what="the end")
    assert state(address, "after") == "ARCHIVED"
    assert worker.poll() is None


def test_simultaneous_first_packets_at_two_servers_make_one_call(service):
    servers = [service.web(), service.web()]
    options = [part for server in servers for part in ("--url", server)]

    result = service.run("visualize_race", *options, "--rounds", "10", "--json", check=False)

    report = json.loads(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (report["requests"], report["accepted"]) == (50, 50)
    assert [race["packet_count"] for race in report["rounds"]] == [5] * 10


def test_a_change_made_by_the_worker_is_pushed_to_a_socket_of_the_web_process(service):
    address = service.web()
    service.worker()
    say(address, "watched", "Hello.")
    seen = []

    with connect(f"{address.replace('http', 'ws')}/stream/ws/supervisor") as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "hello"
        end(address, "watched")
        while not seen or seen[-1] not in OVER:
            message = json.loads(socket.recv(timeout=30))
            seen += [message["state"]] if message["type"] == "state_change" else []

    assert seen == ["COMPLETED", "PROCESSING_AI", "ARCHIVED"]


def test_accepted_packets_survive_a_kill_of_the_web_process(service):
    address = service.web()
    say(address, "kept", "One.", "Two.", "Three.")

    service.processes[0].kill()

    again = service.web()
    assert get(f"{again}/v1/call/kept")["packet_count"] == 3


@pytest.mark.speech
@pytest.mark.slow
def test_recorded_calls_over_a_bad_line_get_correct_transcripts(tmp_path):
    chaos = {"AI_CHAOS_FAILURE_RATE": "0.25", "AI_CHAOS_LATENCY": "1-3", "AI_RETRY_BASE": "0.2"}
    with Service(tmp_path, **chaos) as service:
        address = service.web()
        service.worker()

        service.run(
            *("simulate_calls", "--url", address, "--speed", "0", "--batch", "25"),
            *("--shuffle", "0.05", "--duplicates", "0.05"),
        )

        calls = [call["call_id"] for call in get(f"{address}/v1/call")["results"]]
        assert len(calls) == 6
        for call_id in calls:
            wait_until(partial(is_over, address, call_id), patience_s=180, what=call_id)
            check_transcript(address, call_id)


def is_over(address, call_id):
    return state(address, call_id) in OVER


def check_transcript(address, call_id):
    from calls.tests.truth import truth_of, word_error_rate

    call = get(f"{address}/v1/call/{call_id}")
    if call["state"] == "FAILED":  # one in five hundred: five times 503 in a row
        assert max(attempt["number"] for attempt in call["attempts"]) == 5
        return
    found, truth = get(f"{address}/v1/call/{call_id}/transcript"), truth_of(call_id)
    assert word_error_rate(truth["turns"], found["turns"]) <= 0.20
    assert [t["speaker"] for t in found["turns"]] == [t["speaker"] for t in truth["turns"]]
