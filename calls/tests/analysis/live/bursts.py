"""Calls whose words are bursts of noise. The loudness of a burst says which word it is.

Detector, voice detection and provider know them, so that a test can tell which words were heard.
"""

import base64

import numpy as np

from calls.analysis.live.audio.endpointing import FRAME
from calls.analysis.media.packets import PacketRow
from calls.conversation import SPEAKERS, Skipped, Span, Transcription, Turn, Word, join_turns

RATE = 8000
PACKET = 160
MEDIA = "audio/l16;rate=8000"
WORD, PAUSE = RATE // 5, RATE // 5
_LOUD = 1000
_STEP = 40


def channel_of(*utterances, length_s, seed=1):
    """Samples with utterances, which are (seconds, numbers of words)."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(-5, 6, round(length_s * RATE)).astype(np.int16)
    for begin_s, words in utterances:
        for place, word in enumerate(words):
            at = round(begin_s * RATE) + place * (WORD + PAUSE)
            level = _LOUD + _STEP * word
            samples[at : at + WORD] = level * rng.choice([-1, 1], WORD)
    return samples


def packets_of(channels, *, stream="", first=1):
    """The packets of both sides of a call, in the order of their numbers."""
    rows = []
    for at in range(0, max(map(len, channels)), PACKET):
        for who, samples in zip(SPEAKERS, channels, strict=True):
            data = samples[at : at + PACKET].astype("<i2").tobytes()
            rows.append(
                PacketRow(
                    stream, who, first + len(rows), at / RATE,
                    base64.b64encode(data).decode(), MEDIA,
                )
            )  # fmt: skip
    return rows


class Loudness:
    """A detector for live channels."""

    def judge(self, samples):
        return [1.0 if np.abs(each).max() > 0.02 else 0.0 for each in samples.reshape(-1, FRAME)]


def words_in(channel):
    """The words in a channel with their times. A word with a hole is one word, and of a word that
    is cut off the longer part is heard.
    """
    loud = np.flatnonzero(np.abs(channel.samples.astype(int)) >= _LOUD)
    numbers = (np.abs(channel.samples[loud].astype(int)) - _LOUD) // _STEP
    words = []
    for at, number in zip(loud.tolist(), numbers.tolist(), strict=True):
        if words and words[-1][2] == number and at - words[-1][1] < WORD:
            words[-1][1] = at + 1
        else:
            words.append([at, at + 1, number])
    ms = 1000 / channel.rate
    return [
        Word(round(begin * ms), round(end * ms), f"word{number}")
        for begin, end, number in words
        if end - begin >= WORD // 2
    ]


def find_speech(channel):
    """Where there are words, with a margin of 200 ms, as voice detection reports it."""
    spans = []
    for word in words_in(channel):
        begin, end = max(0, word.begin_ms - 200), min(word.end_ms + 200, channel.duration_ms)
        if spans and begin - spans[-1].end_ms < 200:
            begin = spans.pop().begin_ms
        spans.append(Span(begin, end))
    return spans


class BurstProvider:
    """Recognises the words, and remembers how much audio it was given each time."""

    name = "bursts"
    speech_model = "bursts 1"

    def __init__(self, *, fails=()):
        self.asked_ms = []
        self._failures = iter(fails)

    async def transcribe(self, audio, *, language):
        self.asked_ms.append(audio.duration_ms)
        if error := next(self._failures, None):
            raise error
        return self.hear(audio)

    def hear(self, audio):
        turns = [
            Turn(each.speaker, word.begin_ms, word.end_ms, word.text, (word,))
            for each in audio.channels
            for word in words_in(each)
        ]
        speech = {
            each.speaker: tuple(Span(s.begin_ms + 50, s.end_ms - 50) for s in find_speech(each))
            for each in audio.channels
        }
        notes = () if audio.channels else (Skipped("transcribe", "The call has no audio."),)
        return Transcription(join_turns(turns), speech, audio.duration_ms, self.speech_model, notes)

    async def understand(self, turns, *, language):
        raise NotImplementedError


def said(transcription, who):
    """The words of one side in order."""
    return [word.text for turn in transcription.turns if turn.speaker == who for word in turn.words]
