"""When the stage ``transcribe`` reuses the live words of a call."""

from datetime import timedelta

import pytest
from django.db.models import F

from calls import services
from calls.analysis import redecoding
from calls.analysis.providers import ProviderError
from calls.analysis.providers.chaos import ChaosProvider
from calls.ingest.record import record_packets
from calls.models import Call, LiveTranscription, LiveUtterance
from calls.tests.analysis.live.bursts import (
    MEDIA,
    RATE,
    BurstProvider,
    Loudness,
    channel_of,
    packets_of,
)
from calls.tests.analysis.live.hearing import hear, rows_for, rows_of, store
from calls.tests.audio import carry_to_end
from calls.tests.factories import FakeProvider, packet

pytestmark = pytest.mark.django_db

AGENT = channel_of((1, [1, 2, 3]), (6, [4]), length_s=8)
CUSTOMER = channel_of((3, [10, 11]), (7, [12]), length_s=8, seed=2)
WORDS = ["word1 word2 word3", "word10 word11", "word4", "word12"]


class Provider(BurstProvider):
    async def understand(self, turns, *, language):
        return await FakeProvider().understand(turns, language=language)


def heard_call(*, language="en", without=()):
    """An ended call that was fully transcribed live."""
    record_packets(
        [
            packet("heard", row.sequence, row.data, track=row.track, timestamp=row.timestamp,
                   media=row.media)
            for row in packets_of((AGENT, CUSTOMER))
            if row.sequence not in without
        ]
    )  # fmt: skip
    call = Call.objects.get()
    utterances = hear(rows_of(call), default_media=MEDIA, detector=Loudness)
    store(call, list(rows_for(utterances, Provider())), Provider(), language=language)
    return services.end_call(call_id=call.call_id)


def transcript_of(call):
    return call.transcripts.order_by("-version").first()


def texts(call):
    return [turn["text"] for turn in transcript_of(call).turns]


def test_a_call_that_was_transcribed_live_is_not_recognised_again():
    provider = Provider()

    call = carry_to_end(heard_call(), provider)

    assert provider.asked_ms == [0]
    assert texts(call) == WORDS
    provenance = transcript_of(call).provenance
    heard = sum(row.length for row in LiveUtterance.objects.all()) * 1000 / RATE
    assert provenance["heard_live_ms"] == pytest.approx(heard, abs=2)
    assert provenance["model"] == provider.speech_model


def test_a_call_without_live_words_is_recognised_as_a_whole():
    call = heard_call()
    LiveTranscription.objects.all().delete()
    provider = Provider()

    call = carry_to_end(call, provider)

    assert provider.asked_ms == [8000]
    assert transcript_of(call).provenance["heard_live_ms"] == 0


@pytest.mark.parametrize("other", [{"model": "bursts 2"}, {"language": "de"}])
def test_words_of_another_model_or_language_are_not_reused(other):
    call = heard_call()
    LiveTranscription.objects.update(**other)
    provider = Provider()

    carry_to_end(call, provider)

    assert provider.asked_ms == [8000]


def test_a_person_who_asks_for_another_analysis_has_all_of_it_recognised():
    call = carry_to_end(heard_call(), Provider())
    services.reanalyse_call(call_id=call.call_id, by="ann")
    provider = Provider()

    carry_to_end(call, provider)

    assert provider.asked_ms == [8000]


def test_a_corrected_format_has_all_of_it_recognised():
    call = carry_to_end(heard_call(), Provider())
    redecoding.decode_call(call_id=call.call_id, media=MEDIA, by="ann")
    provider = Provider()

    carry_to_end(call, provider)

    assert provider.asked_ms == [8000]


def test_a_round_for_late_packets_recognises_only_what_they_changed():
    # Packet 651 is of the agent, from 6.5 s on, when nobody speaks.
    call = carry_to_end(heard_call(without=[651]), Provider())
    late = next(row for row in packets_of((AGENT, CUSTOMER)) if row.sequence == 651)
    record_packets(
        [packet("heard", 651, late.data, track=late.track, timestamp=late.timestamp, media=MEDIA)]
    )
    ages = {name: F(name) - timedelta(seconds=10) for name in ("last_packet_at", "late_since")}
    Call.objects.update(**ages)
    assert services.reanalyse_late_calls() == 1
    provider = Provider()

    call = carry_to_end(call, provider)

    assert provider.asked_ms != [8000]
    assert texts(call) == WORDS


def test_simulated_failures_also_fail_calls_with_live_words():
    class Down:
        def uniform(self, low, high):
            return 0.0

        def random(self):
            return 0.0

    provider = ChaosProvider(Provider(), 0.5, (0, 0), Down())

    with pytest.raises(ProviderError, match="simulated"):
        carry_to_end(heard_call(), provider)


def test_speakers_that_were_swapped_during_the_call_are_swapped_in_the_transcript():
    call = heard_call()
    Call.objects.update(speakers_swapped=True)
    provider = Provider()

    call = carry_to_end(call, provider)

    assert provider.asked_ms == [0]
    assert transcript_of(call).turns[0]["speaker"] == "customer"
    assert texts(call) == WORDS
