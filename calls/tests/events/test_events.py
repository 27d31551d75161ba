"""The event log: what is written, how it is read, and how clients see it."""

from __future__ import annotations

import json
import uuid
from typing import get_args

import pytest
from django.db import transaction
from django.utils import timezone

from calls import events
from calls.description import NAMES
from calls.events.alerts import (
    AlertAcknowledged,
    AlertAssigned,
    AlertRaised,
    AlertReopened,
    AlertResolved,
    AlertSnoozed,
)
from calls.models import CallEvent, EventLog

pytestmark = pytest.mark.django_db

PAYLOADS = [
    events.StateChanged(previous=None, version=1),
    events.CallDescribed(**dict.fromkeys(NAMES, "")),
    events.GapDetected(stream="", expected=1, received=3),
    events.LatePackets(stream="", sequences=[1, 2], count=2),
    events.AttemptFinished(stage="transcribe", number=1, outcome="failed"),
    events.SoundTroubles(kinds=["wrong_codec", "heavy_loss"]),
    events.CallDeleted(deleted="c-1", reason="retention"),
    AlertRaised(
        alert=1,
        rule="Silence",
        kind="silence",
        severity="warning",
        found="No packet for 30 s.",
        quote="",
        speaker="",
        offset_ms=None,
    ),
    AlertAcknowledged(alert=1, rule="Silence", severity="warning", by="ann", note=""),
    AlertResolved(alert=1, rule="Silence", severity="warning", reason="call_ended"),
    AlertAssigned(alert=1, rule="Silence", severity="warning", to="ann", by="bob"),
    AlertSnoozed(
        alert=1, rule="Silence", severity="warning", until="2026-01-31T12:00:00+00:00", by="ann"
    ),
    AlertReopened(alert=1, rule="Silence", severity="warning", by=""),
    events.TagAdded(tag="vip", by="ann"),
    events.TagRemoved(tag="vip", by="ann"),
    events.NoteAdded(note=1, by="ann"),
    events.NoteDeleted(note=1, author="ann", by="bob"),
    events.HoldSet(by="ann"),
    events.HoldReleased(by="ann"),
    events.LiveSentiment(
        agent_sentiment="NEUTRAL",
        agent_trend="steady",
        customer_sentiment="NEGATIVE",
        customer_trend="worsening",
        unjudged_language="de",
    ),
    events.SpeakersSwapped(swapped=True, by="ann"),
    events.FormatCorrected(media="audio/l16;rate=16000", by="ann"),
    events.ListeningStarted(session=1, by="ann"),
    events.ListeningEnded(session=1, by="ann", seconds=12.5),
    events.ActionLinkUsed(by="ann"),
    events.WebhookDisabled(endpoint="ops", reason="404"),
    events.NotificationTargetDisabled(target="chat", reason="gone"),
    events.CallFieldsChanged(fields={"crm": "4711"}, by="ann"),
    events.CallReassigned(agent="Ann", queue=""),
    events.PeopleChanged(),
    events.CallDismissed(by="ann", note=""),
    events.ProviderDown(provider="openai", stage="transcribe", failures=10, error="", probe_at=""),
    events.ProviderBack(provider="openai", stage="transcribe", down_since="", seconds=30.5),
    events.AnalysisPaused(by="ann", reason=""),
    events.AnalysisResumed(by="ann", seconds=60.0),
]


def append(call, *payloads, at=None):
    with transaction.atomic():
        events.append([(call, payload) for payload in payloads], at=at or timezone.now())


def gap(received):
    return events.GapDetected(stream="", expected=1, received=received)


def test_every_payload_is_tried_here_and_has_a_type_of_its_own():
    assert {type(payload) for payload in PAYLOADS} == set(get_args(events.Payload))
    assert len({payload.type for payload in PAYLOADS}) == len(PAYLOADS)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.type)
def test_an_event_is_stored_with_its_type_and_the_state_of_its_call(call_in, payload):
    call, now = call_in("FAILED"), timezone.now()

    append(call, payload, at=now)

    event = CallEvent.objects.get()
    assert (event.call, event.type, event.state, event.at) == (call, payload.type, "FAILED", now)
    assert type(payload)(**event.data) == payload


def test_events_have_growing_offsets_in_the_order_in_which_they_were_given(call_in):
    call = call_in()

    append(call, *[gap(number) for number in range(2, 52)])

    found = list(CallEvent.objects.all())
    assert [event.data["received"] for event in found] == list(range(2, 52))
    assert [event.id for event in found] == sorted(event.id for event in found)


def test_an_event_vanishes_with_the_transaction_that_failed(call_in):
    call = call_in()

    with transaction.atomic():
        events.append([(call, gap(3))], at=timezone.now())
        transaction.set_rollback(True)

    assert not CallEvent.objects.exists()
    assert events.head() == 0


def test_appending_nothing_needs_no_transaction():
    events.append([], at=timezone.now())

    assert events.head() == 0


def test_reading_continues_after_the_offset_and_stops_at_the_limit(call_in):
    append(call_in(), *[gap(number) for number in range(2, 12)])
    first = events.read(after=0, limit=4)

    second = events.read(after=first[-1].id, limit=100)
    third = events.read(after=second[-1].id, limit=100)

    assert [event.data["received"] for event in first + second] == list(range(2, 12))
    assert third == []
    assert events.head() == second[-1].id


def test_reading_many_events_of_many_calls_is_one_query(call_in, django_assert_num_queries):
    for number in range(20):
        append(call_in(call_id=f"c-{number}"), gap(3))

    with django_assert_num_queries(1):
        messages = events.as_messages(events.read(after=0, limit=100))

    assert {message["call_id"] for message in messages} == {f"c-{n}" for n in range(20)}


def test_a_message_is_the_same_everywhere_and_is_json(call_in):
    append(call_in("COMPLETED"), gap(3))
    event = CallEvent.objects.get()

    message = events.as_message(event)

    assert json.loads(json.dumps(message)) == {
        "type": "gap_detected",
        "call_id": "c-1",
        "state": "COMPLETED",
        "data": {"stream": "", "expected": 1, "received": 3},
        "offset": event.id,
        "at": event.at.isoformat(),
    }


def test_an_event_without_a_call_is_a_message_too():
    event = CallEvent.objects.create(type="note", at=timezone.now())

    assert events.as_message(event)["call_id"] is None


def test_the_log_keeps_its_name_and_gets_one_if_it_has_none():
    name = events.epoch()
    again = events.epoch()
    EventLog.objects.all().delete()

    new = events.epoch()

    assert uuid.UUID(name)
    assert again == name
    assert new != name
    assert events.epoch() == new
