"""How often a key may be used: a token bucket for each key, in the memory of this process."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from django.conf import settings

from calls.keys.keyring import ApiClient
from calls.keys.last_use import last_use

# Key in the ASGI scope: a token was taken for this request.
RATE_TAKEN = "callcenter.rate_taken"
BURST_S = 2.0  # without a burst of its own, a key may use up the limit of two seconds at once


class RateLimits:
    """Says how long a request has to wait.

    A bucket is one number, as in GCRA: the time at which it will be full again. Two threads that
    take from it at once may both get the same token, which costs less than a lock for each packet.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[int, float] = {}

    def take(self, client: ApiClient, *, limit: float, burst: float = 0) -> float:
        """Take a token. Return 0.0, or the seconds until there is one; then none was taken."""
        if not limit:
            return 0.0
        now = self._clock()
        full_at = max(self._full_at.get(client.key_id, 0.0), now)
        most = (burst or math.ceil(limit * BURST_S)) / limit
        wait_s = full_at + 1 / limit - now - most
        if wait_s > 1e-9:
            return wait_s
        self._full_at[client.key_id] = full_at + 1 / limit
        return 0.0

    def forget(self) -> None:
        self._full_at.clear()


rate_limits = RateLimits()


def wait_for_request(client: ApiClient) -> float:
    """Return the seconds that a request has to wait: by its key's limit, or the site's."""
    if client.rate_limit is not None:
        return _take(client, client.rate_limit, client.rate_burst)
    return _take(client, settings.API_RATE_LIMIT)


def wait_for_packets(client: ApiClient) -> float:
    """Likewise, for a request or frame with packets.

    The limit of the site does not count them: they are refused only when the server is overloaded.
    """
    return _take(client, client.rate_limit, client.rate_burst) if client.rate_limit else 0.0


async def delay_packets(client: ApiClient) -> None:
    """Wait until the key's limit admits a frame with packets, which counts as delayed once."""
    wait_s = wait_for_packets(client)
    while wait_s:
        await asyncio.sleep(wait_s)
        wait_s = rate_limits.take(client, limit=client.rate_limit or 0, burst=client.rate_burst)


def _take(client: ApiClient, limit: float, burst: int = 0) -> float:
    wait_s = rate_limits.take(client, limit=limit, burst=burst)
    if wait_s:
        last_use.count_limited(client.key_id)
    return wait_s


def told(wait_s: float) -> str:
    return f"This API key has used up its limit. Send the request again in {seconds(wait_s)} s."


def seconds(wait_s: float) -> int:
    """Return whole seconds for Retry-After, which knows no others."""
    return max(math.ceil(wait_s), 1)
