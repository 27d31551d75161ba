"""Fingerprints tell which samples an utterance covers, and which lie between two of them."""

import zlib

import numpy as np

from calls.analysis.live.audio.channel import LiveChannel, Position
from calls.analysis.live.reuse.known import fingerprint_fields
from calls.models import LiveUtterance
from calls.tests.analysis.live.test_endpointing import Script

RATE = 8000


def hear(samples, *, piece=800):
    channel = LiveChannel(
        name="", speaker="agent", rate=RATE, position=Position(0, 0, 0, 0),
        detector=Script((20, 22), (24, 25), (61, 64), (70, 99)),
    )  # fmt: skip
    pieces = [samples[at : at + piece] for at in range(0, len(samples), piece)]
    return [*(each for piece in pieces for each in channel.feed(piece)), *channel.finish()]


def crc(samples):
    return zlib.crc32(samples.astype("<i2").tobytes())


def test_utterances_and_the_gaps_before_them_cover_the_channel():
    samples = np.random.default_rng(1).integers(-9000, 9000, 75 * RATE).astype(np.int16)

    heard = hear(samples)

    end = 0
    for each in heard:
        found = each.fingerprint
        assert found.gap_checksum == crc(samples[end : each.place])
        end = each.place + found.length
        assert found.checksum == crc(samples[each.place : end])
    assert len(heard) == 4
    assert end == len(samples)


def test_the_fields_of_a_row_are_those_of_the_fingerprint():
    samples = np.random.default_rng(1).integers(-9000, 9000, 30 * RATE).astype(np.int16)
    first, _ = hear(samples)

    row = LiveUtterance(**fingerprint_fields(first))

    assert (row.rate, row.length) == (RATE, first.fingerprint.length)
    at = first.place + row.needle_at
    assert bytes(row.needle) == samples[at : at + 256].astype("<i2").tobytes()
    assert row.gap_checksum == first.fingerprint.gap_checksum
