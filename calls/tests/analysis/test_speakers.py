"""Agent and customer are swapped once, in every state, and everywhere they are shown."""

from __future__ import annotations

import io
import wave
from datetime import timedelta

import numpy as np
import pytest

from calls import services
from calls.analysis.leases import LeaseLost
from calls.analysis.media.roles import NOT_REWRITTEN, NOTE, turned
from calls.analysis.recording.material import load_material
from calls.analysis.recording.playback import open_playback, read_waveform
from calls.analysis.results import transcript_document
from calls.analysis.speakers import swap_speakers
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent, Recording, Stage
from calls.retention.old_calls import prune
from calls.tests import one_call
from calls.tests.audio import (
    TEXT,
    CardProvider,
    archived_audio,
    archived_text,
    at,
    body,
    carry,
    carry_to_end,
    make_older,
    samples,
    spoken_call,
)
from calls.tests.factories import (
    FakeProvider,
    attempt,
    claim,
    ended_call,
    failed_call,
    live_call,
    outage,
    packet,
)

pytestmark = pytest.mark.django_db


class DeafProvider(CardProvider):
    """Must not be asked for words: they are known."""

    async def transcribe(self, audio, *, language):
        raise AssertionError("transcribed again")


def swap(call, *, swapped=True, by="ann"):
    return swap_speakers(call_id=call.call_id, swapped=swapped, by=by)


def fresh(call):
    return Call.objects.get(pk=call.pk)


def speakers(call):
    return [turn["speaker"] for turn in transcript_document(call)["turns"]]


def heard(call, *, redacted=False):
    playback = open_playback(call, redacted=redacted)
    with playback.file as file:
        return samples(file.read())


def events(call):
    return list(call.events.values_list("type", flat=True))


def test_an_archived_call_is_swapped_at_once_and_understood_again_without_transcription():
    call = archived_text()
    Call.objects.filter(pk=call.pk).update(agent_sentiment="POSITIVE", agent_trend="improving")
    before = speakers(call)

    swapped = swap(call)

    assert (swapped.state, swapped.first_stage) == (CallState.COMPLETED, Stage.UNDERSTAND)
    assert speakers(swapped) == [{"agent": "customer", "customer": "agent"}[s] for s in before]
    assert (swapped.customer_sentiment, swapped.customer_trend) == ("POSITIVE", "improving")
    assert NOT_REWRITTEN in transcript_document(swapped)["skipped"]
    done = carry_to_end(swapped, DeafProvider())
    assert (done.state, speakers(done)) == (CallState.ARCHIVED, speakers(swapped))
    assert NOT_REWRITTEN not in transcript_document(done)["skipped"]
    assert list(done.transcripts.order_by("version").values_list("version", flat=True)) == [1, 2]
    assert list(done.analyses.order_by("version").values_list("version", flat=True)) == [1, 2, 3]
    assert done.attempts.filter(stage=Stage.TRANSCRIBE).count() == 1


def test_figures_change_sides():
    call = archived_text()
    before = transcript_document(call)

    after = transcript_document(swap(call))

    assert before["sentiment"]["by_quarter"] != after["sentiment"]["by_quarter"]
    assert after["talk"]["agent"] == before["talk"]["customer"]
    assert (
        after["sentiment"]["by_quarter"]["customer"] == before["sentiment"]["by_quarter"]["agent"]
    )
    assert after["sentiment"]["overall"]["agent"] == before["sentiment"]["overall"]["customer"]
    assert (after["duration_ms"], after["non_talk"]) == (before["duration_ms"], before["non_talk"])


def test_words_are_found_with_the_other_speaker_at_once(api):
    def found(query):
        answer = api.get("/v1/search", {"q": query})
        assert answer.status_code == 200, answer.content
        return [hit["call_id"] for hit in answer.json()["results"]]

    call = archived_text()
    assert (found("customer:angry"), found("agent:angry")) == ([call.call_id], [])

    swap(call)

    assert (found("customer:angry"), found("agent:angry")) == ([], [call.call_id])


