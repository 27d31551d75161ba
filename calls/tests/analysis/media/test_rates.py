"""Sample rates that do not fit the sender's clock are noticed, and corrected only if certain."""

import base64
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.media.assembly import assemble
from calls.analysis.media.g711 import MULAW
from calls.analysis.media.packets import PacketRow
from calls.analysis.media.rates import STANDARD_RATES
from calls.analysis.media.resampling import resample
from calls.simulation.scripts import DEMO_CALLS

SECONDS = 8
PACKET_S = 0.1


@cache
def speech(rate):
    """Eight seconds of a recorded customer at any rate."""
    content = (DEMO_CALLS / "lost-card.wav").read_bytes()
    at = content.index(b"data") + 8
    both = np.frombuffer(content[at:], np.uint8)
    customer = MULAW[both[: len(both) - len(both) % 2].reshape(-1, 2)[:, 1]]
    loudest = int(np.argmax(np.convolve(np.abs(customer.astype(float)), np.ones(8000), "valid")))
    begin = max(0, min(loudest - 4000, len(customer) - 8000 * SECONDS))
    return resample(customer[begin : begin + 8000 * SECONDS], 8000, rate)


def rows(samples, rate, declared, clock=lambda second: second):
    """Packets of audio at ``rate`` that is declared as ``declared`` Hz."""
    size = round(PACKET_S * rate)
    return [
        PacketRow(
            "s", "customer", number, clock(at / rate),
            base64.b64encode(samples[at : at + size].astype("<i2").tobytes()).decode(),
            f"audio/l16;rate={declared}",
        )
        for number, at in enumerate(range(0, len(samples), size))
    ]  # fmt: skip


def rate_notes(audio):
    return [note for note in audio.notes if "clock" in note]


PAIRS = [(real, said) for real in STANDARD_RATES for said in STANDARD_RATES if real != said]


@pytest.mark.parametrize(("real", "declared"), [pair for pair in PAIRS if pair != (48_000, 44_100)])
def test_a_rate_that_clock_and_sound_contradict_is_corrected_with_a_note(real, declared):
    samples = speech(real)

    audio = assemble(rows(samples, real, declared))

    factor = max(real / declared, declared / real)
    if factor < 1.25:  # no more than a clock that drifts
        assert audio.notes == ()
        return
    assert audio.channels[0].rate == real
    assert np.array_equal(audio.channels[0].samples, samples)
    assert [f"declared as {declared} Hz" in note for note in rate_notes(audio)] == [True]
    assert not any("paused" in note for note in audio.notes)


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_a_correct_rate_is_left_unchanged(rate):
    audio = assemble(rows(speech(rate), rate, rate))

    assert audio.channels[0].rate == rate
    assert audio.notes == ()


def test_a_recording_that_is_sent_at_double_speed_is_noted_and_not_corrected():
    samples = np.tile(speech(8000), 2)

    audio = assemble(rows(samples, 8000, 8000, clock=lambda second: second / 2))

    assert audio.channels[0].rate == 8000
    (note,) = rate_notes(audio)
    assert "shows 2 s of audio for every second: check the sample rate" in note


@pytest.mark.parametrize("speed", [20, 1000])
def test_a_recording_that_is_sent_at_full_speed_is_not_worth_a_note(speed):
    audio = assemble(rows(speech(8000), 8000, 8000, clock=lambda second: second / speed))

    assert rate_notes(audio) == []


def test_a_sender_that_pauses_has_the_right_rate():
    audio = assemble(rows(speech(8000), 8000, 8000, clock=lambda at: at + 3 * (at // 1.5)))

    assert audio.channels[0].rate == 8000
    assert any("paused" in note for note in audio.notes)
    assert rate_notes(audio) == []


def test_a_few_seconds_are_not_enough_to_contradict_a_sender():
    audio = assemble(rows(speech(24_000)[: 24_000 * 3], 24_000, 8000))

    assert audio.channels[0].rate == 8000


def test_stereo_that_is_declared_as_mono_is_not_taken_for_a_double_rate():
    samples = np.repeat(speech(8000), 2)

    audio = assemble(rows(samples, 16_000, 8000))

    assert audio.channels[0].rate == 8000
    assert rate_notes(audio) != []


def test_a_format_that_a_person_chose_is_not_corrected():
    audio = assemble(rows(speech(24_000), 24_000, 8000), corrects_rates=False)

    assert audio.channels[0].rate == 8000


@settings(deadline=None, max_examples=25)
@given(
    pair=st.sampled_from([(24_000, 8000), (16_000, 8000), (8000, 16_000), (48_000, 16_000)]),
    jitter=st.lists(st.floats(-0.015, 0.015), min_size=80, max_size=80),
    origin=st.sampled_from([0.0, 1_764_300_000.0]),
    unit=st.sampled_from([1.0, 1e3, 1e6, 1e9]),
)
def test_jitter_and_the_unit_of_the_clock_do_not_hide_a_wrong_rate(pair, jitter, origin, unit):
    real, declared = pair
    sent = [
        row._replace(timestamp=(origin + row.timestamp + extra) * unit)
        for row, extra in zip(rows(speech(real), real, declared), jitter, strict=True)
    ]

    assert assemble(sent).channels[0].rate == real


# How much was received
def test_silence_that_fills_a_jump_of_the_clock_was_not_received():
    audio = assemble(rows(speech(8000), 8000, 8000, clock=lambda at: at + (3600 if at >= 4 else 0)))

    assert audio.duration_ms == 608_000
    assert audio.received_ms == 8000


def test_audio_of_one_track_during_a_pause_of_the_other_counts_as_received():
    agent = [
        row._replace(track="agent", sequence=1000 + row.sequence)
        for row in rows(speech(8000), 8000, 8000, clock=lambda at: at + (2.0 if at >= 4 else 0))
    ]

    audio = assemble([*rows(speech(8000), 8000, 8000), *agent])

    assert audio.received_ms == 10_000
