"""Live audio equals the audio of the finished call, however its packets arrive."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.live.audio.channel import fingerprint
from calls.analysis.live.audio.stream import LiveStream
from calls.analysis.media.assembly import assemble
from calls.analysis.media.packets import PacketRow, speaker_map
from calls.analysis.media.resampling import StreamResampler, resample

SIZE = 160


def two_tracks(packets):
    noise = np.random.default_rng(1).integers(0, 256, (packets, SIZE), np.uint8)
    return [
        PacketRow(
            "", ("agent", "customer")[n % 2], n + 1, n // 2 * 0.02,
            base64.b64encode(noise[n].tobytes()).decode(), "audio/x-mulaw;rate=8000",
        )
        for n in range(packets)
    ]  # fmt: skip


def hear(rows, at_a_time=20):
    stream = LiveStream(default_media="", speakers=speaker_map({}))
    heard = {"agent": [], "customer": []}
    batches = [rows[at : at + at_a_time] for at in range(0, len(rows), at_a_time)]
    for number, batch in enumerate(batches):
        now = number * at_a_time * 0.01  # two packets every 20 ms
        stream.add(batch, now)
        for piece in stream.take(now):
            heard[piece.speaker].append(piece)
    for piece in stream.take(1e9, all_of_it=True):
        heard[piece.speaker].append(piece)
    return heard


def joined(pieces):
    end = 0
    for piece in pieces:
        assert piece.at == end
        end += len(piece.samples)
    return np.concatenate([piece.samples for piece in pieces])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_packets_in_any_near_order_become_the_audio_of_the_finished_call(data):
    rows = two_tracks(400)
    shifts = data.draw(st.lists(st.integers(0, 12), min_size=400, max_size=400))
    order = sorted(range(400), key=lambda n: n + shifts[n])
    arrived = [rows[n] for n in order]

    heard = hear(arrived, data.draw(st.integers(1, 60)))

    for channel in assemble(rows).channels:
        assert np.array_equal(joined(heard[channel.speaker]), channel.samples)


def test_a_missing_packet_leaves_the_same_silence_as_in_the_recording():
    rows = [row for row in two_tracks(400) if row.sequence not in (101, 102, 103, 104, 201)]

    heard = hear(rows)

    for channel in assemble(rows).channels:
        assert np.array_equal(joined(heard[channel.speaker]), channel.samples)


@pytest.mark.parametrize("rate", [8000, 11_025, 24_000, 44_100, 48_000])
def test_pieces_are_resampled_like_the_whole(rate):
    samples = np.random.default_rng(2).integers(-20_000, 20_000, 3 * rate).astype(np.int16)
    whole, stream = resample(samples, rate, 16_000), StreamResampler(rate, 16_000)

    made = np.concatenate([stream.feed(piece) for piece in np.array_split(samples, 97)])

    assert len(whole) - len(made) < 0.07 * 16_000
    assert np.abs(whole[: len(made)].astype(int) - made).max() <= 1  # sums in another order


def test_the_needle_is_taken_from_the_loudest_part():
    samples = np.zeros(8000, np.int16)
    samples[4100:4300] = 9000

    found = fingerprint(samples)

    assert np.frombuffer(found.needle, "<i2").any()
    assert found.length == 8000


def test_a_reader_in_a_hurry_gives_up_a_missing_packet_sooner():
    rows = [row for row in two_tracks(40) if row.sequence != 21]
    stream = LiveStream(default_media="", speakers=speaker_map({}))
    stream.start_at(1)
    stream.add(rows, 0.0)

    before = stream.take(0.1, reorder_s=0.3)
    waits_for = stream.next
    after = stream.take(0.3, reorder_s=0.3)

    assert waits_for == 21
    assert sum(len(piece.samples) for piece in before) == 20 * SIZE
    assert sum(len(piece.samples) for piece in (*before, *after)) == 40 * SIZE
    assert stream.next == 41
