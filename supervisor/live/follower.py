"""One who follows the event log, over whatever it is: in order, each event once, never a hole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from channels.db import database_sync_to_async
from django.utils import timezone

from calls import events
from supervisor.live import position
from supervisor.live.batch import Batch, of_note, read_batch
from supervisor.live.feed import HEARTBEAT_S

REPLAY_LIMIT = 1000
Put = Callable[[Batch], Awaitable[None]]


class Follower:
    """Needs a channel that has joined the feed; ``put`` sends a batch to the client."""

    def __init__(self, put: Put) -> None:
        self.put = put
        self.offset = 0

    async def greet(self, *, comes_back: bool = False) -> None:
        """Begin with now. Who comes back keeps its place until what it missed was sent."""
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
        """Replay what the client missed, in order; or tell it everything anew, marked as such.

        ``epoch`` is None if the client only knows an offset, which is then taken for one of this
        log. What it was told between its greeting and its wish to resume is told again: it has to
        take the place in ``replay`` for its own, or it would ignore what comes before that.
        """
        head, own_epoch = await database_sync_to_async(_position)()
        if epoch in (own_epoch, None) and 0 <= head - offset <= REPLAY_LIMIT:
            self.offset = offset
            await self.put(of_note({"type": "replay", "after": offset, "head": head}))
            count = await self._catch_up()
            await self._say_resumed(recovered=True, count=count)
            return
        self.offset = head
        # Read after the head: what the calls are ahead of it, they are told again.
        calls = await database_sync_to_async(position.snapshot)()
        snapshot = {"type": "snapshot", "epoch": own_epoch, "head": head, "calls": calls}
        await self.put(of_note(snapshot, offset=head))
        await self._say_resumed(recovered=False, count=0)

    async def take(self, batch: Batch) -> None:
        """Send what the feed has read, as far as it is new."""
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
