"""Counts wrong keys by address, to slow down guessing."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from django.conf import settings

WINDOW_S = 60.0
MOST_ADDRESSES = 10_000
NETWORK_BITS = 64  # one sender has a whole network of IPv6


class Guesses:
    """The wrong keys of the last minute.

    A key that was admitted from an address before is trusted there, so that one program with a
    wrong key does not shut out the others behind its proxy.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, tuple[float, int]] = {}  # begin of the minute, wrong keys in it
        self._trusted: set[tuple[int, str]] = set()

    def wait_s(self, address: str) -> float:
        """Return for how many seconds no unknown key from this address is checked."""
        if not self._wrong or not settings.API_KEY_GUESSES:
            return 0.0
        begun_at, count = self._wrong.get(group_of(address), (0.0, 0))
        left = begun_at + WINDOW_S - self._clock()
        return max(left, 0.0) if count >= settings.API_KEY_GUESSES else 0.0

    def note_wrong(self, address: str) -> None:
        now, group = self._clock(), group_of(address)
        begun_at, count = self._wrong.get(group, (now, 0))
        if now - begun_at >= WINDOW_S:
            begun_at, count = now, 0
        if len(self._wrong) >= MOST_ADDRESSES:
            self._drop(now)
        self._wrong[group] = (begun_at, count + 1)

    def trust(self, key_id: int, address: str) -> None:
        if (key_id, address) in self._trusted:
            return
        if len(self._trusted) >= MOST_ADDRESSES:
            self._trusted.clear()
        self._trusted.add((key_id, address))

    def is_trusted(self, key_id: int, address: str) -> bool:
        return (key_id, address) in self._trusted

    def forget(self) -> None:
        self._wrong.clear()
        self._trusted.clear()

    def _drop(self, now: float) -> None:
        """Drop the minutes that are over; all of them if that is not enough."""
        kept = {key: one for key, one in list(self._wrong.items()) if now - one[0] < WINDOW_S}
        self._wrong = kept if len(kept) < MOST_ADDRESSES else {}


@lru_cache(maxsize=4096)
def group_of(address: str) -> str:
    """Return what counts as one sender: an address of IPv4, a network of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> NETWORK_BITS << NETWORK_BITS))


guesses = Guesses()
