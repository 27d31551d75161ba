"""The listener stores the words of live calls while they last."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from calls import services
from calls.analysis.live.heard import HeardCall
from calls.analysis.live.status import LiveStatus, clean_up, read_live_status, report
from calls.analysis.providers import ProviderError
from calls.conversation import Word
from calls.models import (
    Call,
    LiveTranscription,
    LiveUtterance,
    Packet,
    Stream,
)
from calls.tests.analysis.live.listening import (
    CountingProvider,
    a_listener,
    let_recognise,
    listen_until,
    receive,
    spoken,
    stored,
    watch,
    words_of,
)
from calls.tests.factories import DIALOGUE, live_call

pytestmark = pytest.mark.django_db


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


def test_words_between_two_rounds_are_recognised_once():
    packets = spoken("c-1", (1, 2), (3, 5), (7, 8), seconds=10)
    listener = a_listener()
    for at in range(0, 100, 7):
        receive(*packets[at : at + 7])
        listener.step()

    listen_until(listener, lambda: len(stored()) == 3)

    assert [each.text for each in stored()] == [
        words_of(11, 20), words_of(31, 50), words_of(71, 80),
    ]  # fmt: skip


LONG_TALK = ((1, 7), (8, 14), (15, 21), (22, 28), (29, 35), (36, 42))


def test_utterances_are_recognised_again_as_one_passage_while_nothing_new_waits():
    receive(*spoken("c-1", *LONG_TALK, seconds=44))
    provider = CountingProvider()

    listen_until(a_listener(provider), lambda: any(not each.provisional for each in stored()))

    passages = [channel for channel in provider.asked if channel.duration_ms > 10_000]
    again = [each for each in stored() if not each.provisional]
    assert len(passages) == 1
    assert [each.text for each in again] == [
        words_of(10 * begin + 1, 10 * end) for begin, end in LONG_TALK[: len(again)]
    ]
    begins = [each.words[0][0] for each in again]
    assert begins == [pytest.approx(1000 * begin, abs=40) for begin, _ in LONG_TALK[: len(again)]]


def test_better_words_replace_those_that_were_shown():
    receive(*spoken("c-1", *LONG_TALK, seconds=44))
    provider = MishearingProvider()

    listen_until(a_listener(provider), lambda: any(not each.provisional for each in stored()))

    first, *_, last = stored()
    assert first.text == words_of(11, 70)
    assert first.shown == first.text
    assert last.text == last.shown == "mumbling"
    assert first.revision >= last.revision  # with it, or told again after it


def test_a_passage_that_cannot_be_recognised_leaves_the_words_as_they_are():
    receive(*spoken("c-1", *LONG_TALK, seconds=44))
    provider = MishearingProvider(ProviderError("no", code="500", transient=True))

    listen_until(a_listener(provider), lambda: provider.passages and len(stored()) == 6)

    assert {each.text for each in stored()} == {"mumbling"}
    assert all(each.provisional for each in stored())


class MishearingProvider(CountingProvider):
    """Understands only long recordings; ``error`` is what it says to them."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error
        self.passages = 0

    async def transcribe(self, audio, *, language):
        heard = await super().transcribe(audio, language=language)
        if heard.duration_ms < 10_000:
            turn = replace(heard.turns[0], text="mumbling", words=(Word(0, 900, "mumbling"),))
            return replace(heard, turns=(turn,))
        self.passages += 1
        if self.error:
            raise self.error
        return heard


def test_both_sides_and_several_streams_are_transcribed():
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


def test_when_a_call_ends_the_rest_is_transcribed_and_the_lease_released():
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


def test_another_process_continues_where_the_stored_utterances_end():
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


def test_words_of_a_watched_call_are_shown_when_a_pause_begins():
    receive(*spoken("c-1", (1, 2), seconds=2.4))
    watch("c-1")
    listener = a_listener()

    listen_until(listener, lambda: LiveTranscription.objects.filter(revision__gt=0).exists())

    row = LiveTranscription.objects.get()
    assert stored() == []
    assert row.partial == {"customer": words_of(11, 20)}


def test_an_utterance_that_was_recognised_early_is_not_recognised_again():
    packets = spoken("c-1", (1, 2), seconds=4)
    receive(*packets[:24])
    watch("c-1")
    provider = CountingProvider()
    listener = a_listener(provider)
    listen_until(listener, lambda: LiveTranscription.objects.filter(revision__gt=0).exists())
    receive(*packets[24:])

    listen_until(listener, lambda: len(stored()) == 1)

    assert [each.text for each in stored()] == [words_of(11, 20)]
    assert len(provider.asked) == 1
    assert LiveTranscription.objects.get().partial == {}


