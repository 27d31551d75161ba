"""Mixing the tracks of all streams into one channel per speaker, on one timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.crowding import Gaps, silence_limit_s, some_of, with_few_tracks
from calls.analysis.media.packets import TypedPacket, speaker_of
from calls.analysis.media.plausibility import doubts, find_troubles
from calls.analysis.media.timeline import MAX_GAP_S
from calls.analysis.media.tracks import PlacedTrack, build_tracks, place_tracks, render
from calls.conversation import SPEAKERS, CallAudio, Channel, Span, Speaker

_TOGETHER_S = 0.1  # tracks that start within this time start together
_OVERLAP_S = 1.0
_BLOCK_SAMPLES = 1 << 20
MAX_NOTES = 100
_SAME_AUDIO = 1e-3  # two channels of the same audio may differ in this share of the energy


@dataclass(frozen=True, slots=True)
class Voice:
    """A placed track, the speaker of each of its channels, and its start in its stream."""

    placed: PlacedTrack
    speakers: tuple[Speaker, ...]
    offset_s: float

    @property
    def end_s(self) -> float:
        return self.offset_s + self.placed.duration_s


@dataclass(frozen=True, slots=True)
class StreamAudio:
    voices: tuple[Voice, ...]
    start_s: float | None

    @property
    def duration_s(self) -> float:
        return max(voice.end_s for voice in self.voices)

    @property
    def speakers(self) -> set[Speaker]:
        return {speaker for voice in self.voices for speaker in voice.speakers}


def call_audio(
    packets: Sequence[TypedPacket],
    speakers: Mapping[str, Speaker],
    stream_order: Sequence[str],
    *,
    corrects_rates: bool = True,
) -> CallAudio:
    """Build the channels of a call from its audio packets, without duplicates."""
    few, notes = with_few_tracks(packets, speakers)
    tracks = build_tracks(few)
    if not tracks:
        return CallAudio((), notes=("No audio was received.",))
    if not any(track.is_heard for track in tracks):
        damaged = sum(track.damaged for track in tracks)
        return CallAudio((), notes=(f"None of the {damaged} packets could be decoded.",))
    groups = [list(group) for _, group in groupby(tracks, lambda track: track.stream)]
    longest_s = silence_limit_s(len(groups))
    placed_groups = [
        place_tracks(group, corrects_rates=corrects_rates, silence_s=longest_s) for group in groups
    ]
    streams = [_stream(group, speakers, notes) for group in placed_groups]
    starts = _starts(streams, _opened(streams, stream_order), notes)
    rate = max(each.track.media.rate for group in placed_groups for each in group)
    channels = _one_if_the_same(_mix(streams, starts, rate), notes)
    notes += _speaker_notes(streams, speakers, channels)
    placed = [voice.placed for stream in streams for voice in stream.voices]
    troubles = tuple(dict.fromkeys(find_troubles(placed, channels)))[:MAX_NOTES]
    notes += [*_packet_notes(placed), *doubts(placed, troubles)]
    missing = _missing(streams, starts)
    received_ms = _received_ms(streams, starts, missing)
    told = tuple(dict.fromkeys(notes))[:MAX_NOTES]
    return CallAudio(channels, missing, told, received_ms, troubles)


def _stream(
    placed: list[PlacedTrack], speakers: Mapping[str, Speaker], notes: list[str]
) -> StreamAudio:
    starts = [each.start_s for each in placed if each.start_s is not None]
    start_s = min(starts) if len(starts) == len(placed) else None
    by_start = sorted(placed, key=lambda each: (each.start_s or 0.0, each.track.name))
    voices: list[Voice] = []
    moved: list[str] = []
    gaps, end_s = Gaps(), 0.0
    for each in by_start:
        wanted = 0.0 if each.start_s is None or start_s is None else each.start_s - start_s
        offset = 0.0 if wanted < _TOGETHER_S else gaps.cut(wanted, end_s)
        if offset < wanted - _TOGETHER_S:
            moved.append(each.track.name)
        voices.append(Voice(each, _speakers_of(each, speakers), offset))
        end_s = max(end_s, voices[-1].end_s)
    if moved:
        notes.append(f"Track {some_of(moved)} starts implausibly late: moved earlier.")
    return StreamAudio(tuple(voices), start_s)


def _speakers_of(placed: PlacedTrack, speakers: Mapping[str, Speaker]) -> tuple[Speaker, ...]:
    if placed.track.media.channels == 2:
        return SPEAKERS
    return (speaker_of(placed.track.name, speakers) or "customer",)


def _opened(streams: Sequence[StreamAudio], stream_order: Sequence[str]) -> list[int]:
    """Return the indexes of the streams in opening order; unknown ones come last."""
    rank = {name: place for place, name in enumerate(stream_order)}
    names = [stream.voices[0].placed.track.stream for stream in streams]
    return sorted(range(len(streams)), key=lambda at: rank.get(names[at], len(rank)))


def _starts(streams: Sequence[StreamAudio], opened: list[int], notes: list[str]) -> list[float]:
    """Return the start of each stream, in seconds from the start of the call, in the same order."""
    order = _by_clock(streams, opened)
    if not _clocks_agree([streams[index] for index in order]):
        notes.append("The clocks of the streams do not match: one follows another.")
        starts = dict.fromkeys(order, 0.0)
        for before, index in pairwise(opened):
            starts[index] = starts[before] + streams[before].duration_s
        return [starts[index] for index in range(len(streams))]
    wanted, cut = _wanted_starts(streams, order)
    if cut == 1:
        notes.append(f"A gap between two streams was cut to {MAX_GAP_S:.0f} s.")
    elif cut:
        notes.append(f"{cut} gaps between streams were cut to {MAX_GAP_S:.0f} s or less.")
    return _without_overlaps(streams, order, wanted)


def _by_clock(streams: Sequence[StreamAudio], opened: list[int]) -> list[int]:
    """Return the order of the streams by their clocks, unless that is their opening order.

    Where a stream starts is only known to a second: a clock that is set back soon after makes it
    look earlier.
    """
    clocks = [streams[index].start_s or 0.0 for index in opened]
    if all(later >= earlier - _OVERLAP_S for earlier, later in pairwise(clocks)):
        return opened
    return sorted(opened, key=lambda index: streams[index].start_s or 0.0)


def _wanted_starts(
    streams: Sequence[StreamAudio], order: list[int]
) -> tuple[dict[int, float], int]:
    """Return the start of each stream by its clock, and how many gaps between them were cut."""
    wanted = dict.fromkeys(order, 0.0)
    gaps, end, cut = Gaps(), streams[order[0]].duration_s, 0
    for before, index in pairwise(order):
        passed = (streams[index].start_s or 0.0) - (streams[before].start_s or 0.0)
        wanted[index] = gaps.cut(wanted[before] + passed, end)
        cut += wanted[index] < wanted[before] + passed
        end = max(end, wanted[index] + streams[index].duration_s)
    first = min(wanted.values())
    return {index: start - first for index, start in wanted.items()}, cut


def _without_overlaps(
    streams: Sequence[StreamAudio], order: list[int], wanted: Mapping[int, float]
) -> list[float]:
    """Let a stream wait for the end of its speakers' earlier streams: mixed words are lost."""
    starts = [0.0] * len(streams)
    ends: dict[Speaker, float] = {}
    for index in order:
        heard = [(who, each) for each in streams[index].voices for who in each.speakers]
        free = max(ends.get(who, 0.0) - each.offset_s for who, each in heard)
        starts[index] = max(wanted[index], free)
        for who, each in heard:
            ends[who] = max(ends.get(who, 0.0), starts[index] + each.end_s)
    return starts


