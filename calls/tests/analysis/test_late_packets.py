"""Packets that arrive after the end of a call get another round of analysis."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from calls import services
from calls.analysis.results import transcript_document
from calls.ingest.record import record_packets
from calls.models import Call, CallEvent, Stage
from calls.tests import one_call
from calls.tests.audio import carry_to_end
from calls.tests.factories import (
    FakeProvider,
    archived_call,
    attempt,
    claim,
    ended_call,
    failed_call,
    packet,
    refusal,
)

pytestmark = pytest.mark.django_db
WORDS = "One last thing, please call me tomorrow."


def speak_late(call, sequence=5, data=WORDS):
    record_packets([packet(call.call_id, sequence, data, timestamp=25.0)])


def make_quiet(**since):
    """Let time pass: move the times of all calls into the past."""
    past = timedelta(**since)
    Call.objects.update(
        last_packet_at=F("last_packet_at") - past,
        ended_at=F("ended_at") - past,
        late_since=F("late_since") - past,
    )


def heard(call):
    return [turn["text"] for turn in transcript_document(call)["turns"]]


def round_of(call):
    call = Call.objects.get(pk=call.pk)
    return call.state, call.analysis_round, call.late_since


def test_late_words_are_in_the_transcript_after_another_round():
    call = archived_call()
    speak_late(call)
    make_quiet(seconds=10)

    assert services.reanalyse_late_calls() == 1
    carry_to_end(Call.objects.get(pk=call.pk), FakeProvider())

    call = Call.objects.get(pk=call.pk)
    assert WORDS in heard(call)
    notes = transcript_document(call)["provenance"]["transcribe"]["notes"]
    assert "1 packet arrived after the call had ended and is included." in notes
    started = CallEvent.objects.filter(call=call, state="COMPLETED").last()
    assert (started.data["reason"], started.data["by"]) == ("reanalysed", "late packets")
    assert round_of(call) == ("ARCHIVED", 1, None)
    assert services.reanalyse_late_calls() == 0


def test_another_round_waits_until_no_more_packets_come():
    call = archived_call()
    speak_late(call)

    assert services.reanalyse_late_calls() == 0
    make_quiet(seconds=10)
    speak_late(call, sequence=6)
    assert services.reanalyse_late_calls() == 0
    make_quiet(seconds=10)

    assert services.reanalyse_late_calls() == 1


def test_a_continuous_stream_of_late_packets_does_not_delay_the_round_forever():
    call = archived_call()
    speak_late(call)
    make_quiet(minutes=16)
    speak_late(call, sequence=6)

    assert services.reanalyse_late_calls() == 1


def test_an_endless_trickle_of_late_packets_causes_one_round():
    call = archived_call()

    rounds = 0
    for sequence in range(5, 15):
        speak_late(call, sequence=sequence)
        make_quiet(seconds=55)
        if services.reanalyse_late_calls():
            rounds += 1
            carry_to_end(Call.objects.get(pk=call.pk), FakeProvider())
        make_quiet(seconds=5)

    assert rounds == 1
    assert Call.objects.get(pk=call.pk).late_count == 10


def test_packets_that_come_before_the_first_claim_are_read_by_the_first_round():
    call = ended_call()
    speak_late(call)

    carry_to_end(call, FakeProvider())
    make_quiet(seconds=10)

    assert WORDS in heard(call)
    assert services.reanalyse_late_calls() == 0


def test_packets_that_come_while_a_round_runs_ask_for_another_one():
    call = ended_call()
    lease = claim()
    speak_late(call)
    make_quiet(seconds=10)
    during = services.reanalyse_late_calls()

    one_call.fail_attempt(lease, attempt(lease), refusal())
    services.retry_call(call_id=call.call_id)
    carry_to_end(call, FakeProvider())

    assert during == 0
    assert WORDS in heard(call)


def test_a_round_that_keeps_the_transcript_does_not_count_as_reading():
    call = archived_call()
    services.reanalyse_call(call_id=call.call_id, stage=Stage.UNDERSTAND)
    speak_late(call)
    claim()

    assert Call.objects.get(pk=call.pk).late_since is not None


@pytest.mark.parametrize("data", ["", WORDS])
def test_a_failed_call_waits_for_its_retry(data):
    call = failed_call()
    speak_late(call, data=data)
    make_quiet(seconds=10)

    assert services.reanalyse_late_calls() == 0


def test_counters_without_audio_start_no_round():
    call = archived_call()
    speak_late(call, data="")

    assert round_of(call) == ("ARCHIVED", 0, None)


def test_packets_long_after_the_end_start_no_round():
    call = archived_call()
    make_quiet(seconds=61)
    speak_late(call)

    assert round_of(call) == ("ARCHIVED", 0, None)


def test_packets_of_a_pruned_call_start_no_round():
    call = archived_call()
    Call.objects.update(packets_pruned_at=timezone.now())
    speak_late(call)

    assert round_of(call) == ("ARCHIVED", 0, None)


def test_rounds_for_late_packets_can_be_switched_off(settings):
    settings.REANALYSE_LATE = False
    call = archived_call()
    speak_late(call)

    assert round_of(call) == ("ARCHIVED", 0, None)