def test_a_failed_recognition_is_tried_again():
    receive(*spoken("c-1", (1, 2), seconds=4))
    provider = CountingProvider()
    provider.errors = [ProviderError("busy", code="503", transient=True)] * 2

    listen_until(a_listener(provider), lambda: len(stored()) == 1)

    assert len(provider.asked) == 3


def test_an_utterance_that_cannot_be_recognised_is_noted_as_skipped(caplog):
    receive(*spoken("c-1", (1, 2), (4, 5), seconds=7))
    provider = CountingProvider()
    provider.errors = [ProviderError("secret words", code="422", transient=False)]

    listen_until(a_listener(provider), lambda: len(stored()) == 1)

    ((begin_ms, end_ms),) = LiveTranscription.objects.get().skipped
    assert (begin_ms, end_ms) == (pytest.approx(800, abs=40), pytest.approx(2200, abs=40))
    assert "secret" not in caplog.text


def test_an_outage_of_the_provider_is_logged_once(caplog):
    receive(*spoken("c-1", (1, 2), (4, 5), (7, 8), seconds=10))
    provider = CountingProvider()
    provider.errors = [ProviderError("down", code="503", transient=True)] * 4

    listen_until(a_listener(provider), lambda: len(stored()) == 3)

    messages = [record.message for record in caplog.records if "recognised" in record.message]
    assert messages[0] == "live calls are not recognised: 503"
    assert len(messages) == 2


def test_words_that_nobody_watches_are_dropped_when_they_are_old():
    receive(*spoken("c-1", (1, 2), seconds=4))
    provider = CountingProvider()
    provider.errors = [ProviderError("down", code="503", transient=True)] * 9
    now = [100.0]
    listener = a_listener(provider, clock=lambda: now[0])
    for _ in range(4):
        listener.step()
        let_recognise(listener)
        now[0] += 1.0

    now[0] += 30
    listener.step()

    assert LiveTranscription.objects.get().skipped != []
    assert stored() == []


def test_a_long_call_without_live_words_starts_with_its_newest_seconds():
    receive(*spoken("c-1", (1, 2), (58, 59), seconds=62))
    long_ago = timezone.now() - timedelta(seconds=62)
    Call.objects.update(opened_at=long_ago)
    Stream.objects.update(opened_at=long_ago)
    for packet in Packet.objects.all():
        packet.received_at = long_ago + timedelta(seconds=packet.timestamp)
        packet.save(update_fields=["received_at"])

    listen_until(a_listener(), lambda: len(stored()) == 1)

    assert [each.text for each in stored()] == [words_of(581, 590)]
    assert stored()[0].begin_ms == pytest.approx(57_800, abs=300)
    ((begin_ms, end_ms),) = LiveTranscription.objects.get().skipped
    assert (begin_ms, end_ms) == (0, pytest.approx(52_000, abs=500))


def test_reports_of_the_listeners_are_added_up():
    now = timezone.now()
    report("one", LiveStatus(calls=2, waiting=3, behind_s=1.5, heard=10, skipped=1), now=now)
    report("two", LiveStatus(calls=1, waiting=3, behind_s=4.0, heard=5), now=now)
    report("gone", LiveStatus(calls=9), now=now - timedelta(minutes=1))

    found = read_live_status(now=now)

    assert found == LiveStatus(calls=3, waiting=3, behind_s=4.0, heard=15, skipped=1)


def test_live_words_are_deleted_an_hour_after_the_archive(call_in):
    old = timezone.now() - timedelta(hours=2)
    for name, moment in (("old", old), ("new", timezone.now())):
        call = call_in("ARCHIVED", name)
        Call.objects.filter(pk=call.pk).update(state_changed_at=moment)
        LiveTranscription.objects.create(call=call)
        LiveUtterance.objects.create(
            call=call, channel="", number=1, revision=1, speaker="agent", begin_ms=0, end_ms=1,
            text="My name is Ann.", heard_at=moment,
        )  # fmt: skip

    clean_up(now=timezone.now())

    assert [each.call.call_id for each in stored()] == ["new"]
    assert [each.call.call_id for each in LiveTranscription.objects.all()] == ["new"]


def test_a_call_that_cannot_be_transcribed_does_not_stop_the_others(monkeypatch, caplog):
    receive(*spoken("c-1", (1, 2), seconds=4), *spoken("c-2", (1, 2), seconds=4))
    take = HeardCall.take_change

    def odd(self, *arguments, **options):
        if self.call_id == "c-1":
            raise ValueError("secret words")
        return take(self, *arguments, **options)

    monkeypatch.setattr(HeardCall, "take_change", odd)
    listener = a_listener()

    listen_until(listener, lambda: len(stored()) == 1)

    assert [each.call.call_id for each in stored()] == ["c-2"]
    assert "cannot be transcribed live: ValueError in" in caplog.text
    assert "secret" not in caplog.text
