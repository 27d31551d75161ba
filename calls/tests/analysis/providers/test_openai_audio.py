"""The audio files that the OpenAI provider sends: cut into pieces, encoded, without silence."""

import io
import sys
import wave

import numpy as np
import pytest

from calls.analysis.providers.openai.audio import encode, pieces
from calls.analysis.providers.openai.loudness import loud_spans
from calls.analysis.providers.openai.transcription import (
    find_speech,
)
from calls.conversation import Channel
from calls.tests.analysis.providers.openai_calls import silence, tone


def test_a_long_channel_is_cut_where_it_is_quiet():
    samples = tone(seconds=100).samples.copy()
    samples[70 * 8000 : 71 * 8000] = 0

    parts = list(pieces(Channel("agent", samples, 8000), max_s=80))

    assert [part.begin_ms // 1000 for part in parts] == [0, 70]
    assert sum(len(part.channel.samples) for part in parts) == len(samples)


def test_no_piece_is_larger_than_the_limit():
    parts = list(pieces(tone(seconds=30), max_bytes=100_000))

    assert len(parts) > 4
    assert all(len(part.channel.samples) * 2 <= 100_000 for part in parts)


def test_without_soundfile_the_file_is_a_wav(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)

    name, content, media_type = encode(tone(seconds=1))

    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 8000)
    assert (name, media_type) == ("audio.wav", "audio/wav")


def test_sound_is_found_by_its_energy():
    samples = np.concatenate(
        [silence(seconds=1).samples, tone(seconds=2).samples, silence(seconds=1).samples]
    )

    (span,) = loud_spans(Channel("agent", samples, 8000))

    assert abs(span.begin_ms - 1000) <= 30
    assert abs(span.end_ms - 3000) <= 30


@pytest.mark.speech
def test_a_tone_is_not_speech_if_voice_detection_is_installed():
    pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")

    assert loud_spans(tone())
    assert find_speech(tone()) == ()


def test_without_speech_packages_sound_is_taken_for_speech(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)

    assert find_speech(tone()) == loud_spans(tone())


def test_an_empty_channel_has_no_sound():
    assert loud_spans(silence(seconds=0)) == ()
