"""The listener stores the words of live calls while they last."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from calls import services
from calls.models import LiveTranscription, LiveUtterance
from calls.tests.analysis.live.listening import a_listener, listen_until, receive, spoken
from calls.tests.factories import DIALOGUE, live_call

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _listening(settings):
    settings.LIVE_TRANSCRIPTION = "all"


def stored():
    return list(LiveUtterance.objects.order_by("begin_ms"))


def words_of(first, last):
    return " ".join(f"p{number % 64}" for number in range(first, last + 1))


def test_the_words_of_an_audio_call_are_stored_as_they_end():
    receive(*spoken("c-1", (1, 2), (3, 5), seconds=7))
    listener = a_listener()

    listen_until(listener, lambda: len(stored()) == 2)

    first, second = stored()
    assert (first.speaker, first.number, second.number) == ("customer", 0, 1)
    assert first.begin_ms == pytest.approx(800, abs=40)
    assert first.text == words_of(11, 20)
    assert second.text == words_of(31, 50)
    row = LiveTranscription.objects.get()
    assert row.model == "counting"
    assert row.revision == second.revision


def test_what_is_said_between_two_rounds_is_heard_once():
    packets = spoken("c-1", (1, 2), (3, 5), (7, 8), seconds=10)
    listener = a_listener()
    for at in range(0, 100, 7):
        receive(*packets[at : at + 7])
        listener.step()

    listen_until(listener, lambda: len(stored()) == 3)

    assert [each.text for each in stored()] == [
        words_of(11, 20), words_of(31, 50), words_of(71, 80),
    ]  # fmt: skip


def test_both_sides_and_several_streams_are_heard():
    receive(*spoken("c-1", (1, 2), seconds=4, track="agent"))
    receive(*spoken("c-1", (2, 3), seconds=4, track="customer", first=101))
    listener = a_listener()

    listen_until(listener, lambda: len(stored()) == 2)

    assert [each.speaker for each in stored()] == ["agent", "customer"]


def test_the_words_of_a_text_call_are_stored_at_once():
    live_call("c-1")
    listener = a_listener()

    listen_until(listener, lambda: len(stored()) == 4)

    assert [(each.speaker, each.text) for each in stored()] == DIALOGUE
    assert {each.channel for each in stored()} == {""}


def test_when_a_call_ends_what_is_left_of_it_is_heard_and_the_lease_released():
    receive(*spoken("c-1", (1, 3), seconds=3))
    listener = a_listener()
    listener.step()
    services.end_call(call_id="c-1")

    listen_until(listener, lambda: not listener.calls)

    assert [each.text for each in stored()] == [words_of(11, 30)]
    assert LiveTranscription.objects.get().owner == ""


def test_a_process_that_lost_its_lease_writes_nothing():
    receive(*spoken("c-1", (1, 2), seconds=4))
    listener = a_listener()
    listener.step()
    later = timezone.now() + timedelta(hours=1)
    LiveTranscription.objects.update(token=F("token") + 1, owner="two", lease_expires_at=later)

    listen_until(listener, lambda: not listener.calls)

    assert stored() == []
    assert LiveTranscription.objects.get().revision == 0


def test_another_process_goes_on_where_the_stored_utterances_end():
    packets = spoken("c-1", (1, 2), (3, 5), (7, 12), (14, 15), seconds=17)
    receive(*packets[:95])
    first = a_listener(owner="one")
    listen_until(first, lambda: len(stored()) == 2)
    LiveTranscription.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    receive(*packets[95:])
    second = a_listener(owner="two")

    listen_until(second, lambda: len(stored()) == 4)

    assert [each.text for each in stored()] == [
        words_of(11, 20), words_of(31, 50), words_of(71, 120), words_of(141, 150),
    ]  # fmt: skip
    assert [each.number for each in stored()] == [0, 1, 2, 3]
