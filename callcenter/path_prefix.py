"""Serves the site below a path of its host, such as ``/calls`` (PATH_PREFIX).

Django's routes include the prefix, so every link does. The layers before Django work without it:
the fast lane, limits, streams and sockets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from calls.asgi import App, Receive, Scope, Send

PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def read_prefix(text: str) -> str:
    """Return a prefix with a slash in front and none at its end. Raises ValueError."""
    prefix = f"/{text.strip('/')}".rstrip("/")
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"PATH_PREFIX is {text!r}; it must be like /calls.")
    return prefix


class WithoutPrefix:
    """Removes the prefix, if the proxy has not done so already."""

    def __init__(self, app: App, *, prefix: str) -> None:
        self.app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._prefix and scope["type"] in ("http", "websocket"):
            scope = {**scope, **self._shortened(scope)}
        await self.app(scope, receive, send)

    def _shortened(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        if not f"{scope['path']}/".startswith(f"{self._prefix}/"):
            return {}
        raw = (scope.get("raw_path") or b"").removeprefix(self._prefix.encode())
        return {"path": scope["path"].removeprefix(self._prefix) or "/", "raw_path": raw or b"/"}


class WithPrefix:
    """Adds the prefix again, for Django."""

    def __init__(self, app: App, *, prefix: str) -> None:
        self.app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        # No copy: views leave marks in the scope, for the layers around them.
        scope["path"] = f"{self._prefix}{path}"
        try:
            await self.app(scope, receive, send)
        finally:
            scope["path"] = path
