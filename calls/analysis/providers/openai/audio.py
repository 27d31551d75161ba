"""Cutting a channel into files that a transcription server accepts, at quiet places."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from calls.analysis.providers.openai.loudness import levels
from calls.conversation import Channel

MAX_BYTES = 24 * 1024 * 1024  # of 16-bit samples; the limit is 25 MB for the whole request
MAX_S = 20 * 60  # newer models refuse more than 25 minutes
SEARCH_S = 30
FRAME_MS = 100


@dataclass(frozen=True, slots=True)
class UploadPiece:
    """A part of a channel, and its start in the call."""

    channel: Channel
    begin_ms: int

    @property
    def end_ms(self) -> int:
        return self.begin_ms + self.channel.duration_ms


def pieces(
    channel: Channel, *, max_bytes: int = MAX_BYTES, max_s: float = MAX_S
) -> Iterator[UploadPiece]:
    """Cut a channel into parts of at most ``max_bytes`` of samples and ``max_s`` seconds."""
    most = max(1, min(max_bytes // 2, int(max_s * channel.rate)))
    begin = 0
    while begin < len(channel.samples):
        end = len(channel.samples)
        if end - begin > most:
            end = _quiet_place(channel, begin, begin + most)
        part = replace(channel, samples=channel.samples[begin:end])
        yield UploadPiece(part, round(begin * 1000 / channel.rate))
        begin = end


def _quiet_place(channel: Channel, begin: int, end: int) -> int:
    """Return where to cut before ``end``: at the quietest tenth of a second of the last 30 s."""
    size = max(1, channel.rate * FRAME_MS // 1000)
    first = max(begin + size, end - SEARCH_S * channel.rate, begin + (end - begin) // 2)
    tail = replace(channel, samples=channel.samples[first:end])
    loudness = levels(tail, FRAME_MS)
    if not len(loudness):
        return end
    return min(first + int(np.argmin(loudness)) * size + size // 2, end)


def encode(channel: Channel) -> tuple[str, bytes, str]:
    """Return file name, content and media type: FLAC if soundfile is installed, else WAV."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the package without its library
        return "audio.wav", _wav(channel), "audio/wav"
    content = io.BytesIO()
    soundfile.write(content, channel.samples, channel.rate, format="FLAC", subtype="PCM_16")
    return "audio.flac", content.getvalue(), "audio/flac"


def _wav(channel: Channel) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(channel.rate)
        file.writeframes(channel.samples.astype("<i2").tobytes())
    return content.getvalue()
