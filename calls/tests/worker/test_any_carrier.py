"""Any sequence of streams, breaks, deaths, restarts, wraps, repeats and clocks gives one call.

With two web processes and a worker. Each frame has content of its own, so the recording tells which
frames it holds, and in which order.
"""

import base64
import json
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import wait_until
from calls.tests.ingest.carriers.test_carrier_numbering import BEGINS, socket_of
from calls.tests.worker.test_carrier_processes import Line, Site

pytestmark = [pytest.mark.processes, pytest.mark.slow]
EXAMPLES = 12
FRAME = 160
FRAME_S = 0.02
SETTINGS = {
    "AI_PROVIDER": "null",
    "MEDIA_RECONNECT": "4",
    "MEDIA_STOP_GRACE": "0.5",
    "REANALYSE_LATE": "false",
}
READ = """
import json
from calls.analysis.recording.material import load_material
from calls.models import Call, CallEvent
call = Call.objects.get(call_id={call_id!r})
audio = load_material(call)
print(json.dumps({{
    "samples": [channel.samples.tolist() for channel in audio.channels],
    "reason": call.end_reason,
    "late": call.late_count,
    "ends": CallEvent.objects.filter(call=call, state="COMPLETED", type="state_change").count(),
}}))
"""
segments = st.fixed_dictionaries(
    {
        "process": st.integers(0, 1),
        "ends": st.sampled_from(["break", "die", "stop"]),
        "clock": st.sampled_from(["runs on", "is reset", "none"]),
        "numbered": st.sampled_from(["number", "chunk", "both"]),
        "runs": st.lists(
            st.tuples(st.sampled_from(BEGINS), st.integers(24, 36)), min_size=1, max_size=2
        ),
        "window": st.integers(1, 6),
        "repeats": st.integers(0, 4),
        "seed": st.integers(0, 2**16),
    }
)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("any"), **SETTINGS) as service:
        yield service


class Carrier:
    """Plays segments of one call, each over a socket of its own, in real time."""

    def __init__(self, service, addresses, webs, call_id):
        self.service, self.addresses, self.webs = service, addresses, webs
        self.call_id = call_id
        self.lines = []
        self.stored = self.spoken = 0

    @property
    def site(self):
        return Site(self.service, self.addresses, None)

    def open(self, process, stream):
        from websockets.sync.client import connect

        address = self.addresses[process].replace("http", "ws")
        self.lines.append(connect(f"{address}/v1/media", close_timeout=1).__enter__())
        return Line(self.lines[-1], self.call_id, stream)

    def say(self, line, plan):
        count, sent = socket_of(plan)
        begin = time.monotonic()
        for at, event in enumerate(sent):
            time.sleep(max(0.0, begin + at * FRAME_S - time.monotonic()))
            line.send([self._message(event)])
        self.spoken += count
        self.stored += count
        site = self.site
        wait_until(site.has_frames(self.call_id, self.stored), what=f"{self.stored} frames")

    def _message(self, event):
        at = self.spoken + int.from_bytes(event.payload[:2], "big")
        media = {"track": "inbound", "payload": base64.b64encode(content(at)).decode()}
        if event.chunk is not None:
            media["chunk"] = str(event.chunk)
        if event.stamp is not None:
            media["timestamp"] = str(round(event.stamp))
        message = {"event": "media", "media": media}
        if event.number is not None:
            message["sequenceNumber"] = str(event.number)
        return message

    def die(self, process):
        """Kill a web process, and start another one in its place."""
        self.webs[process].kill()
        self.webs[process].wait()
        self.addresses[process] = self.service.web()
        self.webs[process] = self.service.processes[-1]


def content(at):
    """Return the frame number ``at``: two codes in turn that are no silence."""
    return bytes([at // 100 + 1, at % 100 + 1]) * (FRAME // 2)


def frames_of(samples):
    """Return the numbers of the frames in decoded audio, in order."""
    from calls.analysis.media.g711 import MULAW

    codes = {int(sample): code for code, sample in enumerate(np.asarray(MULAW)[:127])}
    found, at = [], 0
    while at < len(samples):
        if samples[at] == 0:
            at += 1
            continue
        high, low = codes[samples[at]], codes[samples[at + 1]]
        assert samples[at : at + FRAME] == [samples[at], samples[at + 1]] * (FRAME // 2)
        found.append((high - 1) * 100 + low - 1)
        at += FRAME
    return found


@pytest.fixture(scope="module")
def webs(service):
    addresses = [service.web() for _ in range(2)]
    processes = list(service.processes)
    service.worker()
    return addresses, processes


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(segments, min_size=1, max_size=3), number=st.integers(0, 2**40))
def test_every_frame_is_in_the_call_once_in_order_and_it_ends_once_for_its_reason(
    service, webs, plan, number
):
    addresses, processes = webs
    call_id = f"any-{number}-{time.monotonic_ns()}"
    carrier = Carrier(service, addresses, processes, call_id)

    line = carrier.open(plan[0]["process"], "MZ")
    for at, segment in enumerate(plan):
        carrier.say(line, segment)
        ends, is_last = segment["ends"], at == len(plan) - 1
        following = None if is_last else plan[at + 1]["process"]
        if ends == "stop":
            ahead = None if is_last else carrier.open(following, "MZ")
            line.stop()
            line = ahead
        elif ends == "die" and not is_last:
            carrier.die(segment["process"])
            line = carrier.open(following, "MZ")
        else:
            line.break_off()
            line = None if is_last else carrier.open(following, "MZ")
    site = carrier.site
    wait_until(site.is_over(call_id), patience_s=60, what=f"the archive of {call_id}")
    read = service.run("shell", "-v0", "-c", READ.format(call_id=call_id)).stdout
    seen = json.loads(read.splitlines()[-1])

    heard = [frames for frames in map(frames_of, seen["samples"]) if frames]
    assert heard == [list(range(carrier.spoken))]
    assert seen["reason"] == ("requested" if plan[-1]["ends"] == "stop" else "connection_lost")
    assert (seen["ends"], seen["late"]) == (1, 0)
