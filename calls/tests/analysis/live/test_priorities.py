"""Which calls are transcribed first when there are more than the cores can handle."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.analysis.live.heard import HeardCall
from calls.analysis.live.opening import OpenCall
from calls.analysis.live.turns import Rank
from calls.models import Call
from calls.tests.analysis.live.listening import (
    CountingProvider,
    a_listener,
    let_recognise,
    listen_until,
    receive,
    spoken,
    stored,
    watch,
)
from calls.tests.factories import ended_call

pytestmark = pytest.mark.django_db


def test_calls_that_nobody_watches_are_recognised_in_the_time_that_is_left():
    receive(*spoken("c-1", (1, 2), seconds=5))
    receive(*spoken("c-2", (1, 3), seconds=5))
    watch("c-1")
    at_once, in_rest = CountingProvider(), CountingProvider()
    at_once.name = "other"  # nothing is recognised again
    listener = a_listener(at_once, in_rest=in_rest)

    listen_until(listener, lambda: len(stored()) == 2)

    assert all(each.duration_ms < 2_000 for each in at_once.asked)
    assert all(each.duration_ms > 2_000 for each in in_rest.asked)
    assert in_rest.asked


def test_packets_of_a_call_that_nobody_watches_are_taken_together_once_a_second():
    heard = HeardCall(1, "c-1", 1, "en", since=0.0)
    call = OpenCall(heard, "", "", {}, {}, from_now=False, heard_at=None)

    call.take((), 10.0, heard_at=timezone.now())

    assert not call.is_due(10.9)
    assert call.is_due(11.0)
    heard.rank = Rank.WATCHED
    assert call.is_due(10.1)
    heard.rank = Rank.OTHER
    heard.end(10.1)
    assert call.is_due(10.1)


def test_calls_that_nobody_watches_leave_the_cores_to_calls_that_have_ended():
    in_a_minute = timezone.now() + timedelta(minutes=1)
    ended = ended_call()
    Call.objects.filter(pk=ended.pk).update(lease_expires_at=in_a_minute)  # it is analysed
    for call_id in ("watched", "other"):
        receive(*spoken(call_id, (1, 2), seconds=4))
    watch("watched")
    now = [100.0]
    listener = a_listener(clock=lambda: now[0])

    def listen(seconds):
        for _ in range(10):
            now[0] += seconds / 10
            listener.step()
            let_recognise(listener)

    listen(seconds=10)
    heard = {each.call.call_id for each in stored()}
    listen(seconds=10)
    receive(*spoken("other", (5, 6), seconds=4, first=41, begin_s=4.0))
    listen(seconds=30)

    assert heard == {"watched"}
    assert {each.call.call_id for each in stored()} == {"watched", "other"}


def test_a_round_spends_little_time_on_calls_that_nobody_watches(monkeypatch):
    for number in range(3):
        receive(*spoken(f"c-{number}", (1, 2), seconds=4))
    now = [100.0]
    taken = []

    def take_slowly(one, packets, clock, *, heard_at):
        one.taken_at = clock
        taken.append((one.heard.call_id, len(packets) > 0))
        now[0] += 0.5

    monkeypatch.setattr(OpenCall, "take", take_slowly)
    listener = a_listener(clock=lambda: now[0])

    for rounds in (1, 2, 3):
        listener.step()

        assert len(taken) == rounds
    assert len(set(taken)) == 3


def test_only_watched_calls_are_transcribed_if_the_site_says_so(settings):
    settings.LIVE_TRANSCRIPTION = "watched"
    receive(*spoken("c-1", (1, 2), seconds=4), *spoken("c-2", (1, 2), seconds=4))
    watch("c-2")
    listener = a_listener()

    listen_until(listener, lambda: len(stored()) == 1)

    assert [one.heard.call_id for one in listener.calls.values()] == ["c-2"]


def test_a_limited_number_of_calls_is_transcribed_at_once(settings):
    settings.LIVE_TRANSCRIPTION_CALLS = 2
    for n in range(4):
        receive(*spoken(f"c-{n}", (1, 2), seconds=4))
    listener = a_listener()

    listener.step()

    assert len(listener.calls) == 2


def test_a_text_call_gets_its_turn_alongside_busy_audio_calls(monkeypatch):
    now = [100.0]
    listener = a_listener(clock=lambda: now[0])
    calls = [HeardCall(pk, f"c-{pk}", 1, "en", since=0.0) for pk in range(1, 5)]
    calls[-1].is_text = True
    stored = []

    def take_slowly(one, clock, *, heard_at, force):
        now[0] += 0.2
        one.stored_at = clock
        stored.append(one.call_id)
        return one

    monkeypatch.setattr(HeardCall, "take_change", take_slowly)

    for _ in range(4):
        listener._changes(calls, now[0], timezone.now(), False, until=now[0] + 0.1)

    assert sorted(stored) == ["c-1", "c-2", "c-3", "c-4"]
