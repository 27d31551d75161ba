"""The length of a call, compared with how much of it was received."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.analysis.media.expected import measure_length
from calls.models import Call

NOW = timezone.now()


def lasted(seconds, **fields):
    opened_at = NOW - timedelta(seconds=seconds)
    return Call(call_id="c", opened_at=opened_at, **{"ended_at": NOW, **fields})


@pytest.mark.parametrize(
    ("seconds", "received_ms", "is_short"),
    [
        (180, 0, True),
        (180, 85_000, True),
        (180, 95_000, False),
        (8, 0, False),  # the end may be told late
        (5, 48_000, False),  # sent faster than it was spoken
    ],
)
def test_a_call_with_half_of_its_audio_missing_has_a_note(seconds, received_ms, is_short):
    length = measure_length(lasted(seconds), received_ms)

    assert (length.received_ms, length.expected_ms) == (received_ms, 1000 * seconds)
    assert bool(length.notes) is is_short


def test_the_note_tells_both_lengths():
    (note,) = measure_length(lasted(180), 20).notes

    assert note == "Only 0.0 s of audio were received of a call that lasted 180 s."


@pytest.mark.parametrize("reason", [Call.EndReason.IDLE, Call.EndReason.CONNECTION_LOST])
def test_a_call_whose_end_nobody_reported_ended_with_its_last_packet(reason):
    heard_at = NOW - timedelta(seconds=170)
    call = lasted(180, end_reason=reason, last_packet_at=heard_at)

    assert measure_length(call, 9_000).expected_ms == 10_000


def test_a_live_call_has_no_expected_length():
    length = measure_length(lasted(180, ended_at=None), 0)

    assert (length.expected_ms, length.notes) == (None, ())