def _clocks_agree(ordered: Sequence[StreamAudio]) -> bool:
    """Return whether streams can be placed by their clocks.

    They cannot if a clock is unusable, or if one speaker would talk in two streams at once. In the
    second case each stream counts from its own start.
    """
    if len(ordered) < 2:
        return True
    if any(stream.start_s is None for stream in ordered):
        return False
    ends: dict[Speaker, float] = {}
    for stream in ordered:
        start = stream.start_s or 0.0
        for speaker in stream.speakers:
            if ends.get(speaker, start) - start > min(_OVERLAP_S, stream.duration_s / 2):
                return False
            ends[speaker] = start + stream.duration_s
    return True


def _mix(streams: Sequence[StreamAudio], starts: Sequence[float], rate: int) -> tuple[Channel, ...]:
    present = [who for who in SPEAKERS if any(who in stream.speakers for stream in streams)]
    pairs = zip(starts, streams, strict=True)
    length = max(
        round((start + voice.offset_s) * rate) + _samples(voice, rate)
        for start, stream in pairs
        for voice in stream.voices
    )
    sums = {speaker: np.zeros(length, np.int16) for speaker in present}
    for start, stream in zip(starts, streams, strict=True):
        for voice in stream.voices:
            begin = round((start + voice.offset_s) * rate)
            for speaker, samples in zip(voice.speakers, render(voice.placed, rate), strict=True):
                _add(sums[speaker][begin : begin + len(samples)], samples)
    return tuple(Channel(speaker, samples, rate) for speaker, samples in sums.items())


