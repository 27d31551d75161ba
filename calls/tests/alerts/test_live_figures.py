"""Rules on sentiment and silence of live calls, which repeat an alert only if they say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.alerts.live.utterances import LiveTail
from calls.models import Alert
from calls.tests.alerts.hearing import archive, hearing, look, look_at_log, rule, turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]


def sentiment(**scores):
    return {
        "overall": {who: {"label": "NEGATIVE", "score": score} for who, score in scores.items()}
    }


def test_live_sentiment_raises_an_alert_once_there_are_enough_scores():
    rule("sentiment", speaker="customer")
    tail, heard = LiveTail(), hearing()
    for begin_ms in (0, 10_000):
        heard.hear(begin_ms, None, score=-4.0)
    heard.measure(sentiment=sentiment(customer=-4.0, agent=1.0))
    early = look(tail)
    heard.hear(20_000, "Bad.", score=-4.0)

    (alert,) = look(tail)

    assert early == []
    assert alert.found == "Sentiment so far \N{MINUS SIGN}4.0; the limit is \N{MINUS SIGN}2."
    assert (alert.speaker, alert.offset_ms) == ("customer", 21_000)


@pytest.mark.parametrize(
    ("fields", "scores"),
    [
        ({}, {"customer": -2.0}),
        ({"speaker": "agent"}, {"customer": -4.0, "agent": -1.0}),
        ({"queues": ["sales"]}, {"customer": -4.0}),
    ],
)
def test_live_sentiment_that_does_not_match_a_rule_raises_nothing(fields, scores):
    rule("sentiment", **fields)
    heard = hearing()
    for number in range(6):
        speaker = ("customer", "agent")[number % 2]
        heard.hear(number * 9_000, "Well.", score=-4.0, speaker=speaker)
    heard.measure(sentiment=sentiment(**scores))

    assert look() == []


def test_live_sentiment_follows_swapped_speakers():
    rule("sentiment", speaker="agent")
    heard = hearing(speakers_swapped=True)
    for number in range(3):
        heard.hear(number * 9_000, "Well.", score=-4.0)
    heard.measure(sentiment=sentiment(customer=-4.0))

    (alert,) = look()

    assert alert.speaker == "agent"


def test_lasting_low_sentiment_is_repeated_only_by_a_repeating_rule_and_not_by_the_result():
    rule("sentiment")
    rule("sentiment", name="Again", repeat_after_s=60)
    tail, heard, now = LiveTail(), hearing(), timezone.now()
    for number in range(3):
        heard.hear(number * 9_000, "Well.", score=-4.0)
    counts = []
    for after_s in (0, 59, 61):
        heard.measure(sentiment=sentiment(customer=-4.0))
        counts.append(len(look(tail, now=now + timedelta(seconds=after_s))))
    archive(heard.call, metrics={"sentiment": sentiment(customer=-4.0)})

    look_at_log(tail, now=now + timedelta(days=1))

    assert counts == [2, 0, 1]
    assert Alert.objects.count() == 3


def test_one_utterance_under_the_limit_is_enough_for_a_rule_about_each_turn():
    rule("sentiment", per_turn=True, repeat_after_s=1)
    tail, heard = LiveTail(), hearing()
    heard.hear(0, "Fine.", score=-1.9)
    held = heard.hear(10_000, None, score=-4.5)
    early = look(tail)
    heard.change(held, shown="I hate [NAME].")

    (alert,) = look(tail)
    archive(heard.call, turns=[turn(9_500, "I hate [NAME].", score=-4.6, length_ms=1_400)])
    look_at_log(tail)

    assert early == []
    assert (
        alert.found == "Sentiment of an utterance \N{MINUS SIGN}4.5; the limit is \N{MINUS SIGN}2."
    )
    assert (alert.quote, alert.offset_ms) == ("I hate [NAME].", 10_000)
    assert Alert.objects.count() == 1


def test_silence_is_found_while_packets_arrive():
    rule("silence", limit=45)
    tail, heard = LiveTail(), hearing()
    heard.hear(29_000, None)
    heard.hear(40_000, None, text="")
    heard.listen(75_000)
    early = look(tail)
    heard.listen(76_000)

    (alert,) = look(tail)

    assert early == []
    assert alert.found == "Nobody talked for 46 s; the limit is 45 s."
    assert (alert.speaker, alert.offset_ms) == ("", 30_000)


def test_a_call_in_which_nobody_has_spoken_is_silent_from_its_start():
    rule("silence", limit=45)
    hearing().listen(46_000)

    assert [alert.offset_ms for alert in look()] == [0]


@pytest.mark.parametrize(
    "fields",
    [
        {"heard_until_ms": None},
        {"heard_until_ms": 45_000},
        {"heard_until_ms": 90_000, "skipped": [[10_000, 50_000]]},
    ],
)
def test_skipped_audio_does_not_count_as_silence(fields):
    rule("silence", limit=45)
    hearing().listen(**fields)

    assert look() == []


def test_lasting_silence_is_repeated_only_by_a_repeating_rule_and_not_by_the_result():
    rule("silence", limit=45)
    rule("silence", name="Again", limit=45, repeat_after_s=60)
    tail, heard, now = LiveTail(), hearing(), timezone.now()
    counts = []
    for after_s in (50, 100, 111):
        heard.listen(after_s * 1_000)
        counts.append(len(look(tail, now=now + timedelta(seconds=after_s))))
    stretches = [{"begin_ms": 400, "end_ms": 120_000}, {"begin_ms": 300_000, "end_ms": 390_000}]
    archive(heard.call, metrics={"non_talk": {"instances": stretches}})

    look_at_log(tail, now=now + timedelta(days=1))

    assert counts == [2, 0, 1]
    again = Alert.objects.filter(rule__name="Again").order_by("pk")
    assert list(again.values_list("offset_ms", flat=True)) == [0, 0, 300_000]


def test_silence_in_a_call_that_is_over_is_left_to_the_result():
    rule("silence", limit=45)
    heard = hearing()
    heard.listen(90_000)
    services.end_call(call_id=heard.call.call_id)

    look_at_log()

    assert not Alert.objects.exists()


def test_invalid_figures_of_one_call_do_not_hold_up_others(caplog):
    rule("silence", limit=45)
    hearing().listen(90_000, skipped="long ago")
    sound = hearing()
    sound.listen(90_000)

    alerts = look()

    assert [alert.call for alert in alerts] == [sound.call]
    assert "is not checked" in caplog.text
