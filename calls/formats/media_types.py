"""Media types of packets: parsing what senders declare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["mulaw", "alaw", "l16le", "l16be", "text"]
MIN_RATE, MAX_RATE = 8_000, 48_000
_ENCODINGS: dict[str, Encoding] = {
    "audio/x-mulaw": "mulaw",
    "audio/mulaw": "mulaw",
    "audio/pcmu": "mulaw",
    "audio/basic": "mulaw",
    "audio/x-alaw": "alaw",
    "audio/alaw": "alaw",
    "audio/pcma": "alaw",
    # RFC 2586 says big-endian, but carriers send little-endian samples under this name.
    "audio/l16": "l16le",
    "audio/x-l16": "l16le",
    "audio/pcm": "l16le",
    "audio/raw": "l16le",
    "audio/x-raw": "l16le",
    "text/plain": "text",
}
# The common part of what `parse_media` accepts, for the schema of the API.
MEDIA_PATTERN = (
    rf"^({'|'.join(_ENCODINGS)})"
    r"(;rate=(8[0-9]{3}|9[0-9]{3}|[1-3][0-9]{4}|4[0-7][0-9]{3}|48000))?(;channels=[12])?$"
)
_IGNORED = {"charset", "ptime", "maxptime"}
_UNKNOWN = "audio/x-unknown"
_LONGEST_SAID = 60
_ENDIANS: dict[str, Encoding] = {"big": "l16be", "little": "l16le"}


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """How the data of a packet is encoded. Rate and channels do not apply to text."""

    encoding: Encoding
    rate: int = MIN_RATE
    channels: int = 1

    @property
    def is_audio(self) -> bool:
        return self.encoding != "text"

    @property
    def width(self) -> int:
        """The bytes of a sample of all channels."""
        return self.channels * (2 if self.encoding.startswith("l16") else 1)


def parse_media(media: str) -> MediaFormat:
    """Parse a media type such as ``audio/l16;rate=16000;channels=2``.

    Defaults to 8000 Hz and mono. Raises ValueError, which names the part that is wrong.
    """
    name, *parts = (part.strip().lower() for part in media.split(";"))
    if name not in _ENCODINGS:
        raise ValueError(f"media: {name!r} is not one of {', '.join(_ENCODINGS)}")
    parameters = dict(_parameter(part) for part in parts if part)
    encoding = _encoding(name, parameters.pop("endian", None))
    rate = _whole_number(parameters.pop("rate", str(MIN_RATE)), "rate", MIN_RATE, MAX_RATE)
    channels = _whole_number(parameters.pop("channels", "1"), "channels", 1, 2)
    if unknown := sorted(parameters.keys() - _IGNORED):
        raise ValueError(f"media: unknown parameter {unknown[0]!r}")
    return MediaFormat(encoding, rate, channels)


def read_media(media: str) -> MediaFormat | None:
    """Return the format of a media type, or None if it is not known."""
    try:
        return parse_media(media) if media else None
    except ValueError:
        return None


def unknown_media(said: str) -> str:
    """Return the media type of audio whose format is not known. ``said`` is its name."""
    clean = " ".join(re.sub(r"[^\w .:/@+()-]", " ", said).split())
    return f'{_UNKNOWN};codec="{clean[:_LONGEST_SAID]}"'


def is_unknown(media: str) -> bool:
    """Whether this is the media type of audio whose format is not known."""
    return media.startswith(_UNKNOWN)


def _parameter(part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    if not (equals and key.strip() and value.strip()):
        raise ValueError(f"media: {part!r} is not of the form name=value")
    return key.strip(), value.strip().strip('"')


def _encoding(name: str, endian: str | None) -> Encoding:
    encoding = _ENCODINGS[name]
    if endian is None:
        return encoding
    if not encoding.startswith("l16"):
        raise ValueError(f"media: endian has no meaning for {name!r}")
    if endian not in _ENDIANS:
        raise ValueError(f"media: endian is 'big' or 'little', not {endian!r}")
    return _ENDIANS[endian]


def _whole_number(value: str, name: str, low: int, high: int) -> int:
    # isdecimal alone accepts digits of other scripts, and int() accepts 1_000.
    if not (value.isascii() and value.isdecimal() and low <= int(value[:9]) <= high):
        raise ValueError(f"media: {name} is a whole number from {low} to {high}, not {value!r}")
    return int(value)
