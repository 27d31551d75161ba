"""Whether a provider is asked at all: one that only fails is left alone, and calls wait for it.

A row for each provider and stage is shared by all workers. When enough attempts in a row have
failed and nothing speaks for the provider, it is down: no call that would ask it there is taken
but one probe at a time. The first answer brings everything back. Calls of words pass through
``transcribe`` without the provider, so that they go on while audio waits for it.

Functions that change a row belong into the caller's transaction. Locks are always taken in this
order: the call's row, the health row, the event log's advisory lock.
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
# Failures further apart than this are not one outage. Longer than any wait between attempts.
WINDOW = timedelta(minutes=5)
# A provider that nobody has asked for so long may be up again, or is not in use any more.
STALE = timedelta(hours=1)
# Failures of what came back, not of the provider: somebody did answer.
ANSWERED = {"empty_transcript", "invalid_answer"}


@dataclass(frozen=True)
class Noted:
    """``down_s``: how many seconds the provider is left alone, None if it is not. ``news`` is for
    the log, where something has changed."""

    down_s: float | None = None
    news: events.ProviderDown | events.ProviderBack | None = None


def note_failures(failed: Sequence[tuple[Attempt, ProviderError]], *, now: datetime) -> list[Noted]:
    """Count failures, and return what follows from each."""
    notes: dict[int, Noted] = {}
    # Rows are locked on the way, by all workers in the same order.
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
    """Do so for failures of one provider in one stage."""
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
    """Return how many attempts may still speak for the provider of this one."""
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
    # Refusals come at once and answers take their time, so a burst of failures proves nothing
    # while more attempts than that are still running.
    elif health.failures >= max(settings.AI_BREAKER_FAILURES, running):
        health.down_since, health.probed_at = now, None
        _leave_alone(health, settings.AI_BREAKER_SECONDS, now=now)
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
    """Wait twice as long if it was the probe that failed, and not a call from before."""
    if _was_probe(health, attempt):
        _leave_alone(health, min(2 * health.wait_s, MAX_WAIT_S), now=now)


def _was_probe(health: ProviderHealth, attempt: Attempt) -> bool:
    return attempt.started_at == health.probed_at


def _leave_alone(health: ProviderHealth, wait_s: float, *, now: datetime) -> None:
    health.wait_s, health.probe_at = wait_s, now + timedelta(seconds=wait_s)


def _seconds_left(health: ProviderHealth, *, now: datetime) -> float | None:
    if health.probe_at is None:
        return None
    return max(0.0, (health.probe_at - now).total_seconds())


def note_answer(attempt: Attempt, *, now: datetime) -> events.ProviderBack | None:
    """The provider did answer: whatever failed before is forgotten, and calls flow again."""
    failing = ProviderHealth.objects.filter(
        provider=attempt.provider, stage=attempt.stage, failures__gt=0
    )
    # No lock unless there is something to forget: in good times nothing is written.
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
    log.warning("%s is back; it was down since %s", health, health.down_since)
    since = health.down_since or now
    return events.ProviderBack(
        provider=health.provider,
        stage=health.stage,
        down_since=since.isoformat(),
        seconds=round((now - since).total_seconds(), 3),
    )


def note_unasked(attempt: Attempt, *, now: datetime) -> None:
    """The attempt did without the provider: if it was the probe, another call may be it."""
    down = ProviderHealth.objects.filter(
        provider=attempt.provider, stage=attempt.stage, down_since__isnull=False
    )
    down.filter(probed_at=attempt.started_at).update(probe_at=now)


def admits(*, provider: str, stage: Stage, now: datetime) -> bool:
    """Whether the provider may be asked now. Of those who ask while it is down, one is let in."""
    rows = ProviderHealth.objects.filter(provider=provider, stage=stage, down_since__isnull=False)
    health = rows.first()
    if health is None:
        return True
    next_at = now + timedelta(seconds=health.wait_s)
    return bool(rows.filter(probe_at__lte=now).update(probe_at=next_at, probed_at=now))


def down(*, provider: str) -> list[ProviderHealth]:
    """Return the stages in which the provider is down: nearly always none."""
    return list(ProviderHealth.objects.filter(provider=provider, down_since__isnull=False))


def all_down() -> list[ProviderHealth]:
    """Return what is down, whoever it is."""
    return list(ProviderHealth.objects.filter(down_since__isnull=False))


def known_of_late(*, now: datetime) -> QuerySet[ProviderHealth]:
    """Return what has failed at all lately, for monitoring: the rest is up, or not in use."""
    return ProviderHealth.objects.filter(failed_at__gte=now - STALE).order_by("provider", "stage")


def down_of_late(*, now: datetime) -> QuerySet[ProviderHealth]:
    """Return what is down as far as anybody has tried."""
    return known_of_late(now=now).filter(down_since__isnull=False)


def pick(due: CallQuerySet, *, provider: str, limit: int, now: datetime) -> list[int]:
    """Return the due calls that may be taken: those that ask nobody who is down, and a probe."""
    # Another call each time, as it may be the call that cannot be answered.
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
    """Return those of some waiting calls whose round goes on with this stage."""
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
    """Return those of some waiting calls that will ask the provider in this stage next.

    What is not known to be audio is taken for words, which nobody has to transcribe.
    """
    return needing(calls.spoken() if stage == Stage.TRANSCRIBE else calls, stage)
