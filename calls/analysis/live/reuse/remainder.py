"""The parts of a finished call without live words, as one short recording for the provider.

The parts of a channel follow one another, with some of the audio around them and silence between.
What the provider returns is moved to its place in the call, and what it recognised outside the
parts is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calls.analysis.live.reuse.placing import Extent
from calls.conversation import Channel, Span, Speaker, Turn, Word

AROUND_S = 1.0  # audio around an extent, so that a word across its edge is recognised in full
SEPARATOR_S = 2.0  # longer than the gap across which turns are joined


@dataclass(frozen=True, slots=True)
class _Piece:
    """Samples [begin, end) of the call, which are at ``at`` in the short recording."""

    at: int
    begin: int
    end: int

    @property
    def shift(self) -> int:
        return self.begin - self.at


class Remainder:
    """The open extents of one channel. ``channel`` is the short recording of them."""

    def __init__(self, channel: Channel, extents: Sequence[Extent], *, with_context: bool) -> None:
        self.speaker: Speaker = channel.speaker
        self._rate = channel.rate
        self._open = list(extents)
        around = round(AROUND_S * channel.rate) if with_context else 0
        widened = [
            (max(0, begin - around), min(end + around, len(channel.samples)))
            for begin, end in extents
        ]
        separator = round(SEPARATOR_S * channel.rate)
        self._pieces = list(_pieces(widened, separator))
        self._ats = [piece.at for piece in self._pieces]
        end = self._pieces[-1].at + self._pieces[-1].end - self._pieces[-1].begin
        samples = np.zeros(end, np.int16)
        for piece in self._pieces:
            own = channel.samples[piece.begin : piece.end]
            samples[piece.at : piece.at + len(own)] = own
        self.channel = Channel(channel.speaker, samples, channel.rate)

    def is_inside(self, span: Span | Word | Turn) -> bool:
        """Whether the middle of what was recognised in the call lies in an open extent."""
        middle = (span.begin_ms + span.end_ms) / 2 * self._rate / 1000
        return any(begin <= middle < end for begin, end in self._open)

    def clipped(self, span: Span) -> Iterator[Span]:
        """Yield the parts of a span in the call that lie in open extents."""
        for extent in self._open:
            begin, end = (round(each * 1000 / self._rate) for each in extent)
            if min(end, span.end_ms) > max(begin, span.begin_ms):
                yield Span(max(begin, span.begin_ms), min(end, span.end_ms))

    def in_call(self, span: Span | Word | Turn) -> Span:
        """Return when in the call something was said that the provider recognised at ``span``.

        Its middle decides the piece. It is cut to that, as words may run into the silence around.
        """
        middle = (span.begin_ms + span.end_ms) * self._rate // 2000
        piece = self._pieces[max(0, bisect_right(self._ats, middle) - 1)]
        first, last = (each * 1000 // self._rate for each in (piece.begin, piece.end))
        shift_ms = round(piece.shift * 1000 / self._rate)
        begin, end = span.begin_ms + shift_ms, span.end_ms + shift_ms
        return Span(min(max(begin, first), last), min(max(end, first), last))


def _pieces(extents: Sequence[Extent], separator: int) -> Iterator[_Piece]:
    """Join the extents that touch, and place them one after the other."""
    joined: list[Extent] = []
    for begin, end in extents:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    at = 0
    for begin, end in joined:
        yield _Piece(at, begin, end)
        at += end - begin + separator
