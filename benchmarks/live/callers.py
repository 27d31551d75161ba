"""A client that streams recorded calls in real time: `python -m benchmarks.live.callers LOAD`.

Each call is one carrier socket with two tracks, and plays recordings one after another. The client
prints one line of JSON: when each call began, by the clock of this machine, and the frames that it
could not send.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ingest.carriers import CarrierConnection
from benchmarks.ingest.connections import write_frame
from benchmarks.rig.load import Load, Tally
from benchmarks.speech.synthetic_voice import speak, synthesisers
from benchmarks.speech.text_scripts import TextScript, text_scripts
from calls.analysis.media.g711 import MULAW
from calls.simulation.scripts import load_recording

FRAME_S = 0.02
SAMPLES = 160  # in a frame
TRIES = 20  # a second apart: while pages and worker start, new streams may be refused
TICK_S = 0.005
SILENCE = b64encode(b"\xff" * 160)
PAUSE_FRAMES = 100  # of silence after each recording: two seconds
_MEDIA = (
    b'{"event":"media","sequenceNumber":"%d","streamSid":"MZ","media":'
    b'{"track":"%s","chunk":"%d","timestamp":"%d","payload":"%s"}}'
)


@dataclass(frozen=True)
class Plan:
    """One call: the recordings that it plays, and from when to when, in seconds of the run."""

    call_id: str
    slugs: tuple[str, ...]
    start_s: float = 0.0
    seconds: float = 0.0  # 0: each recording once


def frames(slug: str) -> list[tuple[bytes, bytes]]:
    """Return the frames of a recording or script, customer and agent, as base64 of 20 ms."""
    scripts = {script.name: script for script in text_scripts()}
    if slug in scripts:
        return [*_spoken(scripts[slug]), *[(SILENCE, SILENCE)] * PAUSE_FRAMES]
    stereo = [b64decode(packet.data) for packet in load_recording(slug).packets]
    spoken = [(b64encode(each[1::2]), b64encode(each[0::2])) for each in stereo]
    return [*spoken, *[(SILENCE, SILENCE)] * PAUSE_FRAMES]


def _spoken(script: TextScript) -> list[tuple[bytes, bytes]]:
    codes = np.argsort(MULAW).astype(np.uint8)
    tracks = {
        channel.speaker: codes[np.searchsorted(MULAW, channel.samples, sorter=codes)]
        for channel in speak(script, synthesisers()[0]).audio.channels
    }
    return [
        (b64encode(customer), b64encode(agent))
        for customer, agent in zip(_cut(tracks["customer"]), _cut(tracks["agent"]), strict=True)
    ]


def _cut(codes: NDArray[np.uint8]) -> list[bytes]:
    return [codes[at : at + SAMPLES].tobytes() for at in range(0, len(codes), SAMPLES)]


class Caller(CarrierConnection):
    """Sends the frames of its recordings."""

    def __init__(self, load: Load, tally: Tally, plan: Plan) -> None:
        super().__init__(load, tally, plan.call_id)
        self.plan = plan
        script = [frame for slug in plan.slugs for frame in frames(slug)]
        count = round(plan.seconds / FRAME_S) if plan.seconds else len(script)
        self.script = list(islice(cycle(script), count))

    @property
    def is_done(self) -> bool:
        return len(self.sent_at) >= len(self.script)

    def send_frames(self) -> None:
        at = len(self.sent_at)
        self.sent_at.append(time.time())
        if self.finished.done():
            self.tally.errors += 1
            return
        pairs = zip((b"inbound", b"outbound"), self.script[at], strict=True)
        messages = [
            _MEDIA % (2 * at + 2 + place, track, at + 1, at * 20, payload)
            for place, (track, payload) in enumerate(pairs)
        ]
        self.transport.write(b"".join(map(write_frame, messages)))

    async def play(self, begin: float) -> None:
        await asyncio.sleep(max(0.0, begin + self.plan.start_s - time.time()))
        await self.connect()
        await self.opened(tries=TRIES)
        first = time.time()
        while not self.is_done:
            while not self.is_done and first + len(self.sent_at) * FRAME_S <= time.time():
                self.send_frames()
            await asyncio.sleep(TICK_S)
        self.stop()
        await asyncio.sleep(1)  # the server reads the stop before the connection closes
        self.finish()


async def play(*, port: int, key: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    load = Load(kind="carrier", port=port, key=key)
    tally = Tally(load)
    plans = [Plan(**{**call, "slugs": tuple(call["slugs"])}) for call in calls]
    callers = [Caller(load, tally, plan) for plan in plans]
    begin = time.time() + 0.2
    await asyncio.gather(*(caller.play(begin) for caller in callers))
    return {
        "errors": tally.errors,
        "begun_at": {each.call_id: each.sent_at[0] for each in callers},
        "ended_at": {each.call_id: each.sent_at[-1] for each in callers},
    }


def main() -> None:
    sys.stdout.write(json.dumps(asyncio.run(play(**json.loads(sys.argv[1])))))


if __name__ == "__main__":
    main()
