"""Audio from telephony carriers. This module holds the events that parsers pass to sessions.

A parser reads one family of protocols and knows nothing about calls. A session turns events into
packets and knows nothing about protocols.

audiocodes Parser of family C, AudioCodes: JSON that expects responses, audio in base64.
audiohook  Parser of family C, Genesys: JSON that expects responses, and raw audio.
auth       Checks who may send: a key, a signed handshake, or a token in the first message.
clock      Reads the time stamps of frames, whatever their unit.
backlog    Counts what is received and not yet stored, and says when to stop reading.
codecs     Carriers' codec names as the media types that are stored.
detect     Chooses the parser from the first messages of a socket.
envelope   Parser of family A: JSON messages with an ``event``, audio in base64.
fields     Reads the fields of messages: numbers, ids, names, custom data.
heartbeat  Renews the leases of this process's sockets.
lifetime   Decides when a call ends whose sockets have ended, and why. No I/O.
numbering  Places messages by their numbers, and counts missing and duplicate ones.
opening    Opens the call, the stream and the connection in the database.
preamble   Parser of family B: one message describes the stream, then raw audio follows.
presence   The open sockets of all processes, and the ends of calls whose sockets have ended.
session    Turns the events of one socket into packets. No I/O.
signature  Checks Twilio's signature of a handshake.
socket     The ASGI application: I/O, timing and close codes.
tracks     Puts the frames of one track in order and cuts them into rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The stream starts. ``media`` is a media type, ``audio/x-unknown`` if it is not understood.

    ``call_id`` and ``stream`` are empty if the carrier gives none. ``token`` is an API key.
    ``remarks`` say what could not be read and what was assumed. ``said`` has everything that the
    carrier says about the call, by name. ``has_stop`` says whether the protocol reports the end of
    a stream. If not, the carrier reports it by closing the socket properly.
    """

    media: str
    call_id: str = ""
    stream: str = ""
    token: str = ""
    description: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    said: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None
    has_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A frame. ``number`` counts the messages of the stream; ``chunk`` the frames of a track.

    ``stamp`` is on the carrier's clock, usually in ms.
    """

    payload: bytes
    track: str = ""
    number: int | None = None
    chunk: int | None = None
    stamp: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The carrier reports the end of the stream."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message without audio (mark, dtmf...). Only its number counts."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that cannot be parsed."""

    reason: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A text message that the protocol wants us to send back, such as the response to a hello."""

    text: str


Event = Start | Media | Stop | Ignored | Malformed | Reply


class Parser(Protocol):
    """Reads the messages of one socket."""

    def text(self, message: str) -> Sequence[Event]: ...

    def binary(self, message: bytes) -> Sequence[Event]: ...

    def give_up(self) -> Sequence[Event]:
        """Return the events of the messages so far if no further one describes them."""
        ...
