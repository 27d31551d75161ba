"""Waits for a condition, finds a free port, and talks JSON over HTTP to a server."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

PATIENCE_S = 30.0
POLL_S = 0.02
SERVICE_UNAVAILABLE = 503
Value = TypeVar("Value")


def free_port() -> int:
    """Return a port of this machine that no process listens on."""
    with socket.socket() as probe:
        # Another process may take the port before the server does. That is rare, and reported.
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(
    condition: Callable[[], Value],
    *,
    patience_s: float = PATIENCE_S,
    what: str = "the condition",
) -> Value:
    """Return the first true value of ``condition``. Fail if none comes within ``patience_s``."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {patience_s:g} s for {what}")
        time.sleep(POLL_S)
    return value


def answers(url: str) -> bool:
    """Return whether the server answers a GET with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 (the caller's URL)
            return bool(response.status == 200)
    except OSError:
        return False


def get(url: str) -> Any:
    """Return the JSON of the response to a GET."""
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 (the caller's URL)
        return json.load(response)


def post(url: str, body: object = None) -> Any:
    """Send a JSON body, or an empty one, and return the JSON of the response.

    If the server is overloaded, it answers 503 and says when to try again: we do so, like any
    client.
    """
    request = urllib.request.Request(  # noqa: S310 (the caller's URL)
        url,
        data=json.dumps(body).encode() if body is not None else b"",
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 (the caller's URL)
                return json.load(response)
        except urllib.error.HTTPError as error:
            retry_after = error.headers.get("Retry-After")
            if error.code != SERVICE_UNAVAILABLE or not retry_after or time.monotonic() > deadline:
                raise
            time.sleep(float(retry_after))
