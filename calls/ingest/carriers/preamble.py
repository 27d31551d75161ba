"""Family B: a text message describes the stream, then every binary message is raw audio.

Used by jambonz ``listen``, FreeSWITCH mod_audio_fork and mod_audio_stream, Vonage, Asterisk
chan_websocket (in JSON and in plain text), and AWS Live Call Analytics. There are no sequence
numbers: TCP keeps the order, and the number of samples gives the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calls.ingest.carriers import Event, Ignored, Malformed, Media, Refused, Start, Stop
from calls.ingest.carriers.codecs import media_type
from calls.ingest.carriers.envelope import track_name
from calls.ingest.carriers.fields import (
    as_number,
    as_object,
    as_text,
    call_id_of,
    description_of,
    first,
    merged,
    stream_of,
)
from calls.media_types import MediaFormat, parse_media

SUBPROTOCOLS = ("audio.jambonz.org", "audio.drachtio.org", "media")
NESTED = ("metadata", "channel_variables", "customerData", "headers")
STEREO = {"stereo", "2"}


class PreambleParser:
    """Parses the messages of one socket, and joins samples that are split between messages."""

    def __init__(self, described: Mapping[str, str] | None = None) -> None:
        self._described = described
        self._words = ""  # a first message that is not JSON; kept until audio follows it
        self._format: MediaFormat | None = None
        self._track = ""
        self._swap = False
        self._rest = b""

    def text(self, message: str) -> Sequence[Event]:
        fields = as_object(message)
        if self._format is not None:
            return [Stop() if _ends(fields) else Ignored()]
        if fields is None:
            fields = _asterisk_words(message)
        if fields is None:
            self._words = message[:1000]
            return [Ignored()]
        return [self._start(fields)]

    def binary(self, message: bytes) -> Sequence[Event]:
        if self._format is not None:
            return [self._media(message, self._format)]
        if not self._words and self._described is None:
            return [Malformed("audio before the message that describes it")]
        # A first message in plain text can only be the call id.
        start = self._start({"call_id": self._words} if self._words else {})
        return [start] if self._format is None else [start, self._media(message, self._format)]

    def _media(self, message: bytes, media: MediaFormat) -> Media:
        return Media(payload=self._whole(message, media), track=self._track)

    def _start(self, fields: dict[str, Any]) -> Event:
        known = merged(fields, *(fields.get(name) for name in NESTED), self._described)
        media = _format(known)
        if isinstance(media, Refused):
            return media
        self._format = parse_media(media)
        self._track = track_name(known.get("track"))
        self._swap = self._format.channels == 2 and first(known, ("left",)) == "customer"
        return Start(
            media=media,
            call_id=call_id_of(known),
            stream=stream_of(known),
            token=first(known, ("token",)),
            description=description_of(known),
        )

    def _whole(self, message: bytes, media: MediaFormat) -> bytes:
        """Return whole samples of all channels. The remainder waits for the next message."""
        width = media.channels * (2 if media.encoding.startswith("l16") else 1)
        data = self._rest + message
        end = len(data) - len(data) % width
        self._rest, data = data[end:], data[:end]
        if not self._swap:
            return data
        # The customer is on the left here. Recordings have the agent on the left.
        kind = np.uint8 if width == 2 else np.uint16
        return np.frombuffer(data, kind).reshape(-1, 2)[:, ::-1].tobytes()


def _asterisk_words(message: str) -> dict[str, Any] | None:
    """Read ``MEDIA_START connection_id:… channel:… format:ulaw …``, Asterisk's older format."""
    kind, *parts = message.split()[:50] or [""]
    if kind != "MEDIA_START":
        return None
    return {name: value for name, _, value in (part.partition(":") for part in parts)}


def _format(known: dict[str, Any]) -> str | Refused:
    names = ("content_type", "format", "encoding", "codec")
    codec = first(known, names) or "audio/l16"
    rate = next((found for name in ("samplerate", "sample_rate", "samplingrate", "rate")
                 if (found := _rate(known.get(name)))), None)  # fmt: skip
    mix = first(known, ("mixtype", "mix_type", "channels")).lower()
    is_stereo = mix in STEREO or first(known, ("callevent",)).upper() == "START"
    return media_type(codec, rate, 2 if is_stereo else 1, first(known, ("endian",)))


def _rate(value: Any) -> int | None:
    """Read a rate in hertz, or in FreeSWITCH's notation: ``8k``, ``16k``."""
    text = as_text(value).lower()
    if text.endswith("k"):
        return (as_number(text[:-1]) or 0) * 1000 or None
    return as_number(value)


def _ends(fields: dict[str, Any] | None) -> bool:
    """Whether the call ends. Only AWS Live Call Analytics says so; others close the socket."""
    return fields is not None and as_text(fields.get("callEvent")).upper() == "END"
