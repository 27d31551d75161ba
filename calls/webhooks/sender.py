"""Posts one signed message: no redirects, no body read, and an end after ten seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import lru_cache
from ssl import SSLContext

import httpcore
import httpx
from django.utils import timezone

from calls.webhooks import signature
from calls.webhooks.addresses import AddressRefused, CheckedBackend
from calls.webhooks.retry import Outcome, parse_retry_after

TIMEOUT_S = 10.0
ERROR_LENGTH = 300


@dataclass(frozen=True)
class Message:
    """What is sent, and to whom."""

    url: str
    secret: str
    message_id: str
    body: str


async def send(message: Message, *, allowance: str, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Post it once. Never raises: whatever goes wrong is an outcome."""
    begin = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            status, retry_after = await _post(message, allowance)
    except TimeoutError:
        return Outcome(error=f"No answer within {timeout_s:g} s.", duration_ms=_since(begin))
    except (AddressRefused, httpcore.NetworkError, httpcore.TimeoutException) as error:
        return Outcome(error=_told(error), duration_ms=_since(begin))
    except (httpcore.ProtocolError, httpx.InvalidURL, OSError, ValueError) as error:
        return Outcome(error=_told(error), duration_ms=_since(begin))
    wait_s = parse_retry_after(retry_after, now=timezone.now())
    return Outcome(status, retry_after_s=wait_s, duration_ms=_since(begin))


async def _post(message: Message, allowance: str) -> tuple[int, str | None]:
    body = message.body.encode()
    signed = signature.headers(
        secret=message.secret,
        message_id=message.message_id,
        timestamp=int(time.time()),
        body=body,
    )
    headers = {
        "host": _host(message.url),
        "content-type": "application/json",
        "user-agent": "callcenter-webhooks/1",
        "content-length": str(len(body)),
        "connection": "close",
        **signed,
    }
    backend = CheckedBackend(allowance)
    async with (
        httpcore.AsyncConnectionPool(_tls(), network_backend=backend) as pool,
        pool.stream("POST", message.url, headers=list(headers.items()), content=body) as response,
    ):
        # Its body is never read, so it may be as long as it likes.
        answer = httpx.Headers(response.headers)
        return response.status, answer.get("retry-after")


def _host(url: str) -> str:
    return httpx.URL(url).netloc.decode("ascii")


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    return httpx.create_ssl_context()


def _since(begin: float) -> int:
    return round((time.monotonic() - begin) * 1000)


def _told(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:ERROR_LENGTH]
