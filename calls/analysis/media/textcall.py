"""Text calls: packets that carry text instead of audio, turned into turns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise, zip_longest
from operator import attrgetter, itemgetter

from calls.analysis.media.packets import PacketRow, speaker_of
from calls.analysis.media.stamps import Placed, align, place, read_seconds
from calls.analysis.media.timeline import MAX_GAP_S
from calls.conversation import Skipped, Speaker, Turn, join_turns

_MS_PER_WORD = 400  # 150 words per minute
_PREFIX = re.compile(r"^[ \t]*(agent|customer)[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_ESTIMATED = Skipped(
    "speech", "The call arrived as text: turns start with their packets; their ends are estimated."
)


@dataclass(frozen=True, slots=True)
class TextCall:
    """The turns of a text call. ``notes`` are sentences for people."""

    turns: tuple[Turn, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def duration_ms(self) -> int:
        return max((turn.end_ms for turn in self.turns), default=0)


@dataclass(frozen=True, slots=True)
class _Line:
    """Text of one speaker, who is None if unknown."""

    speaker: Speaker | None
    begin_ms: int
    end_ms: int
    text: str


def text_call(
    rows: Sequence[PacketRow],
    speakers: Mapping[str, Speaker],
    *,
    received_s: float | None = None,
) -> TextCall:
    """Build a text call from its packets, without duplicates.

    ``received_s`` is how long it took to receive them, which tells milliseconds from seconds.
    """
    timed, notes = _timed(_streams(rows), received_s)
    lines = list(_lines(timed, speakers))
    nameless = sum(line.speaker is None for line in lines)
    if nameless:
        notes.append(
            f"The speaker of {nameless} of the lines is unknown: assumed to be the customer."
        )
    if not lines:
        notes.append("No words were received.")
    turns = (Turn(line.speaker or "customer", line.begin_ms, line.end_ms, line.text)
             for line in lines)  # fmt: skip
    return TextCall(join_turns(turns), (_ESTIMATED,), tuple(notes))


def _streams(rows: Sequence[PacketRow]) -> list[list[PacketRow]]:
    """Return the packets of each stream, ordered by sequence."""
    ordered = sorted(rows, key=attrgetter("stream", "sequence"))
    return [list(group) for _, group in groupby(ordered, attrgetter("stream"))]


def _timed(
    streams: Sequence[Sequence[PacketRow]], received_s: float | None
) -> tuple[list[tuple[int, PacketRow]], list[str]]:
    """Return the packets of all streams in spoken order with their start in ms, and notes."""
    spoken_s = [[_spoken_ms(row.data) / 1000 for row in rows] for rows in streams]
    stamps = [[row.timestamp for row in rows] for rows in streams]
    seconds = read_seconds(stamps, spoken_s, received_s)
    placed = [place(*pair) for pair in zip(seconds, spoken_s, strict=True)]
    times, late = align([each.times for each in placed])
    timed = [
        (round(at * 1000), row)
        for stream, rows in zip(times, streams, strict=True)
        for at, row in zip(stream, rows, strict=True)
    ]
    timed.sort(key=itemgetter(0))  # streams keep their order where times are the same
    return timed, list(_time_notes(timed, placed, late))


def _time_notes(
    timed: Sequence[tuple[int, PacketRow]], placed: Sequence[Placed], late: int
) -> Iterator[str]:
    unknown = sum(each.unknown for each in placed)
    if len(timed) > 1 and timed[0][0] == timed[-1][0]:
        yield "The packets carry no usable times: times are estimated from the words."
    elif unknown:
        yield f"{unknown} packets carry no usable time: their times are estimated."
    if capped := late + sum(each.capped for each in placed):
        yield f"{capped} implausibly long gaps were cut to {MAX_GAP_S:.0f} s or less."
    if set_back := sum(each.set_back for each in placed):
        yield f"The sender's clock was set back {set_back} times: the words are in their order."


def _lines(
    timed: Sequence[tuple[int, PacketRow]], speakers: Mapping[str, Speaker]
) -> Iterator[_Line]:
    """Split the packets at lines that start with a speaker's name.

    Packets of the same time share the time until the next packet. Each line has a length.
    """
    moments = [(at, list(group)) for at, group in groupby(timed, itemgetter(0))]
    ends = [at for at, _ in moments[1:]]
    for (at, group), end in zip_longest(moments, ends):
        parts = [
            part for _, row in group for part in _spoken(row.data, speaker_of(row.track, speakers))
        ]
        lengths = [_spoken_ms(words) for _, words in parts]
        needed = sum(lengths)
        share = min(1.0, (end - at) / needed) if end is not None and needed else 1.0
        begins = [at + round(passed * share) for passed in accumulate(lengths, initial=0)]
        for (speaker, words), (begin, until) in zip(parts, pairwise(begins), strict=True):
            yield _Line(speaker, begin, max(until, begin + 1), words)


def _spoken_ms(words: str) -> int:
    return len(words.split()) * _MS_PER_WORD


def spoken_parts(
    data: str, track: str, speakers: Mapping[str, Speaker]
) -> Iterator[tuple[Speaker, str]]:
    """Yield who says what in one text packet. An unknown speaker counts as the customer."""
    for speaker, words in _spoken(data, speaker_of(track, speakers)):
        yield speaker or "customer", words


def _spoken(data: str, by_track: Speaker | None) -> Iterator[tuple[Speaker | None, str]]:
    for named, text in _named_parts(data):
        words = " ".join(text.split())
        if by_track and named and named != by_track:
            words = f"{named.capitalize()}: {words}"  # the track decides: treat the name as text
        if words:
            yield by_track or named, words


def _named_parts(data: str) -> Iterator[tuple[Speaker | None, str]]:
    if ":" not in data:
        yield None, data
        return
    head, *rest = _PREFIX.split(data)
    yield None, head
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        yield ("agent" if name.lower() == "agent" else "customer"), text
