"""Trouble with the sound: what is found in the samples, and how it is reported."""

from __future__ import annotations

import numpy as np
import pytest

from calls.analysis.media.audibility import find_sound_troubles
from calls.analysis.media.roles import swap_material
from calls.analysis.media.troubles import advise, as_stored, describe, from_stored
from calls.conversation import CallAudio, Channel, SoundTrouble, Span, Transcription, Turn

RATE, LENGTH_S = 8_000, 30
SPEECH = (Span(1_000, 14_000),)
SIDES = ("agent", "customer")


def tone(level: int) -> np.ndarray:
    time = np.arange(RATE * LENGTH_S) / RATE
    return (level * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


def call(agent: int = 3_000, customer: int = 3_000, *, missing=(), troubles=()) -> CallAudio:
    """A call of two sides, each as loud as its number."""
    sides = zip(SIDES, (agent, customer), strict=True)
    channels = tuple(Channel(who, tone(level), RATE) for who, level in sides)
    return CallAudio(channels, missing=missing, troubles=troubles)


def heard(*talking: str, words: bool = True) -> Transcription:
    speech = {who: SPEECH if who in talking else () for who in SIDES}
    turns = tuple(Turn(who, 1_000, 14_000, "Hello.") for who in talking if words)
    return Transcription(turns, speech=speech, duration_ms=LENGTH_S * 1_000, model="fake")


def kinds(audio: CallAudio, said: Transcription) -> list[str]:
    return [each.kind for each in find_sound_troubles(audio, said)]


@pytest.mark.parametrize(
    ("audio", "said", "found"),
    [
        (call(), heard("agent", "customer"), []),
        (call(agent=8), heard("customer"), ["silent_side"]),
        (call(), heard("customer"), ["one_way"]),
        (call(), heard(), ["no_speech"]),
        (call(0, 0), heard(), ["no_speech"]),
        (call(), heard("agent", "customer", words=False), ["no_speech"]),
        (call(customer=100), heard("agent", "customer"), ["too_quiet"]),
        (call(missing=(Span(0, 1_600),)), heard("agent", "customer"), ["heavy_loss"]),
        (call(missing=(Span(0, 1_200),)), heard("agent", "customer"), []),
    ],
    ids=["good", "silent", "one way", "noise", "nothing", "unclear", "quiet", "loss", "some loss"],
)
def test_trouble_is_found_by_level_speech_and_loss(audio, said, found):
    assert kinds(audio, said) == found


def test_a_wrong_codec_explains_all_that_follows_from_it():
    wrong = SoundTrouble("wrong_codec", track="customer", declared="l16le", fits="mulaw")
    loud = SoundTrouble("clipping", speaker="customer", percent=12)

    audio = call(missing=(Span(0, 3_000),), troubles=(loud, wrong))

    assert kinds(audio, heard()) == ["wrong_codec", "heavy_loss"]


def test_a_short_call_and_a_mono_channel_report_no_trouble():
    mono = CallAudio((Channel("customer", tone(3_000), RATE),))
    short = CallAudio((Channel("customer", tone(0)[: RATE * 4], RATE),))

    assert kinds(mono, heard("customer")) == []
    assert kinds(short, heard()) == []


def test_silence_is_not_reported_if_nobody_looked_for_speech():
    nothing = Transcription((), speech={}, duration_ms=LENGTH_S * 1_000, model="null")

    assert find_sound_troubles(call(), nothing) == ()


def test_a_side_without_speech_is_not_reported_if_the_other_says_little():
    said = Transcription(
        (Turn("agent", 0, 900, "Hello?"),),
        speech={"agent": (Span(0, 900),)},
        duration_ms=30_000,
        model="fake",
    )

    assert kinds(call(), said) == []


TROUBLES = [
    SoundTrouble("wrong_codec", track="customer", declared="l16le", fits="mulaw"),
    *(SoundTrouble(kind, speaker="agent") for kind in ("silent_side", "one_way", "too_quiet")),
    SoundTrouble("no_speech"),
    SoundTrouble("clipping", speaker="agent", percent=12),
    SoundTrouble("heavy_loss", percent=7),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.kind)
def test_each_kind_has_a_sentence_and_advice_and_survives_storing(trouble):
    assert describe(trouble).endswith(".")
    assert advise(trouble)
    assert from_stored(as_stored([trouble])) == [trouble]


def test_a_wrong_codec_names_the_right_one():
    assert advise(TROUBLES[0]) == "Check the media type: sounds like mu-law"


def test_swapped_speakers_swap_the_side_that_has_the_trouble():
    audio = call(troubles=(SoundTrouble("clipping", speaker="agent", percent=3),))

    swapped = swap_material(audio)

    assert [each.speaker for each in swapped.troubles] == ["customer"]
