"""Tails the event log and pushes it to all clients of this process, serialised once for all.

The log is the only link between processes: every change is written to it, and each web process
reads it there. A follower that missed a batch sees that from ``Batch.after`` and reads the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from calls import events
from calls.models import Call
from calls.outage import Outage
from calls.telemetry.catalogue import EVENT_LAG_SECONDS
from calls.visibility import EVERYTHING, Sight, looking_with
from supervisor.figures import Figures, read_figures
from supervisor.live.batch import Batch, Counters, FiguresFor, of_note, read_batch
from supervisor.live.log_watch import log_watch
from supervisor.live.pace import FeedPace
from supervisor.live.reader import LiveReader

log = logging.getLogger(__name__)
outage = Outage(log, "the feed waits")
GROUP = "supervisors"
# While events are frequent, they are sent ten times a second: one write for each socket and batch.
COALESCE_S = 0.1
HEARTBEAT_S = 10
SAMPLE_S = 1.0
# Each sight costs as much as the whole site does, so theirs are read less often.
PARTS_EVERY = 3
# A packet gets its time before its commit. A sample looks this far back, so that a call whose
# packets were committed late is not missed.
LATE_COMMIT = timedelta(seconds=2)
DATABASE_PAUSE_S = 1.0


class Feed:
    """Runs while at least one client is connected."""

    def __init__(self) -> None:
        self._channels: dict[str, Sight] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._thread: ThreadPoolExecutor | None = None
        self._tails = asyncio.Event()
        self._figures: dict[str, Any] = {}
        self.live = LiveReader(self._persist)
        self.offset = 0
        self.seen_at = timezone.now()

    async def join(self, channel: str, sight: Sight = EVERYTHING) -> None:
        """Send all new events to this channel; the first channel starts the feed.

        Returns once the feed has a position in the log. A caller that reads the head afterwards
        gets the same position or a later one, so no event falls between the two.
        """
        self._channels[channel] = sight
        await _layer().group_add(GROUP, channel)
        if not self._tasks:
            # No await since the check, so two clients that join together start only one feed.
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed")
            self.live = LiveReader(self._persist)
            runs = (self._tail(), self._pulse(), self.live.run())
            self._tasks = [asyncio.create_task(each) for each in runs]
        await self._tails.wait()

    def look(self, channel: str, sight: Sight) -> None:
        """Say that this channel sees other calls from now on."""
        self._channels[channel] = sight

    async def leave(self, channel: str) -> None:
        await _layer().group_discard(GROUP, channel)
        await self.live.forget(channel)
        self._channels.pop(channel, None)
        if self._channels or not self._tasks:
            return
        self._tails.clear()
        # Emptied before the first await below: a client that joins meanwhile starts a new feed.
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        thread, self._thread = self._thread, None
        viewings = self.live.viewings
        await asyncio.gather(*tasks, return_exceptions=True)
        if thread is not None:
            thread.submit(viewings.remove)
            # Database connections belong to their thread, so only this thread can close its own.
            await asyncio.wrap_future(thread.submit(_close_connection))
            thread.shutdown(wait=False)

    async def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    async def _tail(self) -> None:
        watch = log_watch()
        try:
            self.offset = await self._persist(events.head)
            self._tails.set()
            while True:
                await self._persist_await(watch.changed)
                if await self._publish():
                    await asyncio.sleep(COALESCE_S)
        finally:
            await watch.close()

    async def _publish(self) -> int:
        """Send the new events. Returns their number."""
        count = 0
        # Until nothing is left: a batch holds READ_LIMIT events at most.
        while (batch := await self._persist(read_batch, self.offset)).entries:
            self.offset = batch.last
            await _broadcast(batch)
            _measure_lag(batch)
            count += len(batch.entries)
        self.seen_at = timezone.now()
        return count

    async def _pulse(self) -> None:
        """Send counters and figures every SAMPLE_S, and a heartbeat every HEARTBEAT_S."""
        since, beats, pace = timezone.now(), 0, FeedPace()
        while True:
            await asyncio.sleep(SAMPLE_S)
            now = timezone.now()
            await self._send_counters(since, pace)
            await self._send_figures(pace)
            if beats % PARTS_EVERY == 0:
                await self._send_figures_of_parts()
            since, beats = now, beats + 1
            if beats % HEARTBEAT_S == 0:
                await self._send_heartbeat(now)

    async def _send_counters(self, since: datetime, pace: FeedPace) -> None:
        moved = await self._persist(_counters, since - LATE_COMMIT)
        pace.add(
            (call["call_id"], call["packet_count"], call.pop("opened_at") >= since)
            for call in moved
        )
        if moved:
            await _broadcast_batch(Counters(moved, _now_text()))

    async def _send_figures(self, pace: FeedPace) -> None:
        figures = (await self._persist(read_figures)).as_json()
        # Sampled differences are better than the estimate of `read_figures`.
        if (per_s := pace.per_s) is not None:
            figures["packets_per_s"] = per_s
        if figures != self._figures:
            self._figures = figures
            message = {"type": "figures", **figures, "at": _now_text()}
            await _broadcast_batch(FiguresFor(EVERYTHING, message))

    async def _send_figures_of_parts(self) -> None:
        """Send their figures to those who do not see all calls, once for each sight."""
        for sight in {each for each in self._channels.values() if not each.is_all}:
            figures = (await self._persist(_figures_with, sight)).as_json()
            message = {"type": "figures", **figures, "at": _now_text()}
            await _broadcast_batch(FiguresFor(sight, message))

    async def _send_heartbeat(self, now: datetime) -> None:
        await _broadcast_note({"type": "heartbeat", "head": self.offset, "at": now.isoformat()})

    async def _persist(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function in the feed's thread; try again until the database responds."""
        while True:
            try:
                found = await self.in_thread(function, *args)
            except DatabaseError as error:
                outage.note(error)
                await self.in_thread(_close_connection)
                await asyncio.sleep(DATABASE_PAUSE_S)
            else:
                outage.over()
                return found

    async def _persist_await(self, changed: Callable[..., Any]) -> None:
        await changed(self._persist)


