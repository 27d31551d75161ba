"""What a carrier's messages mean, whoever the carrier is: the events between parser and session.

A parser (``envelope``, ``preamble``) reads one family of protocols and knows nothing of calls; a
session (``session``) turns its events into packets and knows nothing of protocols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The stream begins. ``media`` is a media type that ``parse_media`` takes.

    ``call_id`` and ``stream`` are empty where the carrier names none; ``token`` is an API key.
    """

    media: str
    call_id: str = ""
    stream: str = ""
    token: str = ""
    description: Mapping[str, str] = field(default_factory=dict)
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A frame. ``number`` counts all messages of the stream, ``chunk`` the frames of a track."""

    payload: bytes
    track: str = ""
    number: int | None = None
    chunk: int | None = None
    stamp_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The carrier says that the stream is over."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message without audio (mark, dtmf...): it only takes part in the numbering."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that cannot be read."""

    reason: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The stream cannot be taken at all: its codec is not supported."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A text message that the protocol wants us to send back, such as the answer to a hello."""

    text: str


Event = Start | Media | Stop | Ignored | Malformed | Refused | Reply


class Parser(Protocol):
    """Reads the messages of one socket."""

    def text(self, message: str) -> Sequence[Event]: ...

    def binary(self, message: bytes) -> Sequence[Event]: ...
