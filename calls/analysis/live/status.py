"""What the listener processes report, so that metrics and the wallboard can show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Sum

from calls.lifecycle import CallState
from calls.models import ListenerReport, LiveTranscription, LiveUtterance

EVERY_S = 2.0
UNCHANGED_S = 20.0  # as often if nothing has changed
FRESH = timedelta(seconds=45)  # an older report is of a process that has ended
KEPT = timedelta(hours=1)
PORTION = 2_000  # rows deleted in one transaction


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """The state of live transcription at this site.

    ``behind_s`` is the largest of all calls. ``heard`` and ``skipped`` count utterances since the
    start of each process.
    """

    calls: int = 0
    waiting: int = 0
    behind_s: float = 0.0
    heard: int = 0
    skipped: int = 0


def report(process: str, status: LiveStatus, *, now: datetime) -> None:
    ListenerReport.objects.update_or_create(
        process=process, defaults={"seen_at": now, **asdict(status)}
    )


def withdraw(process: str) -> None:
    ListenerReport.objects.filter(process=process).delete()


def read_live_status(*, now: datetime) -> LiveStatus:
    """Return what the processes that are alive say together."""
    # A call that waits is seen by all of them.
    found = ListenerReport.objects.filter(seen_at__gte=now - FRESH).aggregate(
        calls=Sum("calls", default=0),
        waiting=Max("waiting", default=0),
        behind_s=Max("behind_s", default=0.0),
        heard=Sum("heard", default=0),
        skipped=Sum("skipped", default=0),
    )
    return LiveStatus(**found)


def clean_up(*, now: datetime) -> int:
    """Delete the live words of calls that were archived an hour ago: their transcripts have them.

    Deletes a portion at a time, and returns how many utterances.
    """
    ListenerReport.objects.filter(seen_at__lt=now - KEPT).delete()
    old = {"call__state": CallState.ARCHIVED, "call__state_changed_at__lt": now - KEPT}
    calls = list(LiveTranscription.objects.filter(**old).values_list("pk", flat=True)[:PORTION])
    if not calls:
        return 0
    portion = LiveUtterance.objects.filter(call__in=calls).values("pk")[:PORTION]
    deleted, _ = LiveUtterance.objects.filter(
        pk__in=list(portion.values_list("pk", flat=True))
    ).delete()
    if deleted < PORTION:
        LiveTranscription.objects.filter(pk__in=calls).delete()
    return deleted
