"""What happens to the alerts of a call when agent and customer are swapped."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.alerts.live.packet_words import find_words
from calls.alerts.live.packets import PacketTail
from calls.alerts.live.utterances import LiveTail
from calls.alerts.results import watch_log
from calls.alerts.rules import RuleBook
from calls.analysis.speakers import swap_speakers
from calls.ingest.record import record_packets
from calls.models import Alert, AlertRule
from calls.tests.audio import CardProvider, archived_text, carry_to_end
from calls.tests.factories import live_call, packet

pytestmark = pytest.mark.django_db
SORRY_AGENT = {"kind": "words", "speaker": "agent", "phrases": "sorry"}


def swap(call):
    return swap_speakers(call_id=call.call_id, swapped=True, by="ann")


def test_alerts_name_the_other_side_and_new_words_are_taken_for_the_right_one():
    call = live_call()
    AlertRule.objects.create(name="Angry agent", kind="words", speaker="agent", phrases="furious")
    rule = AlertRule.objects.create(name="Old", kind="words", phrases="old")
    alert = Alert.objects.create(call=call, rule=rule, severity=2, speaker="customer", name="x")
    tail = PacketTail()
    tail.read()
    swap(call)

    record_packets([packet(call.call_id, 7, "I am furious.", track="customer")])

    book = RuleBook()
    book.refresh()
    found = list(find_words(book.of("words"), tail.read()))
    assert [each.speaker for each in found] == ["agent"]
    alert.refresh_from_db()
    assert alert.speaker == "agent"


def test_alerts_on_the_other_sides_words_are_withdrawn_and_checked_again():
    AlertRule.objects.all().delete()
    AlertRule.objects.create(
        name="Angry customer", kind="words", speaker="customer", phrases="angry"
    )
    AlertRule.objects.create(name="Sorry agent", kind="words", speaker="agent", phrases="sorry")
    AlertRule.objects.create(name="Thanks", kind="words", phrases="wonderful")
    call = archived_text()
    raise_from_log()

    carry_to_end(swap(call), CardProvider())

    withdrawn, thanks, again = (
        call.alerts.filter(rule=None).order_by("name"),
        call.alerts.get(name="Thanks"),
        raise_from_log(),
    )
    assert [(each.name, each.speaker, each.is_open) for each in withdrawn] == [
        ("Angry customer", "agent", False),
        ("Sorry agent", "customer", False),
    ]
    assert {each.resolved_reason for each in withdrawn} == {"swapped"}
    assert (thanks.speaker, thanks.is_open) == ("agent", True)
    assert again == []


def test_after_a_swap_a_rule_may_raise_for_what_the_right_side_said():
    AlertRule.objects.all().delete()
    AlertRule.objects.create(name="Angry agent", kind="words", speaker="agent", phrases="angry")
    AlertRule.objects.create(
        name="Sorry customer", kind="words", speaker="customer", phrases="sorry"
    )
    call = archived_text()
    raise_from_log()
    assert not call.alerts.exists()

    carry_to_end(swap(call), CardProvider())
    raise_from_log()

    assert sorted(call.alerts.open().values_list("name", "speaker")) == [
        ("Angry agent", "agent"),
        ("Sorry customer", "customer"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "not_said", "speaker": "agent", "phrases": "recorded"},
        {"kind": "words", "phrases": "wonderful", "conditions": [SORRY_AGENT]},
    ],
)
def test_alerts_whose_conditions_name_a_speaker_are_withdrawn(fields):
    AlertRule.objects.all().delete()
    AlertRule.objects.create(name="One side", **fields)
    call = archived_text()
    assert raise_from_log() == ["One side"]

    swap(call)

    alert = call.alerts.get()
    assert (alert.rule, alert.resolved_reason) == (None, "swapped")


def raise_from_log():
    """Check the whole log against the rules. Returns the names of the new alerts."""
    before = set(Alert.objects.values_list("pk", flat=True))
    book = RuleBook()
    book.refresh()
    watch_log(book, 0, now=timezone.now(), tail=LiveTail())
    return list(Alert.objects.exclude(pk__in=before).values_list("name", flat=True))
