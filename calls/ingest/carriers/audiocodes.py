"""Family C, AudioCodes VoiceAI Connect: JSON messages that expect responses, with audio in base64.

The server accepts the session in one of the formats that are offered, and confirms the start and
the stop of each stream. With agent assist, messages name the participant who speaks.
Source: AudioCodes, AC Bot API in WebSocket mode.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from calls.ingest.carriers import Event, Ignored, Malformed, Media, Reply, Start, Stop
from calls.ingest.carriers.codecs import Declared, media_type
from calls.ingest.carriers.fields import (
    as_list,
    as_object,
    as_payload,
    as_text,
    call_id_of,
    description_of,
    first,
    merged,
)
from calls.ingest.packets import MAX_TRACK_LENGTH

# What can be decoded, the best first. The last ones have a file header before their samples.
_SOUNDS = {
    "lpcm16": ("l16", 16_000),
    "lpcm16_24": ("l16", 24_000),
    "lpcm16_8": ("l16", 8_000),
    "mulaw": ("mulaw", 8_000),
    "alaw": ("alaw", 8_000),
}
FORMATS = {f"{kind}/{name}": sound for kind in ("raw", "wav") for name, sound in _SOUNDS.items()}
FIRST = ("session.initiate", "session.resume", "connection.validate")
ANSWERS = {"userStream.start": "userStream.started", "userStream.stop": "userStream.stopped"}
TRACKS = {"": "inbound", "caller": "inbound", "callee": "outbound", "agent": "outbound"}


def is_audiocodes(message: dict[str, Any]) -> bool:
    """Whether a first message belongs to this family."""
    kind = message.get("type")
    return isinstance(kind, str) and kind in FIRST


class AudioCodesParser:
    """Parses the messages of one socket."""

    def text(self, message: str) -> Sequence[Event]:
        fields = as_object(message)
        if fields is None:
            return [Malformed("not a JSON object")]
        match fields.get("type"):
            case "session.initiate" | "session.resume":
                return self._start(fields)
            case "userStream.chunk":
                return [_media(fields)]
            case "connection.validate":
                return [_reply(fields, "connection.validated", success=True)]
            case "userStream.start" | "userStream.stop" as kind:
                return [_reply(fields, ANSWERS[kind])]
            case "session.end":
                return [Stop()]
            case _:
                return [Ignored()]

    def binary(self, message: bytes) -> Sequence[Event]:
        return [Malformed("a binary message: audio must be in JSON")]

    def give_up(self) -> Sequence[Event]:
        return []

    def _start(self, fields: dict[str, Any]) -> Sequence[Event]:
        offered = as_list(fields.get("supportedMediaFormats"))
        names = [each for each in offered if isinstance(each, str)]
        chosen = next((name for name in FORMATS if name in names), "")
        declared = _declared(chosen, names)
        conversation = fields.get("conversationId")
        known = merged(fields, {"call_id": conversation})
        description, remarks = description_of(known)
        start = Start(
            media=declared.media,
            call_id=call_id_of(known),
            token=first(fields, ("token",)),
            description=description,
            remarks=(*declared.remarks, *remarks),
            said=known,
            has_stop=True,
        )
        accepted = chosen or next(iter(names), "raw/lpcm16")
        # The response follows the start: an unauthorised sender has been refused before.
        return [start, _reply(fields, "session.accepted", mediaFormat=accepted)]


def _declared(chosen: str, offered: Sequence[str]) -> Declared:
    if chosen:
        return media_type(*FORMATS[chosen])
    # Stored as it comes, and named on the call page.
    return media_type(offered[0]) if offered else media_type(*FORMATS["raw/lpcm16"])


def _media(fields: dict[str, Any]) -> Event:
    payload = as_payload(fields.get("audioChunk"))
    if payload is None:
        return Malformed("the audio chunk is not base64")
    participant = as_text(fields.get("participant"), MAX_TRACK_LENGTH).lower()
    return Media(payload=payload, track=TRACKS.get(participant, participant))


def _reply(asked: dict[str, Any], kind: str, **more: Any) -> Reply:
    """Answer about the participant that the message names, if it names one."""
    participant = asked.get("participant")
    named = {"participant": participant} if isinstance(participant, str) else {}
    return Reply(json.dumps({"type": kind, **named, **more}))
