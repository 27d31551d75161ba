"""Plausibility of received audio: wrong formats, file headers, clipping.

Nothing is corrected here. ``notes`` tell the reader about a wrong format. The sender must fix it,
or an operator decodes the call again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.decoding import LEAST_SAMPLES, sound_of
from calls.analysis.media.tracks import PlacedTrack, Track
from calls.analysis.media.troubles import describe, name_track
from calls.conversation import Channel, SoundTrouble
from calls.formats.media_types import Encoding, MediaFormat

# Neighbouring samples of speech are correlated: 0.77 to 0.87 in telephone calls. In the wrong
# format the correlation drops to 0.05 to 0.3. If the two G.711 laws are confused, it is 0.6 to 0.7,
# and the sound is several times as loud.
MUCH_SMOOTHER, SMOOTHER, MUCH_LOUDER = 0.35, 0.08, 2.0
CLIPPED_SHARE = 0.01
LIMIT = 32_000
ENCODINGS: tuple[Encoding, ...] = ("mulaw", "alaw", "l16le", "l16be")


def doubts(tracks: Sequence[PlacedTrack], troubles: Sequence[SoundTrouble]) -> Iterator[str]:
    """Yield sentences about problems in the audio, those of ``troubles`` among them."""
    for placed in tracks:
        track = placed.track
        name = name_track(track.name)
        if track.sample()[:4] == b"RIFF":
            yield f"The packets of {name} contain a file header: send only samples."
        yield from _rate_notes(track, name)
    yield from map(describe, troubles)


def find_troubles(
    tracks: Sequence[PlacedTrack], channels: Sequence[Channel]
) -> Iterator[SoundTrouble]:
    """Yield wrong formats and clipping."""
    for placed in tracks:
        track = placed.track
        if better := find_better_format(track.sample(), track.media):
            declared = track.media.encoding
            yield SoundTrouble("wrong_codec", track=track.name, declared=declared, fits=better)
    yield from find_clipping(channels)


def find_clipping(channels: Sequence[Channel]) -> Iterator[SoundTrouble]:
    for channel in channels:
        share = _clipped(channel.samples)
        if share >= CLIPPED_SHARE:
            percent = round(100 * share)
            yield SoundTrouble("clipping", speaker=channel.speaker, percent=percent)


def _rate_notes(track: Track, name: str) -> Iterator[str]:
    doubt = track.doubt
    if doubt is None:
        return
    if doubt.rate is not None:
        yield (
            f"The audio of {name} was declared as {track.declared_rate} Hz. Its clock and its "
            f"sound show {doubt.rate} Hz: it was decoded as that."
        )
        return
    yield (
        f"The clock of {name} shows {doubt.factor:.2g} s of audio for every second: check the "
        "sample rate that the sender declares."
    )


def find_better_format(payload: bytes, declared: MediaFormat) -> Encoding | None:
    """Return another encoding in which the bytes clearly sound more like speech, or None."""
    if not declared.is_audio:
        return None
    smooth, loud = sound_of(payload, declared)
    for encoding in ENCODINGS:
        if encoding == declared.encoding or not loud:
            continue
        other_smooth, other_loud = sound_of(payload, replace(declared, encoding=encoding))
        louder = loud > MUCH_LOUDER * other_loud > 0
        laws = {encoding, declared.encoding} == {"mulaw", "alaw"}
        if louder and other_smooth - smooth > (SMOOTHER if laws else MUCH_SMOOTHER):
            return encoding
    return None


def _clipped(samples: NDArray[np.int16]) -> float:
    """Return the share of samples at the limits. Overdriven speech reaches both limits."""
    if len(samples) < LEAST_SAMPLES:
        return 0.0
    above, below = np.count_nonzero(samples > LIMIT), np.count_nonzero(samples < -LIMIT)
    return float((above + below) / len(samples)) if min(above, below) * 10 > above + below else 0.0
