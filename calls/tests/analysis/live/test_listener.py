"""The listener stores the words of live calls while they last."""

import pytest

from calls.models import LiveTranscription, LiveUtterance
from calls.tests.analysis.live.listening import a_listener, listen_until, receive, spoken

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
