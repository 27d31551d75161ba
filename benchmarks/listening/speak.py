"""Streams calls as a carrier does, and loses some frames. Each frame says its number.

``python -m benchmarks.listening.speak PORT CALLS SECONDS LOSS_PERMILLE`` prints the time of its
first frame as soon as that is sent.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import time

from benchmarks.ingest.carriers import FRAME_S, TICK_S, TRACKS, CarrierConnection
from benchmarks.ingest.connections import write_frame
from benchmarks.rig.load import Load, Tally

LEVELS = 160
# The loudest codes of mu-law, whose levels are far apart.
CODES = [*range(0x80, 0xD0), *range(0x50)]
_MEDIA = (
    b'{"event":"media","sequenceNumber":"%d","streamSid":"MZ","media":'
    b'{"track":"%s","chunk":"%d","timestamp":"%d","payload":"%s"}}'
)
_PAYLOADS = [base64.b64encode(bytes([code]) * 160) for code in CODES]


def is_lost(call: int, frame: int, permille: int) -> bool:
    """Whether a frame is lost. ears.js knows the same rule."""
    return ((frame + 1) * 2_654_435_761 + call * 40_503) % 2**32 // 7 % 1000 < permille


class Speaker(CarrierConnection):
    """One call whose frames have a constant level, which tells their number modulo LEVELS."""

    def __init__(self, load: Load, tally: Tally, number: int, permille: int) -> None:
        super().__init__(load, tally, f"bench-{number}")
        self._number, self._permille = number, permille

    def send_frames(self) -> None:
        at = len(self.sent_at)
        self.sent_at.append(time.time())
        if self.finished.done():
            self.tally.errors += 1
        elif not is_lost(self._number, at, self._permille):
            number, payload = at * len(TRACKS) + 2, _PAYLOADS[at % LEVELS]
            for place, track in enumerate(TRACKS):
                media = _MEDIA % (number + place, track, at + 1, at * 20, payload)
                self.transport.write(write_frame(media))


async def speak(port: int, calls: int, seconds: float, permille: int) -> None:
    load = Load(kind="carrier", port=port, key="", seconds=seconds)
    tally = Tally(load)
    speakers = [Speaker(load, tally, number, permille) for number in range(calls)]
    await asyncio.gather(*(each.connect() for each in speakers))
    while not all(each.is_open for each in speakers):  # noqa: ASYNC110 (they open in any order)
        await asyncio.sleep(TICK_S)
    begin = time.time()
    print(begin, flush=True)  # noqa: T201
    while (elapsed := time.time() - begin) < seconds:
        for each in speakers:
            while len(each.sent_at) * FRAME_S < elapsed:
                each.send_frames()
        await asyncio.sleep(TICK_S)


if __name__ == "__main__":
    asyncio.run(speak(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
