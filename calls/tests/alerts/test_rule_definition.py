"""What a rule may say: checked in one place for forms, the API and commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from calls.alerts.definition import validate_rule
from calls.alerts.live.utterances import LiveTail
from calls.alerts.matches import AlertMatch
from calls.alerts.quiet import is_quiet
from calls.alerts.results import watch_log
from calls.alerts.services import raise_alerts
from calls.models import AlertRule, Call
from calls.tests.alerts.hearing import archive, book, look, rule, turn
from calls.tests.factories import live_call

pytestmark = pytest.mark.django_db
WORDS = {"name": "New", "kind": "words", "phrases": "refund"}
UNHAPPY = {"kind": "sentiment", "limit": -2}


@pytest.mark.parametrize(
    ("fields", "field", "complaint"),
    [
        ({"phrases": ""}, "phrases", "1 to 200 words"),
        ({"kind": "magic"}, "kind", "not a valid choice"),
        ({"kind": ["words"]}, "kind", "not a valid choice"),
        ({"limit": "many"}, "limit", "must be a float"),
        ({"color": "red"}, "color", "no such field"),
        ({"kind": "not_said", "within_s": 0}, "within_s", "1 to 86400 seconds"),
        ({"queues": "billing"}, "queues", "list of names"),
        ({"queues": [7]}, "queues", "list of names"),
        ({"agents": ["x" * 201]}, "agents", "200 characters"),
        ({"agents": [str(n) for n in range(101)]}, "agents", "At most 100"),
        ({"conditions": {}}, "conditions", "at most 4 conditions"),
        ({"conditions": [UNHAPPY] * 5}, "conditions", "at most 4 conditions"),
        ({"conditions": ["sad"]}, "conditions", "Condition 1: kind must be one of words"),
        ({"conditions": [{"kind": "silence"}]}, "conditions", "kind must be one of"),
        ({"conditions": [{"kind": {}}]}, "conditions", "kind must be one of"),
        ({"conditions": [UNHAPPY, {"kind": "loss"}]}, "conditions", "Condition 2: This kind needs"),
        ({"conditions": [{**UNHAPPY, "phrases": "x"}]}, "conditions", "phrases is not a field"),
        ({"conditions": [{**UNHAPPY, "limit": "low"}]}, "conditions", "limit: “low” value must"),
        ({"conditions": [{**UNHAPPY, "speaker": "cat"}]}, "conditions", "not a valid choice"),
        ({"quiet_hours": "Mon 18-8"}, "quiet_hours", "is not a period such as"),
        ({"quiet_hours": "Foo 10:00-12:00"}, "quiet_hours", "must be like Mon"),
        ({"quiet_hours": "Mon 10:00-25:00"}, "quiet_hours", "from 00:00 to 24:00"),
        ({"quiet_mode": "never"}, "quiet_mode", "not a valid choice"),
    ],
)
def test_an_invalid_rule_definition_names_the_field_and_the_limit(fields, field, complaint):
    with pytest.raises(ValidationError) as refused:
        validate_rule({**WORDS, **fields})

    assert complaint in " ".join(refused.value.message_dict[field])


def test_a_valid_rule_is_tidied_and_not_saved():
    made = validate_rule(
        {
            **WORDS,
            "queues": [" billing ", "billing", ""],
            "conditions": [{"kind": "sentiment", "limit": "-2", "speaker": "customer"}],
        }
    )

    assert made.queues == ["billing"]
    assert made.conditions == [{"kind": "sentiment", "speaker": "customer", "limit": -2.0}]
    assert made.pk is None


def test_a_change_keeps_fields_that_it_does_not_name():
    made = rule(queues=["billing"])

    changed = validate_rule({"severity": 3}, rule=made)

    assert (changed.pk, changed.queues, changed.severity) == (made.pk, ["billing"], 3)


@pytest.mark.parametrize(
    ("periods", "at", "quiet"),
    [
        ("Mon-Fri 18:00-08:00", "2026-11-27 18:00", True),  # a Friday
        ("Mon-Fri 18:00-08:00", "2026-11-28 07:59", True),  # it began on Friday
        ("Mon-Fri 18:00-08:00", "2026-11-28 18:00", False),
        ("Mon-Fri 18:00-08:00", "2026-11-30 07:59", False),  # Sunday has no night
        ("Mon-Fri 18:00-08:00", "2026-11-27 17:59", False),
        ("Sat-Sun", "2026-11-29 23:59", True),
        ("Sat-Sun", "2026-11-30 00:00", False),
        ("fri-mon 12:00 - 13:00", "2026-11-30 12:30", True),
        ("Mon, Wed 08:00-24:00", "2026-12-02 23:59", True),
        ("Mon 09:00-10:00\nSaturday", "2026-11-28 11:00", True),
        ("", "2026-11-28 11:00", False),
    ],
)
def test_quiet_hours_are_by_the_clock_of_the_site(settings, periods, at, quiet):
    settings.TIME_ZONE = "America/New_York"
    local = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("America/New_York"))

    with timezone.override("Asia/Tokyo"):  # of the person whose action raises an alert
        assert is_quiet(periods, local.astimezone(ZoneInfo("UTC"))) == quiet


@pytest.mark.parametrize(("mode", "count"), [("raise", 0), ("send", 1)])
def test_a_rule_raises_nothing_in_its_quiet_hours_if_it_says_so(mode, count):
    made = rule(quiet_hours="Mon-Sun", quiet_mode=mode)

    raised = raise_alerts([AlertMatch(made, live_call().pk, "x")], now=timezone.now())

    assert len(raised) == count


def test_a_result_is_quiet_if_the_call_was_in_quiet_hours():
    AlertRule.objects.all().delete()
    night = timezone.now().replace(hour=2, minute=0) - timedelta(days=1)
    rule(quiet_hours="Mon-Sun 01:00-03:00", quiet_mode="raise")
    call = live_call()
    archive(call, turns=[turn(5_000, "My lawyer.")])
    Call.objects.filter(pk=call.pk).update(opened_at=night)
    morning = night + timedelta(hours=8)

    watch_log(book(), 0, now=morning, tail=LiveTail())

    assert not call.alerts.exists()


def test_a_complaint_does_not_ask_for_a_supervisor():
    AlertRule.objects.exclude(name__in=["Asks for a supervisor", "Wants to complain"]).delete()
    call = live_call()
    archive(call, turns=[turn(0, "I want to make a complaint."), turn(5_000, "Your boss, please.")])

    watch_log(book(), 0, now=timezone.now(), tail=LiveTail())

    assert sorted(call.alerts.values_list("name", "quote")) == [
        ("Asks for a supervisor", "Your boss, please."),
        ("Wants to complain", "I want to make a complaint."),
    ]
    assert look() == []
