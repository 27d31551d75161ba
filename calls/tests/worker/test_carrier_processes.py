"""Real processes: carriers that lose their connection, and web processes that stop or die."""

import json
import signal
import socket as sockets
import struct
import urllib.request
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from benchmarks.rig.services import Service
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import answers, get, post, wait_until
from calls.tests.ingest.carriers.carrier_calls import SID, TWILIO_START, codes, twilio_frames

pytestmark = pytest.mark.processes
SETTINGS = {"MEDIA_RECONNECT": "8", "MEDIA_STOP_GRACE": "1", "REANALYSE_LATE_WITHIN": "60"}
FRAMES = [message for message in twilio_frames(codes()) if message["media"]["track"] == "inbound"]
ABORT = struct.pack("ii", 1, 0)


@dataclass
class Site:
    """Two web processes and a worker."""

    service: Service
    addresses: list[str]

    lines: ExitStack

    def line(self, process, call_id, stream=SID):
        """Connect a carrier to a web process."""
        address = self.addresses[process].replace("http", "ws")
        socket = self.lines.enter_context(connect(f"{address}/v1/media", close_timeout=1))
        return Line(socket, call_id, stream)

    def process(self, number):
        return self.service.processes[number]

    def call(self, call_id):
        return get(f"{self.addresses[-1]}/v1/call/{call_id}")

    def state(self, call_id):
        call = self.call(call_id)
        return call["state"], call["end_reason"]

    def connections(self, state):
        with urllib.request.urlopen(f"{self.addresses[-1]}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        name = f'callcenter_media_connections{{state="{state}"}} '
        return int(float(text.partition(name)[2].split("\n")[0]))

    def has_frames(self, call_id, count):
        def check():
            if not answers(f"{self.addresses[-1]}/v1/call/{call_id}"):
                return False
            streams = self.call(call_id)["streams"]
            return sum(stream["frame_count"] for stream in streams) >= count

        return check

    def is_over(self, call_id):
        return lambda: self.state(call_id)[0] == "ARCHIVED"


@pytest.fixture
def site(tmp_path):
    with Service(tmp_path, **SETTINGS) as service, ExitStack() as lines:
        addresses = [service.web("--timeout", "5") for _ in range(2)]
        service.worker()
        yield Site(service, addresses, lines)


class Line:
    """A carrier's socket of one stream."""

    def __init__(self, socket, call_id, stream):
        self._socket = socket
        self._stream = stream
        start = json.loads(json.dumps(TWILIO_START).replace(SID, stream))
        start["start"]["callSid"] = call_id
        self._say(start)

    def send(self, frames):
        for frame in frames:
            self._say({**frame, "streamSid": self._stream})

    def _say(self, message):
        self._socket.send(json.dumps(message))

    def stop(self):
        self._say({"event": "stop", "streamSid": self._stream})
        with suppress(Exception):  # the server closes the socket
            self._socket.recv(timeout=20)

    def break_off(self):
        self._socket.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, ABORT)
        self._socket.socket.close()


def end_of(site, call_id):
    wait_until(site.is_over(call_id), patience_s=90, what="the archive")
    return site.state(call_id)[1]


def late_count(site, call_id):
    return site.call(call_id)["late_count"]


def test_a_broken_connection_can_resume_at_any_web_process(site):
    line = site.line(0, "broken")
    line.send(FRAMES[:50])
    wait_until(site.has_frames("broken", 50), what="the first half")  # an abort drops what waits
    line.break_off()
    wait_until(lambda: site.connections("broken") == 1, what="the break")
    after_break = site.state("broken")

    again = site.line(1, "broken")
    again.send(FRAMES[50:])
    wait_until(lambda: site.connections("open") == 1, what="the carrier")
    waiting = site.connections("broken")
    again.stop()

    assert (after_break, waiting) == (("IN_PROGRESS", ""), 0)
    assert end_of(site, "broken") == "requested"
    assert site.has_frames("broken", len(FRAMES))()
    assert late_count(site, "broken") == 0


@pytest.mark.slow
def test_a_call_survives_the_restart_of_its_web_process(site):
    line = site.line(0, "restart")
    line.send(FRAMES[:50])
    wait_until(site.has_frames("restart", 50), what="the first half")

    site.process(0).send_signal(signal.SIGTERM)
    site.process(0).wait(timeout=20)
    after_stop = site.state("restart"), site.connections("broken")
    again = site.line(1, "restart", stream="MZ2")
    again.send(FRAMES[50:])
    again.stop()

    assert after_stop == (("IN_PROGRESS", ""), 1)
    assert end_of(site, "restart") == "requested"
    assert site.has_frames("restart", len(FRAMES))()


def test_a_call_survives_a_kill_of_its_web_process(site):
    line = site.line(0, "killed")
    line.send(FRAMES[:50])
    wait_until(lambda: site.connections("open") == 1, what="the carrier")

    site.process(0).kill()
    site.process(0).wait()
    again = site.line(1, "killed")
    again.send(FRAMES[50:])
    wait_until(lambda: site.connections("broken") == 1, what="the end of the lease")
    meanwhile = site.state("killed")
    again.stop()

    assert meanwhile == ("IN_PROGRESS", "")
    assert end_of(site, "killed") == "requested"
    assert late_count(site, "killed") == 0


@pytest.mark.parametrize("how", ["break", pytest.param("kill", marks=pytest.mark.slow)])
def test_a_carrier_that_does_not_reconnect_ends_its_call_as_connection_lost(site, how):
    line = site.line(0, "lost")
    line.send(FRAMES)
    wait_until(lambda: site.connections("open") == 1, what="the carrier")

    if how == "break":
        line.break_off()
    else:
        site.process(0).kill()

    assert end_of(site, "lost") == "connection_lost"
    assert site.connections("broken") == 0


@pytest.mark.slow
def test_the_stop_of_one_stream_does_not_end_a_call_with_a_stream_elsewhere(site):
    holding = site.line(0, "two")
    holding.send(FRAMES[:25])
    other = site.line(1, "two")
    other.send(FRAMES[:25])
    wait_until(lambda: site.connections("open") == 2, what="both carriers")

    other.stop()
    wait_until(lambda: site.connections("stopped") == 1, what="the stop")
    holding.send(FRAMES[25:])
    wait_until(site.has_frames("two", 25 + 50), what="the audio after the stop")
    after_stop = site.state("two")
    holding.stop()

    assert after_stop == ("IN_PROGRESS", "")
    assert end_of(site, "two") == "requested"
    assert late_count(site, "two") == 0


def test_words_after_the_end_are_in_the_transcript(site):
    address = site.addresses[0]

    def say(number, words):
        packet = {"sequence": number, "data": words, "timestamp": number * 3.0}
        post(f"{address}/v1/call/stream/late", packet)

    say(1, "Hello, how can I help you?")
    post(f"{address}/v1/call/late/end")
    assert end_of(site, "late") == "requested"
    say(2, "Please call me tomorrow.")

    def words():
        turns = get(f"{address}/v1/call/late/transcript")["turns"]
        return " ".join(turn["text"] for turn in turns)

    wait_until(lambda: "Please call me tomorrow." in words(), patience_s=60, what="late words")
    assert "Hello, how can I help you?" in words()
