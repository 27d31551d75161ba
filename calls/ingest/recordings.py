"""Recordings of finished calls as packets: WAV files, and whatever PyAV decodes if it is installed.

A recording is sound that nobody sent in time, so its packets are made as fast as they are stored.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from calls.formats.media_types import MAX_RATE, MIN_RATE
from calls.ingest.packets import IncomingPacket

PACKET_S = 0.25  # of two channels of 16 bits at 48 kHz, that is just below the limit of a packet
PCM, A_LAW, MU_LAW, EXTENSIBLE = 1, 6, 7, 0xFFFE  # of mmreg.h
# What phone systems record. FFmpeg reads hundreds of other formats, and its faults are in those.
_FORMATS = (
    "aac",
    "aiff",
    "amr",
    "asf",
    "au",
    "flac",
    "matroska",
    "mov",
    "mp3",
    "ogg",
    "w64",
    "wav",
)
_CODECS = (
    *("aac", "aac_latm", "alac", "amrnb", "amrwb", "flac", "g722", "g729", "gsm", "gsm_ms"),
    *(
        "adpcm_g722",
        "adpcm_g726",
        "adpcm_ima_wav",
        "adpcm_ms",
        "mp2",
        "mp2float",
        "mp3",
        "mp3float",
    ),
    *("opus", "libopus", "speex", "libspeex", "vorbis", "wmav1", "wmav2", "pcm_alaw", "pcm_mulaw"),
    *("pcm_f32be", "pcm_f32le", "pcm_f64le", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le"),
    *("pcm_s32be", "pcm_s32le", "pcm_s8", "pcm_u8"),
)
_LIMITS = {
    "format_whitelist": ",".join(_FORMATS),
    "codec_whitelist": ",".join(_CODECS),
    "protocol_whitelist": "file",
}
_MEDIA = {(PCM, 16): "audio/l16", (A_LAW, 8): "audio/x-alaw", (MU_LAW, 8): "audio/x-mulaw"}


class UnreadableRecording(Exception):
    """The file holds no sound that can be read. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Interleaved samples. ``width`` is the number of bytes of a sample of all channels."""

    name: str
    rate: int
    channels: int
    width: int
    data: bytes

    @property
    def media(self) -> str:
        return f"{self.name};rate={self.rate};channels={self.channels}"

    @property
    def seconds(self) -> float:
        return len(self.data) / (self.rate * self.width)

    def packets(self, call_id: str, *, track: str = "") -> Iterator[IncomingPacket]:
        """Yield the packets of a call with this sound. The same sound always makes the same."""
        size = int(self.rate * PACKET_S) * self.width
        for number, begin in enumerate(range(0, len(self.data), size)):
            yield IncomingPacket(
                call_id=call_id,
                sequence=number,
                data=b64encode(self.data[begin : begin + size]).decode(),
                timestamp=begin / (self.rate * self.width),
                track=track,
                media=self.media,
            )


def read_sound(path: Path) -> Sound:
    """Read a recording with one or two channels. Raises UnreadableRecording, and OSError."""
    raw = path.read_bytes()
    sound = _read_wav(raw) or _decode(path)
    if not sound.data:
        raise UnreadableRecording("It holds no sound.")
    return sound


def _read_wav(raw: bytes) -> Sound | None:
    """Return the samples of a WAV file as they are; None if they have to be converted."""
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        return None
    chunks = dict(_chunks(raw))
    form = chunks.get(b"fmt ", b"")
    if len(form) < 16 or b"data" not in chunks:
        return None
    encoding, channels, rate, _, width, bits = struct.unpack_from("<HHIIHH", form)
    if encoding == EXTENSIBLE and len(form) >= 26:
        (encoding,) = struct.unpack_from("<H", form, 24)
    name = _MEDIA.get((encoding, bits), "")
    fits = channels in (1, 2) and MIN_RATE <= rate <= MAX_RATE and width == channels * bits // 8
    if not name or not fits:
        return None
    data = chunks[b"data"]
    return Sound(name, rate, channels, width, data[: len(data) - len(data) % width])


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    while position + 8 <= len(raw):
        name, size = struct.unpack_from("<4sI", raw, position)
        yield name, raw[position + 8 : position + 8 + size]
        position += 8 + size + size % 2  # chunks of odd length are padded to an even one


def _decode(path: Path) -> Sound:
    try:
        import av
    except ImportError as error:
        raise UnreadableRecording(
            "It is no WAV file with one or two channels of 16-bit, A-law or mu-law samples. Other "
            "files need PyAV: pip install -r requirements-speech.txt"
        ) from error
    try:
        with av.open(str(path), mode="r", options=_LIMITS) as file:
            return _resampled(av, file)
    except (av.FFmpegError, IndexError) as error:
        raise UnreadableRecording(f"It holds no sound that can be read: {error}.") from error


def _resampled(av: Any, file: Any) -> Sound:
    stream = file.streams.audio[0]
    if stream.codec_context.name not in _CODECS:
        raise UnreadableRecording(f"Its codec {stream.codec_context.name} is not supported.")
    channels = min(stream.codec_context.channels or 1, 2)
    rate = min(max(stream.codec_context.sample_rate or MIN_RATE, MIN_RATE), MAX_RATE)
    layout = "stereo" if channels == 2 else "mono"
    resampler = av.AudioResampler(format="s16", layout=layout, rate=rate)
    blocks = [
        bytes(block.planes[0])[: block.samples * channels * 2]
        for frame in chain(file.decode(stream), [None])  # None: what the resampler still holds
        for block in resampler.resample(frame)
    ]
    return Sound("audio/l16", rate, channels, 2 * channels, b"".join(blocks))
