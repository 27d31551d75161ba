"""A channel layer for one process, where many sockets receive the same messages.

The in-memory layer of Channels copies every message for every socket, starts a task for each,
scans all channels on every read, and removes a socket from its groups after a day.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

Message = dict[str, Any]
OVERFLOW: Message = {"type": "layer.overflow"}


class ProcessLayer(BaseChannelLayer):
    """Passes the same message object to every member of a group. Receivers must not change it.

    A member that does not keep up loses its waiting messages, gets ``layer.overflow`` as its last
    message, and is removed from all groups. Because messages are shared, all slow members together
    hold no more than the newest ``capacity`` messages in memory.
    """

    extensions = ["groups", "flush"]

    def __init__(self, capacity: int = 100) -> None:
        super().__init__(capacity=capacity)
        self._boxes: dict[str, asyncio.Queue[Message]] = {}
        self._groups: dict[str, dict[str, None]] = {}

    async def new_channel(self, prefix: str = "specific") -> str:
        return f"{prefix}.process!{secrets.token_hex(8)}"

    async def send(self, channel: str, message: Message) -> None:
        try:
            self._box(channel).put_nowait(message)
        except asyncio.QueueFull as error:
            raise ChannelFull(channel) from error

    async def receive(self, channel: str) -> Message:
        """Wait for the next message. A channel must have only one receiver at a time."""
        box = self._box(channel)
        try:
            return await box.get()
        finally:
            self._tidy(channel)

    async def group_add(self, group: str, channel: str) -> None:
        self._groups.setdefault(group, {})[channel] = None

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove a member. Once it is in no group, drop the messages that wait for it."""
        self._leave(group, channel)
        if not self._is_member(channel):
            self._boxes.pop(channel, None)

    async def group_send(self, group: str, message: Message) -> None:
        late = []
        for channel in self._groups.get(group, ()):
            try:
                self._box(channel).put_nowait(message)
            except asyncio.QueueFull:
                late.append(channel)
        # Afterwards, because an overflow changes the group that is iterated above.
        for channel in late:
            self._overflow(channel)

    async def flush(self) -> None:
        self._boxes.clear()
        self._groups.clear()

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def _box(self, channel: str) -> asyncio.Queue[Message]:
        box = self._boxes.get(channel)
        if box is None:
            box = self._boxes[channel] = asyncio.Queue(self.capacity)
        return box

    def _overflow(self, channel: str) -> None:
        box = self._boxes[channel]
        while not box.empty():
            box.get_nowait()
        # The box is empty now, so this cannot fail.
        box.put_nowait(OVERFLOW)
        for group in list(self._groups):
            self._leave(group, channel)

    def _leave(self, group: str, channel: str) -> None:
        members = self._groups.get(group, {})
        members.pop(channel, None)
        if not members:
            self._groups.pop(group, None)

    def _is_member(self, channel: str) -> bool:
        return any(channel in members for members in self._groups.values())

    def _tidy(self, channel: str) -> None:
        """Drop an empty box of a channel that is in no group; its owner may never come back."""
        box = self._boxes.get(channel)
        if box is not None and box.empty() and not self._is_member(channel):
            del self._boxes[channel]
