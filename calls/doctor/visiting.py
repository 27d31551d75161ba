"""Asks the site through its proxy, and shows what the site saw of the request."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import httpx

from calls.doctor.facts import VisitFacts
from calls.monitoring.visits import HEADER, make_pass

PATIENCE_S = 10.0
FEED = "/stream/ws/supervisor"


def visit(url: str) -> VisitFacts:
    """Ask the site at ``url``, such as https://calls.example.com, as a browser would."""
    url = url.rstrip("/")
    try:
        with httpx.Client(timeout=PATIENCE_S) as client:
            answer = client.get(f"{url}/healthz", headers={HEADER: make_pass()})
            answer.raise_for_status()
            seen: dict[str, Any] = answer.json().get("seen", {})
            return VisitFacts(
                url=url,
                is_ours=bool(seen),
                scheme=str(seen.get("scheme", "")),
                host=str(seen.get("host", "")),
                client=str(seen.get("client", "")),
                socket_status=_upgrade(client, url),
            )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        return VisitFacts(url=url, error=str(error).strip() or repr(error))


def _upgrade(client: httpx.Client, url: str) -> int:
    """Ask for a WebSocket. Returns the status of the response; 101 if it was opened."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
    }
    with client.stream("GET", f"{url}{FEED}", headers=headers) as answer:
        return answer.status_code
