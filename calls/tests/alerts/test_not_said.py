"""Rules on words that must be said: when it is certain that they were not."""

from __future__ import annotations

import pytest

from calls.alerts.live.utterances import LiveTail
from calls.models import Alert
from calls.tests.alerts.hearing import archive, hearing, look, look_at_log, rule, turn
from calls.tests.factories import live_call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_mine")]
NOTICE = "This call may be recorded."


def script(**fields):
    wanted = {"speaker": "agent", "phrases": "may be recorded", "within_s": 30}
    return rule("not_said", **{**wanted, **fields})


def said(heard, begin_ms=1_000, shown="Good morning.", *, speaker="agent", **fields):
    return heard.hear(begin_ms, shown, speaker=speaker, **fields)


def test_an_alert_is_raised_when_the_time_has_passed_without_the_words():
    script()
    tail, heard = LiveTail(), hearing()
    said(heard)
    before = look(tail)
    heard.listen(32_000)

    (alert,) = look(tail)

    assert before == []
    assert alert.found == "Not said in the first 30 s: “may be recorded”."
    assert (alert.speaker, alert.offset_ms) == ("agent", 30_000)


@pytest.mark.parametrize(
    ("begin_ms", "shown", "speaker"),
    [(1_000, NOTICE, "agent"), (29_900, NOTICE, "agent")],
)
def test_words_that_are_said_in_time_raise_nothing(begin_ms, shown, speaker):
    script()
    heard = hearing()
    said(heard)
    said(heard, begin_ms, shown, speaker=speaker)
    heard.listen(60_000)

    assert look() == []


@pytest.mark.parametrize(("begin_ms", "speaker"), [(31_000, "agent"), (1_000, "customer")])
def test_words_that_are_late_or_from_the_other_side_do_not_count(begin_ms, speaker):
    script()
    heard = hearing()
    said(heard)
    said(heard, begin_ms, NOTICE, speaker=speaker)
    heard.listen(60_000)

    assert len(look()) == 1


def test_words_may_span_two_utterances():
    script()
    heard = hearing()
    said(heard, 1_000, "This call may be")
    said(heard, 3_000, "recorded.")
    heard.listen(60_000)

    assert look() == []


@pytest.mark.parametrize(
    "unsure",
    [
        lambda heard: heard.listen(60_000, skipped=[[10_000, 20_000]]),
        lambda heard: said(heard, 5_000, None),
        lambda heard: heard.listen(31_000),
    ],
    ids=["not heard", "held back", "not heard far enough"],
)
def test_no_live_alert_is_raised_while_the_words_may_have_been_said(unsure):
    script()
    heard = hearing()
    said(heard)
    heard.listen(31_000)
    unsure(heard)

    assert look() == []


def test_a_speaker_who_was_not_heard_raises_no_alert():
    script()
    heard = hearing()
    said(heard, speaker="customer")
    heard.listen(60_000)
    archive(heard.call, turns=[turn(1_000, "Hello?")])

    assert look() == []
    look_at_log()
    assert not Alert.objects.exists()


def test_the_result_decides_about_skipped_audio():
    script()
    tail, heard = LiveTail(), hearing()
    said(heard)
    heard.listen(60_000, skipped=[[10_000, 20_000]])
    look(tail)
    archive(heard.call, turns=[turn(1_000, "Good morning.", speaker="agent")])

    look_at_log(tail)

    assert Alert.objects.get().source == "not_said"


@pytest.mark.parametrize(
    ("fields", "turns", "is_raised"),
    [
        ({}, [turn(1_000, "Hello.", speaker="agent")], True),
        ({}, [turn(1_000, NOTICE, speaker="agent")], False),
        ({}, [turn(1_000, NOTICE)], False),
        ({}, [turn(1_000, NOTICE), turn(2_000, "Hello.", speaker="agent")], True),
        ({}, [turn(40_000, NOTICE, speaker="agent")], True),
        ({"within_s": None}, [turn(40_000, NOTICE, speaker="agent")], False),
        ({"within_s": None}, [turn(40_000, "Bye.", speaker="agent")], True),
        ({"speaker": ""}, [turn(1_000, NOTICE)], False),
        ({"within_s": 601}, [turn(1_000, "Hello.", speaker="agent")], False),
        ({"language": "de"}, [turn(1_000, "Hello.", speaker="agent")], False),
        ({"language": "en-GB"}, [turn(1_000, "Hello.", speaker="agent")], True),
    ],
)
def test_the_result_decides_by_the_turns_that_begin_in_time(fields, turns, is_raised):
    script(**fields)
    archive(live_call(), turns=turns)

    look_at_log()

    assert Alert.objects.exists() == is_raised


@pytest.mark.parametrize(("language", "is_raised"), [("de", False), ("en-US", True), ("", True)])
def test_a_call_in_another_language_raises_nothing(language, is_raised):
    script()
    heard = hearing(language=language)
    said(heard)
    heard.listen(60_000)

    assert bool(look()) == is_raised


@pytest.mark.parametrize(("language", "is_raised"), [("de", False), ("en", True), ("", True)])
def test_a_language_that_nobody_named_fits_every_rule(settings, language, is_raised):
    settings.AI_LANGUAGE = ""
    script(language="en")
    said(heard := hearing(language=language))
    heard.listen(60_000)

    assert bool(look()) == is_raised


def test_the_result_does_not_repeat_a_live_not_said_alert():
    script(repeat_after_s=1)
    tail, heard = LiveTail(), hearing()
    said(heard)
    heard.listen(60_000)
    look(tail)
    heard.listen(70_000)
    look(tail)
    archive(heard.call, turns=[turn(1_000, "Good morning.", speaker="agent")])

    look_at_log(tail)

    assert Alert.objects.count() == 1


def test_it_can_be_a_condition_of_another_rule():
    script_of = {"kind": "not_said", "speaker": "agent", "phrases": "sorry", "within_s": 60}
    rule(speaker="customer", conditions=[script_of])
    tail, heard = LiveTail(), hearing()
    said(heard)
    heard.hear(10_000, "My lawyer.")
    before = look(tail)
    heard.listen(70_000)

    (alert,) = look(tail)

    assert before == []
    assert alert.found == "Said “lawyer”. Not said in the first 60 s: “sorry”."
