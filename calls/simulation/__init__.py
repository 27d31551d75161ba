"""Makes calls as a telephone system would: what is said, the line it travels, the HTTP client.

Here: the address, key and names that every simulation is given, and its way to the server.
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
    """Nobody answers at the address."""


def check_url(url: str) -> str:
    """The URL without its last slash; ValueError if it is none."""
    with suppress(httpx.InvalidURL):
        parsed = httpx.URL(url)
        if parsed.scheme in {"http", "https"} and parsed.host:
            return url.rstrip("/")
    raise ValueError(f"--url must look like http://127.0.0.1:8000, not {url!r}.")


def check_api_key(given: str | None) -> str:
    """The key given, or the one in CALLCENTER_API_KEY, or an empty string."""
    key = (os.environ.get("CALLCENTER_API_KEY", "") if given is None else given).strip()
    if not key.isascii() or not key.isprintable():
        raise ValueError("--api-key may only hold printable ASCII characters.")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix if a call_id may begin with it; 64 characters leave room for the rest of 128."""
    if not re.fullmatch(r"[A-Za-z0-9._:@+-]{1,64}", prefix):
        raise ValueError("--prefix must be 1 to 64 letters, digits and . _ : @ + -")
    return prefix


def time_stamp() -> str:
    """Now, to the millisecond, so that two runs do not send to the same calls."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}{now.microsecond // 1000:03}"


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # takes longer than opening all lanes does


def open_http(url: str, api_key: str = "") -> httpx.AsyncClient:
    """A client for one server; drops idle connections before the server does (Uvicorn: 5 s)."""
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
    """So many clients, spread over ``urls``, for one request at a time each.

    One client for all would cost four times the CPU: its pool looks at every idle connection
    before each request.
    """
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(open_http(urls[place % len(urls)], api_key))
            for place in range(number)
        ]


async def wait_until_reachable(http: httpx.AsyncClient, patience: float) -> None:
    """Return when anything answers at all; UnreachableError after ``patience`` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            await http.get("/healthz")
        except httpx.TransportError as error:
            if asyncio.get_running_loop().time() >= deadline:
                reason = f"{type(error).__name__}: {error}"
                raise UnreachableError(
                    f"{http.base_url} does not answer ({reason}). Is the server running?"
                ) from error
        else:
            return
        await asyncio.sleep(0.2)
