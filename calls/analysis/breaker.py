"""Circuit breaker: a provider that keeps failing is not asked for a while, and calls wait for it.

All workers share one row for each provider and stage. After enough failures in a row, the provider
is down in that stage: no call that needs it there is claimed, except for one probe at a time. The
first response ends the outage. Text calls pass through ``transcribe`` without the provider, so they
continue while audio waits.

Call the functions that change a row inside a transaction. Always take locks in this order: the
call's row, the health row, the event log's advisory lock.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from calls import events
from calls.analysis.providers import ProviderError
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallQuerySet, ProviderHealth, Stage

log = logging.getLogger(__name__)

MAX_WAIT_S = 300.0
# Failures further apart than this do not count as one outage. It must exceed the longest wait
# between attempts.
WINDOW = timedelta(minutes=5)
# If nobody has asked a provider for this long, it may be up again, or no longer in use.
STALE = timedelta(hours=1)
# Errors about the content of a response. The provider did answer.
ANSWERED = {"empty_transcript", "invalid_answer"}


@dataclass(frozen=True)
class Noted:
    """What the breaker made of an attempt: ``down_s`` seconds until the next probe, None if the
    provider is up, and ``news`` for the event log if that has changed.
    """

    down_s: float | None = None
    news: events.ProviderDown | events.ProviderBack | None = None


def note_failures(failed: Sequence[tuple[Attempt, ProviderError]], *, now: datetime) -> list[Noted]:
    """Count failures. Returns one Noted for each, in the order given."""
    notes: dict[int, Noted] = {}
    # Sorted, so that all workers lock the health rows in the same order and cannot deadlock.
    ordered = sorted(range(len(failed)), key=lambda place: _health_of(failed[place][0]))
    for _, group in groupby(ordered, key=lambda place: _health_of(failed[place][0])):
        places = list(group)
        of_one = _note_failures([failed[place] for place in places], now=now)
        notes.update(zip(places, of_one, strict=True))
    return [notes[place] for place in range(len(failed))]


def _health_of(attempt: Attempt) -> tuple[str, str]:
    return attempt.provider, attempt.stage


def _note_failures(
    failed: Sequence[tuple[Attempt, ProviderError]], *, now: datetime
) -> list[Noted]:
    """Count failures of one provider in one stage."""
    attempt, _ = failed[0]
    if all(_has_answered(error) for _, error in failed):
        return [Noted(news=note_answer(attempt, now=now)) for attempt, _ in failed]
    locked = ProviderHealth.objects.select_for_update()
    health, _ = locked.get_or_create(provider=attempt.provider, stage=attempt.stage)
    may_be_down = health.failures + len(failed) >= settings.AI_BREAKER_FAILURES
    running = _running(attempt) if may_be_down and not health.down_since else 0
    notes = [_note(health, attempt, error, running, now=now) for attempt, error in failed]
    health.save()
    return notes


def _has_answered(error: ProviderError) -> bool:
    return not error.transient or error.code in ANSWERED


def _running(attempt: Attempt) -> int:
    """Return how many other attempts still wait for a response of this provider."""
    running = Attempt.objects.filter(
        call__state=CallState.PROCESSING_AI,
        provider=attempt.provider,
        stage=attempt.stage,
        outcome=Attempt.Outcome.RUNNING,
    )
    return running.exclude(pk=attempt.pk).count()


def _note(
    health: ProviderHealth, attempt: Attempt, error: ProviderError, running: int, *, now: datetime
) -> Noted:
    if _has_answered(error):
        return Noted(news=_note_answer(health, now=now))
    if health.failed_at and now - health.failed_at > WINDOW and not health.down_since:
        health.failures = 0
    health.failures, health.failed_at, health.error = health.failures + 1, now, str(error)
    news = None
    if health.down_since:
        _note_probe(health, attempt, now=now)
    # A refusal comes at once, a response takes time. So a burst of failures proves nothing while
    # more attempts than that are still running: they may yet succeed.
    elif health.failures >= max(settings.AI_BREAKER_FAILURES, running):
        health.down_since, health.probed_at = now, None
        _schedule_probe(health, settings.AI_BREAKER_SECONDS, now=now)
        log.error("%s is down: %d failures in a row, the last: %s", health, health.failures, error)
        news = _down(health)
    return Noted(_seconds_left(health, now=now), news)


def _down(health: ProviderHealth) -> events.ProviderDown:
    return events.ProviderDown(
        provider=health.provider,
        stage=health.stage,
        failures=health.failures,
        error=health.error,
        probe_at=health.probe_at.isoformat() if health.probe_at else "",
    )


def _note_probe(health: ProviderHealth, attempt: Attempt, *, now: datetime) -> None:
    """Double the wait if the probe failed. An attempt from before the outage changes nothing."""
    if _was_probe(health, attempt):
        _schedule_probe(health, min(2 * health.wait_s, MAX_WAIT_S), now=now)


def _was_probe(health: ProviderHealth, attempt: Attempt) -> bool:
    return attempt.started_at == health.probed_at


def _schedule_probe(health: ProviderHealth, wait_s: float, *, now: datetime) -> None:
    health.wait_s, health.probe_at = wait_s, now + timedelta(seconds=wait_s)


def _seconds_left(health: ProviderHealth, *, now: datetime) -> float | None:
    if health.probe_at is None:
        return None
    return max(0.0, (health.probe_at - now).total_seconds())


def note_answer(attempt: Attempt, *, now: datetime) -> events.ProviderBack | None:
    """Record that the provider answered: reset the failures, and end the outage if there is one."""
    failing = ProviderHealth.objects.filter(
        provider=attempt.provider, stage=attempt.stage, failures__gt=0
    )
    # Lock only if there are failures to reset, so that normal operation writes nothing.
    health = failing.select_for_update().first()
    if health is None:
        return None
    news = _note_answer(health, now=now)
    health.save()
    return news


def _note_answer(health: ProviderHealth, *, now: datetime) -> events.ProviderBack | None:
    news = _back(health, now=now) if health.down_since else None
    health.failures, health.wait_s = 0, 0
    health.down_since = health.probe_at = health.probed_at = None
    return news


def _back(health: ProviderHealth, *, now: datetime) -> events.ProviderBack:
    log.warning("%s is back; it had been down since %s", health, health.down_since)
    since = health.down_since or now
    return events.ProviderBack(
        provider=health.provider,
        stage=health.stage,
        down_since=since.isoformat(),
        seconds=round((now - since).total_seconds(), 3),
    )


def note_unasked(attempt: Attempt, *, now: datetime) -> None:
    """Record that an attempt did not need the provider. If it was the probe, allow another one."""
    down = ProviderHealth.objects.filter(
        provider=attempt.provider, stage=attempt.stage, down_since__isnull=False
    )
    down.filter(probed_at=attempt.started_at).update(probe_at=now)


def admits(*, provider: str, stage: Stage, now: datetime) -> bool:
    """Return whether the provider may be asked now. While it is down, admit one probe at a time.

    The conditional UPDATE lets only one of several workers win the probe.
    """
    rows = ProviderHealth.objects.filter(provider=provider, stage=stage, down_since__isnull=False)
    health = rows.first()
    if health is None:
        return True
    next_at = now + timedelta(seconds=health.wait_s)
    return bool(rows.filter(probe_at__lte=now).update(probe_at=next_at, probed_at=now))


def down(*, provider: str) -> list[ProviderHealth]:
    """Return the health rows of the stages in which the provider is down."""
    return list(ProviderHealth.objects.filter(provider=provider, down_since__isnull=False))


def all_down() -> list[ProviderHealth]:
    """Return the health rows of everything that is down."""
    return list(ProviderHealth.objects.filter(down_since__isnull=False))


def known_of_late(*, now: datetime) -> QuerySet[ProviderHealth]:
    """Return the health rows with recent failures, for monitoring. The others are up or unused."""
    return ProviderHealth.objects.filter(failed_at__gte=now - STALE).order_by("provider", "stage")


def down_of_late(*, now: datetime) -> QuerySet[ProviderHealth]:
    """Return the health rows of what is down and was tried recently."""
    return known_of_late(now=now).filter(down_since__isnull=False)


def pick(due: CallQuerySet, *, provider: str, limit: int, now: datetime) -> list[int]:
    """Return the keys of due calls that may be claimed: those that need no provider that is down,
    and one probe for each that is down and due for one.
    """
    # Probe with another call each time: the failure may be the fault of the call.
    by_turn = F("next_attempt_at").asc(nulls_first=True)
    probes: list[int] = []
    free = due
    for health in down(provider=provider):
        held = asking(due, health.stage)
        free = free.exclude(pk__in=held.values("pk"))
        if health.probe_at and health.probe_at <= now:
            probes += _first(held.order_by(by_turn, "state_changed_at"), 1)
    return [*probes, *_first(free.order_by("state_changed_at"), limit)][:limit]


def _first(calls: QuerySet[Call], limit: int) -> list[int]:
    return list(calls.values_list("pk", flat=True)[:limit])


def needing(calls: QuerySet[Call], stage: str) -> QuerySet[Call]:
    """Return those of the waiting calls whose next stage this is."""
    heard = Exists(
        Attempt.objects.filter(
            call=OuterRef("pk"),
            round=OuterRef("analysis_round"),
            stage=Stage.TRANSCRIBE,
            outcome=Attempt.Outcome.SUCCEEDED,
        )
    )
    kept = Q(heard) | Q(first_stage=Stage.UNDERSTAND)
    return calls.filter(kept if stage == Stage.UNDERSTAND else ~kept)


def asking(calls: CallQuerySet, stage: str) -> QuerySet[Call]:
    """Return those of the waiting calls that will ask the provider in this stage next.

    Calls that are not known to be audio count as text, which needs no transcription.
    """
    return needing(calls.spoken() if stage == Stage.TRANSCRIBE else calls, stage)
