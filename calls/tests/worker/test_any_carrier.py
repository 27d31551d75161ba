"""Any sequence of streams, breaks, deaths, restarts, wraps, repeats and clocks gives one call.

With two web processes and a worker. Each frame has content of its own, so the recording tells which
frames it holds, and in which order.
"""

import base64
import json
import signal
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import wait_until
from calls.ingest.carriers.heartbeat import RENEW_S
from calls.ingest.carriers.presence import LEASE_S
from calls.tests.ingest.carriers.test_carrier_numbering import BEGINS, socket_of
from calls.tests.worker.test_carrier_processes import Line, Site

pytestmark = [pytest.mark.processes, pytest.mark.slow]
EXAMPLES = 12
FRAME = 160
FRAME_S = 0.02
RECONNECT_S, GRACE_S = 4.0, 0.5
CLOSE_S = 1.5  # of ends that are nearer to each other, either may decide
SETTINGS = {
    "AI_PROVIDER": "null",
    "MEDIA_RECONNECT": f"{RECONNECT_S:g}",
    "MEDIA_STOP_GRACE": f"{GRACE_S:g}",
    "REANALYSE_LATE": "false",
}
READ = """
import json
from calls.analysis.recording.material import load_material
from calls.models import Call, CallEvent, Packet
call = Call.objects.get(call_id={call_id!r})
audio = load_material(call)
print(json.dumps({{
    "samples": {{each.speaker: each.samples.tolist() for each in audio.channels}},
    "reason": call.end_reason,
    "late": call.late_count,
    "notes": audio.notes,
    "rows": [
        f"{{each.stream.name}} run {{each.stream.run}}: {{each.sequence}} at {{each.timestamp}}, "
        f"{{len(each.data)}} characters, stored {{each.received_at}}"
        for each in Packet.objects.filter(stream__call=call).order_by("pk")
    ],
    "ends": CallEvent.objects.filter(call=call, state="COMPLETED", type="state_change").count(),
}}))
"""
spoken = {
    "clock": st.sampled_from(["runs on", "is reset", "none"]),
    "numbered": st.sampled_from(["number", "chunk", "both"]),
    "runs": st.lists(
        st.tuples(st.sampled_from(BEGINS), st.integers(24, 36)), min_size=1, max_size=2
    ),
    "window": st.integers(1, 6),
    "repeats": st.integers(0, 4),
    "seed": st.integers(0, 2**16),
}
segments = st.fixed_dictionaries(
    {
        **spoken,
        "process": st.integers(0, 1),
        "ends": st.sampled_from(["break", "die", "terminate", "stop"]),
        "beside": st.none()
        | st.fixed_dictionaries(
            {
                **spoken,
                "process": st.integers(0, 1),
                "ends": st.sampled_from(["break", "stop", "stay"]),
            }
        ),
    }
)
PLAIN = {
    "clock": "runs on",
    "numbered": "both",
    "runs": [(65_520, 30), (1, 30)],
    "window": 3,
    "repeats": 2,
    "seed": 1,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("any"), **SETTINGS) as service:
        yield service


@pytest.fixture(scope="module")
def webs(service):
    addresses = [service.web("--timeout", "5") for _ in range(2)]
    processes = list(service.processes)
    service.worker()
    return addresses, processes


@dataclass
class Socket:
    """A socket of a side. ``ends_at`` says between which times the call stops to wait for it."""

    name: str
    process: int
    line: Line
    frames: int = 0
    how: str = ""
    ends_at: tuple[float, float] = (0.0, 0.0)