def test_the_log_says_who_swapped_and_what_followed():
    call = archived_text()

    swap(call)

    last = call.events.order_by("-id")[:2]
    assert [event.type for event in last] == ["state_change", "speakers_swapped"]
    assert last[1].data == {"swapped": True, "by": "ann"}
    assert (last[0].data["reason"], last[0].data["by"]) == ("swapped", "ann")


def test_a_repeated_swap_does_nothing_and_undoing_it_restores_everything():
    call = archived_text()
    before = transcript_document(call)
    carry_to_end(swap(call), DeafProvider())
    known = CallEvent.objects.count()

    swap(call)

    assert (CallEvent.objects.count(), fresh(call).state) == (known, CallState.ARCHIVED)
    carry_to_end(swap(call, swapped=False), DeafProvider())
    after = transcript_document(fresh(call))
    assert [(t["speaker"], t["text"]) for t in after["turns"]] == [
        (t["speaker"], t["text"]) for t in before["turns"]
    ]
    assert NOTE not in after["provenance"]["transcribe"]["notes"]


def test_a_recording_is_swapped_while_it_is_read_and_its_file_stays():
    call = archived_audio()
    name, before = str(Recording.objects.get().file), heard(call)
    waveform = read_waveform(call, redacted=False).peaks

    swap(call)

    assert (heard(fresh(call)) == before[:, ::-1]).all()
    assert (read_waveform(fresh(call), redacted=False).peaks == waveform[::-1]).all()
    assert str(Recording.objects.get().file) == name
    assert not at(heard(fresh(call), redacted=True), 3, 4).any()
    done = carry_to_end(fresh(call), DeafProvider())
    assert (heard(done) == before[:, ::-1]).all()
    muted = heard(done, redacted=True)
    assert not at(muted, 3, 4).any()
    assert (at(muted, 0, 1) == at(before, 0, 1)[:, ::-1]).all()


@pytest.mark.parametrize("begin", [0, 1, 43, 44, 45, 46, 47, 48, 4099])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 44, 64, 1021, -1])
def test_any_range_of_a_swapped_recording_equals_that_of_the_whole(begin, size):
    file = io.BytesIO()
    frames = np.arange(2 * 4000, dtype="<i2").reshape(-1, 2)
    with wave.open(file, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(frames.tobytes())
    plain = file.getvalue()
    whole = plain[:44] + frames[:, ::-1].tobytes()
    reader = turned(io.BytesIO(plain))

    reader.seek(begin)
    part = reader.read(size)

    assert part == (whole[begin:] if size < 0 else whole[begin : begin + size])
    assert reader.tell() == begin + len(part)


def test_ranges_of_a_swapped_recording_fit_together_and_have_another_etag(api):
    call = archived_audio()
    address = f"/v1/call/{call.call_id}/recording?redacted=false"
    first = api.get(address)
    before = (first["ETag"], body(first))[0]
    swap(call)

    whole = api.get(address)
    part = api.get(address, headers={"Range": "bytes=47-1046"})

    assert whole["ETag"] != before
    assert (part.status_code, body(part)) == (206, body(whole)[47:1047])


def test_a_vcon_names_the_digest_of_what_is_heard(api):
    import base64
    import hashlib

    call = archived_audio()
    swap(call)
    address = f"/v1/call/{call.call_id}/recording?redacted=false"
    digest = hashlib.sha256(body(api.get(address))).digest()

    vcon = api.get(f"/v1/call/{call.call_id}/transcript?as=vcon&redacted=false", secure=True).json()

    (audio,) = [each for each in vcon["dialog"] if each["type"] == "recording"]
    assert audio["content_hash"] == "sha256-" + base64.urlsafe_b64encode(digest).decode().rstrip(
        "="
    )


def test_a_swapped_live_call_is_transcribed_with_the_right_speakers():
    call = live_call()

    assert swap(call).state == CallState.IN_PROGRESS

    material = load_material(fresh(call))
    assert material.turns[0].speaker == "customer"
    assert NOTE in material.notes
    services.end_call(call_id=call.call_id)
    done = carry_to_end(call, FakeProvider())
    assert speakers(done)[:2] == ["customer", "agent"]


def test_a_swapped_waiting_call_is_recorded_with_the_right_speakers():
    plain = heard(archived_audio("plain"))
    call = spoken_call("waits")
    swap(call)

    done = carry_to_end(fresh(call))

    assert (heard(done) == plain[:, ::-1]).all()
    assert Recording.objects.get(call=call).turned is False


def test_a_failed_call_is_understood_again_only_if_it_has_a_transcript():
    with_words = ended_call("with-words")
    lease = claim()
    carry(lease, Stage.TRANSCRIBE, FakeProvider())
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.fail_attempt(lease, tried, outage_for_good())
    without = failed_call("without")

    first, second = swap(with_words), swap(without)

    assert (first.state, first.first_stage) == (CallState.COMPLETED, Stage.UNDERSTAND)
    assert (second.state, second.speakers_swapped) == (CallState.FAILED, True)
    assert speakers(first)[0] == "customer"
    done = carry_to_end(first, DeafProvider())
    assert speakers(done)[0] == "customer"


def outage_for_good():
    error = outage()
    error.transient = False
    return error


def test_swapping_does_not_hide_that_packets_came_after_the_transcript():
    call = archived_text()
    record_packets([packet(call.call_id, 9)])
    swap(call)
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease, Stage.UNDERSTAND), outage_for_good())

    assert services.retry_call(call_id=call.call_id).first_stage == Stage.TRANSCRIBE


