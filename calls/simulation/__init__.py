"""Simulates calls as a phone system would send them.

client   Plays calls to a server over HTTP, and counts the responses.
line     Loses, duplicates and delays packets, repeatably.
scripts  The content of calls: recordings and invented text calls.
demo_calls/  The recordings, each with its script.

This module checks the options of every simulation and opens the connections.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import cache

import httpx


class UnreachableError(Exception):
    """No server responds at the address."""


def check_url(url: str) -> str:
    """Return the URL without trailing slash. Raises ValueError if it is not a URL."""
    with suppress(httpx.InvalidURL):
        parsed = httpx.URL(url)
        if parsed.scheme in {"http", "https"} and parsed.host:
            return url.rstrip("/")
    raise ValueError(f"--url must look like http://127.0.0.1:8000, not {url!r}.")


def check_api_key(given: str | None) -> str:
    """Return the given key, or the one in CALLCENTER_API_KEY, or an empty string."""
    key = (os.environ.get("CALLCENTER_API_KEY", "") if given is None else given).strip()
    if not key.isascii() or not key.isprintable():
        raise ValueError("--api-key may contain only printable ASCII characters.")
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix if a call id may start with it. 64 of 128 characters are for the rest."""
    if not re.fullmatch(r"[A-Za-z0-9._:@+-]{1,64}", prefix):
        raise ValueError("--prefix must be 1 to 64 letters, digits and . _ : @ + -")
    return prefix


def time_stamp() -> str:
    """Return the time to the millisecond, so that two runs do not use the same call ids."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}{now.microsecond // 1000:03}"


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # cached: takes longer than opening all lanes


def open_http(url: str, api_key: str = "") -> httpx.AsyncClient:
    """Return a client that drops idle connections before the server does (Uvicorn: 5 s)."""
    return httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        limits=httpx.Limits(keepalive_expiry=2),
        timeout=30,
        trust_env=False,
        verify=_tls(),
    )


@asynccontextmanager
async def open_lanes(
    urls: Sequence[str], api_key: str, number: int
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Open ``number`` clients, spread over ``urls``, each for one request at a time.

    A single client would take four times the CPU: its pool checks every idle connection before
    each request.
    """
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(open_http(urls[place % len(urls)], api_key))
            for place in range(number)
        ]


async def wait_until_reachable(http: httpx.AsyncClient, patience: float) -> None:
    """Return when the server responds. Raises UnreachableError after ``patience`` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            await http.get("/healthz")
        except httpx.TransportError as error:
            if asyncio.get_running_loop().time() >= deadline:
                reason = f"{type(error).__name__}: {error}"
                raise UnreachableError(
                    f"{http.base_url} does not respond ({reason}). Is the server running?"
                ) from error
        else:
            return
        await asyncio.sleep(0.2)
