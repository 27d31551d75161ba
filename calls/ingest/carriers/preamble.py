"""Family B: a text message describes the stream, then every binary message is raw audio.

Used by jambonz ``listen``, FreeSWITCH mod_audio_fork and mod_audio_stream, Vonage, Asterisk
chan_websocket (in JSON and in plain text), and AWS Live Call Analytics. There are no sequence
numbers: TCP keeps the order, and the number of samples gives the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calls.formats.media_types import MediaFormat, read_media
from calls.ingest.carriers import Event, Ignored, Malformed, Media, Start, Stop
from calls.ingest.carriers.codecs import Declared, media_type
from calls.ingest.carriers.envelope import ENCODINGS, RATES, track_name
from calls.ingest.carriers.fields import (
    as_object,
    as_text,
    call_id_of,
    description_of,
    first,
    merged,
    stream_of,
)

SUBPROTOCOLS = ("audio.jambonz.org", "audio.drachtio.org", "media")
NESTED = ("metadata", "channel_variables", "customerData", "headers")
MIXES = ("mixtype", "mix_type", "channels")


class PreambleParser:
    """Parses the messages of one socket, and joins samples that are split between messages."""

    def __init__(self, described: Mapping[str, str] | None = None) -> None:
        self._described = described
        self._words = ""  # a first message that is not JSON; kept until audio follows it
        self._format: MediaFormat | None = None
        self._has_started = False
        self._track = ""
        self._swap = False
        self._rest = b""

    def text(self, message: str) -> Sequence[Event]:
        fields = as_object(message)
        if self._has_started:
            return [Stop() if _ends(fields) else Ignored()]
        if fields is None:
            fields = _asterisk_words(message)
        if fields is None:
            self._words = message[:1000]
            return [Ignored()]
        return [self._start(fields)]

    def binary(self, message: bytes) -> Sequence[Event]:
        if self._has_started:
            return [self._media(message)]
        if not self._words and self._described is None:
            return [Malformed("audio before the message that describes it")]
        # A first message in plain text can only be the call id.
        start = self._start({"call_id": self._words} if self._words else {})
        return [start, self._media(message)]

    def _media(self, message: bytes) -> Media:
        payload = self._whole(message, self._format) if self._format else message
        return Media(payload=payload, track=self._track)

    def _start(self, fields: dict[str, Any]) -> Event:
        known = merged(fields, *(fields.get(name) for name in NESTED), self._described)
        declared = _format(known)
        description, remarks = description_of(known)
        self._has_started, self._format = True, read_media(declared.media)
        self._track = track_name(known.get("track"))
        is_stereo = self._format is not None and self._format.channels == 2
        self._swap = is_stereo and first(known, ("left",)) == "customer"
        return Start(
            media=declared.media,
            call_id=call_id_of(known),
            stream=stream_of(known),
            token=first(known, ("token",)),
            description=description,
            remarks=(*declared.remarks, *remarks),
            has_stop=_starts_call(known),
        )

    def _whole(self, message: bytes, media: MediaFormat) -> bytes:
        """Return whole samples of all channels. The remainder waits for the next message."""
        width = media.width
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


def _format(known: dict[str, Any]) -> Declared:
    codec = first(known, ("content_type", "format", *ENCODINGS))
    rate = next((known[name] for name in RATES if name in known), None)
    mix = next((known[name] for name in MIXES if name in known), None)
    if _starts_call(known):
        mix = 2  # AWS Live Call Analytics streams are stereo
    # Vendors of this family send L16 and seldom say so.
    return media_type(codec, rate, mix, first(known, ("endian",)), fallback="l16le", is_usual=True)


def _starts_call(known: dict[str, Any]) -> bool:
    """Whether the message is from AWS Live Call Analytics, which reports start and end."""
    return first(known, ("callevent",)).upper() == "START"


def _ends(fields: dict[str, Any] | None) -> bool:
    """Whether the call ends. Only AWS Live Call Analytics says so; others close the socket."""
    return fields is not None and as_text(fields.get("callEvent")).upper() == "END"
