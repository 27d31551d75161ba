"""The sentiment of a live call, in its row and in the event log."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.analysis.live.headline import write_headline
from calls.analysis.speakers import swap_speakers
from calls.models import Call, CallEvent
from calls.tests.factories import ended_call, live_call

pytestmark = pytest.mark.django_db
ANGRY = {
    "sentiment": {
        "overall": {"customer": {"label": "NEGATIVE", "score": -3.0}},
        "trend": {"customer": "worsening"},
    }
}
NEUTRAL = {
    "sentiment": {
        "overall": {"customer": {"label": "NEUTRAL", "score": 0.1}},
        "trend": {"customer": "improving"},
    }
}


def write(call: Call, figures: dict) -> bool:
    return write_headline(call.pk, figures, at=timezone.now())


def logged() -> list[dict]:
    return [event.data for event in CallEvent.objects.filter(type="live_sentiment")]


def test_a_changed_sentiment_is_in_the_row_and_in_the_log():
    call = live_call()

    assert write(call, ANGRY)

    call.refresh_from_db()
    assert (call.customer_sentiment, call.customer_trend) == ("NEGATIVE", "worsening")
    assert logged() == [
        {
            "agent_sentiment": "",
            "agent_trend": "",
            "customer_sentiment": "NEGATIVE",
            "customer_trend": "worsening",
            "unjudged_language": "",
        }
    ]


def test_the_same_sentiment_is_not_logged_again():
    call = live_call()
    write(call, ANGRY)

    assert not write(call, ANGRY)
    assert write(call, NEUTRAL)
    assert [entry["customer_sentiment"] for entry in logged()] == ["NEGATIVE", "NEUTRAL"]


def test_sides_without_sentiment_log_nothing():
    call = live_call()

    assert not write(call, {"sentiment": {"overall": {}, "trend": {}}})
    assert logged() == []


def test_a_language_without_sentiment_is_in_the_row_and_in_the_log_once():
    call = live_call()
    german = {"sentiment": {"overall": {}, "trend": {}}, "unjudged_language": "de"}

    assert write(call, german)
    assert not write(call, german)

    call.refresh_from_db()
    assert (call.customer_sentiment, call.unjudged_language) == ("", "de")
    assert [entry["unjudged_language"] for entry in logged()] == ["de"]


def test_swapped_speakers_are_swapped_in_the_headline():
    call = live_call()
    swap_speakers(call_id=call.call_id, swapped=True)

    write(call, ANGRY)

    call.refresh_from_db()
    assert (call.agent_sentiment, call.customer_sentiment) == ("NEGATIVE", "")


def test_a_call_that_has_ended_keeps_its_headline():
    call = ended_call()

    assert not write(call, ANGRY)
    assert logged() == []
    assert not write_headline(0, ANGRY, at=timezone.now())
