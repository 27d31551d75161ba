"""Opens WebSockets to a server, for what has `requirements-dev.txt` installed."""

from __future__ import annotations

import time
from typing import Any

from websockets.exceptions import InvalidStatus
from websockets.sync import client as sync_client
from websockets.sync.client import ClientConnection

from benchmarks.rig.waiting import PATIENCE_S, SERVICE_UNAVAILABLE


def connect(url: str, **options: Any) -> ClientConnection:
    """Open a WebSocket as `websockets` does. If the server is overloaded, retry when it says."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            opened: ClientConnection = sync_client.connect(url, **options)
        except InvalidStatus as refused:
            answer = refused.response
            retry_after = answer.headers.get("Retry-After")
            is_busy = answer.status_code == SERVICE_UNAVAILABLE
            if not is_busy or not retry_after or time.monotonic() > deadline:
                raise
            time.sleep(float(retry_after))
        else:
            return opened
