"""A client that sends single packets at a fixed rate: `python -m benchmarks.speech.paced LOAD`.

Latency counts from the time when a packet is due, so it includes the stalls of the server. A byte
on standard input starts the measurement and discards earlier results. The client stops when its
standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from array import array
from contextlib import suppress
from typing import Any

from benchmarks.rig.load import percentile

LANES = 16  # connections, used in turn: the limit of unanswered packets
DATA = "//9+fn5//35+fg==" * 13


class Paced:
    def __init__(self, *, port: int, key: str, per_s: float) -> None:
        self._port, self._key, self._per_s = port, key, per_s
        self._begin = time.perf_counter()
        self._over = False
        self.latencies = array("d")
        self.refused = 0

    async def run(self) -> dict[str, Any]:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._listen)
        begin = time.perf_counter()
        await asyncio.gather(*(self._lane(number, begin) for number in range(LANES)))
        ordered = sorted(self.latencies)
        return {
            "per_s": len(ordered) / (time.perf_counter() - self._begin),
            "p50_ms": 1000 * percentile(ordered, 50),
            "p99_ms": 1000 * percentile(ordered, 99),
            "max_ms": 1000 * percentile(ordered, 100),
            "refused": self.refused,
        }

    def _listen(self) -> None:
        if os.read(sys.stdin.fileno(), 1):
            self.latencies, self._begin = array("d"), time.perf_counter()
        else:
            self._over = True
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    async def _lane(self, number: int, begin: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        sequence = 0
        while not self._over:
            due = begin + (number + sequence * LANES) / self._per_s
            sequence += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(self._request(number, sequence))
            status = await _status(reader)
            # From `due`, not from the sending: a stall also delays the packets behind it.
            self.latencies.append(time.perf_counter() - due)
            self.refused += status != 202
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def _request(self, number: int, sequence: int) -> bytes:
        packet = {"sequence": sequence, "data": DATA, "timestamp": sequence * 0.02}
        body = json.dumps(packet).encode()
        head = (
            f"POST /v1/call/stream/paced-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {self._key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    length = next(int(one[15:]) for one in lines if one.lower().startswith("content-length:"))
    await reader.readexactly(length)
    return int(lines[0].split()[1])


def main() -> None:
    load = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(asyncio.run(Paced(**load).run())))


if __name__ == "__main__":
    main()
