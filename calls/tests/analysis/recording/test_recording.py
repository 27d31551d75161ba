"""Recordings: what is stored when, who hears what, and how it is sent."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from calls import services
from calls.analysis import findings
from calls.analysis.leases import LeaseLost
from calls.analysis.recording import files
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Call, Recording, Stage
from calls.retention.old_calls import prune
from calls.tests.audio import (
    CUSTOMER,
    MEDIA,
    RATE,
    CardProvider,
    archived_audio,
    at,
    body,
    carry,
    carry_to_end,
    samples,
    sound,
    spoken_call,
)
from calls.tests.factories import archived_call, claim, claim_all, ended_call, packet

pytestmark = pytest.mark.django_db
URL = "/v1/call/spoken/recording"
RAW = f"{URL}?redacted=false"


def stored_files():
    root = Path(default_storage.location)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.wav"))


def grow_old(name, age=timedelta(hours=2)):
    then = time.time() - age.total_seconds()
    os.utime(default_storage.path(name), (then, then))


# --- Storing ---
def test_a_transcribed_call_has_its_recording_in_the_storage():
    call = archived_audio()

    row = call.recording
    with default_storage.open(str(row.file)) as file:
        content = file.read()

    assert row.duration_ms == 5000
    assert row.size == len(content)
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert (row.version, call.state) == (1, CallState.ARCHIVED)


def test_the_agent_is_left_and_the_customer_right_in_the_order_of_the_call():
    archived_audio(seconds=2)

    with default_storage.open(str(Recording.objects.get().file)) as file:
        frames = samples(file.read())

    agent, customer = frames[:, 0], frames[:, 1]
    assert len(frames) == 2 * RATE
    assert len(set(agent[200:-200])) == len(set(customer[200:-200])) == 1
    assert agent[1000] != customer[1000]
    assert agent[1000] != 0


def test_missing_audio_is_silence_and_is_listed():
    call = archived_audio(seconds=5, missing=(5, 6))

    with default_storage.open(str(call.recording.file)) as file:
        frames = samples(file.read())

    (gap,) = call.transcripts.get().provenance["missing"]
    assert not at(frames, 2.1, 2.9).any()
    assert at(frames, 1.0, 1.9).all()
    assert (gap["begin_ms"], gap["end_ms"]) == (2000, 3000)


def test_personal_data_is_muted_on_both_sides_in_the_redacted_copy():
    call = archived_audio()

    with default_storage.open(str(call.recording.redacted_file)) as file:
        frames = samples(file.read())

    assert call.analyses.get().redactions[0]["kind"] == "CARD"
    assert not at(frames, 3.0, 4.0).any()
    assert at(frames, 0, 2.8).any(axis=0).all()
    assert at(frames, 4.2, 5).all()


def test_a_call_without_personal_data_is_stored_once():
    class Harmless(CardProvider):
        async def transcribe(self, audio, *, language):
            heard = await super().transcribe(audio, language=language)
            return type(heard)((), {}, duration_ms=heard.duration_ms, model="fake-1")

    row = archived_audio(provider=Harmless()).recording

    assert str(row.redacted_file) == str(row.file)
    assert row.redacted_sha256 == row.sha256
    assert stored_files() == [str(row.file)]


def test_a_text_call_has_no_recording(api):
    call = archived_call()

    assert not Recording.objects.exists()
    assert api.get(f"/v1/call/{call.call_id}/recording").status_code == 404


def test_the_name_of_a_file_reveals_nothing_about_the_call():
    call = archived_audio("+442079460112")

    assert "442079460112" not in str(call.recording.file)


def test_a_stage_that_runs_twice_leaves_one_recording_and_no_litter(
    django_capture_on_commit_callbacks,
):
    call = spoken_call()
    lease = claim()
    carry(lease, Stage.TRANSCRIBE)
    first = str(call.recording.file)

    # The same worker once more, as after a reanalysis: one round has one success of a stage.
    Call.objects.update(analysis_round=1)
    with django_capture_on_commit_callbacks(execute=True):
        carry(replace(lease, round=1), Stage.TRANSCRIBE)

    row = Recording.objects.get()
    assert str(row.file) != first
    assert row.version == 2
    assert stored_files() == [str(row.file)]


def test_a_reanalysis_replaces_both_files(django_capture_on_commit_callbacks):
    call = archived_audio()
    before = set(stored_files())
    services.reanalyse_call(call_id=call.call_id)

    with django_capture_on_commit_callbacks(execute=True):
        carry_to_end(call)

    after = set(stored_files())
    assert len(before) == len(after) == 2
    assert not before & after
    assert after == set(files.files_of(Recording.objects.get()))


def test_a_worker_that_lost_its_call_removes_its_file():
    call = spoken_call()
    lease = claim()
    Call.objects.filter(pk=call.pk).update(lease_expires_at=timezone.now() - timedelta(1))

    class Slow(CardProvider):
        async def transcribe(self, audio, *, language):
            await sync_to_async(claim_all)("worker-2")
            return await super().transcribe(audio, language=language)

    with pytest.raises(LeaseLost):
        carry(lease, Stage.TRANSCRIBE, Slow())

    assert stored_files() == []
    assert not Recording.objects.exists()


def test_a_crash_between_file_and_row_leaves_an_orphan_that_is_removed_later(monkeypatch):
    spoken_call()
    lease = claim()

    def crash(*args, **fields):
        raise RuntimeError("killed")

    monkeypatch.setattr(findings, "save_transcripts", crash)
    with pytest.raises(RuntimeError):
        carry(lease, Stage.TRANSCRIBE)
    (orphan,) = stored_files()

    assert prune(thorough=True).files == 0, "somebody may be about to name it"
    grow_old(orphan)
    assert prune(thorough=True, dry_run=True).files == 1
    assert prune(thorough=True).files == 1
    assert stored_files() == []


def test_files_that_a_row_names_are_not_orphans():
    archived_audio()
    for name in stored_files():
        grow_old(name)

    assert prune(thorough=True).files == 0
    assert len(stored_files()) == 2


def test_a_full_disk_does_not_cost_the_transcript(monkeypatch, caplog, api):
    def refuse(*args, **fields):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(default_storage._wrapped), "_save", refuse)

    call = archived_audio()

    assert call.state == CallState.ARCHIVED
    assert not Recording.objects.exists()
    assert "could not store the recording" in caplog.text
    assert "The recording could not be stored." in call.transcripts.get().provenance["notes"][0]
    assert not at(samples(body(api.get(URL))), 3.0, 4.0).any()


def test_if_the_redacted_copy_cannot_be_stored_it_is_made_for_each_listener(monkeypatch, api):
    spoken_call()
    lease = claim()
    carry(lease, Stage.TRANSCRIBE)

    def refuse(*args, **fields):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(default_storage._wrapped), "_save", refuse)
    carry(lease, Stage.UNDERSTAND)

    assert str(Recording.objects.get().redacted_file) == ""
    assert not at(samples(body(api.get(URL))), 3.0, 4.0).any()


# --- Who hears what ---
def test_the_redacted_copy_is_what_is_played_by_default(api):
    archived_audio()

    muted, raw = samples(body(api.get(URL))), samples(body(api.get(RAW)))

    assert not at(muted, 3.0, 4.0).any()
    assert at(raw, 3.0, 4.0).all()


def test_a_key_gets_only_the_redacted_copy(api_with_key):
    archived_audio()
    client = api_with_key("read")

    assert not at(samples(body(client.get(URL))), 3.0, 4.0).any()
    assert client.get(RAW).status_code == 403
    assert api_with_key("ingest").get(URL).status_code in (401, 403)


@pytest.mark.parametrize(
    ("permissions", "redacted", "raw"),
    [
        (["view_call"], 200, 403),
        (["view_call", "view_unredacted"], 200, 200),
        (["view_unredacted"], 403, 403),
    ],
)
def test_a_person_needs_a_permission_for_each(person, settings, permissions, redacted, raw):
    settings.API_AUTH = "key"
    archived_audio()
    client = person(*permissions)

    found = [client.get(URL), client.get(RAW)]

    assert [response.status_code for response in found] == [redacted, raw]
    for response in found:
        body(response)


def test_before_the_transcript_only_people_with_full_access_can_listen(person, settings, api):
    spoken_call()

    assert at(samples(body(api.get(URL))), 0, 5).all()
    settings.API_AUTH = "key"
    refused = person("view_call").get(URL)
    assert refused.status_code == 403
    assert "view_unredacted" in refused.json()["detail"]


def test_personal_data_is_already_muted_between_the_stages(api):
    spoken_call()
    carry(claim(), Stage.TRANSCRIBE)

    assert not at(samples(body(api.get(URL))), 3.0, 4.0).any()


def test_the_recording_of_a_live_call_can_be_played_so_far(api):
    live = [packet("live", 1, sound(CUSTOMER), media=MEDIA, timestamp=0.0)]
    record_packets(live)

    assert len(samples(body(api.get("/v1/call/live/recording")))) == RATE


def test_a_call_whose_file_is_gone_is_assembled_from_its_packets(api):
    call = archived_audio()
    before = body(api.get(URL))
    for name in files.files_of(call.recording):
        default_storage.delete(name)

    assert body(api.get(URL)) == before


def test_a_stored_recording_costs_two_queries_besides_the_entry_in_the_audit_log(
    api, django_assert_num_queries
):
    archived_audio()

    with django_assert_num_queries(4):  # two of them: was this look noted before, and its entry
        body(api.get(URL))


def test_a_stored_file_that_is_not_a_recording_is_not_touched_by_the_sweep():
    default_storage.save("exports/report.txt", ContentFile(b"mine"))

    assert prune(thorough=True).files == 0
    assert default_storage.exists("exports/report.txt")


def test_ended_text_calls_are_not_opened_as_audio(api):
    call = ended_call()

    assert api.get(f"/v1/call/{call.call_id}/recording").status_code == 404
