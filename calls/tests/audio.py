"""Calls with audio: a tone on each side, and an AI that finds a card number in it."""

from __future__ import annotations

import base64
import io
import wave
from datetime import timedelta
from functools import partial

import numpy as np
from asgiref.sync import async_to_sync, sync_to_async
from django.db.models import F

from calls import services
from calls.analysis import batches, findings, stages
from calls.conversation import Sentiment, Transcription, Turn, Understanding, Word
from calls.ingest.record import record_packets
from calls.models import Call, Packet, Stage
from calls.tests.factories import FakeProvider, attempt, claim, ended_call, packet

RATE = 8000
MEDIA = f"audio/x-mulaw;rate={RATE}"
CUSTOMER, AGENT = b"\x8f", b"\xa0"  # two loud samples of mu-law
# What is said in the third and fourth second.
WORDS = ("My", "card", "number", "is", "4111", "1111", "1111", "1111")
SECRET = "4111 1111 1111 1111"
TEXT = f"My card number is {SECRET}"


def sound(sample, seconds=1.0):
    return base64.b64encode(sample * round(RATE * seconds)).decode()


def spoken_call(call_id="spoken", seconds=5, missing=()):
    """An ended call in which both sides talk all the time, with a second in each packet."""
    numbers = [number for number in range(1, 2 * seconds + 1) if number not in missing]
    record_packets(
        [
            packet(
                call_id,
                number,
                sound(CUSTOMER if number % 2 else AGENT),
                track="customer" if number % 2 else "agent",
                timestamp=float((number - 1) // 2),
                media=MEDIA,
            )
            for number in numbers
        ]
    )
    return services.end_call(call_id=call_id)


class CardProvider:
    """Returns a transcript in which a card number is read out from 2 s to 4 s."""

    name = "fake"

    def __init__(self):
        self.heard = []

    async def transcribe(self, audio, *, language):
        self.heard.append(audio)
        words = tuple(Word(2000 + at * 250, 2250 + at * 250, text) for at, text in enumerate(WORDS))
        turn = Turn("customer", 2000, 4000, " ".join(WORDS), words)
        return Transcription((turn,), {}, duration_ms=audio.duration_ms, model="fake-1")

    async def understand(self, turns, *, language):
        moods = tuple(Sentiment("NEUTRAL", 0.0) for _ in turns)
        return Understanding(moods, summary="A card is read out.", keywords=(), model="fake-1")


async def in_thread(function, *args, **kwargs):
    return await sync_to_async(function)(*args, **kwargs)


STAGES = {Stage.TRANSCRIBE: stages.transcribe, Stage.UNDERSTAND: stages.understand}


def carry(lease, stage, provider=None):
    """Run one stage of a call in this thread, as the runner does in its own."""
    tried = attempt(lease, stage)
    found = async_to_sync(STAGES[stage])(lease, tried, provider or CardProvider(), in_thread)
    async_to_sync(stages.keep)(found, partial(in_thread, write, stage), in_thread)


def write(stage, found):
    many = findings.save_transcripts if stage == Stage.TRANSCRIBE else batches.archive_understood
    (result,) = many([found])
    if isinstance(result, Exception):
        raise result


def carry_to_end(call, provider=None):
    """Carry a due call to the archive."""
    lease = claim()
    for stage in STAGES if lease.stage == Stage.TRANSCRIBE else [Stage.UNDERSTAND]:
        carry(lease, stage, provider)
    return Call.objects.get(pk=call.pk)


def archived_audio(call_id="spoken", provider=None, **shape):
    return carry_to_end(spoken_call(call_id, **shape), provider)


def samples(content):
    """Return a WAV file as an array: a row for each frame, agent and customer."""
    with wave.open(io.BytesIO(content)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, RATE)
        frames = wav.readframes(wav.getnframes())
    return np.frombuffer(frames, "<i2").reshape(-1, 2)


def at(frames, begin_s, end_s):
    return frames[round(begin_s * RATE) : round(end_s * RATE)]


def archived_text(call_id="written"):
    return carry_to_end(ended_call(call_id), FakeProvider())


def make_older(call, **age):
    moved = {name: F(name) - timedelta(**age) for name in ("state_changed_at", "ended_at")}
    Call.objects.filter(pk=call.pk).update(**moved)


def packets_of(call):
    return Packet.objects.filter(stream__call=call)


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content
