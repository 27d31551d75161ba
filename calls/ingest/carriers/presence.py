"""The open sockets of all web processes, as rows, and the ends of calls whose sockets have ended.

Every change to the connections of a call happens under the lock of its row, so that a socket that
opens and an end that is due cannot miss each other. Only the heartbeat takes no such lock.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q

from calls.clock import database_now
from calls.ingest.carriers.lifetime import Fate, Patience, Seen, Verdict, judge
from calls.models import Call, MediaConnection, Stream
from calls.operation.lock_waits import leaving_locked, limit_lock_waits
from calls.process import this_process
from calls.services import complete_call

log = logging.getLogger(__name__)

LEASE_S = 10.0
LOCK_MS = 200
REASONS = {
    Fate.STOPPED: Call.EndReason.REQUESTED,
    Fate.LOST: Call.EndReason.CONNECTION_LOST,
}
Ended = MediaConnection.Ended


def _patience() -> Patience:
    return Patience(
        grace=timedelta(seconds=settings.MEDIA_STOP_GRACE),
        reconnect=timedelta(seconds=settings.MEDIA_RECONNECT),
        lease=timedelta(seconds=LEASE_S),
    )


def _lease_from(now: datetime) -> datetime:
    return now + timedelta(seconds=LEASE_S)


def wait_briefly() -> None:
    """Let statements fail that wait for a lock. Call at the start of a transaction.

    All sockets of a process share one thread for the database. A call that somebody has locked must
    not hold up the others, so its socket tries again later.
    """
    limit_lock_waits(LOCK_MS)


def add_connection(call: Call, stream: Stream, *, name: str, now: datetime) -> int:
    """Record that a socket of a locked call is open, and return its key.

    It replaces the first interrupted one: of the same stream if there is one, because a carrier
    that reconnects may give its stream a new name. The call waits for the others.
    """
    broken = MediaConnection.objects.filter(call=call, ended=Ended.BROKEN).order_by("pk")
    resumed = min(broken, key=lambda each: (each.name != name, each.alive_until), default=None)
    if resumed is not None:
        resumed.delete()
    opened = MediaConnection.objects.create(
        call=call,
        stream=stream,
        name=name,
        owner=this_process(),
        opened_at=now,
        alive_until=_lease_from(now),
    )
    return opened.pk


def renew_leases(pks: Collection[int], *, now: datetime | None = None) -> None:
    """Extend the leases of open sockets. Rows that somebody else has locked can wait."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        ours = MediaConnection.objects.select_for_update(skip_locked=skip).filter(pk__in=pks)
        held = list(ours.order_by("pk").values_list("pk", flat=True))
        MediaConnection.objects.filter(pk__in=held).update(
            alive_until=_lease_from(now or database_now())
        )


def end_connection(
    pk: int, *, call_id: str, stopped: bool, now: datetime | None = None
) -> float | None:
    """Record how a socket ended, and end its call if it was the last one.

    Returns the seconds until ``settle_call`` may have to end it, or None if it need not be asked.
    """
    with transaction.atomic():
        wait_briefly()
        call = Call.objects.select_for_update().filter(call_id=call_id).first()
        if call is None:
            return None
        now = now or database_now()
        MediaConnection.objects.filter(pk=pk).update(
            alive_until=now, ended=Ended.STOPPED if stopped else Ended.BROKEN
        )
        return _settle(call, now=now)


def settle_call(*, call_id: str, now: datetime | None = None) -> float | None:
    """End a call if it is due. Returns what ``end_connection`` does."""
    with transaction.atomic():
        wait_briefly()
        call = Call.objects.select_for_update().filter(call_id=call_id).first()
        return _settle(call, now=now or database_now()) if call else None


def _settle(call: Call, *, now: datetime) -> float | None:
    rows = list(MediaConnection.objects.filter(call=call))
    if not call.is_live:
        _forget(row.pk for row in rows if not _seen(row).is_open(now))
        return None
    verdict = _judge(rows, call, now=now)
    if verdict.fate is Fate.GOES_ON:
        return (verdict.at - now).total_seconds() if verdict.at else None
    _forget(row.pk for row in rows)
    if reason := REASONS.get(verdict.fate):
        complete_call(call, reason=reason, now=now)
    if verdict.fate is Fate.LOST:
        wait_s = settings.MEDIA_RECONNECT
        log.warning("call %s ended: its carrier has not come back for %g s", call.call_id, wait_s)
    return None


def _judge(rows: Iterable[MediaConnection], call: Call, *, now: datetime) -> Verdict:
    seen = [_seen(row) for row in rows]
    return judge(seen, now=now, patience=_patience(), last_packet_at=call.last_packet_at)


def _seen(row: MediaConnection) -> Seen:
    return Seen(
        name=row.name,
        opened_at=row.opened_at,
        alive_until=row.alive_until,
        stopped=row.ended == Ended.STOPPED,
        broken=row.ended == Ended.BROKEN,
    )


def _forget(pks: Iterable[int]) -> None:
    MediaConnection.objects.filter(pk__in=list(pks)).delete()


@dataclass(frozen=True)
class Presence:
    """Who of a call's carriers is connected. If nobody is: since when, and when the call ends."""

    open: int
    left_at: datetime
    ends_at: datetime | None


def read_presence(call: Call, *, now: datetime) -> Presence | None:
    """Return who is connected to a live call, or None if no carrier has ever been."""
    rows = list(MediaConnection.objects.filter(call=call))
    if not rows:
        return None
    return Presence(
        open=sum(_seen(row).is_open(now) for row in rows),
        left_at=max(row.alive_until for row in rows),
        ends_at=_judge(rows, call, now=now).at,
    )


def count_connections(*, now: datetime | None = None) -> dict[str, int]:
    """Count the connections by status: open, broken, or stopped."""
    now = now or database_now()
    is_dead = Q(ended=Ended.BROKEN) | Q(ended="", alive_until__lte=now)
    return MediaConnection.objects.aggregate(
        open=Count("pk", filter=Q(ended="", alive_until__gt=now)),
        broken=Count("pk", filter=is_dead),
        stopped=Count("pk", filter=Q(ended=Ended.STOPPED)),
    )


def end_left_calls(*, now: datetime | None = None) -> int:
    """End the calls that all carriers have left. Returns how many were found to be due.

    It finds what no web process finds: a break that lasts, and sockets of a process that died.
    """
    now = now or database_now()
    opened = MediaConnection.objects.filter(ended="", alive_until__gt=now)
    left = MediaConnection.objects.exclude(call__in=opened.values("call"))
    by_call: dict[Call, list[MediaConnection]] = defaultdict(list)
    for row in left.select_related("call"):
        by_call[row.call].append(row)
    due = [
        call
        for call, rows in by_call.items()
        if not call.is_live or _judge(rows, call, now=now).fate is not Fate.GOES_ON
    ]
    for call in due:
        with leaving_locked() as held:
            settle_call(call_id=call.call_id, now=now)
        if held.is_locked:
            log.info("call %s is locked; its end waits", call.call_id)
    return len(due)
