"""Decides which live calls a worker transcribes: pure functions, without a database.

Calls that somebody watches come first, then important ones, then the others by when they were last
transcribed. A call that has waited long becomes important, so that none starves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from calls.analysis.live.leases import CallNow

PLACE_S = 20.0  # a call keeps its place for this long, even if others wait
WAITED = timedelta(seconds=40)


class Rank(IntEnum):
    """The order in which calls are transcribed."""

    WATCHED = 0
    IMPORTANT = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A call that this worker transcribes. Text needs no place: it costs next to nothing."""

    since: float
    needs_place: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls to take, in this order, the ones to give away, and how many get no place."""

    take: Sequence[int]
    give: Sequence[int]
    waiting: int


def rank_of(call: CallNow, important: Collection[str]) -> Rank:
    if call.watched:
        return Rank.WATCHED
    return Rank.IMPORTANT if call.queue in important else Rank.OTHER


def plan(
    calls: Sequence[CallNow],
    mine: Mapping[int, Place],
    *,
    owner: str,
    important: Collection[str],
    cap: int,
    now: datetime,
    clock: float,
) -> Plan:
    """Return what to change. ``clock`` is the time of the process, that of ``Place.since``."""
    waiting = sorted(
        (each for each in calls if each.pk not in mine and each.is_free_for(owner, now)),
        key=lambda call: _turn(call, important, now),
    )
    held = [each for each in calls if each.pk in mine and mine[each.pk].needs_place]
    room = max(0, cap - len(held))
    take = waiting[:room]
    give = _give_way(waiting[room:], held, mine, important, clock)
    return Plan(
        [each.pk for each in take], [each.pk for each in give], len(waiting) - len(take)
    )  # fmt: skip


def _turn(call: CallNow, important: Collection[str], now: datetime) -> tuple[int, datetime]:
    last = call.changed_at or call.opened_at
    rank = rank_of(call, important)
    if now - last >= WAITED:
        rank = min(rank, Rank.IMPORTANT)
    return rank, last


def _give_way(
    waiting: Sequence[CallNow],
    held: Sequence[CallNow],
    mine: Mapping[int, Place],
    important: Collection[str],
    clock: float,
) -> list[CallNow]:
    """Return as many held calls as others wait: unwatched ones, the longest turn first."""
    ready = sorted(
        (each for each in held if not each.watched),
        key=lambda call: (-rank_of(call, important), mine[call.pk].since),
    )
    given: list[CallNow] = []
    for call in waiting:
        patience_s = 0.0 if call.watched else PLACE_S
        for each in ready:
            if each not in given and clock - mine[each.pk].since >= patience_s:
                given.append(each)
                break
    return given
