"""Finding sound in a channel by its energy, without a model. It may not be speech."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from calls.conversation import Channel, Span

FRAME_MS = 30
FLOOR = 120.0  # root mean square of 16-bit samples, -49 dBFS: line noise stays below
MIN_SOUND_MS = 90
MAX_PAUSE_MS = 600


def loud_spans(channel: Channel) -> tuple[Span, ...]:
    """Return the spans with sound. Pauses shorter than 0.6 s do not split a span."""
    spans: list[Span] = []
    at_ms = 0
    for loud, frames in groupby(levels(channel, FRAME_MS) >= FLOOR):
        end_ms = at_ms + len(list(frames)) * FRAME_MS
        if loud and end_ms - at_ms >= MIN_SOUND_MS:
            _add(spans, Span(at_ms, min(end_ms, channel.duration_ms)))
        at_ms = end_ms
    return tuple(spans)


def _add(spans: list[Span], span: Span) -> None:
    if spans and span.begin_ms - spans[-1].end_ms < MAX_PAUSE_MS:
        span = Span(spans.pop().begin_ms, span.end_ms)
    spans.append(span)


def levels(channel: Channel, frame_ms: int) -> NDArray[np.float64]:
    """Return the root mean square of each frame, including a short last one."""
    size = max(1, channel.rate * frame_ms // 1000)
    begins = range(0, len(channel.samples), size)
    frames = (channel.samples[begin : begin + size].astype(np.float64) for begin in begins)
    return np.array([np.sqrt(np.mean(np.square(frame))) for frame in frames])
