"""Trouble with the sound that shows only once speech was looked for: silence, level and loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from calls.conversation import (
    SPEAKERS,
    CallAudio,
    Channel,
    SoundTrouble,
    Span,
    Speaker,
    Transcription,
)

# A shorter call may have no words for good reasons: somebody hung up.
SHORTEST_MS = 5_000
# G.711 encodes silence as samples of up to 8. Line noise is louder than this.
SILENT_PEAK = 32
# How long the other side must talk before one without speech is more than a good listener.
TALKS_MS = 10_000
# Of 32,768. People speak at -30 to -15 dB on telephone lines.
TOO_QUIET_DB = -45.0
# From this share on, most listeners call a line bad.
HEAVY_LOSS = 0.05
_FULL_SCALE = 32_768.0
# Each of these also makes those after it: their cause is enough.
_EXPLAINS = {
    "wrong_codec": ("silent_side", "one_way", "no_speech", "too_quiet", "clipping"),
    "no_speech": ("silent_side", "one_way"),
}
_ORDER = (
    "wrong_codec", "silent_side", "one_way", "no_speech", "too_quiet", "clipping", "heavy_loss",
)  # fmt: skip


def find_sound_troubles(audio: CallAudio, heard: Transcription) -> tuple[SoundTrouble, ...]:
    """Return what is wrong with the sound of a call, the causes first.

    Reads the samples of the speech once, so do not call it on the event loop.
    """
    found = [*audio.troubles, *_loss(audio)]
    # A result without sides: nobody has looked for speech.
    is_known = bool(heard.speech or heard.turns)
    if is_known and audio.duration_ms >= SHORTEST_MS:
        found += _unheard(audio, heard)
    kinds = {each.kind for each in found}
    explained = {kind for cause in kinds for kind in _EXPLAINS.get(cause, ())}
    left = [each for each in found if each.kind not in explained]
    return tuple(sorted(left, key=lambda each: _ORDER.index(each.kind)))


def _loss(audio: CallAudio) -> Iterator[SoundTrouble]:
    missing_ms = sum(span.duration_ms for span in audio.missing)
    if audio.duration_ms >= SHORTEST_MS and missing_ms >= HEAVY_LOSS * audio.duration_ms:
        yield SoundTrouble("heavy_loss", percent=round(100 * missing_ms / audio.duration_ms))


def _unheard(audio: CallAudio, heard: Transcription) -> Iterator[SoundTrouble]:
    talk = {who: _talk(heard, who) for who in SPEAKERS}
    if not any(talk.values()) or not heard.turns:
        yield SoundTrouble("no_speech")
    for channel in audio.channels:
        yield from _of_channel(channel, audio.channels, talk)


def _talk(heard: Transcription, who: Speaker) -> Sequence[Span]:
    """Return when a side talks: where speech was found, or else where its words are."""
    said = [Span(turn.begin_ms, turn.end_ms) for turn in heard.turns if turn.speaker == who]
    return heard.speech.get(who, ()) or said


def _of_channel(
    channel: Channel, channels: Sequence[Channel], talk: Mapping[Speaker, Sequence[Span]]
) -> Iterator[SoundTrouble]:
    who, own = channel.speaker, talk[channel.speaker]
    if own:
        if _level_db(channel, own) < TOO_QUIET_DB:
            yield SoundTrouble("too_quiet", speaker=who)
        return
    if len(channels) < 2:
        return
    if _peak(channel.samples) <= SILENT_PEAK:
        yield SoundTrouble("silent_side", speaker=who)
        return
    others_ms = sum(span.duration_ms for other in SPEAKERS if other != who for span in talk[other])
    if others_ms >= TALKS_MS:
        yield SoundTrouble("one_way", speaker=who)


def _peak(samples: NDArray[np.int16]) -> int:
    return max(int(samples.max(initial=0)), -int(samples.min(initial=0)))


def _level_db(channel: Channel, spans: Sequence[Span]) -> float:
    """Return the mean level of these spans, in dB of full scale."""
    energy, count = 0.0, 0
    for span in spans:
        begin, end = (at * channel.rate // 1000 for at in (span.begin_ms, span.end_ms))
        part = channel.samples[begin:end].astype(np.float32)
        energy += float(np.dot(part, part))
        count += len(part)
    if not energy:
        return -math.inf
    return 10 * math.log10(energy / count / _FULL_SCALE**2)
