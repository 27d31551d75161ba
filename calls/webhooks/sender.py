"""Posts one signed message. Follows no redirects, reads little, and stops after ten seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ssl import SSLContext

import httpcore
import httpx
from django.utils import timezone

from calls.webhooks import signature
from calls.webhooks.addresses import AddressRefused, CheckedBackend
from calls.webhooks.retry import Outcome, parse_retry_after

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
ERROR_LENGTH = 300
RESPONSE_BYTES, RESPONSE_LENGTH, RESPONSE_S = 1024, 500, 1.0


@dataclass(frozen=True)
class Message:
    """A message, its URL, and the secrets that it is signed with. ``context`` is for the log."""

    url: str
    secrets: tuple[str, ...]
    message_id: str
    body: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Answer:
    """The response so far. The status counts even if the rest of the response is cut off."""

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""


async def send(message: Message, *, allowance: str, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Post the message once. Never raises: every failure is returned as an outcome."""
    begin, answer, error = time.monotonic(), _Answer(), ""
    try:
        async with asyncio.timeout(timeout_s):
            await _post(message, allowance, answer)
    except TimeoutError:
        error = f"No response within {timeout_s:g} s."
    except (AddressRefused, httpcore.NetworkError, httpcore.TimeoutException) as problem:
        error = _told(problem)
    except (httpcore.ProtocolError, httpx.InvalidURL, OSError, ValueError) as problem:
        error = _told(problem)
    except Exception as problem:
        log.exception("message %s failed unexpectedly", message.message_id)
        error = _told(problem)
    duration_ms = round((time.monotonic() - begin) * 1000)
    if answer.status is None:
        return Outcome(error=error, duration_ms=duration_ms)
    wait_s = parse_retry_after(answer.retry_after, now=timezone.now())
    return Outcome(answer.status, "", wait_s, duration_ms, _readable(answer.body))


async def _post(message: Message, allowance: str, answer: _Answer) -> None:
    body = message.body.encode()
    signed = signature.headers(
        secrets=message.secrets,
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
    # httpcore instead of httpx: its pool takes a backend of ours, and it follows no redirects.
    backend = CheckedBackend(allowance)
    async with (
        httpcore.AsyncConnectionPool(_tls(), network_backend=backend) as pool,
        pool.stream("POST", message.url, headers=list(headers.items()), content=body) as response,
    ):
        answer.retry_after = httpx.Headers(response.headers).get("retry-after")
        # Set before the body is read, so that it counts even if the time is up during that.
        answer.status = response.status
        await _read_some(response, answer)


async def _read_some(response: httpcore.Response, answer: _Answer) -> None:
    """Read the start of the body, for the delivery log. It may be endless, slow, or cut off."""
    with suppress(TimeoutError):
        async with asyncio.timeout(RESPONSE_S):
            async for chunk in response.aiter_stream():
                answer.body += chunk[:RESPONSE_BYTES]
                if len(answer.body) >= RESPONSE_BYTES:
                    return


def _readable(body: bytes) -> str:
    """Return the body as one printable line."""
    text = body[:RESPONSE_BYTES].decode("utf-8", "replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:RESPONSE_LENGTH]


def _host(url: str) -> str:
    return httpx.URL(url).netloc.decode("ascii")


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    # Made once, because it reads the certificates of all authorities.
    return httpx.create_ssl_context()


def _told(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:ERROR_LENGTH]
