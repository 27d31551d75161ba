"""Decides when a call ends whose sockets have ended, and why. Pure: no I/O.

A call continues while a carrier's socket is open. After a stop, it waits ``grace`` for the carrier
to start again, after a break ``reconnect`` for it to come back. The last wait to run out decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Fate(Enum):
    GOES_ON = "goes on"
    STOPPED = "stopped"  # the carrier stopped its last stream
    LOST = "lost"  # the last connection broke off and was not resumed
    LEFT = "left"  # the carrier is lost, but packets have arrived by another interface since


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection. ``alive_until`` is the end of its lease, or the time at which it ended."""

    name: str
    opened_at: datetime
    alive_until: datetime
    stopped: bool = False
    broken: bool = False

    def is_open(self, now: datetime) -> bool:
        return not (self.stopped or self.broken) and self.alive_until > now


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call waits after a stop, and after a break. ``lease`` is the length of a lease."""

    grace: timedelta
    reconnect: timedelta
    lease: timedelta

    def ends_at(self, seen: Seen) -> datetime:
        return seen.alive_until + (self.grace if seen.stopped else self.reconnect)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``at`` says when to decide again. None: not before another connection has ended."""

    fate: Fate
    at: datetime | None = None


def judge(
    connections: Sequence[Seen],
    *,
    now: datetime,
    patience: Patience,
    last_packet_at: datetime | None = None,
) -> Verdict:
    """Decide by the connections of a live call, open and ended, whether it ends."""
    if not connections or any(seen.is_open(now) for seen in connections):
        return Verdict(Fate.GOES_ON)
    last = max(_counted(connections, patience), key=patience.ends_at)
    ends_at = patience.ends_at(last)
    if ends_at > now:
        return Verdict(Fate.GOES_ON, ends_at)
    if last.stopped:
        return Verdict(Fate.STOPPED)
    if last_packet_at is None or last_packet_at + patience.reconnect <= now:
        return Verdict(Fate.LOST)
    if last_packet_at > ends_at:
        return Verdict(Fate.LEFT)
    return Verdict(Fate.GOES_ON, last_packet_at + patience.reconnect)


def _counted(ended: Sequence[Seen], patience: Patience) -> list[Seen]:
    """Leave out sockets of a killed process whose stream came back on a later one.

    Their leases expire only after that. They distinguish such a socket from two that shared a
    stream: the lease was not renewed after the later one was opened.
    """
    newest = {each.name: each.opened_at for each in sorted(ended, key=lambda seen: seen.opened_at)}
    return [
        each
        for each in ended
        if each.stopped
        or each.broken
        or newest[each.name] == each.opened_at
        or newest[each.name] < each.alive_until - patience.lease
    ]
