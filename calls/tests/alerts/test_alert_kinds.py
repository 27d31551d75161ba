"""Every kind of rule, from what happened to a call to the alert, with the time passed in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.alerts.kinds import LIVE_KINDS
from calls.alerts.live.sweep import sweep_live
from calls.alerts.live.utterances import LiveTail
from calls.alerts.results import watch_log
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.models import Alert, AlertRule, Analysis, Call, CallEvent
from calls.services import end_call
from calls.tests.factories import archived_call, failed_call, live_call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]
TURNS = [
    {"speaker": "agent", "begin_ms": 400, "text": "Do you have a lawyer?", "score": 0.2},
    {"speaker": "customer", "begin_ms": 83_400, "text": "My lawyer, yes.", "score": -4.5},
    {"speaker": "customer", "begin_ms": 200_000, "text": "A good lawyer.", "score": -1.0},
]
METRICS = {
    "sentiment": {"overall": {"customer": {"score": -2.75}, "agent": {"score": 0.2}}},
    "non_talk": {"instances": [{"begin_ms": 100_000, "end_ms": 190_000}]},
}


def rule(kind, **fields):
    return AlertRule.objects.create(**{"name": kind, "kind": kind, "severity": 2, **fields})


def book():
    ready = RuleBook()
    ready.refresh()
    return ready


def look_at_log(now=None):
    watch_log(book(), 0, now=now or timezone.now(), tail=LiveTail())


def sweep(now):
    return raise_alerts(list(sweep_live(book().of(*LIVE_KINDS), now=now)), now=now)


def archived():
    call = archived_call()
    Analysis.objects.filter(call=call).update(turns=TURNS, metrics=METRICS)
    return call


@pytest.mark.parametrize(
    ("kind", "fields", "speaker", "offset_ms", "found"),
    [
        (
            "words",
            {"phrases": "lawyer", "speaker": "customer"},
            "customer",
            83_400,
            "Said “lawyer”.",
        ),
        ("words", {"phrases": "lawyer"}, "agent", 400, "Said “lawyer”."),
        (
            "sentiment",
            {"limit": -2.5, "speaker": "customer"},
            "customer",
            None,
            "the call \N{MINUS SIGN}2.8",
        ),
        (
            "sentiment",
            {"limit": -4, "per_turn": True},
            "customer",
            83_400,
            "a turn \N{MINUS SIGN}4.5",
        ),
        ("silence", {"limit": 60}, "", 100_000, "Nobody talked for 90 s; the limit is 60 s."),
    ],
)
def test_results_raise_alerts_with_speaker_and_place(kind, fields, speaker, offset_ms, found):
    rule(kind, **fields)
    archived()

    look_at_log()
    look_at_log()  # once more, as after a crash

    alert = Alert.objects.get()
    assert (alert.speaker, alert.offset_ms) == (speaker, offset_ms)
    assert found in alert.found


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("words", {"phrases": "lawyer", "speaker": "customer", "queues": ["sales"]}),
        ("words", {"phrases": "attorney"}),
        ("sentiment", {"limit": -3}),
        ("sentiment", {"limit": -2.5, "speaker": "agent"}),
        ("sentiment", {"limit": -4.6, "per_turn": True}),
        ("silence", {"limit": 90}),
    ],
)
def test_results_under_the_limit_raise_nothing(kind, fields):
    rule(kind, **fields)
    archived()

    look_at_log()

    assert not Alert.objects.exists()


def test_a_malformed_result_raises_nothing_and_does_not_hold_up_others(caplog):
    rule("words", phrases="lawyer")
    odd, sound = archived(), archived()
    Analysis.objects.filter(call=odd).update(turns=[{"speaker": "customer", "begin_ms": None}])

    look_at_log()

    assert list(Alert.objects.values_list("call", flat=True)) == [sound.pk]
    assert "no alerts from event" in caplog.text


def test_a_failed_analysis_raises_an_alert_with_its_reason():
    rule("analysis_failed")
    failed_call()

    look_at_log()

    assert "401" in Alert.objects.get().found
    assert CallEvent.objects.filter(type="alert_raised").count() == 1


@pytest.mark.parametrize(
    ("kind", "limit", "after_s", "found"),
    [
        ("silence", 45, 46, "No packet for 46 s; the limit is 45 s."),
        ("long_call", 1800, 1801, "The call is longer than 1800 s."),
        ("loss", 10, 1, "20.0 % of the packets are missing; the limit is 10 %."),
    ],
)
def test_live_calls_raise_alerts_when_a_limit_is_passed(kind, limit, after_s, found):
    rule(kind, limit=limit)
    now = timezone.now()
    call = live_call()
    Call.objects.filter(pk=call.pk).update(
        opened_at=now, last_packet_at=now, packet_count=80, missing_count=20
    )
    early = sweep(now + timedelta(seconds=after_s - 2)) if kind != "loss" else []

    (alert,) = sweep(now + timedelta(seconds=after_s))

    assert early == []
    assert alert.found == found
    assert sweep(now + timedelta(seconds=after_s + 100)) == []


@pytest.mark.parametrize(("kind", "limit"), [("silence", 45), ("long_call", 60), ("loss", 10)])
def test_a_call_that_is_over_is_not_swept(kind, limit):
    rule(kind, limit=limit)
    call = live_call()
    Call.objects.filter(pk=call.pk).update(packet_count=80, missing_count=20)
    end_call(call_id=call.call_id)

    assert sweep(timezone.now() + timedelta(hours=1)) == []


@pytest.mark.parametrize(("kind", "limit"), [("long_call", 60), ("loss", 10)])
def test_matches_that_no_watcher_saw_in_a_live_call_are_found_at_its_end(kind, limit):
    rule(kind, limit=limit)
    call = live_call()
    begun = timezone.now() - timedelta(minutes=5)
    Call.objects.filter(pk=call.pk).update(packet_count=80, missing_count=20, opened_at=begun)

    end_call(call_id=call.call_id)
    look_at_log()

    assert Alert.objects.get().kind == kind


def test_continued_silence_is_reported_again_only_if_the_rule_says_so():
    rule("silence", limit=45, repeat_after_s=60)
    now = timezone.now()
    call = live_call()
    Call.objects.filter(pk=call.pk).update(last_packet_at=now)

    counts = [len(sweep(now + timedelta(seconds=after))) for after in (46, 100, 106, 107)]

    assert counts == [1, 0, 1, 0]