def test_a_swap_takes_a_call_from_the_worker_that_transcribes_it():
    call = ended_call()
    lease = claim("slow")
    tried = attempt(lease)

    swap(call)

    with pytest.raises(LeaseLost):
        one_call.save_transcript(lease, tried, duration_ms=0, turns=[], speech={})
    tried.refresh_from_db()
    assert (tried.outcome, tried.code) == (Attempt.Outcome.RELEASED, "swapped")
    assert fresh(call).state == CallState.PROCESSING_AI
    done = carry_to_end(call, FakeProvider())
    assert (done.state, speakers(done)[0]) == (CallState.ARCHIVED, "customer")
    counted = done.attempts.filter(stage=Stage.TRANSCRIBE, outcome=Attempt.Outcome.SUCCEEDED)
    assert counted.get().number == 1


def test_a_swap_takes_a_call_from_the_worker_that_understands_it():
    call = ended_call()
    lease = claim("slow")
    carry(lease, Stage.TRANSCRIBE, FakeProvider())
    tried, old = attempt(lease, Stage.UNDERSTAND), call.transcripts.get()

    swap(call)

    with pytest.raises(LeaseLost):
        one_call.archive(lease, tried, transcript=old, headline={}, turns=[], metrics={})
    again = claim("quick")
    assert again.stage == Stage.UNDERSTAND
    carry(again, Stage.UNDERSTAND, DeafProvider())
    assert speakers(fresh(call))[0] == "customer"


def test_a_call_that_waits_for_its_next_attempt_keeps_its_time():
    call = ended_call()
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage())
    due_at = fresh(call).next_attempt_at

    swap(call)

    assert (fresh(call).next_attempt_at, fresh(call).state) == (due_at, CallState.PROCESSING_AI)


def test_a_pruned_call_keeps_the_right_speakers():
    spoken, written = archived_audio("spoken"), archived_text("written")
    before = heard(spoken)
    for call in (spoken, written):
        carry_to_end(swap(call), DeafProvider())
        make_older(call, days=9)
    prune(packets_older_than=timedelta(days=7))

    for call in (spoken, written):
        services.reanalyse_call(call_id=call.call_id)
        carry_to_end(call)

    assert speakers(fresh(written))[0] == "customer"
    assert (heard(fresh(spoken)) == before[:, ::-1]).all()
    assert Recording.objects.get(call=spoken).turned is True


def test_the_csv_and_the_page_of_a_swapped_call_agree(api):
    call = archived_audio()
    swap(call)

    text = api.get(f"/v1/call/{call.call_id}/transcript?as=text&redacted=false").content.decode()

    assert f"Agent: {TEXT}" in text
