"""Text calls do not slow down audio calls."""

from __future__ import annotations

import time

import pytest

from calls.analysis.live.heard import HeardCall
from calls.analysis.live.texts import LONGEST, MOST_SAVED_S, SHARE, TextTime, newest
from calls.models import LiveUtterance
from calls.tests.analysis.live.listening import a_listener, listen_until, receive, spoken
from calls.tests.factories import live_call


def utterances(*lengths):
    return [LiveUtterance(number=at, text="x" * each) for at, each in enumerate(lengths)]


@pytest.mark.parametrize("cost_s", [0.001, 0.02, 0.5])
def test_text_that_nobody_watches_gets_its_share_of_the_time(cost_s):
    time, spent, clock = TextTime(), 0.0, 0.0
    while clock < 100:
        while time.is_left(clock):
            time.spend(cost_s)
            spent += cost_s
        clock += 0.15

    assert spent == pytest.approx(SHARE * 100, abs=MOST_SAVED_S + cost_s)


def test_text_beyond_the_limit_is_left_out_oldest_first():
    few = utterances(10, 20)
    assert newest(few) == ((), few)

    too_many, kept = newest(utterances(LONGEST, 10, LONGEST - 10))

    assert [each.number for each in too_many] == [0]
    assert [each.number for each in kept] == [1, 2]


def test_a_single_text_that_is_too_long_is_left_out():
    too_many, kept = newest(utterances(5, LONGEST + 1))

    assert len(too_many) == 2
    assert kept == []


@pytest.mark.django_db
def test_expensive_text_calls_do_not_delay_the_words_of_audio_calls(monkeypatch):
    worked_s = 0.0
    take_change = HeardCall.take_change

    def slowly(call, *args, **kwargs):
        nonlocal worked_s
        worked_s += 5.0 if call.is_text else 0.0
        return take_change(call, *args, **kwargs)

    monkeypatch.setattr(HeardCall, "take_change", slowly)
    for name in ("t-1", "t-2", "t-3"):
        live_call(name)
    receive(*spoken("c-1", (1, 2), seconds=4))
    listener = a_listener(clock=lambda: time.monotonic() + worked_s)

    listen_until(listener, lambda: LiveUtterance.objects.filter(call__call_id="c-1").exists())

    assert worked_s == 5.0
