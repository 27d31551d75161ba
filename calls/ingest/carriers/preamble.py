"""Family B: a text message describes the stream, then every binary message is raw audio.

Used by jambonz ``listen``, FreeSWITCH mod_audio_fork and mod_audio_stream, Vonage, Asterisk
chan_websocket (in JSON and in plain text), and AWS Live Call Analytics. There are no sequence
numbers: TCP keeps the order, and the number of samples gives the time.

Audio may overtake the description, as Asterisk's does. It is kept until the description arrives.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
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
CODECS = ("content_type", "format", *ENCODINGS)
MIXES = ("mixtype", "mix_type", "channels")
HELD_S = 1.0  # how long audio waits for its description where the address names the call
HELD_BYTES = 256 * 1024
LEAST_BYTES = 64  # what a message counts for at least: a flood of empty ones is bounded too
READ_OF_CUT = 4096  # characters that are read of a message that was cut off
# A first message in plain text is the call id if it can be one: a single word with a digit in it,
# and not a phone number. Other words, such as the name of a queue, are the same for many calls.
_NAMES_A_CALL = re.compile(r"(?=\D*\d)(?!\+?\d+\Z)\S{4,}\Z")


class PreambleParser:
    """Parses the messages of one socket, and joins samples that are split between messages."""

    def __init__(
        self,
        described: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._described = described
        self._clock = clock
        self._known: dict[str, Any] = {}  # what describes the audio
        self._media_type = ""
        self._held: list[bytes] = []  # audio that has overtaken its description
        self._held_bytes = 0
        self._held_since = 0.0
        self.fragment = ""  # the beginning of a JSON object
        self._words = ""  # a first message that is not JSON; kept until audio follows it
        self._format: MediaFormat | None = None
        self._has_started = False
        self._track = ""
        self._swap = False
        self._rest = b""

    def joined(self, message: str) -> str:
        """Return a message with the fragment before it, if they are one JSON object together."""
        both = self.fragment + message
        return both if self.fragment and as_object(message) is None else message

    def text(self, message: str) -> Sequence[Event]:
        fields = as_object(message)
        if self._has_started:
            return [Stop()] if _ends(fields) else self._described_again(fields, message)
        if fields is None:
            fields = _asterisk_words(message)
        if fields is None:
            self._words = message.strip()
            return [Ignored()]
        return self._start(fields)

    def binary(self, message: bytes) -> Sequence[Event]:
        if self._has_started:
            return [self._media(message)]
        self._held.append(message)
        self._held_bytes += max(len(message), LEAST_BYTES)
        if self._words:
            named = {"call_id": self._words} if _NAMES_A_CALL.match(self._words) else {}
            return self._start(named)
        if self._described is None and not self.fragment:
            return self._bounded()
        is_described = bool(self._described) and _describes(merged(self._described))
        return self.give_up() if is_described or self._is_enough() else []

    def give_up(self) -> Sequence[Event]:
        """Start with what the address says, or with the part of a message that is readable."""
        if self._has_started or not (self._held or self.fragment):
            return []
        fields = _repaired(self.fragment)
        if self._described is None and not call_id_of(merged(fields)):
            return []
        return self._start(fields)

    def _is_enough(self) -> bool:
        """Whether audio has waited long enough for its description."""
        now = self._clock()
        if len(self._held) == 1:
            self._held_since = now
        return now >= self._held_since + HELD_S or self._held_bytes > HELD_BYTES

    def _bounded(self) -> Sequence[Event]:
        if self._held_bytes <= HELD_BYTES:
            return []
        self._held_bytes -= max(len(self._held.pop()), LEAST_BYTES)
        return [Malformed("audio before the message that describes it")]

    def _described_again(self, fields: dict[str, Any] | None, message: str) -> Sequence[Event]:
        """Read a description that comes after the audio has started: only a change counts."""
        fields = fields or _asterisk_words(message) or {}
        own = merged(fields, *(fields.get(name) for name in NESTED))
        if not _describes(own):
            return [Ignored()]
        declared = _format(merged(own, self._known))
        return [Ignored()] if declared.media == self._media_type else self._start(fields)

    def _media(self, message: bytes) -> Media:
        payload = self._whole(message, self._format) if self._format else message
        return Media(payload=payload, track=self._track)

    def _start(self, fields: dict[str, Any]) -> Sequence[Event]:
        own = merged(fields, *(fields.get(name) for name in NESTED), self._described)
        known = merged(own, self._known)
        declared = _format(known)
        description, remarks = description_of(known)
        self._known, self._media_type, self._rest = known, declared.media, b""
        self._has_started, self._format = True, read_media(declared.media)
        self._track = track_name(known.get("track"))
        is_stereo = self._format is not None and self._format.channels == 2
        self._swap = is_stereo and first(known, ("left",)) == "customer"
        start = Start(
            media=declared.media,
            call_id=call_id_of(known),
            stream=stream_of(known),
            token=first(known, ("token",)),
            description=description,
            remarks=(*declared.remarks, *remarks),
            said=known,
            has_stop=_starts_call(known),
        )
        held, self._held = self._held, []
        return [start, *(self._media(message) for message in held)]

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
    codec = first(known, CODECS)
    rate = next((known[name] for name in RATES if name in known), None)
    mix = next((known[name] for name in MIXES if name in known), None)
    if _starts_call(known):
        mix = 2  # AWS Live Call Analytics streams are stereo
    # Vendors of this family send L16 and seldom say so.
    return media_type(codec, rate, mix, first(known, ("endian",)), fallback="l16le", is_usual=True)


def _starts_call(known: dict[str, Any]) -> bool:
    """Whether the message is from AWS Live Call Analytics, which reports start and end."""
    return first(known, ("callevent",)).upper() == "START"


def _describes(known: dict[str, Any]) -> bool:
    """Whether fields say how audio is encoded."""
    return any(known.get(name) for name in (*CODECS, *RATES))


def _repaired(fragment: str) -> dict[str, Any]:
    """Return the complete fields of a JSON object that was cut off, as far as READ_OF_CUT."""
    fragment = fragment[:READ_OF_CUT]
    while fragment:
        found = as_object(fragment.rstrip().rstrip(",") + "}")
        if found is not None:
            return found
        fragment = fragment.rpartition(",")[0]
    return {}


def _ends(fields: dict[str, Any] | None) -> bool:
    """Whether the call ends. Only AWS Live Call Analytics says so; others close the socket."""
    return fields is not None and as_text(fields.get("callEvent")).upper() == "END"
