"""The read model of the call page: everything that it shows about one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

from django.conf import settings
from django.utils import timezone

from calls.analysis import breaker
from calls.analysis.arrivals import remarks_on
from calls.analysis.results import transcript_document
from calls.analysis.status import AnalysisStatus, Outage, read_status
from calls.description import labelled, labelled_fields
from calls.formats.language import name_of
from calls.formats.media_types import read_media
from calls.ingest.carriers.presence import Presence, read_presence
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent, FieldValue, Note, Recording, Stream
from calls.search.hits import Excerpt
from supervisor.call.downloads import Download, list_downloads
from supervisor.call.highlight import NO_WORDS, Highlight
from supervisor.call.live_transcript import LiveTranscript, read_live_transcript
from supervisor.call.other_calls import OtherCalls, read_other_calls
from supervisor.call.packet_map import PacketMap, read_packet_map
from supervisor.call.parties import Parties
from supervisor.call.sound_troubles import ShownTrouble, list_sound_troubles
from supervisor.call.speaker_timeline import SpeakerTimeline, draw_speaker_timeline
from supervisor.call.talk import TalkSplit, split_talk
from supervisor.call.tiles import Tiles
from supervisor.phases import COUNTED, Phase, next_number, phase_of

EVENT_LIMIT = 120
ALL_EVENTS_LIMIT = 2000
# Above this, the packet map is fetched later: counting takes longer than the rest of the page.
MAPPED_AT_ONCE = 20_000
# A bad line logs hundreds of gaps, which would push everything else out of sight.
GROUPED_FROM = 4
SILENT_AFTER = timedelta(seconds=15)
WAITING = (CallState.COMPLETED, CallState.PROCESSING_AI)


@dataclass(frozen=True)
class CallPage:
    call: Call
    now: datetime
    attempts: list[Attempt]
    streams: list[Stream]
    events: list[CallEvent]
    more_events: bool
    document: dict[str, Any] | None
    live: LiveTranscript | None = None
    remarks: list[str] = field(default_factory=list)
    analysis_status: AnalysisStatus | None = None
    recording: Recording | None = None
    packet_map: PacketMap | None = None
    other_calls: OtherCalls | None = None
    dismissal: CallEvent | None = None
    highlight: Highlight = NO_WORDS

    @property
    def phase(self) -> Phase:
        return phase_of(self.call)

    @property
    def described(self) -> list[tuple[str, str]]:
        return labelled(self.call)

    @cached_property
    def fields(self) -> list[FieldValue]:
        """The values of custom fields."""
        return labelled_fields(self.call)

    @property
    def duration_ms(self) -> int:
        """The length of the timeline of the player."""
        timeline = self.speaker_timeline
        return timeline.duration_ms if timeline else round(self.duration_s * 1000)

    @property
    def duration_s(self) -> float:
        return self.call.lasted_s(self.now)

    @property
    def latest(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def next_attempt(self) -> int:
        return next_number(self.latest.number, self.latest.outcome) if self.latest else 1

    @property
    def retries(self) -> int:
        """How often the analysis had to try again in the current round."""
        return sum(
            attempt.round == self.call.analysis_round and attempt.outcome in COUNTED
            for attempt in self.attempts
        )

    @cached_property
    def parties(self) -> Parties:
        return Parties.of(self.call)

    @property
    def tiles(self) -> Tiles:
        return Tiles(self.live.figures.found if self.live else self.document or {})

    @property
    def missing_packets(self) -> int:
        """The missing packets of all streams, as the packet map and the streams show them.

        Not those of the call, which are read a moment earlier.
        """
        return sum(stream.missing_count for stream in self.streams)

    @property
    def is_held(self) -> bool:
        """Whether the call waits for an attempt to start, rather than to finish."""
        return self.call.state in WAITING and not self.call.lease_expires_at

    @cached_property
    def outage(self) -> Outage | None:
        """The outage that holds up the call, if any."""
        if self.analysis_status is None or not self.is_held:
            return None
        this = Call.objects.filter(pk=self.call.pk)
        outages = self.analysis_status.outages
        return next((each for each in outages if breaker.asking(this, each.stage).exists()), None)

    @property
    def is_silent(self) -> bool:
        heard_at = self.call.last_packet_at
        return bool(heard_at and self.now - heard_at > SILENT_AFTER)

    @property
    def received(self) -> str:
        """What a live call is receiving, in a word."""
        declared = {self.call.media, *(stream.media for stream in self.streams)}
        if any(map(_is_audio, declared)):
            return "audio"
        return "text" if any(media.startswith("text") for media in declared) else "packets"

    @cached_property
    def presence(self) -> Presence | None:
        return read_presence(self.call, now=self.now) if self.call.is_live else None

    @property
    def is_left(self) -> bool:
        """Whether the call waits for a carrier to come back."""
        return bool(self.presence and not self.presence.open and self.presence.ends_at)

    @property
    def idle_at(self) -> datetime:
        heard_at = self.call.last_packet_at or self.call.opened_at
        return heard_at + timedelta(seconds=settings.CALL_IDLE_TIMEOUT)

    @property
    def sentiments(self) -> list[dict[str, Any]]:
        """The sentiment of each side that has one."""
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
    def language(self) -> str:
        """The language that the sender declared, by its name."""
        return name_of(self.call.language) if self.call.language else ""

    @property
    def not_judged(self) -> str:
        """Why the sentiment of the call, or of a part of it, is not known. Empty if it is."""
        skipped = (self.document or {}).get("skipped") or ()
        return next((each["reason"] for each in skipped if each["stage"] == "sentiment"), "")

    @cached_property
    def sound_troubles(self) -> list[ShownTrouble]:
        """What is wrong with the sound, the causes first."""
        return list_sound_troubles(self.call, self.document)

    @property
    def redaction_rules(self) -> str:
        """The languages whose rules removed personal data, such as English and German."""
        made = ((self.document or {}).get("provenance") or {}).get("understand") or {}
        rules = (made.get("redaction") or {}).get("rules", ())
        return " and ".join(name_of(code) for code in rules)

    @property
    def are_quotes(self) -> bool:
        """Whether summary and insights are sentences of the call, picked out as they were said."""
        return (self.document or {}).get("summary_kind") == "quotes"

    @cached_property
    def summary(self) -> Excerpt | None:
        """The summary. None if it only repeats the insights, which the page shows anyway."""
        document = self.document or {}
        text, insights = str(document.get("summary", "")), document.get("insights") or {}
        # The local provider builds its summary from the insights.
        is_told_twice = insights and all(str(value) in text for value in insights.values())
        return self.highlight.mark(text, "summary") if text and not is_told_twice else None

    @cached_property
    def insights(self) -> dict[str, Excerpt]:
        found = (self.document or {}).get("insights") or {}
        return {name: self.highlight.mark(str(value), "summary") for name, value in found.items()}

    @cached_property
    def keywords(self) -> list[Excerpt]:
        found = (self.document or {}).get("keywords") or ()
        return [self.highlight.mark(keyword, "summary") for keyword in found]

    @cached_property
    def notes(self) -> list[tuple[Note, Excerpt]]:
        return [(note, self.highlight.mark(note.text, "note")) for note in self.call.notes.all()]

    @property
    def places(self) -> int:
        """The number of places where search words are marked."""
        shown = [self.summary or Excerpt(""), *self.insights.values(), *self.keywords]
        shown += [turn["said"] for turn in self.turns] + [text for _, text in self.notes]
        return sum(len(excerpt.spans) for excerpt in shown)

    @cached_property
    def speaker_timeline(self) -> SpeakerTimeline | None:
        return (
            draw_speaker_timeline(self.document)
            if self.document and self.document["turns"]
            else None
        )

    @property
    def talk(self) -> TalkSplit | None:
        return split_talk(self.document) if self.document else None

    @property
    def entries(self) -> list[list[CallEvent]]:
        """The timeline. GROUPED_FROM or more gaps or late packets in a row are one entry."""
        groups = groupby(self.events, key=_likeness)
        return [
            part
            for _, group in groups
            for events in [list(group)]
            for part in ([events] if len(events) >= GROUPED_FROM else [[one] for one in events])
        ]

    @property
    def downloads(self) -> list[Download]:
        redacted = bool((self.document or {}).get("redacted", True))
        return list_downloads(self.call, redacted=redacted, has_sound=self.has_recording)

    @property
    def is_pruned(self) -> bool:
        return self.call.packets_pruned_at is not None

    @property
    def has_frames(self) -> bool:
        return any(stream.frame_count for stream in self.streams)

    @cached_property
    def turns(self) -> list[dict[str, Any]]:
        """The turns of the transcript."""
        said = (self.document or {}).get("turns", ())
        mark = self.highlight.mark
        return [
            {
                **turn,
                "timing": timing_of(turn),
                "said": mark(turn["text"], turn["speaker"]),
            }
            for turn in said
        ]

    @property
    def spoken(self) -> list[dict[str, Any]]:
        """The turns of the transcript, or of the live transcript as long as there is none."""
        return self.live.turns if self.live else self.turns

    @property
    def scored(self) -> int:
        said = (self.document or {}).get("turns", ())
        return sum(turn.get("score") is not None for turn in said)

    @property
    def edition(self) -> str:
        """A value that changes with the recording or the analysis; the player then loads again."""
        made = (self.document or {}).get("provenance", {})
        versions = [
            str((made.get(stage) or {}).get("version", 0)) for stage in ("transcribe", "understand")
        ]
        return "-".join([*versions, str(self.recording.version if self.recording else 0)])

    @property
    def has_recording(self) -> bool:
        if self.call.is_live or not self.call.packet_count:
            return False
        declared = {stream.media for stream in self.streams}
        if any(map(_is_audio, {*declared, self.call.media, self.call.media_override})):
            return True
        # Nobody declared the media. Then the transcript shows whether the packets were audio.
        made_by = (self.document or {}).get("provenance", {}).get("transcribe") or {}
        return bool(made_by) and made_by.get("model") != "text"


def _likeness(event: CallEvent) -> object:
    return event.type if event.type in ("gap_detected", "late_packets") else event.pk


def _is_audio(media: str) -> bool:
    known = read_media(media)
    return known is not None and known.is_audio


def timing_of(turn: Mapping[str, Any]) -> str:
    """Return the times of the words of a turn, in a compact form that renders fast.

    Two numbers for each word on the page: the ms since the end of the previous word, and its
    duration in ms. Empty if the words have no times, or if they do not add up to the text.
    """
    tokens: list[str] = []
    numbers: list[int] = []
    end = turn["begin_ms"]
    for begin, until, text in turn.get("words", ()):
        for token in text.split():
            tokens.append(token)
            numbers += [begin - end, until - begin]
            end = until
    return ",".join(map(str, numbers)) if tokens == turn["text"].split() else ""


def read_call_page(
    call: Call,
    *,
    redacted: bool = True,
    all_events: bool = False,
    highlight: Highlight = NO_WORDS,
) -> CallPage:
    limit = ALL_EVENTS_LIMIT if all_events else EVENT_LIMIT
    # One more than is shown: it reveals whether there are more, without a count.
    events = list(call.events.order_by("-id")[: limit + 1])
    streams = list(call.streams.order_by("pk"))
    document, now = transcript_document(call, redacted=redacted), timezone.now()
    return CallPage(
        call=call,
        now=now,
        attempts=list(call.attempts.all()),
        streams=streams,
        events=events[:limit],
        more_events=len(events) > limit,
        document=document,
        remarks=remarks_on(call, streams),
        live=None if document else read_live_transcript(call, now=now),
        analysis_status=read_status() if call.state in WAITING else None,
        recording=Recording.objects.filter(call=call).first(),
        packet_map=read_packet_map(streams) if call.packet_count <= MAPPED_AT_ONCE else None,
        other_calls=read_other_calls(call),
        dismissal=_dismissal(call) if phase_of(call) == Phase.DISMISSED else None,
        highlight=highlight,
    )


def _dismissal(call: Call) -> CallEvent | None:
    """Return the event that says who dismissed the call and why."""
    return call.events.filter(type="call_dismissed").order_by("-id").first()
