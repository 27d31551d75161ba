"""Family A: every message is a JSON object with an ``event``; audio is base64 inside it.

Twilio, Talkdesk, SignalWire, Fonoster and Kazoo share one schema. Telnyx, Exotel, Plivo and
Voximplant use other names for the same fields. No name has two meanings, so one parser reads them
all, and senders need not say which carrier they are. Bandwidth puts the fields in other places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calls.formats.media_types import Encoding
from calls.ingest.carriers import Event, Ignored, Malformed, Media, Start, Stop
from calls.ingest.carriers.codecs import Declared, media_type, read_rate
from calls.ingest.carriers.fields import (
    as_float,
    as_list,
    as_number,
    as_object,
    as_payload,
    as_text,
    call_id_of,
    description_of,
    first,
    merged,
    pairs_of,
    stream_of,
)
from calls.ingest.packets import MAX_TRACK_LENGTH

EVENTS = {"connected", "start", "media", "stop", "dtmf", "mark", "clear", "error"}
FORMATS = ("mediaformat", "media_format", "audioformat", "audio_format")
ENCODINGS = ("encoding", "codec", "audio_encoding", "audioencoding")
RATES = (
    *("sample_rate", "samplerate", "sampling_rate", "samplingrate", "rate", "sample_rate_hertz"),
    *("sampleratehertz", "sample_rate_hz", "sampleratehz", "clock_rate", "clockrate", "frequency"),
)
CHANNELS = ("channels", "channel_count", "channelcount", "num_channels", "numchannels")
CUSTOM_DATA = ("custom_parameters", "customParameters", "extra_headers", "client_state", "metadata")


def is_envelope(message: dict[str, Any]) -> bool:
    """Whether a first message belongs to this family."""
    event = message.get("event", message.get("eventType"))
    return isinstance(event, str) and event in EVENTS


class EnvelopeParser:
    """Parses the messages of one socket. Remembers the track and the tag of ``start``."""

    def __init__(self) -> None:
        self._only_track = ""
        self._tag = ""

    def binary(self, message: bytes) -> Sequence[Event]:
        return [Malformed("a binary message: audio must be in JSON")]

    def give_up(self) -> Sequence[Event]:
        return []

    def text(self, message: str) -> Sequence[Event]:
        fields = as_object(message)
        if fields is None:
            return [Malformed("not a JSON object")]
        if "eventType" in fields:
            fields = _rearranged(fields)
        number = as_number(fields.get("sequenceNumber", fields.get("sequence_number")))
        match fields.get("event"):
            case "media":
                return [self._media(fields.get("media"), number)]
            case "start":
                return [self._start(fields, number)]
            case "stop":
                return [Stop(number)]
            case _:
                return [Ignored(number)]

    def _media(self, media: Any, number: int | None) -> Event:
        if not isinstance(media, dict):
            return Malformed("media is not an object", number)
        payload = as_payload(media.get("payload"))
        if payload is None:
            return Malformed("the payload is not base64", number)
        return Media(
            payload=payload,
            track=track_name(media.get("track")) or self._only_track or self._tagged(media),
            number=number,
            chunk=as_number(media.get("chunk")),
            stamp=as_float(media.get("timestamp")),
        )

    def _tagged(self, media: dict[str, Any]) -> str:
        """Return the tag of audio, if it is not that of the start: one socket may have several."""
        tag = as_text(media.get("tag"), MAX_TRACK_LENGTH)
        return "" if tag == self._tag else tag

    def _start(self, fields: dict[str, Any], number: int | None) -> Event:
        start = fields.get("start")
        start = start if isinstance(start, dict) else {}
        custom = [pairs_of(place[name]) for name in CUSTOM_DATA for place in (start, fields)
                  if name in place]  # fmt: skip
        known = merged(*custom, start, fields)
        declared = _format(known)
        description, remarks = description_of(known)
        tracks = start.get("tracks")
        if isinstance(tracks, list) and len(tracks) == 1:
            self._only_track = track_name(tracks[0])
        stream = stream_of(merged(start, fields))
        self._tag = self._tag or as_text(start.get("tag"), MAX_TRACK_LENGTH)
        return Start(
            media=declared.media,
            # Voximplant sends no call id except in custom parameters.
            call_id=call_id_of(known),
            stream=stream,
            token=first(known, ("token",)),
            description=description,
            remarks=(*declared.remarks, *remarks),
            said=known,
            number=number,
            has_stop=True,
        )


def _rearranged(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a message of Bandwidth with its fields where the others have them."""
    told = fields.get("metadata")
    start = dict(told) if isinstance(told, dict) else {}
    tracks = [each for each in as_list(start.pop("tracks", None)) if isinstance(each, dict)]
    formats = [each["mediaFormat"] for each in tracks if isinstance(each.get("mediaFormat"), dict)]
    start |= {"tracks": [each.get("name") for each in tracks]}
    start |= {"mediaFormat": formats[0]} if formats else {}
    return {
        "event": fields["eventType"],
        "start": start,
        "media": fields,
        "customParameters": fields.get("streamParams"),
    }


def track_name(value: Any) -> str:
    """Return ``inbound`` for ``inbound_track`` as well: one carrier uses both names."""
    return as_text(value, MAX_TRACK_LENGTH).lower().removesuffix("_track")


def _format(known: dict[str, Any]) -> Declared:
    places = [known.get(name) for name in FORMATS]
    declared = merged(*places, {name: known[name] for name in ENCODINGS if name in known})
    text = next((place for place in places if isinstance(place, str) and place), "")
    codec = first(declared, ENCODINGS) or text
    rate = next((declared[name] for name in RATES if name in declared), None)
    channels = next((declared[name] for name in CHANNELS if name in declared), None)
    # Telnyx sends L16 in network byte order, as RFC 3551 says. The others do not.
    endian = first({**known, **declared}, ("endian", "endianness", "byte_order")) or (
        "big" if "call_control_id" in known else "little"
    )
    return media_type(codec, rate, channels, endian, fallback=_fallback(known, declared, rate))


def _fallback(known: dict[str, Any], declared: dict[str, Any], rate: Any) -> Encoding:
    """Return the encoding of a sender that names none: 16-bit PCM for Exotel, else mu-law."""
    # Only Exotel writes its names with underscores and has a stream_sid.
    if "stream_sid" in known or _bits(declared, read_rate(rate)) == 16:
        return "l16le"
    return "mulaw"


def _bits(declared: dict[str, Any], rate: int | None) -> int | None:
    """Return the bits of a sample: given as such, or as the bits of a second (128kbps)."""
    said = first(declared, ("bit_rate", "bitrate", "bits", "bit_depth", "bits_per_sample")).lower()
    number = as_float(said.removesuffix("bps").removesuffix("k").strip())
    if number is None:
        return None
    per_second = number * 1000 if said.endswith("kbps") else number
    return round(per_second / rate) if rate and per_second > 1000 else round(number)
