"""Floors of many live calls, for the tests of the wall screen."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from calls.lifecycle import CallState
from calls.models import Alert, Call, LiveTranscription


def call(call_id, queue="billing", *, minutes=1.0, state=CallState.IN_PROGRESS, **fields):
    """A call that began some minutes ago, with no packets."""
    now = timezone.now()
    if state != CallState.IN_PROGRESS:
        fields.setdefault("ended_at", now)
    return Call.objects.create(
        call_id=call_id,
        queue=queue,
        state=state,
        opened_at=now - timedelta(minutes=minutes),
        **fields,
    )


def alert(of, severity=2, name="Wants to cancel", **fields):
    number = of.alerts.count() + 1
    return Alert.objects.create(
        call=of, number=number, name=name, kind="words", severity=severity, found="x", **fields
    )


def hear(of, words, speaker="customer"):
    LiveTranscription.objects.create(call=of, last_speaker=speaker, last_words=words)


def full_floor(queues=12, calls=300):
    """Many queues with live calls of all kinds, some of them long, negative or alerting."""
    now = timezone.now()
    found = Call.objects.bulk_create(
        Call(
            call_id=f"floor-{number}",
            queue=f"queue {number % queues} of customers with long names",
            agent=f"Agent Number {number} With-A-Long-Name",
            caller=f"+44 20 7946 {number:04}",
            opened_at=now - timedelta(seconds=30 + 7 * number),
            customer_sentiment=("NEGATIVE", "NEUTRAL", "POSITIVE", "")[number % 4],
            customer_trend=("worsening", "steady", "improving", "")[number % 4],
        )
        for number in range(calls)
    )
    Call.objects.bulk_create(
        Call(
            call_id=f"done-{number}",
            queue=f"queue {number % queues} of customers with long names",
            state=CallState.COMPLETED,
            opened_at=now - timedelta(minutes=5),
            ended_at=now,
        )
        for number in range(calls)
    )
    for number, each in enumerate(found[::25]):
        alert(each, 1 + number % 3, name="Asks for a supervisor, a manager or somebody else")
        hear(each, "and I have been waiting for this refund for more than three weeks by now")
    return found
