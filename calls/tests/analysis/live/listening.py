"""Live calls of loud and silent packets, with a provider and a voice detector to match."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from itertools import pairwise

import numpy as np
from django.utils import timezone

from calls.analysis.live.audio.endpointing import FRAME
from calls.analysis.live.listener import Listener
from calls.analysis.live.recogniser import Recogniser
from calls.analysis.media.g711 import MULAW
from calls.conversation import Transcription, Turn, Word
from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.models import Call, CallViewing, LiveUtterance

MEDIA = "audio/x-mulaw;rate=8000"
PACKET_S = 0.1
LEVELS = {int(MULAW[level]): level for level in range(64)}
SILENCE = base64.b64encode(b"\xff" * 800).decode()


def word(number):
    """Return the word of a loud packet: without digits, which would be held back."""
    return "".join("abcdefgh"[digit] for digit in divmod(number % len(LEVELS), 8)) + "oo"


def words_of(first, last):
    """Return the words of the packets from one number to another."""
    return " ".join(word(number) for number in range(first, last + 1))


class LoudDetector:
    """Takes whatever is loud for speech."""

    def judge(self, samples):
        frames = samples.reshape(-1, FRAME)
        return [1.0 if np.abs(frame).mean() > 0.05 else 0.0 for frame in frames]


class CountingProvider:
    """Says the number of each loud packet, which ``spoken`` has written into its samples."""

    name = "local"

    def __init__(self):
        self.errors = []
        self.asked = []

    async def transcribe(self, audio, *, language):
        (channel,) = audio.channels
        self.asked.append(channel)
        if self.errors:
            raise self.errors.pop(0)
        ms = channel.duration_ms
        # The middle of each packet: packets start at whole tenths of a second.
        words = [Word(*each) for each in _numbers(channel.samples)]
        turn = Turn(channel.speaker, 0, ms, " ".join(word.text for word in words), tuple(words))
        return Transcription((turn,), {}, ms, model="counting")


def _numbers(samples):
    """Yield begin, end and text of each packet: where its level starts, and for how long."""
    edges = np.flatnonzero(np.diff(samples)) + 1
    for begin, end in pairwise([0, *edges.tolist(), len(samples)]):
        number = LEVELS.get(int(samples[begin]))
        if number is not None:
            yield begin // 8, end // 8, word(number)


def loud(number):
    return base64.b64encode(bytes([number % len(LEVELS)]) * 800).decode()


def spoken(call_id, *spans, seconds, track="customer", first=1, begin_s=0.0, media=MEDIA):
    """Return the packets of a track that is loud in the given spans of seconds."""
    packets = []
    for at in range(round(seconds / PACKET_S)):
        moment = begin_s + at * PACKET_S
        # Each packet has a level of its own, so that no two utterances have the same samples.
        is_loud = any(begin <= moment < end for begin, end in spans)
        packets.append(
            IncomingPacket(
                call_id=call_id, sequence=first + at, timestamp=moment, track=track, media=media,
                data=loud(first + at) if is_loud else SILENCE,
            )
        )  # fmt: skip
    return packets


def receive(*packets):
    record_packets(list(packets))


def a_listener(provider=None, *, owner="one", clock=time.monotonic, slots=2, in_rest=None):
    provider = provider or CountingProvider()
    return Listener(
        owner=owner,
        recogniser=Recogniser(provider, slots=slots, in_rest=in_rest),
        detector=LoudDetector,
        clock=clock,
    )


def listen_until(listener, condition, *, limit_s=20):
    """Step until the condition holds."""
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "the condition never held"
        listener.step()
        listener.wait(0.01)


def let_recognise(listener, *, limit_s=20):
    """Wait until everything that the recogniser was given has come back."""
    until = time.monotonic() + limit_s
    while listener._recogniser.running:
        assert time.monotonic() < until, "the recogniser is stuck"
        listener.wait(0.01)


def stored():
    return list(LiveUtterance.objects.order_by("begin_ms", "pk"))


def watch(call_id):
    call = Call.objects.get(call_id=call_id)
    later = timezone.now() + timedelta(hours=1)
    CallViewing.objects.create(call=call, process="web", alive_until=later)
