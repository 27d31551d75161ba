"""Family C, Genesys AudioHook: JSON messages that expect responses, and raw audio between them.

The server chooses one of the formats that are offered, answers each ping, and confirms the end.
Messages are numbered on both sides. Source: Genesys Cloud, AudioHook protocol, version 2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from calls.formats.media_types import MediaFormat, read_media
from calls.ingest.carriers import Event, Ignored, Malformed, Media, Reply, Start, Stop
from calls.ingest.carriers.fields import as_list, as_number, as_object, merged
from calls.ingest.carriers.preamble import PreambleParser

VERSION = "2"
NOBODY = "00000000-0000-0000-0000-000000000000"  # the conversation of a probe of the connection
CUSTOM_DATA = ("customConfig", "inputVariables")
_DURATION = re.compile(r"PT(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,6}(?:\.\d{1,9})?)S)?", re.ASCII)
TRACKS = {"external": "inbound", "internal": "outbound"}


def is_audiohook(message: dict[str, Any]) -> bool:
    """Whether a first message belongs to this family."""
    return message.get("type") == "open" and isinstance(message.get("parameters"), dict)


class AudioHookParser:
    """Parses the messages of one socket. Its audio is like that of family B."""

    def __init__(self) -> None:
        self._audio = PreambleParser()
        self._format: MediaFormat | None = None
        self._sent = 0
        self._at_ms = 0.0  # the end of the audio so far, with what was left out

    def text(self, message: str) -> Sequence[Event]:
        fields = as_object(message)
        if fields is None:
            return [Malformed("not a JSON object")]
        match fields.get("type"):
            case "open":
                return list(self._open(fields))
            case "ping":
                return [self._reply("pong", fields)]
            case "close":
                return [self._reply("closed", fields), Stop()]
            case "discarded" | "resumed":
                self._at_ms += _left_out_ms(fields.get("parameters"))
                return [Ignored()]
            case _:
                return [Ignored()]

    def binary(self, message: bytes) -> Sequence[Event]:
        found = self._audio.binary(message)
        return [self._timed(each) if isinstance(each, Media) else each for each in found]

    def _timed(self, frame: Media) -> Media:
        """Give a frame its time: where the client left audio out, silence takes its place."""
        at_ms = self._at_ms
        if self._format:
            samples = len(frame.payload) / self._format.width
            self._at_ms += 1000 * samples / self._format.rate
        return replace(frame, stamp=at_ms)

    def give_up(self) -> Sequence[Event]:
        return []

    def _open(self, fields: dict[str, Any]) -> Iterator[Event]:
        told = fields["parameters"] if isinstance(fields.get("parameters"), dict) else {}
        is_probe = told.get("conversationId") == NOBODY
        chosen = {} if is_probe else _choose(told.get("media"))
        if not is_probe:
            yield from self._begin(_described(fields, told, chosen))
        # The response follows the start: an unauthorised sender has been refused before.
        yield self._reply("opened", fields, startPaused=False, media=[chosen] if chosen else [])

    def _begin(self, described: dict[str, Any]) -> Iterator[Event]:
        for event in self._audio.text(json.dumps(described)):
            if isinstance(event, Start):
                self._format = read_media(event.media)
                yield replace(event, has_stop=True)
            else:
                yield event

    def _reply(self, kind: str, asked: dict[str, Any], **parameters: Any) -> Reply:
        self._sent += 1
        answer = {
            "version": VERSION,
            "id": _flat(asked.get("id")),
            "type": kind,
            "seq": self._sent,
            "clientseq": as_number(asked.get("seq")) or 0,
            "parameters": parameters,
        }
        return Reply(json.dumps(answer))


def _flat(value: Any) -> Any:
    """Return a simple value, None for any other: nested ones may be too deep to serialise."""
    return value if isinstance(value, str | int | float) else None


def _left_out_ms(parameters: Any) -> float:
    """Return how much audio the client has not sent, for a pause or because it was too late."""
    told = parameters.get("discarded") if isinstance(parameters, dict) else None
    match = _DURATION.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        return 0.0
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 1000 * (3600 * hours + 60 * minutes + seconds)


def _choose(offered: Any) -> dict[str, Any]:
    """Return the best format on offer: both sides before one of them, mu-law before others."""
    formats = (each for each in as_list(offered) if isinstance(each, dict))
    best = max(formats, key=_rank, default=None)
    if best is None:
        return {}
    plain = {name: _flat(best.get(name)) for name in ("type", "format", "rate")}
    return {**plain, "channels": _channels(best)}


def _rank(media: dict[str, Any]) -> tuple[int, bool, bool]:
    channels = _channels(media)
    return len(channels), media.get("format") == "PCMU", "external" in channels


def _channels(media: dict[str, Any]) -> list[str]:
    named = as_list(media.get("channels"))
    return [each for each in named if isinstance(each, str) and each in TRACKS]


def _described(
    fields: dict[str, Any], told: dict[str, Any], media: dict[str, Any]
) -> dict[str, Any]:
    """Return the description of the audio and of the call under the names of family B."""
    channels, participant = _channels(media), told.get("participant")
    who = participant if isinstance(participant, dict) else {}
    custom = merged(*(told.get(name) for name in CUSTOM_DATA))
    return {
        "metadata": {name: _flat(value) for name, value in custom.items()},
        "call_id": _flat(told.get("conversationId")),
        "stream_id": _flat(fields.get("id")),
        "from": _flat(who.get("ani")),
        "to": _flat(who.get("dnis")),
        "format": media.get("format"),
        "rate": media.get("rate"),
        "channels": len(channels) or None,
        "left": "customer" if channels[:1] == ["external"] else "agent",
        "track": TRACKS[channels[0]] if len(channels) == 1 else "",
    }
