"""The types of an ASGI application, and keys of ours in its messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]

# In `websocket.accept`: whether to send pings. Servers that do not know the key ignore it.
PINGS = "callcenter.pings"
# In `websocket.accept`: whether the socket brings packets, whose waiting time is to be measured.
STREAM = "callcenter.stream"
