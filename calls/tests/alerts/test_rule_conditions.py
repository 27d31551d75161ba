"""Rules with several conditions: all must hold, in whatever order they came true."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.alerts.kinds import LIVE_KINDS
from calls.alerts.live.sweep import sweep_live
from calls.alerts.live.utterances import LiveTail
from calls.alerts.services import raise_alerts
from calls.alerts.trial import try_rule
from calls.alerts.watcher import Watcher
from calls.ingest.record import record_packets
from calls.models import Alert, Call, LiveTranscription
from calls.tests.alerts.hearing import (
    Hearing,
    archive,
    book,
    hearing,
    look,
    look_at_log,
    rule,
    turn,
)
from calls.tests.factories import failed_call, live_call, packet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]
UNHAPPY = {"kind": "sentiment", "speaker": "customer", "limit": -2}
LONG = {"kind": "long_call", "limit": 300}
REFUND = {"kind": "words", "speaker": "customer", "phrases": "refund"}


def customer(score):
    return {"sentiment": {"overall": {"customer": {"score": score}}}}


def judged(heard, score):
    """Give three utterances a score, which is enough for the sentiment of a side to count."""
    for begin_ms in (10_000, 20_000, 30_000):
        heard.hear(begin_ms, "Hm.", score=score)
    heard.measure(**customer(score))


def aged(call, minutes):
    Call.objects.filter(pk=call.pk).update(opened_at=timezone.now() - timedelta(minutes=minutes))


def sweep():
    now = timezone.now()
    return raise_alerts(list(sweep_live(book().of(*LIVE_KINDS), now=now)), now=now)


def test_words_raise_an_alert_when_the_sentiment_falls_later():
    rule(speaker="customer", conditions=[UNHAPPY])
    tail, heard = LiveTail(), hearing()
    heard.hear(1_000, "My lawyer.")
    before = look(tail)
    judged(heard, -2.5)

    (alert,) = look(tail)

    assert before == []
    limit = "the limit is \N{MINUS SIGN}2."
    assert alert.found == f"Said “lawyer”. Sentiment so far \N{MINUS SIGN}2.5; {limit}"
    assert (alert.quote, alert.offset_ms) == ("My lawyer.", 1_000)
    assert look(tail) == []


def test_words_raise_no_alert_while_a_condition_does_not_hold():
    rule(conditions=[UNHAPPY, REFUND])
    heard = hearing()
    heard.hear(1_000, "My lawyer.")
    judged(heard, -2.5)

    assert look() == []


@pytest.mark.parametrize("restarted", [False, True])
def test_words_may_be_said_long_before_those_of_the_condition(restarted):
    rule(conditions=[REFUND])
    tail, heard = LiveTail(), hearing()
    heard.hear(1_000, "I want a refund.")
    heard.hear(400_000, "Hello?")
    look(tail)
    heard.hear(500_000, "My lawyer.")

    (alert,) = look(LiveTail() if restarted else tail)

    assert alert.offset_ms == 500_000


def test_changed_words_count_in_their_newest_form():
    rule(conditions=[REFUND])
    tail, heard = LiveTail(), hearing()
    said = heard.hear(1_000, "I want a refund.")
    heard.hear(2_000, "Hm.")
    look(tail)
    heard.change(said, shown="I want [NAME].")
    heard.hear(500_000, "My lawyer.")

    assert look(tail) == []


def test_words_of_the_condition_must_be_those_of_its_speaker():
    rule(conditions=[{**REFUND, "speaker": "agent"}])
    heard = hearing()
    heard.hear(1_000, "I want a refund. My lawyer.")

    assert look() == []


def test_a_call_becomes_long_after_the_words_were_said():
    rule(conditions=[LONG])
    tail, heard = LiveTail(), hearing()
    heard.hear(1_000, "My lawyer.")
    before = look(tail)
    aged(heard.call, 6)
    heard.listen(310_000)

    (alert,) = look(tail)

    assert before == []
    assert alert.found == "Said “lawyer”. The call is longer than 300 s."


def test_a_long_call_raises_an_alert_when_the_words_of_its_condition_are_said():
    rule("long_call", limit=300, conditions=[REFUND])
    tail, heard = LiveTail(), hearing()
    aged(heard.call, 6)
    heard.hear(1_000, "Hello.")
    before = [*look(tail), *sweep()]
    heard.hear(2_000, "A refund.")

    (alert,) = look(tail)

    assert before == []
    assert alert.found == "The call is longer than 300 s. Said “refund”."


def test_silence_counts_with_words_that_were_said_before_it():
    rule("silence", limit=45, conditions=[{**REFUND, "phrases": "one moment", "speaker": "agent"}])
    silent = timezone.now() - timedelta(minutes=2)
    heard = hearing(last_packet_at=silent)
    heard.hear(1_000, "One moment, please.", speaker="agent")
    live_call()
    Call.objects.update(last_packet_at=silent)

    (alert,) = sweep()

    assert alert.call == heard.call
    assert alert.found.startswith("No packet for 120 s; the limit is 45 s. Said “one moment”.")


def test_conditions_on_the_state_of_a_call_are_swept_together():
    rule("loss", limit=10, conditions=[LONG])
    now = timezone.now()
    for minutes, missing in ((6, 20), (1, 20), (6, 1)):
        call = live_call()
        Call.objects.filter(pk=call.pk).update(packet_count=80, missing_count=missing)
        aged(call, minutes)

    (alert,) = sweep()

    assert alert.call.opened_at < now - timedelta(minutes=5)
    assert alert.call.missing_count == 20
    assert sweep() == []


def test_rules_with_conditions_check_live_words_of_text_calls_and_raise_once():
    rule(conditions=[REFUND])
    watcher = Watcher(owner="one")
    watcher.step()
    record_packets([packet("chat", 1, "my lawyer wants a refund")])
    Hearing(Call.objects.get(call_id="chat"), channel="").hear(0, "my lawyer wants a refund")

    watcher.step()

    assert Alert.objects.get().source.startswith("live:")


RESULTS = [
    ("words", {}, [REFUND], True),
    ("words", {}, [UNHAPPY], True),
    ("words", {}, [{**UNHAPPY, "limit": -3}], False),
    ("words", {}, [LONG], True),
    ("words", {}, [{**LONG, "limit": 700}], False),
    ("words", {}, [REFUND, UNHAPPY, LONG], True),
    ("words", {}, [REFUND, {**UNHAPPY, "limit": -3}], False),
    ("sentiment", {"speaker": "customer"}, [REFUND], True),
    ("long_call", {"limit": 300}, [REFUND], True),
    ("long_call", {"limit": 300}, [{**REFUND, "phrases": "thanks"}], False),
    ("silence", {"limit": 45}, [REFUND], True),
    ("words", {}, [{"kind": "sentiment", "limit": -4, "per_turn": True}], True),
]


@pytest.mark.parametrize(("kind", "fields", "conditions", "is_raised"), RESULTS)
def test_the_result_and_the_trial_check_every_condition(kind, fields, conditions, is_raised):
    made = rule(kind, conditions=conditions, **fields)
    call = live_call()
    metrics = customer(-2.5) | {"non_talk": {"instances": [{"begin_ms": 9_000, "end_ms": 99_000}]}}
    said = [turn(1_000, "A refund.", score=-4.5), turn(500_000, "My lawyer.")]
    archive(call, turns=said, metrics=metrics)

    look_at_log()

    assert Alert.objects.exists() == is_raised
    assert bool(try_rule(made).hits) == is_raised


def test_the_result_does_not_repeat_a_live_alert_with_conditions():
    rule(conditions=[REFUND])
    rule(name="again", conditions=[REFUND], repeat_after_s=60)
    tail, heard = LiveTail(), hearing()
    heard.hear(1_000, "A refund. My lawyer.")
    look(tail)
    archive(heard.call, turns=[turn(900, "A refund. My lawyer.")])

    look_at_log(tail)

    assert Alert.objects.count() == 2


def test_conditions_on_words_wait_for_the_result_when_a_call_has_ended():
    rule("long_call", limit=300, conditions=[REFUND])
    call = live_call()
    aged(call, 10)
    services.end_call(call_id=call.call_id)

    look_at_log()

    assert not Alert.objects.exists()


def test_a_failed_analysis_counts_with_conditions_on_the_call():
    rule("analysis_failed", conditions=[{**LONG, "limit": 1}])
    rule("analysis_failed", name="said", conditions=[REFUND])
    call = failed_call()
    Call.objects.filter(pk=call.pk).update(opened_at=call.ended_at - timedelta(minutes=1))

    look_at_log()

    assert Alert.objects.get().rule.conditions == [{**LONG, "limit": 1}]


def test_reading_all_words_costs_one_query_for_each_call(django_assert_num_queries):
    rule(conditions=[REFUND])
    tail, heard = LiveTail(), hearing()
    heard.hear(1_000, "My lawyer.")
    look(tail)
    heard.hear(2_000, "Hm.")
    calls = list(tail.read())

    with django_assert_num_queries(0):
        assert len(calls[0].whole.utterances) == 2
    assert LiveTranscription.objects.count() == 1
