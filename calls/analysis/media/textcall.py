"""Text calls: packets that carry text instead of audio, turned into turns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from statistics import median

from calls.analysis.media.packets import PacketRow, speaker_of
from calls.conversation import Skipped, Speaker, Turn, join_turns

_MS_PER_WORD = 400  # 150 words per minute
_MILLISECONDS = 100.0
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
    text: str

    @property
    def spoken_ms(self) -> int:
        return len(self.text.split()) * _MS_PER_WORD


def text_call(rows: Sequence[PacketRow], speakers: Mapping[str, Speaker]) -> TextCall:
    """Build a text call from its packets, without duplicates."""
    timed, notes = _timed(_in_order(rows))
    lines = [line for begin, row in timed for line in _lines(row, begin, speakers)]
    nameless = sum(line.speaker is None for line in lines)
    if nameless:
        notes.append(
            f"The speaker of {nameless} of the lines is unknown: assumed to be the customer."
        )
    if not lines:
        notes.append("No words were received.")
    return TextCall(join_turns(_turns(lines)), (_ESTIMATED,), tuple(notes))


def _in_order(rows: Sequence[PacketRow]) -> list[tuple[float, PacketRow]]:
    """Return packets with their times in seconds, ordered by sequence within a stream and by clock
    across streams.
    """
    timed: list[tuple[float, PacketRow]] = []
    ordered = sorted(rows, key=attrgetter("stream", "sequence"))
    for _, group in groupby(ordered, attrgetter("stream")):
        latest = float("-inf")
        for row in group:
            latest = max(latest, row.stamp)
            timed.append((latest, row))
    return sorted(timed, key=lambda item: (item[0], item[1].stream, item[1].sequence))


def _timed(
    ordered: Sequence[tuple[float, PacketRow]],
) -> tuple[list[tuple[int, PacketRow]], list[str]]:
    """Return packets with their start in ms, and notes. A clock that stands still is ignored."""
    if not ordered:
        return [], []
    first, last = ordered[0][0], ordered[-1][0]
    if len(ordered) > 1 and first == last:
        note = "The packets carry no usable times: times are estimated from the words."
        return _by_words([row for _, row in ordered]), [note]
    scale = 1 if _counts_milliseconds(ordered) else 1000
    return [(round((stamp - first) * scale), row) for stamp, row in ordered], []


def _by_words(rows: Sequence[PacketRow]) -> list[tuple[int, PacketRow]]:
    begin, timed = 0, []
    for row in rows:
        timed.append((begin, row))
        begin += len(row.data.split()) * _MS_PER_WORD
    return timed


def _counts_milliseconds(ordered: Sequence[tuple[float, PacketRow]]) -> bool:
    paces = [
        (after[0] - before[0]) / (len(before[1].data.split()) * _MS_PER_WORD / 1000)
        for before, after in pairwise(ordered)
        if before[1].data.split()
    ]
    return bool(paces) and median(paces) > _MILLISECONDS


def _lines(row: PacketRow, begin_ms: int, speakers: Mapping[str, Speaker]) -> Iterator[_Line]:
    """Split a packet's text at lines that start with a speaker's name."""
    for speaker, words in _spoken(row.data, speaker_of(row.track, speakers)):
        line = _Line(speaker, begin_ms, words)
        yield line
        begin_ms += line.spoken_ms


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


def _turns(lines: Sequence[_Line]) -> Iterator[Turn]:
    for index, line in enumerate(lines):
        end = line.begin_ms + line.spoken_ms
        if index + 1 < len(lines):
            end = max(line.begin_ms, min(end, lines[index + 1].begin_ms))
        yield Turn(line.speaker or "customer", line.begin_ms, end, line.text)
