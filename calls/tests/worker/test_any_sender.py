"""Any packets of any sender, over any interface of two web processes that die, make one whole call.

Each packet has a word of its own, so the transcript tells which it holds, and in which order.
"""

import json
import time
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.rig.services import Service
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import get, post, wait_until
from calls.tests.analysis.media.test_runs import senders
from calls.tests.ingest.test_ingest_servers import try_to_send

pytestmark = [pytest.mark.processes, pytest.mark.slow]
EXAMPLES = 15
LETTERS = str.maketrans("0123456789", "abcdefghij")
SETTINGS = {"AI_PROVIDER": "null", "REANALYSE_LATE": "false"}
steps = st.tuples(st.integers(0, 1), st.sampled_from(["batch", "socket", "batch", "die"]))


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("any"), **SETTINGS) as service:
        yield service


@pytest.fixture(scope="module")
def webs(service):
    addresses = [service.web() for _ in range(2)]
    processes = list(service.processes)
    service.worker()
    return addresses, processes


def word(packet):
    """Return the packet's own word, in letters: digits would be removed as a card's number."""
    return packet.data.translate(LETTERS)


def body(packet):
    return {
        "sequence": packet.sequence,
        "data": word(packet),
        "timestamp": packet.timestamp,
        "track": packet.track,
    }


def send_batch(address, call_id, bodies):
    wait_until(lambda: try_to_send(address, call_id, bodies)[0] == 202, what="the batch")


def send_over_socket(address, call_id, bodies):
    with connect(f"{address.replace('http', 'ws')}/v1/call/stream/{call_id}") as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "ready"
        socket.send(json.dumps(bodies))
        while json.loads(socket.recv(timeout=10))["count"] < len(bodies):
            pass


def replace_process(service, webs, process):
    """Kill a web process, and start another one in its place."""
    addresses, processes = webs
    processes[process].kill()
    processes[process].wait()
    addresses[process] = service.web()
    processes[process] = service.processes[-1]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sender=senders(), plan=st.lists(steps, min_size=1, max_size=6), number=st.integers(0, 2**40))
def test_every_packet_is_heard_once_in_spoken_order_and_the_call_ends_once(
    service, webs, sender, plan, number
):
    packets, sent, size = sender
    call_id = f"any-{number}-{time.monotonic_ns()}"
    turns, deaths = cycle(plan), 0

    for at in range(0, len(sent), size):
        process, way = next(turns)
        if way == "die" and deaths < 2:
            replace_process(service, webs, process)
            deaths += 1
        send = send_over_socket if way == "socket" else send_batch
        send(webs[0][process], call_id, [body(each) for each in sent[at : at + size]])
    first, second = (post(f"{each}/v1/call/{call_id}/end") for each in webs[0])
    call = f"{webs[0][0]}/v1/call/{call_id}"
    wait_until(lambda: get(call)["state"] == "ARCHIVED", patience_s=60, what="the archive")

    found = get(call)
    said = " ".join(turn["text"] for turn in get(f"{call}/transcript")["turns"]).split()
    assert said == [word(each) for each in packets]
    assert (found["packet_count"], found["late_count"]) == (len(packets), 0)
    assert found["duplicate_count"] == len(sent) - len(packets)
    assert found["end_reason"] == "requested"
    assert (first["status"], second["status"]) == ("processing_initiated", "already_completed")
    ends = [each for each in get(f"{call}/events")["results"] if each.get("state") == "COMPLETED"]
    assert len([each for each in ends if each["type"] == "state_change"]) == 1
