"""Generates the packets of a call: 20 ms of mu-law audio each, in order, without end."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import cycle

FRAME_S = 0.02
AUDIO = base64.b64encode(bytes(range(160)) + b"\xff\xff").decode()  # 216 characters
_PACKET = b'{"sequence":%%d,"data":"%s","timestamp":%%.2f}' % AUDIO.encode()


class Phone:
    """One call. Sequences increase by one, so only the client can cause gaps."""

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self.sequence = 0

    def packet(self) -> bytes:
        self.sequence += 1
        return _PACKET % (self.sequence, self.sequence * FRAME_S)

    def packets(self, count: int) -> bytes:
        """Return a JSON array."""
        return b"[%s]" % b",".join([self.packet() for _ in range(count)])


def share(phones: Sequence[Phone], connections: int) -> list[Iterator[Phone]]:
    """Give each connection its phones, which take turns.

    If there are fewer phones than connections, some connections share a phone, so packets of its
    call overtake each other.
    """
    if len(phones) < connections:
        return [cycle([phones[place % len(phones)]]) for place in range(connections)]
    return [cycle(phones[place::connections]) for place in range(connections)]
