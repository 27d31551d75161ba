"""Waveforms: what is measured of a recording, stored beside it, and hidden in it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage

from calls.analysis.recording.files import files_of, remove_files, write_wav
from calls.analysis.recording.playback import NotHeardYet, read_waveform
from calls.analysis.recording.waveform import (
    STEP_MS,
    keep_waveform,
    measure_audio,
    measure_wav,
    silence,
    stored_waveform,
    waveform_name,
)
from calls.conversation import CallAudio, Channel, Span
from calls.models import Call, Recording
from calls.retention.old_calls import prune
from calls.tests.analysis.recording.test_recording import grow_old
from calls.tests.audio import archived_audio, spoken_call
from calls.tests.factories import archived_call

RATE = 8000


def beep(begin_s, end_s, *, length_s=2.0, level=16384):
    samples = np.zeros(round(length_s * RATE), np.int16)
    samples[round(begin_s * RATE) : round(end_s * RATE)] = level
    return samples


def call_audio():
    return CallAudio(
        (
            Channel("agent", beep(0.5, 1.0), RATE),
            Channel("customer", beep(1.5, 2.0, level=-32768), RATE),
        )
    )


def test_a_waveform_is_loud_where_a_side_is():
    agent, customer = measure_audio(call_audio()).peaks

    assert len(agent) == 2000 // STEP_MS
    assert list(np.flatnonzero(agent)) == list(range(10, 20))
    assert set(agent[10:20]) == {128}
    assert list(np.flatnonzero(customer)) == list(range(30, 40))
    assert set(customer[30:]) == {255}


def test_a_file_has_the_waveform_of_the_audio_in_it():
    file = io.BytesIO()
    write_wav(call_audio(), file)
    file.seek(0)

    assert np.array_equal(measure_wav(file).peaks, measure_audio(call_audio()).peaks)


def test_audio_that_ends_within_a_step_is_measured_to_its_end():
    audio = CallAudio((Channel("agent", beep(0.98, 1.01, length_s=1.01), RATE),))

    assert list(np.flatnonzero(measure_audio(audio).peaks[0])) == [19, 20]


@pytest.mark.parametrize("length", [0, 1, RATE * 60])
def test_audio_of_any_length_is_measured(length):
    audio = CallAudio((Channel("agent", np.ones(length, np.int16), RATE),))
    file = io.BytesIO()
    write_wav(audio, file)
    file.seek(0)

    assert measure_wav(file).peaks.shape == (2, -(-length // 400))


def test_a_silenced_span_is_silent_on_both_sides():
    hidden = silence(measure_audio(call_audio()), [Span(720, 1560)])

    assert list(np.flatnonzero(hidden.peaks[0])) == [10, 11, 12, 13]
    assert list(np.flatnonzero(hidden.peaks[1])) == list(range(32, 40))


@pytest.mark.django_db
def test_a_waveform_is_stored_and_deleted_with_its_recording():
    call = archived_audio()
    name = str(Recording.objects.get(call=call).file)
    assert stored_waveform(name) is not None

    Recording.objects.all().delete()
    remove_files([name])

    assert not default_storage.exists(waveform_name(name))
    assert stored_waveform(name) is None


@pytest.mark.django_db
def test_a_waveform_that_was_stored_while_its_call_was_deleted_is_an_orphan():
    """Somebody looked at the call: its waveform was measured before, and stored afterwards."""
    call = archived_audio()
    name = str(Recording.objects.get(call=call).file)
    Recording.objects.all().delete()
    remove_files([name])
    keep_waveform(name, measure_audio(call_audio()))

    assert prune(thorough=True).files == 0, "as new as this, somebody may be about to name it"
    grow_old(waveform_name(name))

    assert prune(thorough=True).files == 1
    assert not default_storage.exists(waveform_name(name))


@pytest.mark.django_db
def test_a_waveform_of_an_existing_call_is_not_an_orphan():
    call = archived_audio()
    name = str(Recording.objects.get(call=call).file)
    for each in (name, waveform_name(name), *files_of(Recording.objects.get())):
        grow_old(each)

    assert prune(thorough=True).files == 0
    assert default_storage.exists(waveform_name(name))


@pytest.mark.django_db
@pytest.mark.parametrize("length", [0, 2, 100])
def test_a_waveform_that_was_cut_off_by_a_crash_is_measured_again(length):
    call = archived_audio()
    name = str(Recording.objects.get(call=call).file)
    before = read_waveform(call, redacted=False)
    file = Path(default_storage.path(waveform_name(name)))
    file.write_bytes(file.read_bytes()[:length])

    again = read_waveform(call, redacted=False)

    assert np.array_equal(again.peaks, before.peaks)
    assert np.array_equal(stored_waveform(name).peaks, before.peaks)


@pytest.mark.django_db
def test_a_waveform_that_is_lost_is_measured_again_and_kept():
    call = archived_audio()
    name = str(Recording.objects.get(call=call).file)
    before = read_waveform(call, redacted=False)
    default_storage.delete(waveform_name(name))

    again = read_waveform(call, redacted=False)

    assert np.array_equal(again.peaks, before.peaks)
    assert stored_waveform(name) is not None


@pytest.mark.django_db
def test_muted_audio_is_not_in_the_waveform():
    call = archived_audio()
    redactions = call.analyses.latest().redactions
    assert redactions

    open_, hidden = (read_waveform(call, redacted=redacted).peaks for redacted in (False, True))

    begin, end = redactions[0]["begin_ms"] // STEP_MS, redactions[0]["end_ms"] // STEP_MS
    assert open_[:, begin:end].any()
    assert not hidden[:, begin:end].any()


@pytest.mark.django_db
def test_without_a_transcript_there_is_no_redacted_waveform():
    call = Call.objects.get(call_id=spoken_call().call_id)

    with pytest.raises(NotHeardYet):
        read_waveform(call, redacted=True)
    assert read_waveform(call, redacted=False).peaks.any()


@pytest.mark.django_db
def test_a_text_call_has_no_waveform():
    assert read_waveform(archived_call(), redacted=True) is None
