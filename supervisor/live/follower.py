"""One client of the feed, over any transport: sends it every event once, in order, with no gap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from channels.db import database_sync_to_async
from django.utils import timezone

from calls import events
from calls.visibility import EVERYTHING, Sight
from supervisor.live import position
from supervisor.live.batch import Batch, of_note, read_batch
from supervisor.live.feed import HEARTBEAT_S

REPLAY_LIMIT = 1000
Put = Callable[[Batch], Awaitable[None]]


class Follower:
    """Needs a channel that has joined the feed; ``put`` sends a batch to the client."""

    def __init__(self, put: Put, sight: Sight = EVERYTHING) -> None:
        self.put = put
        self.sight = sight
        self.offset = 0

    async def greet(self, *, comes_back: bool = False) -> None:
        """Start at the head of the log.

        A client that comes back keeps its old position until it has received what it missed. If it
        loses the connection before that, it resumes from there.
        """
        self.offset, epoch = await database_sync_to_async(_position)()
        hello = {
            "type": "hello",
            "epoch": epoch,
            "head": self.offset,
            "heartbeat_s": HEARTBEAT_S,
            "at": timezone.now().isoformat(),
        }
        await self.put(of_note(hello, offset=None if comes_back else self.offset))

    async def resume(self, *, epoch: str | None, offset: int) -> None:
        """Replay what the client missed, in order; or send a snapshot if that is not possible.

        A snapshot is sent if the epoch is that of another log, or if the offset is ahead of the
        head or more than REPLAY_LIMIT behind it. ``epoch`` is None if the client knows only
        an offset; it is then taken to belong to this log.

        Events sent between the greeting and the resume message are sent again. The client must
        therefore reset its position to ``after`` of the ``replay`` message. Otherwise it would
        ignore the replayed events as already seen.
        """
        head, own_epoch = await database_sync_to_async(_position)()
        if epoch in (own_epoch, None) and 0 <= head - offset <= REPLAY_LIMIT:
            self.offset = offset
            await self.put(of_note({"type": "replay", "after": offset, "head": head}))
            count = await self._catch_up()
            await self._say_resumed(recovered=True, count=count)
            return
        await self._send_snapshot(head, own_epoch)

    async def look(self, sight: Sight) -> None:
        """Start again with what the client sees from now on."""
        self.sight = sight
        await self._send_snapshot(*await database_sync_to_async(_position)())

    async def _send_snapshot(self, head: int, own_epoch: str) -> None:
        self.offset = head
        # The head is read before the calls. Calls may then be newer than the head, and the events
        # between are sent again, which is harmless. In the other order, events would be lost.
        calls = await database_sync_to_async(position.snapshot)(self.sight)
        snapshot = {"type": "snapshot", "epoch": own_epoch, "head": head, "calls": calls}
        await self.put(of_note(snapshot, offset=head))
        await self._say_resumed(recovered=False, count=0)

    async def take(self, batch: Batch) -> None:
        """Send the new part of a batch. If batches before it were missed, read the log first."""
        if batch.after > self.offset:
            await self._catch_up()
        batch = batch.since(self.offset)
        self.offset = max(self.offset, batch.last)
        await self.put(batch)

    async def _catch_up(self) -> int:
        count = 0
        while (batch := await database_sync_to_async(read_batch)(self.offset)).entries:
            self.offset = batch.last
            await self.put(batch)
            count += len(batch.entries)
        return count

    async def _say_resumed(self, *, recovered: bool, count: int) -> None:
        message = {"recovered": recovered, "count": count, "head": self.offset}
        await self.put(of_note({"type": "resumed", **message}))


def _position() -> tuple[int, str]:
    return events.head(), events.epoch()
