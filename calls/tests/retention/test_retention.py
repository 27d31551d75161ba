"""Retention: what is deleted when, what never is, and what still works afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone

from calls import services
from calls.analysis.media.textcall import TextCall
from calls.analysis.providers import ProviderError
from calls.analysis.recording.material import FROM_RECORDING, load_material
from calls.conversation import CallAudio
from calls.ingest.record import record_packets
from calls.models import Call, Packet, PrunedRange, Recording, Stage
from calls.retention import old_calls
from calls.retention.old_calls import Pruned, as_ranges, prune
from calls.tests.audio import (
    archived_audio,
    archived_text,
    carry,
    carry_to_end,
    make_older,
    packets_of,
    samples,
    spoken_call,
)
from calls.tests.factories import (
    DIALOGUE,
    FakeProvider,
    claim,
    ended_call,
    failed_call,
    fetch,
    live_call,
    packet,
)

pytestmark = pytest.mark.django_db
NOW = timedelta(0)
WEEK = timedelta(days=7)


# --- Packets ---
def test_packets_are_deleted_a_week_after_the_archive_and_the_call_says_so():
    call = archived_audio()
    make_older(call, days=7, minutes=1)

    pruned = prune()

    assert pruned == Pruned(pruned_calls=1, packets=10)
    assert not packets_of(call).exists()
    assert fetch(call).packets_pruned_at
    assert fetch(call).packet_count == 10


def test_packets_are_kept_for_a_week(settings):
    call = archived_audio()
    make_older(call, days=6)

    assert prune() == Pruned()
    assert packets_of(call).count() == 10


def test_packets_are_kept_permanently_if_the_setting_says_so(settings):
    settings.PACKET_RETENTION = None
    make_older(archived_audio(), days=9999)

    assert prune() == Pruned()


def test_packets_of_a_text_call_are_deleted_once_it_has_a_transcript():
    call = archived_text()

    assert prune(packets_older_than=NOW).packets == len(DIALOGUE)
    assert fetch(call).packets_pruned_at


def test_packets_of_an_unfinished_or_failed_call_without_a_result_are_kept():
    live_call("live")
    failed_call("failed")
    ended_call("ended")

    assert prune(packets_older_than=NOW) == Pruned()
    assert Packet.objects.count() == 3 * len(DIALOGUE)


def test_a_call_that_waits_for_its_second_stage_keeps_its_packets():
    spoken_call()
    carry(claim(), Stage.TRANSCRIBE)

    assert prune(packets_older_than=NOW) == Pruned()


def test_packets_stay_while_there_is_no_recording_of_them():
    call = archived_audio()
    Recording.objects.all().delete()

    assert prune(packets_older_than=NOW) == Pruned(files=0)
    assert packets_of(call).count() == 10


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_packets_stay_while_the_recording_file_is_damaged(damage, caplog):
    call = archived_audio()
    path = Path(default_storage.path(str(call.recording.file)))
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])

    assert prune(packets_older_than=NOW) == Pruned()
    assert prune(packets_older_than=NOW, dry_run=True) == Pruned()
    assert "keeps its packets" in caplog.text


def test_one_call_that_cannot_be_pruned_does_not_block_the_next(caplog):
    damaged, whole = archived_audio("damaged"), archived_audio("whole")
    make_older(damaged, days=1)
    default_storage.delete(str(damaged.recording.file))

    assert prune(packets_older_than=NOW).pruned_calls == 1
    assert fetch(whole).packets_pruned_at


def test_packets_are_deleted_in_batches_and_a_crash_is_made_up_for_later(monkeypatch):
    monkeypatch.setattr(old_calls, "BATCH", 4)
    call = archived_audio()
    remove, batches = old_calls._remove_batch, []

    def crash_at_the_second(packets):
        batches.append(packets.count())
        if len(batches) == 2:
            raise RuntimeError("killed")
        return remove(packets)

    monkeypatch.setattr(old_calls, "_remove_batch", crash_at_the_second)
    with pytest.raises(RuntimeError):
        prune(packets_older_than=NOW)

    assert packets_of(call).count() == 6
    assert fetch(call).packets_pruned_at is None
    assert FROM_RECORDING in load_material(call).notes, "half of the packets are not the call"
    assert prune(packets_older_than=NOW).packets == 6
    assert fetch(call).packets_pruned_at
    assert PrunedRange.objects.count() == 1


def test_no_statement_removes_more_than_a_batch(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(old_calls, "BATCH", 5)
    archived_audio()

    with django_assert_max_num_queries(60):
        assert prune(packets_older_than=NOW).packets == 10


def test_a_call_that_is_analysed_again_meanwhile_keeps_its_packets(monkeypatch):
    call = archived_audio()
    safe = old_calls._is_safe

    def meanwhile(found):
        services.reanalyse_call(call_id=found.call_id)
        return safe(found)

    monkeypatch.setattr(old_calls, "_is_safe", meanwhile)

    assert prune(packets_older_than=NOW) == Pruned()
    assert packets_of(call).count() == 10


def test_late_packets_that_are_in_no_transcript_are_kept():
    call = archived_text()
    record_packets([packet(call.call_id, 9, "One more thing.")])

    prune(packets_older_than=NOW)

    assert [row.sequence for row in packets_of(call)] == [9]
    assert fetch(call).packets_pruned_at


def test_late_packets_that_are_in_a_later_transcript_are_deleted():
    call = ended_call("written")
    record_packets([packet(call.call_id, 9, "One more thing.")])
    carry_to_end(call, FakeProvider())
    packets_of(call).update(received_at=F("received_at") - timedelta(hours=1))
    Call.objects.filter(pk=call.pk).update(last_packet_at=timezone.now() - timedelta(hours=1))

    prune(packets_older_than=NOW)

    assert not packets_of(call).exists()


def test_a_late_packet_is_accepted_after_the_others_were_deleted():
    call = archived_text()
    prune(packets_older_than=NOW)

    record_packets([packet(call.call_id, 9, "One more thing.")])

    assert [(row.sequence, row.late) for row in packets_of(call)] == [(9, True)]
    assert (fetch(call).packet_count, fetch(call).missing_count) == (5, 4)
    assert prune(packets_older_than=NOW) == Pruned()


def test_pruned_packets_are_remembered_as_ranges_of_sequences():
    call = spoken_call(missing=(3, 7, 8))
    carry_to_end(call)

    prune(packets_older_than=NOW)

    ranges = PrunedRange.objects.order_by("first_sequence")
    assert [(r.first_sequence, r.last_sequence) for r in ranges] == [(1, 2), (4, 6), (9, 10)]


@pytest.mark.parametrize(
    ("sequences", "ranges"),
    [([5], [(5, 5)]), ([1, 2, 3], [(1, 3)]), ([0, 2, 3, 9], [(0, 0), (2, 3), (9, 9)])],
)
def test_ranges_are_runs_of_consecutive_numbers(sequences, ranges):
    assert list(as_ranges(sequences)) == ranges


# --- What still works ---
def test_a_pruned_call_is_transcribed_again_from_its_recording():
    call = archived_audio(missing=(5, 6))
    before = load_material(call)
    file = str(call.recording.file)
    prune(packets_older_than=NOW)

    after = load_material(call)
    services.reanalyse_call(call_id=call.call_id)
    again = carry_to_end(call)

    assert isinstance(after, CallAudio)
    assert after.missing == before.missing
    assert [channel.speaker for channel in after.channels] == ["agent", "customer"]
    for one, other in zip(before.channels, after.channels, strict=True):
        assert (one.samples == other.samples).all()
    assert again.transcripts.count() == 2
    assert str(again.recording.file) == file
    assert again.recording.version == 2
    assert default_storage.exists(str(again.recording.redacted_file))


def test_a_pruned_call_can_be_listened_to(api):
    archived_audio()
    prune(packets_older_than=NOW)

    response = api.get("/v1/call/spoken/recording?redacted=false")

    assert samples(b"".join(response.streaming_content)).any()
    assert api.get("/v1/call/spoken").json()["packets_pruned_at"]
    assert api.get("/v1/call/spoken/packets").json()["results"] == []


def test_a_pruned_text_call_is_understood_again_from_its_words():
    call = archived_text()
    before = call.transcripts.get().turns
    prune(packets_older_than=NOW)

    assert isinstance(load_material(call), TextCall)
    services.reanalyse_call(call_id=call.call_id)
    again = carry_to_end(call, FakeProvider())

    assert again.transcripts.latest().turns == before
    assert again.transcripts.latest().provenance["model"] == "text"


def test_a_pruned_call_whose_recording_is_lost_fails_and_keeps_its_old_result(api):
    call = archived_audio()
    prune(packets_older_than=NOW)
    default_storage.delete(str(call.recording.file))

    with pytest.raises(ProviderError, match="cannot be read") as error:
        load_material(call)

    assert not error.value.transient
    assert Recording.objects.exists()
    assert api.get("/v1/call/spoken/recording?redacted=false").status_code == 404


def test_a_pruned_packet_that_is_sent_again_is_a_duplicate():
    call = archived_audio()
    first = packets_of(call).order_by("sequence").first()
    again = packet(call.call_id, first.sequence, first.data, stream=first.stream.name)
    prune(packets_older_than=NOW)

    record_packets([again])

    assert not packets_of(call).exists()
    assert Call.objects.get(pk=call.pk).duplicate_count == call.duplicate_count + 1