@dataclass
class Carrier:
    """Plays both sides of one call in real time, each segment over a socket of its own."""

    service: Service
    addresses: list
    webs: list
    call_id: str
    sockets: list[Socket] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=lambda: {"MZ": 0, "MZ-agent": 0})

    @property
    def site(self):
        return Site(self.service, self.addresses, None)

    @property
    def open_sockets(self):
        return [each for each in self.sockets if not each.how]

    def open(self, process, name):
        address = self.addresses[process].replace("http", "ws")
        line = Line(connect(f"{address}/v1/media", close_timeout=1).__enter__(), self.call_id, name)
        self._resume(name)
        self.sockets.append(Socket(name, process, line))
        return self.sockets[-1]

    def _resume(self, name):
        """Forget the sockets that a new one takes the place of."""
        broken = [each for each in self.sockets if each.how == "break"]
        taken = [each for each in broken if each.name == name] or broken
        killed = [each for each in self.sockets if each.how == "die" and each.name == name]
        for each in [*taken[:1], *killed]:
            self.sockets.remove(each)

    def say(self, *parts):
        """Play segments on their sockets at the same time, and wait until they are stored."""
        ready = []
        for socket, plan in parts:
            socket.frames, sent = socket_of(plan)
            ready += [(at, socket, event) for at, event in enumerate(sent)]
        begin = time.monotonic()
        for at, socket, event in sorted(ready, key=lambda each: each[0]):
            time.sleep(max(0.0, begin + at * FRAME_S - time.monotonic()))
            socket.line.send([self._message(socket.name, event)])
        for socket, _ in parts:
            self.said[socket.name] += socket.frames
        stored = sum(self.said.values())
        wait_until(self.site.has_frames(self.call_id, stored), what=f"{stored} frames")

    def _message(self, name, event):
        at = self.said[name] + int.from_bytes(event.payload[:2], "big")
        track = "inbound" if name == "MZ" else "outbound"
        media = {"track": track, "payload": base64.b64encode(content(at)).decode()}
        if event.chunk is not None:
            media["chunk"] = str(event.chunk)
        if event.stamp is not None:
            media["timestamp"] = str(round(event.stamp))
        message = {"event": "media", "media": media}
        if event.number is not None:
            message["sequenceNumber"] = str(event.number)
        return message

    def end(self, socket, how):
        if how == "stop":
            socket.line.stop()
        else:
            socket.line.break_off()
        now, wait_s = time.monotonic(), GRACE_S if how == "stop" else RECONNECT_S
        socket.how, socket.ends_at = how, (now + wait_s, now + wait_s)

    def stop_process(self, process, how):
        """Kill a web process, or tell it to stop."""
        self.webs[process].send_signal(signal.SIGKILL if how == "die" else signal.SIGTERM)
        self.webs[process].wait(timeout=20)
        now = time.monotonic()
        for each in self.open_sockets:
            if each.process == process and how == "die":
                last = now + LEASE_S + RECONNECT_S
                each.how, each.ends_at = "die", (last - RENEW_S, last)
            elif each.process == process:
                each.how, each.ends_at = "break", (now + RECONNECT_S, now + RECONNECT_S)

    def start_process(self, process):
        self.addresses[process] = self.service.web("--timeout", "5")
        self.webs[process] = self.service.processes[-1]

    def true_reasons(self):
        """Return what the last wait to run out says, which may be a close thing."""
        last = max(each.ends_at[0] for each in self.sockets)
        deciding = [each for each in self.sockets if each.ends_at[1] > last - CLOSE_S]
        return {"requested" if each.how == "stop" else "connection_lost" for each in deciding}


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


def play(carrier, plan, *, leftovers):
    """Play a call. ``leftovers`` is how the agent's sockets end that outlive the customer's."""
    main = carrier.open(plan[0]["process"], "MZ")
    for at, segment in enumerate(plan):
        parts, is_last, beside = [(main, segment)], at == len(plan) - 1, segment["beside"]
        if beside:
            parts.append((carrier.open(beside["process"], "MZ-agent"), beside))
        carrier.say(*parts)
        if beside and beside["ends"] != "stay":
            carrier.end(parts[1][0], beside["ends"])
        ends = segment["ends"] if not is_last or segment["ends"] == "stop" else "break"
        following = None if is_last else plan[at + 1]["process"]
        if ends == "stop":
            ahead = None if is_last else carrier.open(following, "MZ")
            carrier.end(main, "stop")
            main = ahead
        elif ends == "break":
            carrier.end(main, "break")
            main = None if is_last else carrier.open(following, "MZ")
        else:
            process = main.process
            carrier.stop_process(process, ends)
            main = carrier.open(1 - process, "MZ")
            carrier.start_process(process)
    for socket in carrier.open_sockets:
        carrier.end(socket, leftovers)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    plan=[
        {**PLAIN, "process": 0, "ends": "terminate",
         "beside": {**PLAIN, "process": 1, "ends": "stay"}},
        {**PLAIN, "process": 1, "ends": "stop", "beside": None},
    ],
    leftovers="stop",
    number=1,
)  # fmt: skip
@given(
    plan=st.lists(segments, min_size=1, max_size=3),
    leftovers=st.sampled_from(["stop", "break"]),
    number=st.integers(0, 2**40),
)
def test_every_frame_is_in_the_call_once_in_order_and_it_ends_once_for_its_reason(
    service, webs, plan, leftovers, number
):
    call_id = f"any-{number}-{time.monotonic_ns()}"
    carrier = Carrier(service, *webs, call_id)

    play(carrier, plan, leftovers=leftovers)
    wait_until(carrier.site.is_over(call_id), patience_s=60, what=f"the archive of {call_id}")

    read = service.run("shell", "-v0", "-c", READ.format(call_id=call_id)).stdout
    seen = json.loads(read.splitlines()[-1])
    heard = {speaker: frames_of(samples) for speaker, samples in seen["samples"].items()}
    stored = "\n".join([*seen["notes"], *seen["rows"]])
    assert heard["customer"] == list(range(carrier.said["MZ"])), stored
    assert heard.get("agent", []) == list(range(carrier.said["MZ-agent"])), stored
    assert seen["reason"] in carrier.true_reasons()
    assert (seen["ends"], seen["late"]) == (1, 0)
