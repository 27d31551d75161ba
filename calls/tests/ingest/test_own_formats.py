"""Packets of one stream in several formats: each is decoded in the format declared for it."""

import base64

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.analysis.live.audio.stream import LiveStream
from calls.analysis.media.packets import PacketRow
from calls.analysis.recording.material import load_material
from calls.ingest.record import record_packets
from calls.models import Call, CallEvent, Packet
from calls.services import start_call
from calls.tests.factories import packet
from calls.tests.ingest.carriers.carrier_dialects import encode

pytestmark = pytest.mark.django_db
MULAW, ALAW, L16 = "audio/x-mulaw;rate=8000", "audio/pcma", "audio/l16;rate=8000"
CODECS = {MULAW: "mulaw", ALAW: "alaw", L16: "l16le"}
SIZE = 160
TONE = (8000 * np.sin(np.arange(200 * SIZE) / 9)).astype(np.int16)


def sound(at, media, *, declared=None, number=None, track="customer"):
    """The tone from 20 ms times ``at``, for 20 ms, in this format."""
    samples = TONE[at * SIZE : (at + 1) * SIZE] * (1 if track == "customer" else -1)
    payload = encode(samples, CODECS[media])
    return packet(
        "c",
        at + 1 if number is None else number,
        base64.b64encode(payload).decode(),
        track=track,
        timestamp=at * 0.02,
        media=media if declared is None else declared,
    )


def heard(speaker="customer"):
    audio = load_material(Call.objects.get())
    samples = next(each.samples for each in audio.channels if each.speaker == speaker)
    return samples if speaker == "customer" else -samples


def assert_tone(samples, count):
    assert len(samples) == count * SIZE
    assert np.abs(samples.astype(int) - TONE[: len(samples)]).max() < 600


def test_a_call_that_continues_in_another_format_is_decoded_in_both():
    for at in range(30):
        record_packets([sound(at, MULAW if at < 15 else L16)])

    assert_tone(heard(), 30)
    call = Call.objects.get()
    assert (call.missing_count, call.duplicate_count) == (0, 0)
    assert not CallEvent.objects.filter(type="gap_detected").exists()


@pytest.mark.parametrize("size", [1, 4])
def test_two_sides_that_share_a_stream_may_differ(size):
    sent = []
    for at in range(30):
        sent.append(sound(at, MULAW, number=2 * at + 1))
        sent.append(sound(at, L16, number=2 * at + 2, track="agent"))
    for at in range(0, len(sent), size):
        record_packets(sent[at : at + size])

    assert_tone(heard("customer"), 30)
    assert_tone(heard("agent"), 30)
    assert Call.objects.get().missing_count == 0


def test_a_later_format_does_not_apply_to_earlier_packets():
    start_call(call_id="c", media=MULAW)

    for at in range(30):
        record_packets([sound(at, MULAW if at < 15 else L16, declared="" if at < 15 else None)])

    assert_tone(heard(), 30)


def test_a_late_format_that_contradicts_nothing_applies_to_the_stream():
    for at in range(30):
        record_packets([sound(at, ALAW, declared="" if at < 5 else None)])

    assert_tone(heard(), 30)


@pytest.mark.parametrize("declared", ["text/plain", "audio/l16;rate=16000"])
def test_audio_is_decoded_whatever_its_call_was_declared_as(declared):
    start_call(call_id="c", media=declared)

    for at in range(30):
        record_packets([sound(at, ALAW)])

    assert_tone(heard(), 30)
    assert not Packet.objects.filter(data__startswith="data:").exists()


@pytest.mark.parametrize("other", ["audio/PCMU", "audio/basic;rate=8000;channels=1"])
def test_two_spellings_are_one_format(other):
    record_packets([sound(0, MULAW), sound(1, MULAW, declared=other)])

    assert not any(
        data.startswith("data:") for data in Packet.objects.values_list("data", flat=True)
    )


def test_a_packet_in_another_format_that_comes_again_is_a_duplicate():
    for _ in range(2):
        record_packets([sound(0, MULAW), sound(1, L16)])

    assert Packet.objects.count() == 2
    assert Call.objects.get().duplicate_count == 2


def test_a_format_that_a_person_chose_applies_to_all_packets():
    record_packets([sound(at, L16, declared=MULAW if at < 5 else ALAW) for at in range(30)])
    Call.objects.update(media_override=L16)

    assert_tone(heard(), 30)


def test_live_words_leave_out_packets_at_another_rate_than_their_stream():
    stream = LiveStream(default_media="", speakers={})
    media = ["", ALAW, "audio/l16;rate=16000"] * 10
    data = base64.b64encode(bytes(SIZE)).decode()
    rows = [
        PacketRow(
            "s", "customer", at, at * 0.02, f"data:{own};base64,{data}" if own else data, MULAW
        )
        for at, own in enumerate(media)
    ]

    stream.add(rows, now=0.0)
    pieces = stream.take(1.0, all_of_it=True)

    assert {piece.rate for piece in pieces} == {8000}
    assert sum(len(piece.samples) for piece in pieces) <= 30 * SIZE


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.sampled_from([MULAW, ALAW, L16]), min_size=2, max_size=12),
    st.integers(1, 5),
    st.booleans(),
)
def test_any_formats_in_any_batches_give_the_same_sound(formats, size, again):
    Call.objects.all().delete()
    packets = [sound(at, media) for at, media in enumerate(formats)]

    for at in range(0, len(packets), size):
        record_packets(packets[at : at + size])
        if again:
            record_packets(packets[: at + 1])

    assert_tone(heard(), len(formats))
    assert Packet.objects.count() == len(formats)