def _close_connection() -> None:
    # `connection` is the current thread's connection, so this must run in the feed's thread.
    connection.close()


def _counters(since: datetime) -> list[dict[str, Any]]:
    moved = Call.objects.live().filter(last_packet_at__gte=since)
    names = (
        "call_id", "packet_count", "last_sequence", "missing_count", "late_count", "opened_at",
        "agent", "queue",
    )  # fmt: skip
    return [dict(zip(names, row, strict=True)) for row in moved.values_list(*names)]


def _figures_with(sight: Sight) -> Figures:
    with looking_with(sight):
        return read_figures()


def _now_text() -> str:
    return timezone.now().isoformat()


def _layer() -> Any:
    return channel_layers[DEFAULT_CHANNEL_LAYER]


def _measure_lag(batch: Batch) -> None:
    if batch.oldest_at is not None:
        lag_s = (timezone.now() - batch.oldest_at).total_seconds()
        EVENT_LAG_SECONDS.observe([max(0.0, lag_s)])


async def _broadcast(batch: Batch) -> None:
    await _layer().group_send(GROUP, {"type": "feed.batch", "batch": batch})


async def _broadcast_note(message: dict[str, Any]) -> None:
    await _broadcast_batch(of_note(message))


async def _broadcast_batch(batch: Batch) -> None:
    await _layer().group_send(GROUP, {"type": "feed.note", "batch": batch})


_feeds: dict[asyncio.AbstractEventLoop, Feed] = {}


def feed() -> Feed:
    """Return the feed of this event loop. A server has one loop; tests have several."""
    loop = asyncio.get_running_loop()
    if loop not in _feeds:
        for closed in [other for other in _feeds if other.is_closed()]:
            del _feeds[closed]
        _feeds[loop] = Feed()
    return _feeds[loop]
