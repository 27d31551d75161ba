"""Limits for calls with many streams and tracks: on the cost of handling them, not on their audio.

A sender that uses a new track or stream name for each packet would otherwise cost work that grows
with the square of the packets, and memory for silence that nobody spoke into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calls.analysis.media.packets import TypedPacket, speaker_of
from calls.analysis.media.timeline import MAX_GAP_S, MAX_SILENCE_S
from calls.conversation import Speaker

MAX_TRACKS = 100  # of one stream
MAX_TRACKS_OF_CALL = 1_000
SILENT_STREAMS = 8  # may each have all of MAX_SILENCE_S; more of them share what these have
NAMED = 5  # in a note


@dataclass(slots=True)
class Gaps:
    """The time without any audio between the tracks of a stream, or the streams of a call."""

    used_s: float = 0.0

    def cut(self, wanted_s: float, end_s: float) -> float:
        """Return when something starts that wants to, if all before it ends at ``end_s``.

        A gap is at most MAX_GAP_S long, and all gaps together are at most MAX_SILENCE_S long.
        """
        gap_s = min(wanted_s - end_s, MAX_GAP_S, max(0.0, MAX_SILENCE_S - self.used_s))
        self.used_s += max(0.0, gap_s)
        return end_s + gap_s


def silence_limit_s(streams: int) -> float:
    """Return how much silence each track may get in a call of so many streams."""
    return MAX_SILENCE_S * min(1.0, SILENT_STREAMS / max(1, streams))


def with_few_tracks(
    packets: Sequence[TypedPacket], speakers: Mapping[str, Speaker]
) -> tuple[Sequence[TypedPacket], list[str]]:
    """Return the packets, and a note if the tracks of a stream were too many to tell them apart.

    Those whose speaker is not known are then one track, in the order of their numbers.
    """
    names: defaultdict[str, set[str]] = defaultdict(set)
    for packet in packets:
        names[packet.row.stream].add(packet.row.track)
    most = MAX_TRACKS if sum(map(len, names.values())) <= MAX_TRACKS_OF_CALL else 2
    crowded = {stream for stream, found in names.items() if len(found) > most}
    if not crowded:
        return packets, []
    count = sum(len(names[stream]) for stream in crowded)
    note = f"{count:,} names of tracks are too many to tell apart: those not known are one track."
    return [
        packet._replace(row=packet.row._replace(track=""))
        if packet.row.stream in crowded and speaker_of(packet.row.track, speakers) is None
        else packet
        for packet in packets
    ], [note]


def some_of(names: Sequence[str]) -> str:
    """Return names for a note, and how many more there are."""
    told = ", ".join(name or "(no name)" for name in names[:NAMED])
    return told if len(names) <= NAMED else f"{told} and {len(names) - NAMED:,} more"