def _samples(voice: Voice, rate: int) -> int:
    return round(voice.placed.samples * rate / voice.placed.track.media.rate)


def _add(target: NDArray[np.int16], samples: NDArray[np.int16]) -> None:
    """Add in blocks: a whole hour in 32 bits would double the memory that is needed."""
    for begin in range(0, len(samples), _BLOCK_SAMPLES):
        block = slice(begin, begin + _BLOCK_SAMPLES)
        total = target[block].astype(np.int32) + samples[block]
        target[block] = np.clip(total, -32768, 32767)


def _one_if_the_same(channels: tuple[Channel, ...], notes: list[str]) -> tuple[Channel, ...]:
    if len(channels) < 2 or not _same_audio(channels[0].samples, channels[1].samples):
        return channels
    notes.append(
        "Both channels carry the same audio, so the speakers cannot be told apart: "
        "all of it is attributed to the customer."
    )
    return tuple(channel for channel in channels if channel.speaker == "customer")


def _same_audio(left: NDArray[np.int16], right: NDArray[np.int16]) -> bool:
    difference = energy = 0.0
    for begin in range(0, len(left), _BLOCK_SAMPLES):
        one = left[begin : begin + _BLOCK_SAMPLES].astype(np.float64)
        other = right[begin : begin + _BLOCK_SAMPLES].astype(np.float64)
        difference += float(np.square(one - other).sum())
        energy += float(np.square(one).sum())
    return energy > 0 and difference <= _SAME_AUDIO * energy


def _missing(streams: Sequence[StreamAudio], starts: Sequence[float]) -> tuple[Span, ...]:
    spans = [
        (
            round((start + voice.offset_s + begin) * 1000),
            round((start + voice.offset_s + end) * 1000),
        )
        for start, stream in zip(starts, streams, strict=True)
        for voice in stream.voices
        for begin, end in voice.placed.missing()
    ]
    return tuple(_merged(spans))


def _received_ms(
    streams: Sequence[StreamAudio], starts: Sequence[float], missing: Sequence[Span]
) -> int:
    """Return how long audio was received on at least one track, without what is missing."""
    heard = [
        (
            round((start + voice.offset_s + begin) * 1000),
            round((start + voice.offset_s + end) * 1000),
        )
        for start, stream in zip(starts, streams, strict=True)
        for voice in stream.voices
        for begin, end in voice.placed.heard()
    ]
    either = [*heard, *((span.begin_ms, span.end_ms) for span in missing)]
    return sum(span.duration_ms for span in _merged(either)) - sum(
        span.duration_ms for span in missing
    )


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[Span]:
    current: tuple[int, int] | None = None
    for begin, end in sorted(spans):
        if current and begin <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current:
            yield Span(*current)
        current = (begin, end)
    if current:
        yield Span(*current)


def _speaker_notes(
    streams: Sequence[StreamAudio], speakers: Mapping[str, Speaker], channels: Sequence[Channel]
) -> Iterator[str]:
    mono = {
        voice.placed.track.name
        for stream in streams
        for voice in stream.voices
        if len(voice.speakers) == 1
    }
    unknown = sorted(name for name in mono if speaker_of(name, speakers) is None)
    if unknown == [""] and len(channels) == 1:
        yield (
            "The call has a single channel, so the speakers cannot be told apart: "
            "all of it is attributed to the customer."
        )
    elif unknown:
        yield f"The speaker on track {some_of(unknown)} is unknown: assumed to be the customer."


def _packet_notes(tracks: Sequence[PlacedTrack]) -> Iterator[str]:
    damaged = sum(each.track.damaged for each in tracks)
    if damaged:
        yield f"{damaged} packets could not be decoded: silence replaces them."
    if capped := sum(each.silences.capped for each in tracks):
        yield f"{capped} implausibly long gaps were cut to {MAX_GAP_S:.0f} s or less."
    if jumps := sum(each.silences.jumps for each in tracks):
        yield f"Sequence numbers jumped {jumps} times where the clock shows no such gap."
    if set_back := max(each.set_back for each in tracks):
        yield f"The sender's clock was set back {set_back} times: the audio is in its order."
    if pauses := sum(each.pauses for each in tracks):
        seconds = sum(each.paused_s for each in tracks)
        yield f"The sender paused {pauses} times, {seconds:.1f} s in all: filled with silence."
