"""SIGTERM in the middle of a long local transcription, which no thread can interrupt."""

from __future__ import annotations

import signal
import time

import pytest

from benchmarks.rig.services import Service, descendants
from benchmarks.rig.waiting import get, post, wait_until
from calls.simulation.scripts import load_recording

pytestmark = [pytest.mark.processes, pytest.mark.speech]
REPEATED = 20  # of a call of about a minute: far longer than a worker may take to stop
BATCH, FRAMES_PER_S = 1000, 50
STOP_S = 20


def send_long_call(address: str) -> None:
    script = load_recording("lost-card")
    post(f"{address}/v1/call/long/start", {"media": script.opening.media})
    for number in range(REPEATED):
        begin = number * len(script.packets)
        packets = [
            {"sequence": begin + one.sequence, "data": one.data, "timestamp": at / FRAMES_PER_S}
            for at, one in enumerate(script.packets, begin)
        ]
        for first in range(0, len(packets), BATCH):
            post(f"{address}/v1/call/stream/long/batch", packets[first : first + BATCH])
    post(f"{address}/v1/call/long/end")


def test_a_worker_stops_in_time_and_the_attempt_is_not_used_up(tmp_path):
    with Service(tmp_path, AI_LEASE_SECONDS="60") as service:
        address = service.web()
        worker = service.worker()
        send_long_call(address)
        long = f"{address}/v1/call/long"
        wait_until(lambda: get(long)["attempts"], patience_s=60, what="the transcription")
        runner = busiest(worker.pid)
        wait_until(lambda: sum(runner.cpu_times()[:2]) > 5, patience_s=60, what="Whisper at work")
        told_at = time.monotonic()

        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=STOP_S)

        took_s = time.monotonic() - told_at
        (attempt,) = get(long)["attempts"]
        assert took_s < STOP_S
        assert (attempt["outcome"], attempt["code"]) == ("released", "stopped")
        assert get(long)["state"] == "PROCESSING_AI"
        assert descendants(worker.pid) == []
        # The next worker takes it at once, and its attempt is the first again.
        service.worker()
        wait_until(lambda: len(get(long)["attempts"]) == 2, what="the next attempt")
        assert get(long)["attempts"][-1]["number"] == 1


def busiest(pid: int):
    def find():
        family = descendants(pid)
        return max(family, key=lambda each: sum(each.cpu_times()[:2])) if family else None

    return wait_until(
        lambda: (found := find()) and sum(found.cpu_times()[:2]) > 2 and found,
        patience_s=60,
        what="a busy process",
    )
