"""An incoming packet: the one shape that every interface passes to the write path."""

from __future__ import annotations

from dataclasses import dataclass

# The largest integer that every JSON parser reads exactly (RFC 8259, section 6).
MAX_SEQUENCE = 2**53 - 1
MAX_NAME_LENGTH = 128  # of a stream
MAX_TRACK_LENGTH = 64
MAX_MEDIA_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCounts:
    """The frame counters of a carrier's stream. One packet holds many frames.

    ``restarts`` says how often the sender has restarted its numbering.
    """

    received: int = 0
    missing: int = 0
    repeated: int = 0
    reordered: int = 0
    malformed: int = 0
    restarts: int = 0

    def __add__(self, other: FrameCounts) -> FrameCounts:
        return FrameCounts(
            received=self.received + other.received,
            missing=self.missing + other.missing,
            repeated=self.repeated + other.repeated,
            reordered=self.reordered + other.reordered,
            malformed=self.malformed + other.malformed,
            restarts=self.restarts + other.restarts,
        )

    def __sub__(self, other: FrameCounts) -> FrameCounts:
        """Return the change since ``other``; negative if missing frames have arrived since."""
        return FrameCounts(
            received=self.received - other.received,
            missing=self.missing - other.missing,
            repeated=self.repeated - other.repeated,
            reordered=self.reordered - other.reordered,
            malformed=self.malformed - other.malformed,
            restarts=self.restarts - other.restarts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPacket:
    """``data`` is words or base64 audio; ``timestamp`` is in seconds on the sender's clock.

    ``external_id`` is the sender's id of the call, if ``call_id`` was made from it.
    ``frames`` is added to the stream's counters once, when the packet is stored.
    """

    call_id: str
    sequence: int
    data: str
    timestamp: float
    stream: str = ""
    track: str = ""
    media: str = ""
    frames: FrameCounts | None = None
    external_id: str = ""
