"""Packets that declare another format than their stream: their data then names it, as a data URL.

A stream has one format, but a transferred call may continue in another one, and two sides that
share a stream may differ. ``calls.analysis.media.packets`` reads such data as it declares itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from calls.formats.base64_text import data_url_media
from calls.formats.media_types import read_media
from calls.ingest.packets import IncomingPacket


def with_own_formats(known: str, arrived: list[IncomingPacket]) -> list[IncomingPacket]:
    """Return packets of a stream. ``known`` is its format, or that of its call.

    If neither is known, it is that of the first packet that declares one. Packets of this format,
    and those that declare none, pass unchanged.
    """
    media = known or next((each.media for each in arrived if each.media), "")
    if all(each.media in ("", media) for each in arrived):
        return arrived
    return [_told(media, each) for each in arrived]


def _told(media: str, packet: IncomingPacket) -> IncomingPacket:
    if not _differ(media, packet.media):
        return packet
    if data_url_media(packet.data):
        return replace(packet, media="")
    return replace(packet, media="", data=f"data:{packet.media};base64,{packet.data}")


@lru_cache(maxsize=256)
def _differ(one: str, other: str) -> bool:
    """Whether these are two formats of audio, and not two spellings of one."""
    first, second = read_media(one), read_media(other)
    return bool(first and second and first.is_audio and second.is_audio and first != second)
