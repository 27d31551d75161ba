"""Recordings become finished calls, whatever their format."""

from __future__ import annotations

import struct
import wave
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from calls.analysis.recording.material import load_material
from calls.ingest.recordings import UnreadableRecording, read_sound
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, Packet
from calls.services import start_call
from calls.simulation.scripts import DEMO_CALLS, read_wav
from calls.tests.factories import live_call

pytestmark = pytest.mark.django_db
RATE = 16_000


def tone(seconds, hertz=440):
    at = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * at) * 12_000).astype("<i2")


def wav(path, *channels, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setparams((len(channels), 2, rate, 0, "NONE", ""))
        file.writeframes(np.stack(channels, axis=1).tobytes())
    return path


def bring(*arguments, **options):
    told = StringIO()
    call_command("import_recording", *map(str, arguments), stdout=told, **options)
    return told.getvalue()


def test_a_recording_becomes_a_finished_call_with_its_sound(tmp_path):
    file = wav(tmp_path / "4711.wav", tone(2.6), tone(2.6, 880))

    told = bring(file, agent="Ana", queue="billing", direction="outbound")

    call = Call.objects.get(call_id="4711")
    assert told == "4711: 0:03 of sound. It is waiting for its analysis.\n"
    assert (call.state, call.agent, call.queue, call.direction) == (
        CallState.COMPLETED, "Ana", "billing", "outbound",
    )  # fmt: skip
    material = load_material(call)
    assert material.duration_ms == pytest.approx(2600, abs=40)
    assert {each.speaker for each in material.channels} == {"agent", "customer"}
    assert (call.missing_count, call.duplicate_count) == (0, 0)


def test_mu_law_is_stored_as_it_is(tmp_path):
    source = DEMO_CALLS / "late-delivery.wav"

    bring(source, call_id="late")

    sound = read_sound(source)
    assert sound.data == read_wav(source).data
    assert (
        Call.objects.get(call_id="late").media
        == sound.media
        == (f"audio/x-mulaw;rate={sound.rate};channels=2")
    )


def encoded(path, codec, *, rate=48_000):
    """Write a tone of a second in the format that the name of the file says."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        samples = np.repeat(tone(1.0), rate // RATE).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        for each in (*resampler.resample(frame), None):
            file.mux(stream.encode(each))
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.ogg", "libopus"),
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.flac", "flac"),
        ("a.wav", "adpcm_ms"),
        ("a.wav", "pcm_s24le"),
        ("a.aiff", "pcm_s16be"),
        ("a.au", "pcm_mulaw"),
        ("a.mka", "pcm_s16le"),
    ],
)
def test_the_formats_of_phone_systems_are_read(tmp_path, name, codec):
    sound = read_sound(encoded(tmp_path / name, codec))

    assert sound.seconds == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("name", "codec"), [("a.caf", "pcm_s16le"), ("a.wav", "adpcm_swf")])
def test_other_formats_and_codecs_are_refused(tmp_path, name, codec):
    with pytest.raises(UnreadableRecording):
        read_sound(encoded(tmp_path / name, codec, rate=44_100 if codec == "adpcm_swf" else 48_000))


def test_a_file_of_another_format_is_converted(tmp_path):
    path = encoded(tmp_path / "voice.ogg", "libopus")

    bring(path, track="customer")

    material = load_material(Call.objects.get(call_id="voice"))
    assert material.duration_ms == pytest.approx(1000, abs=60)
    assert [each.speaker for each in material.channels] == ["customer"]


@pytest.mark.parametrize("seconds", [0.1, 0.25, 1.0, 3.3])
def test_every_sample_is_in_one_packet_and_in_time(tmp_path, seconds):
    sound = read_sound(wav(tmp_path / "a.wav", tone(seconds), rate=48_000))

    packets = list(sound.packets("c"))

    assert [each.sequence for each in packets] == list(range(len(packets)))
    assert max(len(each.data) for each in packets) < 64 * 1024
    assert packets[-1].timestamp < sound.seconds <= packets[-1].timestamp + 0.25


def test_an_interrupted_import_is_repeated_and_a_finished_one_is_not(tmp_path):
    file = wav(tmp_path / "c-1.wav", tone(1.0))
    bring(file)
    Call.objects.update(state=CallState.IN_PROGRESS, ended_at=None)
    Packet.objects.order_by("-sequence").first().delete()

    bring(file)

    assert Packet.objects.count() == 4
    assert Call.objects.get().state == CallState.COMPLETED
    with pytest.raises(CommandError, match="there is a call c-1 that has ended"):
        bring(file)


def test_a_call_that_somebody_is_sending_is_left_alone(tmp_path):
    live_call("c-1")
    sent = Packet.objects.count()
    start_call(call_id="c-2", agent="Ana")

    for name in ("c-1", "c-2"):
        with pytest.raises(CommandError, match=f"call {name} is live"):
            bring(wav(tmp_path / f"{name}.wav", tone(1.0)))

    assert set(Call.objects.values_list("state", flat=True)) == {CallState.IN_PROGRESS}
    assert Packet.objects.count() == sent


def test_a_recording_never_ends_a_call_that_sends_other_sound_in_the_same_format(tmp_path):
    file = wav(tmp_path / "c-1.wav", tone(1.0))
    bring(file)
    Call.objects.update(state=CallState.IN_PROGRESS, ended_at=None)
    (tmp_path / "other").mkdir()

    with pytest.raises(CommandError, match="call c-1 is live"):
        bring(wav(tmp_path / "other" / "c-1.wav", tone(1.0, 880)))


def test_a_file_that_is_refused_does_not_keep_the_others_from_being_imported(tmp_path):
    files = [wav(tmp_path / f"{name}.wav", tone(0.5)) for name in ("a", "b", "c")]
    bring(files[0])
    files[1].write_bytes(b"not a sound")

    with pytest.raises(CommandError) as refused:
        bring(*files)

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        str(files[0]), str(files[1]),
    ]  # fmt: skip
    assert Call.objects.get(call_id="c").state == CallState.COMPLETED


def test_the_log_says_that_a_command_ended_the_call(tmp_path):
    bring(wav(tmp_path / "c-1.wav", tone(1.0)))

    ended = CallEvent.objects.filter(type="state_change").order_by("-id")[0]
    assert ended.data["by"] == "manage.py"


@pytest.mark.parametrize("content", [b"", b"not a sound", b"RIFF\0\0\0\0WAVEdata\0\0\0\0"])
def test_a_file_without_sound_is_refused_and_makes_no_call(tmp_path, content):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=r"broken\.wav: It holds no sound"):
        bring(path)
    assert not Call.objects.exists()


def test_without_the_packages_for_speech_other_formats_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    form = struct.pack("<HHIIHH", 1, 1, 8000, 24_000, 3, 24)
    head = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + form
    (tmp_path / "a.wav").write_bytes(head + b"data\x03\0\0\0abc")

    with pytest.raises(UnreadableRecording, match=r"PyAV: pip install -r requirements-speech\.txt"):
        read_sound(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"direction": "sideways"}, "--direction"),
        ({"language": "very English"}, "--language"),
        ({"call_id": "null"}, "not a call id"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path, options, said):
    with pytest.raises(CommandError, match=said):
        bring(wav(tmp_path / "a.wav", tone(0.5)), **options)


def test_one_id_is_for_one_file(tmp_path):
    with pytest.raises(CommandError, match="--call-id names one call"):
        bring("a.wav", "b.wav", call_id="4711")
