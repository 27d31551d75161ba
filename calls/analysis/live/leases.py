"""Which worker process transcribes which live call: leases of rows of LiveTranscription.

Each new lease has a higher token. A write with an old token is refused, so a process that was
stalled and lost a call to another one cannot spoil what the other one wrote.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from calls.lifecycle import CallState
from calls.models import AlertRule, Call, CallViewing, LiveTranscription

LEASE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class CallNow:
    """A live call, and which process transcribes it."""

    pk: int
    queue: str
    opened_at: datetime
    watched: bool
    owner: str
    token: int
    expires_at: datetime | None
    changed_at: datetime | None

    def is_free_for(self, owner: str, now: datetime) -> bool:
        # A process that has started again takes its own calls back.
        return self.owner in ("", owner) or self.expires_at is None or self.expires_at <= now


def read_live(*, now: datetime) -> list[CallNow]:
    """Return the live calls that may be transcribed."""
    viewed = Exists(CallViewing.objects.filter(call=OuterRef("pk"), alive_until__gte=now))
    calls = Call.objects.live().order_by("pk").annotate(viewed=viewed)
    if settings.LIVE_TRANSCRIPTION == "watched":
        calls = calls.filter(viewed)
    of_lease = ("live__owner", "live__token", "live__lease_expires_at", "live__changed_at")
    rows = calls.values_list("pk", "queue", "opened_at", "viewed", *of_lease)
    return [
        CallNow(pk, queue, opened_at, watched, owner or "", token or 0, expires_at, changed_at)
        for pk, queue, opened_at, watched, owner, token, expires_at, changed_at in rows
    ]


def still_live(pks: Collection[int]) -> list[int]:
    return list(Call.objects.live().filter(pk__in=pks).values_list("pk", flat=True))


def ended_calls_are_analysed(*, now: datetime) -> bool:
    """Whether a worker analyses a call that has ended."""
    return Call.objects.filter(
        state__in=(CallState.COMPLETED, CallState.PROCESSING_AI), lease_expires_at__gt=now
    ).exists()


def important_queues() -> set[str]:
    """Return the queues whose calls come first: those of the settings and of alert rules."""
    of_rules = AlertRule.objects.filter(enabled=True).values_list("queues", flat=True)
    return {*settings.LIVE_IMPORTANT_QUEUES, *(name for names in of_rules for name in names)}


def acquire(pks: Collection[int], *, owner: str, now: datetime) -> dict[int, LiveTranscription]:
    """Lease those of the calls that are free. Returns their rows by call."""
    rows = LiveTranscription.objects
    known = set(rows.filter(call__in=pks).values_list("pk", flat=True))
    live = set(Call.objects.live().filter(pk__in=pks).values_list("pk", flat=True))
    new = [LiveTranscription(call_id=pk) for pk in live - known]
    with transaction.atomic():
        rows.bulk_create(new, ignore_conflicts=True)
        free = Q(owner__in=("", owner)) | Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
        # By ascending key: two processes that lock the same rows cannot deadlock.
        locked = rows.select_for_update(skip_locked=True).filter(free, call__in=pks).order_by("pk")
        mine = [row.pk for row in locked.only("pk")]
        rows.filter(pk__in=mine).update(
            owner=owner, token=F("token") + 1, lease_expires_at=now + LEASE
        )
    return rows.in_bulk(mine)


def renew(pks: Collection[int], *, owner: str, now: datetime) -> None:
    """Extend the leases that this process still holds."""
    LiveTranscription.objects.filter(pk__in=pks, owner=owner).update(lease_expires_at=now + LEASE)


def release(pks: Collection[int], *, owner: str) -> None:
    """Release calls, so that another process can take them at once."""
    LiveTranscription.objects.filter(pk__in=pks, owner=owner).update(
        owner="", lease_expires_at=None, partial={}
    )
