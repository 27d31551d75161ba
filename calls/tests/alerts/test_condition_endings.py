"""Alerts of rules with conditions are over as soon as one of them has ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.alerts.endings import resolve_live
from calls.models import Alert, Call
from calls.tests.alerts.hearing import archive, ended, hearing, look, look_at_log, rule, sweep, turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]
STATES = Alert.State
UNHAPPY = {"kind": "sentiment", "speaker": "customer", "limit": -2}
REFUND = {"kind": "words", "speaker": "customer", "phrases": "refund"}
LOSS = {"kind": "loss", "limit": 5}
LONG = {"kind": "long_call", "limit": 300}


def so_far(heard, score, *, speaker="customer"):
    heard.measure(sentiment={"overall": {speaker: {"label": "NEGATIVE", "score": score}}})


def unhappy(**fields):
    """A call with enough scores of its customer, and a word that rules look for."""
    heard = hearing(**fields)
    for number in range(3):
        heard.hear(number * 9_000, "I want a refund, says my lawyer.", score=-4.0)
    so_far(heard, -4.0)
    return heard


def lossy(call, *, missing):
    Call.objects.filter(pk=call.pk).update(packet_count=100, missing_count=missing)


def check(alert):
    """Resolve ended alerts twice: the second time finds nothing more."""
    now = timezone.now()
    resolved = resolve_live(now=now)
    assert resolve_live(now=now) == 0
    return resolved, *ended(alert)[:2]


def test_an_alert_on_words_with_low_sentiment_is_resolved_when_it_recovers():
    rule(conditions=[UNHAPPY])
    heard = unhappy()
    (alert,) = look()

    lasting = check(alert)
    so_far(heard, 1.0)

    assert lasting == (0, STATES.OPEN, "")
    assert check(alert) == (1, STATES.RESOLVED, "recovered")


def test_the_sentiment_of_the_other_side_ends_no_condition():
    rule(conditions=[UNHAPPY])
    heard = unhappy()
    (alert,) = look()

    both = {"customer": {"score": -4.0}, "agent": {"score": 3.0}}
    heard.measure(sentiment={"overall": both})

    assert check(alert) == (0, STATES.OPEN, "")


def test_a_low_utterance_keeps_its_alert_whatever_follows():
    rule(conditions=[{**UNHAPPY, "per_turn": True}])
    heard = unhappy()
    (alert,) = look()

    so_far(heard, 3.0)

    assert check(alert) == (0, STATES.OPEN, "")


def test_a_sentiment_alert_with_words_is_resolved_when_it_recovers():
    rule("sentiment", conditions=[REFUND])
    heard = unhappy()
    (alert,) = look()

    so_far(heard, 1.0)

    assert check(alert) == (1, STATES.RESOLVED, "recovered")


def test_a_long_call_alert_is_resolved_when_the_sentiment_recovers():
    rule("long_call", limit=300, conditions=[UNHAPPY])
    heard = unhappy(opened_at=timezone.now() - timedelta(minutes=9))
    (alert,) = look()

    so_far(heard, 1.0)

    assert check(alert) == (1, STATES.RESOLVED, "recovered")


def test_a_long_call_alert_is_resolved_when_the_loss_ends():
    rule("long_call", limit=300, conditions=[LOSS])
    heard = hearing(opened_at=timezone.now() - timedelta(minutes=9))
    lossy(heard.call, missing=50)
    (alert,) = sweep(timezone.now())

    lossy(heard.call, missing=1)

    assert check(alert) == (1, STATES.RESOLVED, "within_limit")


def test_a_silence_alert_with_words_is_resolved_when_the_silence_ends():
    now = timezone.now()
    rule("silence", limit=30, conditions=[REFUND])
    heard = unhappy(last_packet_at=now - timedelta(minutes=2))
    (alert,) = sweep(now)

    Call.objects.filter(pk=heard.call.pk).update(last_packet_at=now)

    assert check(alert) == (1, STATES.RESOLVED, "silence_broken")


def test_a_returning_condition_is_raised_again():
    now = timezone.now()
    rule("loss", limit=5, conditions=[LONG])
    heard = hearing(opened_at=now - timedelta(minutes=9))
    lossy(heard.call, missing=50)
    sweep(now)
    lossy(heard.call, missing=1)
    resolve_live(now=now)
    lossy(heard.call, missing=60)

    at_once, later = sweep(now), sweep(now + timedelta(minutes=2))

    assert (at_once, [each.number for each in later]) == ([], [2])


@pytest.mark.parametrize("kind", ["loss", "long_call"])
def test_an_alert_on_the_state_of_a_call_is_resolved_when_it_ends(kind):
    now = timezone.now()
    rule(kind, limit=5, conditions=[LOSS if kind == "long_call" else LONG])
    heard = hearing(opened_at=now - timedelta(minutes=9))
    lossy(heard.call, missing=50)
    (alert,) = sweep(now)

    services.end_call(call_id=heard.call.call_id)

    assert ended(alert)[:2] == (STATES.RESOLVED, "call_ended")


@pytest.mark.parametrize("condition", [LONG, LOSS])
def test_an_alert_on_words_stays_open_when_the_call_ends(condition):
    rule(conditions=[condition])
    heard = unhappy(opened_at=timezone.now() - timedelta(minutes=9))
    lossy(heard.call, missing=50)
    (alert,) = look()

    archive(heard.call, turns=[turn(0, "I want a refund, says my lawyer.")])
    look_at_log()

    assert ended(alert)[:2] == (STATES.OPEN, "")
    assert not Alert.objects.lasting().exists()
    assert Alert.objects.count() == 1


@pytest.mark.parametrize(
    ("score", "state"), [(-3.0, (STATES.OPEN, "")), (1.0, (STATES.RESOLVED, "not_confirmed"))]
)
def test_the_result_decides_about_the_conditions(score, state):
    rule(conditions=[UNHAPPY])
    heard = unhappy()
    (alert,) = look()

    archive(
        heard.call,
        turns=[turn(0, "I want a refund, says my lawyer.")],
        metrics={"sentiment": {"overall": {"customer": {"score": score}}}},
    )
    waiting = ended(alert)[:2]
    look_at_log()

    assert waiting == (STATES.OPEN, "")
    assert ended(alert)[:2] == state
    assert Alert.objects.count() == 1


def test_a_sentiment_alert_is_resolved_if_the_result_refutes_a_condition():
    rule("sentiment", speaker="agent", limit=-1, conditions=[UNHAPPY])
    heard = hearing()
    for number in range(6):
        side = "agent" if number % 2 else "customer"
        heard.hear(number * 9_000, "Bad.", score=-4.0, speaker=side)
    both = {"agent": {"score": -4.0}, "customer": {"score": -4.0}}
    heard.measure(sentiment={"overall": both})
    (alert,) = look()

    overall = {"agent": {"score": -4.0}, "customer": {"score": 2.0}}
    archive(heard.call, metrics={"sentiment": {"overall": overall}})
    look_at_log()

    assert ended(alert)[:2] == (STATES.RESOLVED, "not_confirmed")
