"""Reads the floor once a second for all wall screens of this process.

A screen gets all that it shows, not changes. So nothing is lost if it misses a message, and a
screen that reads slowly gets the newest state instead of a backlog.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.template.loader import render_to_string
from django.utils import timezone

from calls.outage import Outage
from calls.visibility import Sight, looking_with
from supervisor.wall.floor import Floor, Handled, read_floor, read_handled
from supervisor.wall.levels import read_thresholds
from supervisor.wall.options import Options
from supervisor.wall.read_model import Screen, read_screen

log = logging.getLogger(__name__)
outage = Outage(log, "wall screens wait")
REFRESH_S = 1.0
# It reads every call that ended today.
HANDLED_EVERY_S = 15.0


@dataclass(frozen=True)
class Shown:
    screen: Screen
    message: str


class Viewer:
    """Holds the newest message for one socket, until it is taken."""

    def __init__(self) -> None:
        self._message = ""
        self._is_new = asyncio.Event()

    def offer(self, message: str) -> None:
        self._message = message
        self._is_new.set()

    async def next(self) -> str:
        await self._is_new.wait()
        self._is_new.clear()
        return self._message


class WallReader:
    """Runs while at least one screen is connected."""

    def __init__(self) -> None:
        self._viewers: dict[Options, set[Viewer]] = {}
        self._shown: dict[Options, Shown] = {}
        self._task: asyncio.Task[None] | None = None
        # By sight, each with the clock at which it was read.
        self._handled: dict[Sight, tuple[dict[str, Handled], float]] = {}
        self.read_at = 0.0  # by the monotonic clock; when the database last responded

    def join(self, options: Options) -> Viewer:
        viewer = Viewer()
        self._viewers.setdefault(options, set()).add(viewer)
        if shown := self._shown.get(options):
            viewer.offer(shown.message)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return viewer

    def leave(self, options: Options, viewer: Viewer) -> None:
        viewers = self._viewers.get(options, set())
        viewers.discard(viewer)
        if not viewers:
            self._viewers.pop(options, None)
            self._shown.pop(options, None)
        if not self._viewers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                # In a thread of its own: others of the process must not wait for it.
                read = database_sync_to_async(self.read, thread_sensitive=False)
                self._show(await read(list(self._viewers), dict(self._shown)))
            except DatabaseError as error:
                outage.note(error)
            except Exception:
                # The screens say that they are not live, and the next second may be better.
                log.exception("the wall screens could not be read")
            else:
                self.read_at = time.monotonic()
                outage.over()
            await asyncio.sleep(REFRESH_S)

    def read(
        self, wanted: Iterable[Options], before: Mapping[Options, Shown]
    ) -> dict[Options, Shown]:
        """Return what has changed, by options. Three queries, and three for each of the options."""
        now = timezone.now()
        options_now, thresholds = list(wanted), read_thresholds()
        sights = {options.sight for options in options_now}
        floors = {sight: self._read_floor(sight, now) for sight in sights}
        # Nobody with another sight is watching any more.
        self._handled = {sight: self._handled[sight] for sight in sights}
        screens = {
            options: read_screen(options, floors[options.sight], thresholds)
            for options in options_now
        }
        return {
            options: Shown(screen, write(screen))
            for options, screen in screens.items()
            if options not in before or before[options].screen != screen
        }

    def _read_floor(self, sight: Sight, now: datetime) -> Floor:
        with looking_with(sight):
            return read_floor(now, self._read_handled(sight, now))

    def _read_handled(self, sight: Sight, now: datetime) -> dict[str, Handled]:
        clock = time.monotonic()
        known = self._handled.get(sight)
        if known is None or clock - known[1] >= HANDLED_EVERY_S:
            known = self._handled[sight] = read_handled(now), clock
        return known[0]

    def _show(self, changed: Mapping[Options, Shown]) -> None:
        for options, shown in changed.items():
            # All its viewers may have left meanwhile.
            if options in self._viewers:
                self._shown[options] = shown
            for viewer in self._viewers.get(options, ()):
                viewer.offer(shown.message)


def write(screen: Screen) -> str:
    parts = {
        name: render_to_string(f"supervisor/wall/_{name}.html", {"screen": screen})
        for name in ("steps", "screen")
    }
    seconds = screen.options.seconds
    message = {"type": "wall", **parts, "seconds": seconds, "at": screen.now.isoformat()}
    return json.dumps(message)  # msgspec refuses Django's safe strings


_readers: dict[asyncio.AbstractEventLoop, WallReader] = {}


def reader() -> WallReader:
    """Return the reader of this event loop. A server has one loop; tests have several."""
    loop = asyncio.get_running_loop()
    if loop not in _readers:
        for closed in [other for other in _readers if other.is_closed()]:
            del _readers[closed]
        _readers[loop] = WallReader()
    return _readers[loop]
