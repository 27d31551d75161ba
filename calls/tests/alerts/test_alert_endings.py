"""Alerts are resolved automatically: each kind, when its condition ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.alerts.endings import adopt_alerts, resolve_left_over, resolve_live
from calls.alerts.live.utterances import LiveTail
from calls.alerts.matches import AlertMatch
from calls.alerts.services import acknowledge_alert, raise_alerts
from calls.analysis.speakers import swap_speakers
from calls.models import Alert, Call, CallEvent, Stage
from calls.tests import one_call
from calls.tests.alerts.hearing import (
    archive,
    ended,
    hearing,
    look,
    look_at_log,
    matches_of_state,
    rule,
    sweep,
    turn,
)
from calls.tests.factories import (
    ANALYSIS,
    TRANSCRIPT,
    attempt,
    claim,
    failed_call,
    live_call,
    refusal,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]
STATES = Alert.State


def analyse(call):
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)


def fail():
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), refusal())


def swept(kind, limit, **fields):
    """A live call with an alert of a kind whose condition the sweep found."""
    rule(kind, limit=limit, **fields)
    now, call = timezone.now(), live_call()
    Call.objects.filter(pk=call.pk).update(
        opened_at=now - timedelta(hours=1),
        last_packet_at=now - timedelta(minutes=2),
        packet_count=80,
        missing_count=20,
    )
    (alert,) = sweep(now)
    return Call.objects.get(pk=call.pk), alert, now


SWEPT = [("silence", 45), ("long_call", 1800), ("loss", 10)]


@pytest.mark.parametrize(("kind", "limit"), SWEPT)
def test_alerts_about_the_state_of_a_live_call_are_resolved_when_it_ends(kind, limit):
    call, alert, _ = swept(kind, limit)

    services.end_call(call_id=call.call_id)

    assert ended(alert) == (STATES.RESOLVED, "call_ended", ["call_ended"])
    assert not Alert.objects.open().exists()


@pytest.mark.parametrize(("kind", "limit"), SWEPT)
def test_nothing_is_resolved_while_its_condition_lasts(kind, limit):
    _, alert, now = swept(kind, limit)

    assert resolve_live(now=now + timedelta(seconds=9)) == 0
    assert resolve_left_over(now=now) == 0
    assert ended(alert) == (STATES.OPEN, "", [])


def test_a_silence_alert_is_resolved_when_a_packet_arrives():
    call, alert, now = swept("silence", 45)

    Call.objects.filter(pk=call.pk).update(last_packet_at=now)

    assert resolve_live(now=now) == 1
    assert ended(alert) == (STATES.RESOLVED, "silence_broken", ["silence_broken"])
    assert resolve_live(now=now) == 0


def test_a_loss_alert_is_resolved_when_loss_is_back_under_the_limit():
    call, alert, now = swept("loss", 10)

    Call.objects.filter(pk=call.pk).update(packet_count=980)
    resolve_live(now=now)

    assert ended(alert) == (STATES.RESOLVED, "within_limit", ["within_limit"])


def test_an_alert_on_heard_silence_is_resolved_when_somebody_speaks():
    rule("silence", limit=45)
    tail, heard, now = LiveTail(), hearing(), timezone.now()
    heard.listen(46_000)
    (alert,) = look(tail)

    lasting = resolve_live(now=now)
    heard.hear(47_000, "Are you still there?")
    resolve_live(now=now)

    assert lasting == 0
    assert ended(alert) == (STATES.RESOLVED, "silence_broken", ["silence_broken"])


def so_far(heard, score):
    heard.measure(sentiment={"overall": {"customer": {"label": "NEGATIVE", "score": score}}})


def unhappy():
    """A live call with an alert about the sentiment of its customer so far."""
    rule("sentiment", speaker="customer")
    heard = hearing()
    for number in range(3):
        heard.hear(number * 9_000, "Bad.", score=-4.0)
    so_far(heard, -4.0)
    (alert,) = look()
    return heard, alert


def test_a_live_sentiment_alert_is_resolved_when_the_sentiment_recovers():
    heard, alert = unhappy()

    so_far(heard, -2.0)
    resolve_live(now=timezone.now())

    assert ended(alert) == (STATES.RESOLVED, "recovered", ["recovered"])


@pytest.mark.parametrize(
    ("score", "state"), [(-3.0, STATES.OPEN), (-1.0, STATES.RESOLVED), (None, STATES.RESOLVED)]
)
def test_after_the_call_a_live_sentiment_alert_waits_for_the_result(score, state):
    heard, alert = unhappy()
    overall = {} if score is None else {"customer": {"score": score}}

    archive(heard.call, metrics={"sentiment": {"overall": overall}})
    waiting = ended(alert)[0]
    look_at_log()
    resolve_left_over(now=timezone.now())

    assert waiting == STATES.OPEN
    assert ended(alert)[0] == state
    assert Alert.objects.count() == 1


def test_an_alert_on_words_is_not_resolved_automatically():
    rule("words")
    heard = hearing()
    heard.hear(0, "You will hear from my lawyer.")
    (alert,) = look()

    archive(heard.call, turns=[turn(0, "You will hear from my lawyer.")])
    look_at_log()
    resolve_live(now=timezone.now())
    resolve_left_over(now=timezone.now())

    assert ended(alert) == (STATES.OPEN, "", [])


def test_silence_found_in_a_result_stays_open_until_acknowledged():
    rule("silence", limit=45)
    call = live_call()

    archive(call, metrics={"non_talk": {"instances": [{"begin_ms": 400, "end_ms": 120_000}]}})
    look_at_log()
    resolve_left_over(now=timezone.now())

    assert Alert.objects.get().state == STATES.OPEN


@pytest.mark.parametrize(("kind", "limit"), [("long_call", 60), ("loss", 10)])
def test_an_alert_found_only_at_the_end_is_raised_and_resolved(kind, limit):
    rule(kind, limit=limit)
    call, begun = live_call(), timezone.now() - timedelta(minutes=5)
    Call.objects.filter(pk=call.pk).update(packet_count=80, missing_count=20, opened_at=begun)

    services.end_call(call_id=call.call_id)
    look_at_log()

    assert ended(Alert.objects.get()) == (STATES.RESOLVED, "call_ended", ["call_ended"])
    types = CallEvent.objects.filter(type__startswith="alert_").order_by("pk")
    assert [event.type for event in types] == ["alert_raised", "alert_resolved"]


def test_an_alert_that_was_found_live_is_not_raised_again_at_the_end():
    call, _, _ = swept("long_call", 60)

    services.end_call(call_id=call.call_id)
    look_at_log()

    assert Alert.objects.count() == 1


def test_a_sweep_that_is_later_than_the_end_leaves_nothing_open():
    rule("silence", limit=45)
    now, call = timezone.now() + timedelta(minutes=1), live_call()
    found = matches_of_state(now)

    services.end_call(call_id=call.call_id)
    (alert,) = raise_alerts(found, now=now)

    assert ended(alert) == (STATES.RESOLVED, "call_ended", ["call_ended"])


def failed_alert():
    rule("analysis_failed")
    call = failed_call()
    look_at_log()
    return call, Alert.objects.get()


def test_a_failure_alert_is_resolved_when_another_analysis_succeeds():
    call, alert = failed_alert()

    services.retry_call(call_id=call.call_id)
    retried = ended(alert)[0]
    fail()
    look_at_log()
    again = ended(alert)[0]
    services.retry_call(call_id=call.call_id)
    analyse(call)

    assert (retried, again) == (STATES.OPEN, STATES.OPEN)
    assert ended(alert) == (STATES.RESOLVED, "analysed", ["analysed"])
    assert Alert.objects.count() == 1


def test_a_failure_alert_is_resolved_when_the_call_is_dismissed():
    call, alert = failed_alert()

    services.dismiss_call(call_id=call.call_id)

    assert ended(alert) == (STATES.RESOLVED, "dismissed", ["dismissed"])


def test_an_analysis_that_fails_after_it_had_succeeded_raises_another_alert():
    call, alert = failed_alert()
    services.retry_call(call_id=call.call_id)
    analyse(call)

    services.reanalyse_call(call_id=call.call_id)
    fail()
    look_at_log()

    assert ended(alert)[0] == STATES.RESOLVED
    assert [each.number for each in Alert.objects.open()] == [2]


def test_a_failure_that_is_read_after_the_success_leaves_nothing_open():
    rule("analysis_failed")
    call = failed_call()
    services.retry_call(call_id=call.call_id)
    analyse(call)

    look_at_log()

    assert ended(Alert.objects.get()) == (STATES.RESOLVED, "analysed", ["analysed"])


def test_a_returning_condition_is_raised_again_even_by_a_rule_that_raises_once():
    call, _, now = swept("silence", 45)
    Call.objects.filter(pk=call.pk).update(last_packet_at=now)
    resolve_live(now=now)

    Call.objects.filter(pk=call.pk).update(last_packet_at=now - timedelta(minutes=5))
    soon = sweep(now + timedelta(seconds=59))
    (again,) = sweep(now + timedelta(seconds=60))

    assert soon == []
    assert (again.number, again.state) == (2, STATES.OPEN)


def test_an_acknowledged_alert_says_that_it_is_over_and_stays_acknowledged():
    call, alert, _ = swept("silence", 45)
    acknowledge_alert(alert_id=alert.pk, by="ann")

    services.end_call(call_id=call.call_id)

    alert.refresh_from_db()
    assert (alert.state, alert.resolved_reason) == (STATES.ACKNOWLEDGED, "call_ended")


def test_an_alert_about_the_other_side_is_withdrawn_after_the_speakers_were_swapped():
    rule("sentiment", speaker="customer")
    rule("words", speaker="customer")
    turns = [turn(0, "My lawyer says so.", score=-3.0)]
    metrics = {"sentiment": {"overall": {"customer": {"score": -2.1}, "agent": {"score": 1.0}}}}
    call = archive(live_call(), turns=turns, metrics=metrics)
    look_at_log()
    alerts = list(Alert.objects.order_by("pk"))

    swap_speakers(call_id=call.call_id, swapped=True)
    lease = claim()
    tried, transcript = attempt(lease, Stage.UNDERSTAND), call.transcripts.latest("version")
    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)
    look_at_log()

    assert [ended(alert)[:2] for alert in alerts] == [(STATES.RESOLVED, "swapped")] * 2


def test_alerts_of_an_older_version_are_adopted_and_resolved():
    call, stale, now = swept("silence", 45)
    (going_on,) = raise_alerts(
        [AlertMatch(rule("long_call", limit=60), live_call().pk, "Long.", lasts=True)], now=now
    )
    services.end_call(call_id=call.call_id)
    CallEvent.objects.filter(type="alert_resolved").delete()
    Alert.objects.update(lasts=False, resolved_at=None, resolved_reason="")

    adopted = adopt_alerts()
    resolve_left_over(now=now)

    assert adopted == 2
    assert ended(stale) == (STATES.RESOLVED, "call_ended", ["call_ended"])
    assert ended(going_on)[0] == STATES.OPEN


def test_invalid_figures_of_one_call_do_not_keep_other_alerts_open(caplog):
    rule("silence", limit=45)
    odd, sound = hearing(), hearing()
    odd.listen(90_000)
    sound.listen(90_000)
    look()
    odd.listen(90_000, skipped="long ago")
    sound.hear(91_000, "Hello?")

    resolve_live(now=timezone.now())

    assert [alert.call for alert in Alert.objects.open()] == [odd.call]
    assert "is not checked" in caplog.text
