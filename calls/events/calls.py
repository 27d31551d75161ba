"""The entries of the event log about a call itself: its states, its description and its packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calls.description import check_names


@dataclass(frozen=True, kw_only=True)
class StateChanged:
    """``previous`` is None when the call was opened."""

    type: ClassVar[str] = "state_change"
    previous: str | None
    version: int
    reason: str = ""
    by: str = ""


class CallDescribed:
    """Somebody recorded or corrected who calls whom: every described field, by name."""

    type: ClassVar[str] = "call_described"

    def __init__(self, **description: str) -> None:
        check_names(description)
        vars(self).update(description)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallDescribed) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).items()))


@dataclass(frozen=True, kw_only=True)
class CallFieldsChanged:
    """Custom fields that have changed, by name. An empty value: the field was removed."""

    type: ClassVar[str] = "call_fields"
    fields: dict[str, str]
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class GapDetected:
    """The next sequence of the stream was ``expected``, but ``received`` arrived."""

    type: ClassVar[str] = "gap_detected"
    stream: str
    expected: int
    received: int


@dataclass(frozen=True, kw_only=True)
class LatePackets:
    """Packets arrived after the call had ended."""

    type: ClassVar[str] = "late_packets"
    stream: str
    sequences: list[int]
    count: int


@dataclass(frozen=True, kw_only=True)
class SpeakersSwapped:
    """``swapped`` is true if agent and customer are now the reverse of how they were received."""

    type: ClassVar[str] = "speakers_swapped"
    swapped: bool
    by: str


@dataclass(frozen=True, kw_only=True)
class FormatCorrected:
    """The packets are decoded as ``media`` from now on; empty: as the sender declared them."""

    type: ClassVar[str] = "format_corrected"
    media: str
    by: str


@dataclass(frozen=True, kw_only=True)
class CallDismissed:
    """Somebody decided that a failed call needs no analysis."""

    type: ClassVar[str] = "call_dismissed"
    by: str
    note: str


@dataclass(frozen=True, kw_only=True)
class CallDeleted:
    """The call and all its data were deleted. The entry itself has no call."""

    type: ClassVar[str] = "call_deleted"
    deleted: str
    reason: str
    by: str = ""
