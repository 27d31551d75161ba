"""Timestamps of frames are read in every unit, from the epoch or the start of the stream."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calls.analysis.media.assembly import assemble
from calls.ingest.carriers.clock import FrameClock
from calls.tests.ingest.carriers.carrier_dialects import hear, twilio_like

FRAME_S = 0.02
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("origin_s", [0.0, 5.0, 1_764_300_000.0])
def test_frames_have_their_times_from_the_third_one_on(unit, origin_s):
    clock = FrameClock()

    times = [
        clock.read("inbound", (origin_s + number * FRAME_S) * UNITS[unit], FRAME_S)
        for number in range(50)
    ]

    assert np.diff(times[2:]) == pytest.approx([FRAME_S] * 47, abs=1e-5)


def test_a_clock_that_does_not_advance_is_read_as_documented():
    clock = FrameClock()

    assert {clock.read("inbound", 7.0, FRAME_S) for _ in range(500)} == {0.007}


def test_a_pause_before_the_second_frame_does_not_decide():
    clock = FrameClock()

    times = [clock.read("inbound", stamp, FRAME_S) for stamp in (0, 7_000, 7_020, 7_040)]

    assert times == pytest.approx([0.0, 7.0, 7.02, 7.04])


def test_each_track_has_steps_of_its_own():
    clock = FrameClock()

    times = [
        clock.read(track, number * 20_000, FRAME_S)
        for number in range(4)
        for track in ("inbound", "outbound")
    ]

    assert times[4:] == pytest.approx([0.04, 0.04, 0.06, 0.06])


@pytest.mark.parametrize("unit", UNITS)
def test_a_stream_in_any_unit_takes_as_few_rows_and_gives_the_same_audio(unit):
    dialect = twilio_like("any")
    stamped = replace(
        dialect,
        frame=lambda number, chunk, stamp, track, payload: _stamped(
            dialect.frame(number, chunk, stamp, track, payload), stamp / 1000 * UNITS[unit]
        ),
    )
    spoken = (np.random.default_rng(1).normal(0, 3000, (8000 * 4, 2))).astype(np.int16)

    heard, usual = (
        hear([json.dumps(each) for each in one.messages(spoken)]) for one in (stamped, dialect)
    )

    assert len(heard.rows) <= len(usual.rows) + 4  # until the unit is known
    for one, other in zip(
        assemble(heard.rows).channels, assemble(usual.rows).channels, strict=True
    ):
        assert np.array_equal(one.samples, other.samples)


def _stamped(message, stamp):
    message["media"]["timestamp"] = repr(stamp)
    return message
