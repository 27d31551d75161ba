"""Alerts are raised once, acknowledged once, and counted on their calls. Rules are checked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import AlertNotFound, acknowledge_alert, raise_alerts
from calls.models import AlertRule, Call, CallEvent, Severity

pytestmark = pytest.mark.django_db


def rule(**fields):
    defaults = {"name": "A rule", "kind": "silence", "limit": 30, "severity": 2}
    return AlertRule.objects.create(**{**defaults, **fields})


def raised(call, wanted, *, now=None, **fields):
    match = AlertMatch(wanted, call.pk, "No packet for 30 s.", **fields)
    return raise_alerts([match], now=now or timezone.now())


def test_an_alert_and_its_event_are_stored_together(call_in):
    call = call_in()

    (alert,) = raised(call, rule(), quote="Hello.", speaker="customer", offset_ms=5)

    event = CallEvent.objects.get(type="alert_raised")
    assert (event.call, event.data["alert"], event.data["severity"]) == (call, alert.pk, "warning")


def test_a_rule_raises_one_alert_for_a_call_unless_it_may_repeat(call_in):
    call, now = call_in(), timezone.now()
    once, again = rule(), rule(name="Again", repeat_after_s=60)

    counts = [
        (len(raised(call, once, now=at)), len(raised(call, again, now=at)))
        for at in (now, now + timedelta(seconds=59), now + timedelta(seconds=61))
    ]

    assert counts == [(1, 1), (0, 0), (0, 1)]


def test_the_same_source_raises_once_even_if_it_is_read_again_later(call_in):
    call, again, now = call_in(), rule(repeat_after_s=1), timezone.now()

    raised(call, again, now=now, source="packet:1")

    assert not raised(call, again, now=now + timedelta(hours=1), source="packet:1")
    assert raised(call, again, now=now + timedelta(hours=1), source="packet:2")


def test_nothing_is_raised_for_a_call_or_by_a_rule_that_is_gone(call_in):
    call, wanted = call_in(), rule()
    AlertRule.objects.filter(pk=wanted.pk).delete()

    assert raised(call, wanted) == []
    assert raise_alerts([AlertMatch(rule(), 99, "x")], now=timezone.now()) == []


def test_the_first_acknowledgement_stays(call_in):
    (alert,) = raised(call_in(), rule())

    acknowledge_alert(alert_id=alert.pk, by="ann", note="Called back.")
    acknowledge_alert(alert_id=alert.pk, by="bob")

    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.note) == ("ann", "Called back.")
    assert CallEvent.objects.filter(type="alert_acknowledged").count() == 1


def test_an_unknown_alert_cannot_be_acknowledged():
    with pytest.raises(AlertNotFound, match="no alert 7"):
        acknowledge_alert(alert_id=7, by="ann")


def test_calls_know_how_many_alerts_are_open_and_the_worst_of_them(call_in):
    loud, calm = call_in(), call_in(call_id="c-2")
    raised(loud, rule())
    (worst,) = raised(loud, rule(name="Worse", severity=Severity.CRITICAL))

    before = Call.objects.with_open_alerts().get(pk=loud.pk)
    acknowledge_alert(alert_id=worst.pk, by="ann")
    after = Call.objects.with_open_alerts().get(pk=loud.pk)

    assert (before.open_alerts, before.worst_alert) == (2, Severity.CRITICAL)
    assert (after.open_alerts, after.worst_alert) == (1, Severity.WARNING)
    assert Call.objects.with_open_alerts().get(pk=calm.pk).open_alerts == 0
    assert list(Call.objects.alerting()) == [loud]


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"kind": "words"}, "phrases", "1 to 200"),
        ({"kind": "words", "phrases": "ok\n?!"}, "phrases", "no word in '\\?!'"),
        ({"kind": "words", "phrases": "x" * 101}, "phrases", "100 characters"),
        ({"kind": "words", "phrases": "\n".join(["a"] * 201)}, "phrases", "1 to 200"),
        ({"kind": "sentiment"}, "limit", "\N{MINUS SIGN}5 to 5"),
        ({"kind": "sentiment", "limit": -6}, "limit", "\N{MINUS SIGN}5 to 5"),
        ({"kind": "loss", "limit": 101}, "limit", "0.1 to 100 percent"),
        ({"kind": "silence", "limit": 0}, "limit", "1 to 86400 seconds"),
        ({"kind": "long_call", "limit": None}, "limit", "1 to 604800 seconds"),
        ({"kind": "silence", "limit": float("nan")}, "limit", "1 to 86400"),
    ],
)
def test_an_incomplete_rule_is_refused_with_field_and_limit(fields, field, text):
    with pytest.raises(ValidationError, match=text) as refused:
        AlertRule(name="New", **fields).full_clean()

    assert field in refused.value.message_dict


def test_the_starter_rules_are_there_and_valid():
    rules = list(AlertRule.objects.all())

    for each in rules:
        each.full_clean()
    assert {each.kind for each in rules} == set(AlertRule.Kind.values)


def test_after_the_call_a_repeating_rule_compares_places_in_the_call(call_in):
    call, again = call_in(), rule(kind="words", phrases="cancel", repeat_after_s=60)
    places = (10_000, 40_000, 75_000)

    found = [
        AlertMatch(again, call.pk, "x", f"turn:{at}:customer", offset_ms=at, found_after_call=True)
        for at in places
    ]
    alerts = raise_alerts(found, now=timezone.now())
    later = raise_alerts(
        [
            AlertMatch(
                again, call.pk, "x", "turn:10100:customer", offset_ms=10_100, found_after_call=True
            )
        ],
        now=timezone.now() + timedelta(days=1),
    )

    assert [alert.offset_ms for alert in alerts] == [10_000, 75_000]
    assert later == []  # analysed again, the same words begin a little later


def test_words_that_were_found_in_packets_are_not_found_again_in_the_transcript(call_in):
    call, again = call_in(), rule(kind="words", phrases="cancel", repeat_after_s=1)
    raised(call, again, source="packet:1", offset_ms=1000)

    found = raised(call, again, source="turn:9:customer", offset_ms=90_000, found_after_call=True)

    assert found == []


def test_an_alert_that_cannot_be_stored_does_not_hold_up_others(call_in, caplog):
    wrong, right = call_in(), call_in(call_id="c-2")
    sound = rule()
    odd = AlertRule(pk=sound.pk, name="x", kind="silence", limit=30, severity=None)
    matches = [AlertMatch(odd, wrong.pk, "x"), AlertMatch(sound, right.pk, "x")]

    alerts = raise_alerts(matches, now=timezone.now())

    assert [alert.call for alert in alerts] == [right]
    assert "cannot be stored" in caplog.text
