"""Reads the live transcripts that clients of this process follow, once for all of them.

It costs one query in READ_S, two more for each PORTION of messages if something changed, and none
if nobody follows a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers

from supervisor.live.subscriptions import Subscriptions
from supervisor.live.transcripts import Standing, chunks, read_standings, write_news
from supervisor.live.viewings import Viewings

READ_S = 0.2
# Messages that are written at a time. Snapshots of long calls take milliseconds each, and events
# wait for the same thread.
PORTION = 20


class LiveReader:
    """``run_in_thread`` runs a function in the feed's thread until the database responds."""

    def __init__(self, run_in_thread: Callable[..., Awaitable[Any]]) -> None:
        self._run_in_thread = run_in_thread
        self._wanted = asyncio.Event()
        self.subscriptions = Subscriptions()
        self.viewings = Viewings()

    async def subscribe(self, channel: str, revisions: Mapping[str, int]) -> None:
        """Send what this channel lacks of these calls, and then every change."""
        if revisions:
            # A group of one, because a group drops a member that does not keep up.
            await _layer().group_add(_group(channel), channel)
            self.subscriptions.add(channel, revisions)
            self._wanted.set()

    async def forget(self, channel: str) -> None:
        await _layer().group_discard(_group(channel), channel)
        self.subscriptions.remove(channel, self.subscriptions.of(channel))

    async def run(self) -> None:
        while True:
            await self._wanted.wait()
            await self.read()
            await asyncio.sleep(READ_S)

    async def read(self) -> None:
        """Send what is new, and say who has which call open. Pauses when nobody is left."""
        standings: dict[str, Standing] = {}
        if self.subscriptions:
            call_ids = self.subscriptions.call_ids()
            standings = await self._run_in_thread(read_standings, call_ids)
            await self._send(standings)
        await self._say_who_watches(standings)
        if not self.subscriptions and not self.viewings:
            self._wanted.clear()

    async def _send(self, standings: Mapping[str, Standing]) -> None:
        for news in chunks(self.subscriptions.find_news(standings).items(), PORTION):
            batches = await self._run_in_thread(write_news, [each for each, _ in news])
            for batch, (each, clients) in zip(batches, news, strict=True):
                # Meanwhile, a client may have left or subscribed again.
                for channel, seen in self.subscriptions.still(each.standing.call_id, clients):
                    seen.note(each)
                    note = {"type": "feed.note", "batch": batch}
                    await _layer().group_send(_group(channel), note)

    async def _say_who_watches(self, standings: Mapping[str, Standing]) -> None:
        viewers, clock = self.subscriptions.viewers(standings), asyncio.get_running_loop().time()
        if self.viewings.are_due(viewers, clock=clock):
            await self._run_in_thread(self.viewings.write, viewers, clock)


def _group(channel: str) -> str:
    return f"live {channel}"


def _layer() -> Any:
    return channel_layers[DEFAULT_CHANNEL_LAYER]
