"""Rules on words of live calls: what they find, what is hidden from them, and no duplicates."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from calls import services
from calls.alerts.kinds.words import WordsKind
from calls.alerts.live.utterances import LiveTail
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.alerts.watcher import Watcher
from calls.ingest.record import record_packets
from calls.models import Alert, Call, CallEvent
from calls.tests.alerts.hearing import Hearing, archive, hearing, look, look_at_log, rule, turn
from calls.tests.factories import attempt, claim, packet, refusal
from calls.tests.one_call import fail_attempt

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]


def test_words_raise_an_alert_when_they_are_shown():
    rule()
    heard = hearing()
    heard.hear(83_000, "I will tell my lawyer.", words=[[83_000, 83_200, "I"]])

    (alert,) = look()

    assert (alert.found, alert.quote) == ("Said “lawyer”.", "I will tell my lawyer.")
    assert (alert.speaker, alert.offset_ms) == ("customer", 83_000)
    assert CallEvent.objects.get(type="alert_raised").data["quote"] == alert.quote


def test_an_alert_points_at_the_words_themselves_within_their_utterance():
    rule()
    words = [[5_000, 5_200, "My"], [5_900, 6_400, "Lawyer,"], [6_500, 6_700, "yes."]]
    hearing().hear(5_000, "My lawyer, yes.", length_ms=2_000, words=words)

    (alert,) = look()

    assert alert.offset_ms == 5_900


def test_word_times_outside_their_utterance_are_ignored():
    rule()
    hearing().hear(5_000, "My lawyer.", words=[[0, 300, "My"], [900, 1_000, "lawyer"]])

    (alert,) = look()

    assert alert.offset_ms == 5_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, {"shown": "My attorney."}),
        ({"speaker": "agent"}, {}),
        ({"queues": ["sales"]}, {}),
        ({"agents": ["Ana"]}, {}),
        ({"enabled": False}, {}),
        ({}, {"shown": None}),
        ({}, {"shown": ""}),
    ],
)
def test_words_that_do_not_match_a_rule_raise_nothing(fields, said):
    rule(**fields)
    hearing().hear(**{"begin_ms": 0, "shown": "My lawyer.", **said})

    assert look() == []


def test_a_rule_sees_the_sides_as_a_person_has_swapped_them():
    rule(speaker="agent")
    tail, heard = LiveTail(), hearing()
    heard.hear(0, "My lawyer.", speaker="customer")
    before = look(tail)
    Call.objects.update(speakers_swapped=True)

    (alert,) = look(tail)

    assert before == []
    assert alert.speaker == "agent"


def test_words_that_are_held_back_raise_nothing_until_they_are_released():
    rule(phrases="lawyer\n4711")
    tail, heard = LiveTail(), hearing()
    held = heard.hear(0, None, text="My lawyer has 4711.", words=[[0, 900, "4711"]])
    before = look(tail)
    heard.change(held, shown="My lawyer has [NUMBER].")

    (alert,) = look(tail)

    assert before == []
    assert (alert.found, alert.quote) == ("Said “lawyer”.", "My lawyer has [NUMBER].")


def test_words_around_held_back_words_do_not_form_a_phrase():
    rule()
    heard = hearing()
    heard.hear(0, "I want to cancel my")
    heard.hear(1_100, None)
    heard.hear(2_200, "contract.")

    assert look() == []


def test_an_utterance_whose_redaction_changes_does_not_raise_the_same_again():
    rule(repeat_after_s=0)
    tail, heard = LiveTail(), hearing()
    said = heard.hear(0, "My lawyer is Ann.")
    look(tail)
    heard.change(said, shown="My lawyer is [NAME].")

    assert look(tail) == []
    assert Alert.objects.count() == 1


def test_words_that_are_shown_only_after_a_change_are_found():
    rule()
    tail, heard = LiveTail(), hearing()
    said = heard.hear(0, "My [NAME].")
    heard.hear(90_000, "Hello?")
    look(tail)
    heard.change(said, shown="My lawyer.")

    assert [alert.offset_ms for alert in look(tail)] == [0]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_phrase_may_span_utterances_of_one_speaker(at_once):
    rule()
    tail, heard = LiveTail(), hearing()
    for begin_ms, shown in ((0, "I want to cancel"), (1_500, "my"), (3_000, "contract. Now.")):
        heard.hear(begin_ms, shown, words=[[begin_ms + 100, begin_ms + 900, shown]])
        if not at_once:
            look(tail)
    heard.hear(2_600, "mhm", speaker="agent", length_ms=100)
    look(tail)

    alert = Alert.objects.get()
    assert alert.found == "Said “cancel my contract”."
    assert alert.quote == "I want to cancel my contract. Now."
    assert alert.offset_ms == 100


def test_a_phrase_that_spans_utterances_is_found_if_its_start_is_released_last():
    rule()
    tail, heard = LiveTail(), hearing()
    held = heard.hear(0, None)
    heard.hear(1_100, "my contract.")
    look(tail)
    heard.change(held, shown="cancel")

    assert [alert.offset_ms for alert in look(tail)] == [0]


@pytest.mark.parametrize(
    ("begin_ms", "speaker"), [(2_500, "customer"), (1_100, "agent")], ids=["a pause", "a side"]
)
def test_a_phrase_does_not_span_a_pause_or_the_other_side(begin_ms, speaker):
    rule()
    heard = hearing()
    heard.hear(0, "I want to cancel")
    heard.hear(begin_ms, "my contract.", speaker=speaker)

    assert look() == []


def test_an_utterance_without_words_does_not_break_a_phrase():
    rule()
    heard = hearing()
    heard.hear(0, "I want to cancel")
    heard.hear(1_100, None, text="", length_ms=100)
    heard.hear(1_300, "my contract.")

    assert len(look()) == 1


def test_a_long_quote_is_cut_around_the_words():
    rule()
    hearing().hear(0, "so " * 100 + "my lawyer says " + "no " * 100)

    (alert,) = look()

    assert "my lawyer" in alert.quote
    assert len(alert.quote) < 200


def test_words_of_text_packets_are_raised_by_the_packets_alone():
    rule(repeat_after_s=0)
    watcher = Watcher(owner="one")
    watcher.step()
    record_packets([packet("chat", 1, "my lawyer")])
    Hearing(Call.objects.get(call_id="chat"), channel="").hear(0, "my lawyer")

    watcher.step()

    assert Alert.objects.get().source.startswith("packet:")


def test_an_alert_is_raised_once_by_a_watcher_that_starts_again_and_by_a_second_one():
    rule()
    rule(name="Again", repeat_after_s=30)
    heard = hearing()
    for begin_ms in (0, 20_000, 40_000):
        heard.hear(begin_ms, "My lawyer.")
    look()

    later = look(now=timezone.now() + timedelta(hours=1))

    assert later == []
    again = Alert.objects.filter(rule__name="Again").order_by("pk")
    assert list(again.values_list("offset_ms", flat=True)) == [0, 40_000]
    assert Alert.objects.filter(rule__name="words").count() == 1


def test_if_a_watcher_dies_the_next_one_raises_the_remaining_alerts():
    rule(repeat_after_s=1)
    heard = hearing()
    heard.hear(0, "My lawyer.")
    other = hearing()
    other.hear(0, "My lawyer.")
    rules = RuleBook()
    rules.refresh()
    first = next(LiveTail().read())
    raise_alerts(list(WordsKind().match_live(rules.of("words")[0], first)), now=timezone.now())

    look()

    assert sorted(Alert.objects.values_list("call", flat=True)) == [heard.call.pk, other.call.pk]


def test_the_result_does_not_repeat_live_alerts():
    rule()
    rule(name="Again", repeat_after_s=1)
    tail, heard = LiveTail(), hearing()
    heard.hear(10_500, "My lawyer.")
    look(tail)
    # Heard as a whole, turns are longer, begin earlier and end at other places.
    turns = [turn(7_000, "Well, you know, my lawyer.", length_ms=3_200), turn(99_000, "A lawyer.")]
    archive(heard.call, turns=turns)

    look_at_log(tail)
    look_at_log(LiveTail(), now=timezone.now() + timedelta(days=1))

    again = Alert.objects.filter(rule__name="Again").order_by("pk")
    assert list(again.values_list("offset_ms", flat=True)) == [10_500, 99_000]
    assert Alert.objects.filter(rule__name="words").count() == 1


def test_words_that_were_not_transcribed_live_are_found_in_the_result():
    rule()
    tail, heard = LiveTail(), hearing()
    heard.hear(0, "Hello.")
    look(tail)
    archive(heard.call, turns=[turn(50_000, "My lawyer.")])

    look_at_log(tail)

    assert Alert.objects.get().source == "turn:50000:customer"


@pytest.mark.parametrize("known", [True, False], ids=["watched on", "watcher restarted"])
def test_the_last_live_words_raise_an_alert_even_after_the_call(known):
    rule()
    tail, heard = LiveTail(), hearing()
    heard.hear(0, "Hello.")
    look(tail)
    heard.hear(5_000, "My lawyer.")
    services.end_call(call_id=heard.call.call_id)

    look_at_log(tail if known else LiveTail())

    assert Alert.objects.get().offset_ms == 5_000


def test_words_that_were_released_after_the_end_are_found_even_if_the_analysis_fails():
    rule()
    tail, heard = LiveTail(), hearing()
    held = heard.hear(0, None)
    look(tail)
    services.end_call(call_id=heard.call.call_id)
    after = look_at_log(tail)
    heard.change(held, shown="My lawyer.")
    lease = claim()
    fail_attempt(lease, attempt(lease), refusal())

    look_at_log(tail, after=after)

    assert Alert.objects.get().quote == "My lawyer."


def test_a_step_takes_the_same_queries_however_many_calls_have_changed(django_assert_num_queries):
    rule()
    rule("sentiment")
    few, many, idle = LiveTail(), LiveTail(), LiveTail()
    hearing().hear(0, "Hello.")
    with django_assert_num_queries(4):
        list(few.read())
    for _ in range(20):
        hearing().hear(0, "Hello.")
    list(idle.read())

    with django_assert_num_queries(4):
        found = list(many.read())
    with django_assert_num_queries(1):
        assert list(idle.read()) == []
    assert len(found) == 21


def test_only_what_changed_is_new():
    tail, heard = LiveTail(), hearing()
    heard.hear(0, "Long ago.")
    heard.hear(100_000, "Before.")
    list(tail.read())
    heard.hear(101_500, "Now.")

    (call,) = tail.read()

    assert [(each.shown, each.is_new) for each in call.utterances] == [
        ("Before.", False),
        ("Now.", True),
    ]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs two writers at once")
@pytest.mark.django_db(transaction=True)
def test_an_utterance_that_commits_after_a_later_one_of_another_call_is_not_missed():
    rule()
    slow, fast, tail = hearing(), hearing(), LiveTail()
    stored, go = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            slow.hear(0, "My lawyer.")
            stored.set()
            go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    stored.wait(10)
    fast.hear(0, "My lawyer.")
    before = {alert.call.pk for alert in look(tail)}
    go.set()
    thread.join()

    after = {alert.call.pk for alert in look(tail)}

    assert (before, after) == ({fast.call.pk}, {slow.call.pk})


@pytest.mark.django_db(transaction=True)
def test_two_simultaneous_watchers_raise_nothing_twice():
    if connection.vendor != "postgresql":
        pytest.skip("needs two writers at once")
    rule()
    rule(name="Again", repeat_after_s=0)
    for _ in range(10):
        heard = hearing()
        for begin_ms in (0, 9_000):
            heard.hear(begin_ms, "My lawyer.")

    def work():
        look()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Alert.objects.count() == 30
    assert CallEvent.objects.filter(type="alert_raised").count() == 30
