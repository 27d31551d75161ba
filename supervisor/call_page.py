"""The read model of the call page: everything that is known about one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from calls.analysis.conversation import turn_as_json
from calls.analysis.media import PacketRow, TextCall, assemble, parse_media
from calls.analysis.redaction import redact
from calls.analysis.results import transcript_document
from calls.health import workers_alive
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent, Packet, Stream
from supervisor.board import Phase, next_number, phase_of
from supervisor.strip import Strip, draw_strip

EVENT_LIMIT = 200
HEARD_LIMIT = 24
SILENT_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class CallPage:
    call: Call
    now: datetime
    attempts: list[Attempt]
    streams: list[Stream]
    events: list[CallEvent]
    more_events: bool
    document: dict[str, Any] | None
    heard: list[dict[str, Any]] = field(default_factory=list)
    worker_missing: bool = False

    @property
    def phase(self) -> Phase:
        return phase_of(self.call)

    @property
    def duration_s(self) -> float:
        return ((self.call.ended_at or self.now) - self.call.opened_at).total_seconds()

    @property
    def latest(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def next_attempt(self) -> int:
        return next_number(self.latest.number, self.latest.outcome) if self.latest else 1

    @property
    def tries(self) -> int:
        """Attempts of the present round."""
        return sum(attempt.round == self.call.analysis_round for attempt in self.attempts)

    @property
    def is_silent(self) -> bool:
        heard_at = self.call.last_packet_at
        return bool(heard_at and self.now - heard_at > SILENT_AFTER)

    @property
    def idle_at(self) -> datetime:
        heard_at = self.call.last_packet_at or self.call.opened_at
        return heard_at + timedelta(seconds=settings.CALL_IDLE_TIMEOUT)

    @property
    def moods(self) -> list[dict[str, Any]]:
        """Sentiment by side, as far as it is known."""
        found = (self.document or {}).get("sentiment") or {}
        sides = [("agent", "Agent"), ("customer", "Customer")]
        return [
            {
                "who": who,
                "label": label,
                "overall": found["overall"][who],
                "trend": found["trend"].get(who, ""),
                "quarters": found["by_quarter"].get(who, ()),
            }
            for who, label in sides
            if who in found.get("overall", {})
        ]

    @property
    def summary(self) -> str:
        """The summary, unless it only strings the insights together, which are shown as well."""
        document = self.document or {}
        text, insights = str(document.get("summary", "")), document.get("insights") or {}
        is_told_twice = insights and all(str(value) in text for value in insights.values())
        return "" if is_told_twice else text

    @property
    def strip(self) -> Strip | None:
        return draw_strip(self.document) if self.document and self.document["turns"] else None

    @property
    def has_recording(self) -> bool:
        if self.call.is_live or not self.call.packet_count:
            return False
        declared = {stream.media for stream in self.streams} | {self.call.media}
        if any(_is_audio(media) for media in declared):
            return True
        made_by = (self.document or {}).get("provenance", {}).get("transcribe") or {}
        return bool(made_by) and made_by.get("model") != "text"


def _is_audio(media: str) -> bool:
    try:
        return bool(media) and parse_media(media).is_audio
    except ValueError:
        return False


def read_call_page(call: Call, *, redacted: bool = True) -> CallPage:
    events = list(call.events.order_by("-id")[: EVENT_LIMIT + 1])
    streams = list(call.streams.order_by("pk"))
    return CallPage(
        call=call,
        now=timezone.now(),
        attempts=list(call.attempts.all()),
        streams=streams,
        events=events[:EVENT_LIMIT],
        more_events=len(events) > EVENT_LIMIT,
        document=transcript_document(call, redacted=redacted),
        heard=_heard(call, streams, redacted=redacted) if call.is_live else [],
        worker_missing=call.state == CallState.COMPLETED and not workers_alive(),
    )


def _heard(call: Call, streams: list[Stream], *, redacted: bool) -> list[dict[str, Any]]:
    """Return the last words of a text call in progress, as turns."""
    if not streams or _is_audio(streams[-1].media or call.media):
        return []
    stream = streams[-1]
    newest = Packet.objects.filter(stream=stream).order_by("-sequence")
    columns = newest.values_list("track", "sequence", "timestamp", "data")[:HEARD_LIMIT]
    rows = [
        PacketRow(stream.name, track, sequence, timestamp, data, stream.media)
        for track, sequence, timestamp, data in columns
    ]
    material = assemble(rows, call.media, track_speakers=settings.TRACK_SPEAKERS or None)
    if not isinstance(material, TextCall):
        return []
    turns = redact(material.turns).turns if redacted else material.turns
    return [turn_as_json(turn) for turn in turns]
