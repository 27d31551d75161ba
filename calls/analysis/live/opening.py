"""How the transcription of a leased call begins: its streams, formats, and where to continue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

from django.conf import settings

from calls.analysis.live.audio.call import LiveCall
from calls.analysis.live.heard import HeardCall
from calls.analysis.live.reading import PacketReader, StoredPacket
from calls.analysis.live.turns import Rank
from calls.analysis.media.packets import PacketRow, sniff, speaker_map
from calls.analysis.media.textcall import spoken_parts
from calls.conversation import Speaker
from calls.models import Call, LiveTranscription, LiveUtterance, Stream

# If a call has not been transcribed for longer, its old words are no longer live: start now.
STALE = timedelta(seconds=45)
MS_PER_WORD = 400  # as in the transcript of a text call
PARTS = 100  # numbers kept for the parts of one text packet


@dataclass(slots=True)
class OpenStream:
    pk: int
    name: str
    media: str
    opened_at: datetime
    first_sequence: int | None
    is_open: bool = False


@dataclass(slots=True)
class OpenCall:
    """A leased call with its streams. These, or its first packets, show if it is audio or text."""

    heard: HeardCall
    media: str
    override: str
    speakers: Mapping[str, Speaker]
    positions: dict[str, Any]
    from_now: bool
    heard_at: datetime | None  # when it was last transcribed
    hears: bool = True  # otherwise the provider recognises no speech
    detector: Any = None
    streams: dict[int, OpenStream] = field(default_factory=dict)
    held: list[StoredPacket] = field(default_factory=list)
    taken_at: float = -inf

    def is_due(self, now: float) -> bool:
        """Whether to process its packets now. Those of an unwatched call are processed together: a
        whole second of them costs little more than a seventh of a second.
        """
        is_other = self.heard.rank == Rank.OTHER
        return not is_other or now - self.taken_at >= self.heard.pause_s

    @property
    def needs_place(self) -> bool:
        """Whether transcribing it costs much. Text costs next to nothing."""
        return self.hears and not self.heard.is_text

    @property
    def begin(self) -> datetime:
        return min(stream.opened_at for stream in self.streams.values())

    # --- Streams

    def add_stream(self, stream: OpenStream, reader: PacketReader) -> None:
        self.streams[stream.pk] = stream
        if self.heard.audio is not None and _is_text(stream.media):
            return  # text beside audio is left out, as in the recording
        above = self.positions.get("text", {}).get(str(stream.pk))
        anchors = self.positions.get("streams", {}).get(stream.name, {})
        since = min((each[0] for each in anchors.values()), default=None)
        if self.from_now:
            reader.open_newest(stream.pk, above=above, received_after=self.heard_at)
        else:
            reader.open(stream.pk, since=since, above=above)

    def decide(self, packets: Sequence[StoredPacket]) -> bool:
        """Find out whether the call is audio or text. Returns whether that is known."""
        heard = self.heard
        if heard.audio is not None or heard.is_text:
            return True
        kinds = {kind for kind in map(self._kind, self.streams.values()) if kind}
        if not kinds and packets:
            kinds = {"audio" if sniff([self._row(each) for each in packets]).is_audio else "text"}
        if "audio" in kinds:
            heard.audio = LiveCall(
                default_media=self.override or self.media,
                speakers=self.speakers,
                detector=self.detector,
                positions=self.positions,
            )
        heard.is_text = kinds == {"text"}
        return bool(kinds)

    def _kind(self, stream: OpenStream) -> str:
        media = self._media(stream) or self.media
        return media.partition("/")[0] if media.startswith(("audio/", "text/")) else ""

    def _media(self, stream: OpenStream) -> str:
        """Return the declared format, or what a person chose. Text beside audio stays text."""
        is_mixed = len({_is_text(each.media) for each in self.streams.values()}) > 1
        if self.override and not (is_mixed and _is_text(stream.media)):
            return self.override
        return stream.media

    # --- Packets

    def take(self, packets: Sequence[StoredPacket], now: float, *, heard_at: datetime) -> None:
        """Pass packets on, as soon as it is known what they are."""
        packets = [*self.held, *packets]
        self.held = []
        self.taken_at = now
        if self.heard.is_text:
            self.heard.now_ms = _ms(heard_at - self.begin)
        if not packets or not self.decide(packets):
            self.held = packets
            return
        if not self.hears and self.heard.audio is not None:
            return
        if self.heard.audio is not None:
            self._take_audio(self.heard.audio, packets, now)
        else:
            self.heard.add_text(list(self._parts(packets)), heard_at=heard_at)

    def _take_audio(self, live: LiveCall, packets: Sequence[StoredPacket], now: float) -> None:
        for packet in packets:
            stream = self.streams[packet.stream_pk]
            if not stream.is_open:
                stream.is_open = True
                live.open_stream(stream.name, offset_ms=self._offset_ms(stream, packet))
        live.add([self._row(each) for each in packets], now)

    def _offset_ms(self, stream: OpenStream, first: StoredPacket) -> int:
        """Return when the first packet that is transcribed of a stream was received."""
        begin = stream.opened_at
        if self.from_now and first.sequence != stream.first_sequence:
            begin = first.received_at
            self.heard.note_skipped(self.heard.until_ms, _ms(begin - self.begin))
        return _ms(begin - self.begin)

    def _parts(
        self, packets: Iterable[StoredPacket]
    ) -> Iterator[tuple[int, Speaker, int, int, str]]:
        for packet in packets:
            begin_ms = _ms(packet.received_at - self.begin)
            if self.from_now:
                self.from_now = False
                self.heard.note_skipped(self.heard.until_ms, begin_ms)
            self.heard.text_positions[str(packet.stream_pk)] = packet.pk
            parts = list(spoken_parts(packet.data, packet.track, self.speakers))[:PARTS]
            for part, (speaker, words) in enumerate(parts):
                end_ms = begin_ms + MS_PER_WORD * len(words.split())
                yield packet.pk * PARTS + part, speaker, begin_ms, end_ms, words
                begin_ms = end_ms

    def _row(self, packet: StoredPacket) -> PacketRow:
        stream = self.streams[packet.stream_pk]
        return PacketRow(
            stream=stream.name,
            track=packet.track,
            sequence=packet.sequence,
            timestamp=packet.timestamp,
            data=packet.data,
            media=self._media(stream),
            received=packet.received_at.timestamp(),
        )


def open_calls(
    rows: Mapping[int, LiveTranscription],
    *,
    now: datetime,
    clock: float,
    hears: bool,
    detector: Any = None,
) -> Iterator[OpenCall]:
    """Load what is needed to transcribe calls that have just been leased."""
    speakers = speaker_map(settings.TRACK_SPEAKERS)
    known: dict[int, list[LiveUtterance]] = {pk: [] for pk in rows}
    for utterance in LiveUtterance.objects.filter(call__in=rows).defer("needle").order_by("pk"):
        known[utterance.call_id].append(utterance)
    fields = ("pk", "call_id", "media", "media_override", "language", "opened_at")
    for call in Call.objects.filter(pk__in=rows).only(*fields):
        row = rows[call.pk]
        language = call.language or str(settings.AI_LANGUAGE)
        heard = HeardCall(call.pk, call.call_id, row.token, language, since=clock)
        heard.restore(row, known[call.pk])
        from_now = now - (row.changed_at or call.opened_at) > STALE
        positions = dict(row.positions)
        if from_now:
            positions.update(streams={}, channels={})
        heard.text_positions = dict(positions.get("text", {}))
        yield OpenCall(
            heard,
            call.media,
            call.media_override,
            speakers,
            positions,
            from_now,
            row.changed_at,
            hears,
            detector,
        )


def find_streams(pks: Collection[int]) -> Iterator[tuple[int, OpenStream]]:
    """Yield the streams of calls, each run separately, with the key of their call."""
    rows = Stream.objects.filter(call__in=pks).order_by("pk")
    names = ("call_id", "pk", "name", "run", "media", "opened_at", "first_sequence")
    for call_pk, pk, name, run, media, opened_at, first in rows.values_list(*names):
        yield call_pk, OpenStream(pk, f"{name}/{run}", media, opened_at, first)


def _is_text(media: str) -> bool:
    return media.startswith("text/")


def _ms(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))
