"""A packet on its way in: the one shape that every interface hands to the write path."""

from __future__ import annotations

from dataclasses import dataclass

# The greatest integer that every JSON parser reads exactly (RFC 8259, section 6).
MAX_SEQUENCE = 2**53 - 1
MAX_NAME_LENGTH = 128  # of a stream
MAX_TRACK_LENGTH = 64
MAX_MEDIA_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCounts:
    """What happened to the frames of a carrier's stream, of which a packet holds many."""

    received: int = 0
    missing: int = 0
    repeated: int = 0
    reordered: int = 0
    malformed: int = 0

    def __add__(self, other: FrameCounts) -> FrameCounts:
        return FrameCounts(
            received=self.received + other.received,
            missing=self.missing + other.missing,
            repeated=self.repeated + other.repeated,
            reordered=self.reordered + other.reordered,
            malformed=self.malformed + other.malformed,
        )

    def __sub__(self, other: FrameCounts) -> FrameCounts:
        """Return the change since ``other``: frames that came late after all make it negative."""
        return FrameCounts(
            received=self.received - other.received,
            missing=self.missing - other.missing,
            repeated=self.repeated - other.repeated,
            reordered=self.reordered - other.reordered,
            malformed=self.malformed - other.malformed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPacket:
    """``data`` is words or base64 audio, ``timestamp`` seconds on the sender's clock.

    ``frames`` is counted for the stream, once, when the packet is stored.
    """

    call_id: str
    sequence: int
    data: str
    timestamp: float
    stream: str = ""
    track: str = ""
    media: str = ""
    frames: FrameCounts | None = None
