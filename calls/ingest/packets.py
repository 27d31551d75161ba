"""A packet on its way in: the one shape that every interface hands to the write path."""

from __future__ import annotations

from dataclasses import dataclass

# The greatest integer that every JSON parser reads exactly (RFC 8259, section 6).
MAX_SEQUENCE = 2**53 - 1
MAX_NAME_LENGTH = 128  # of a stream
MAX_TRACK_LENGTH = 64
MAX_MEDIA_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPacket:
    """``data`` is words or base64 audio, ``timestamp`` seconds on the sender's clock."""

    call_id: str
    sequence: int
    data: str
    timestamp: float
    stream: str = ""
    track: str = ""
    media: str = ""
