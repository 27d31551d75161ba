"""Translates carriers' codec names into the media types that are stored."""

from __future__ import annotations

import re

from calls.ingest.carriers import Refused
from calls.media_types import parse_media

_TYPES = {
    "audio/x-mulaw": ("audio/x-mulaw", "audio/mulaw", "audio/basic", "pcmu", "mulaw", "ulaw"),
    "audio/x-alaw": ("audio/x-alaw", "audio/alaw", "pcma", "alaw"),
    "audio/l16": (
        *("audio/l16", "audio/x-l16", "audio/x-raw", "audio/raw", "audio/pcm", "l16", "pcm16"),
        *("pcm", "linear16", "slin", "slinear", "pcm_s16le"),
    ),
}
_NAMES = {name: media for media, names in _TYPES.items() for name in names}
_NAMES |= {"audio/pcmu": "audio/x-mulaw", "audio/pcma": "audio/x-alaw"}


def media_type(
    codec: str, rate: int | None = None, channels: int | None = None, endian: str = ""
) -> str | Refused:
    """Return the media type of a carrier's codec.

    A rate in ``codec`` overrides ``rate``: ``slin16``, ``L16@16000h``, ``audio/l16;rate=16000``.
    """
    name, rate = _with_rate(codec.strip().lower(), rate)
    media = _NAMES.get(name)
    if media is None:
        return Refused(f"the codec {codec!r} is not supported")
    text = f"{media};rate={rate or 8000}"
    if channels not in (None, 1):
        text += f";channels={channels}"
    if media == "audio/l16" and endian == "big":
        text += ";endian=big"
    try:
        parse_media(text)
    except ValueError as error:
        return Refused(str(error))
    return text


def _with_rate(codec: str, rate: int | None) -> tuple[str, int | None]:
    name, *parameters = (part.strip() for part in codec.split(";"))
    for parameter in parameters:
        if match := re.fullmatch(r"rate=(\d{1,6})", parameter):
            rate = int(match[1])
    if match := re.fullmatch(r"(.+)@(\d{1,6})h?(?:@.*)?", name):
        return match[1], int(match[2])
    if match := re.fullmatch(r"slin(\d{1,3})", name):
        # slin44 means 44,100 Hz, the only rate that is not a whole number of kilohertz.
        return "slin", 44_100 if match[1] == "44" else int(match[1]) * 1000
    return name, rate
