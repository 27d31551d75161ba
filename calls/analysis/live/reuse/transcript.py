"""The transcript of a finished call from its live words. Only the rest is recognised now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from calls.analysis.live.reuse.known import load_known, may_reuse
from calls.analysis.live.reuse.passages import heard_live, heard_now, span_of, turns_of
from calls.analysis.live.reuse.placing import Extent, Known, Placed, place_utterances
from calls.analysis.live.reuse.remainder import Remainder
from calls.analysis.providers.voice import (
    VAD,
    WINDOW_S,
    _reported,
    is_about_nothing,
    nothing_heard,
    utterances,
)
from calls.conversation import (
    SPEAKERS,
    CallAudio,
    Channel,
    Skipped,
    Span,
    Speaker,
    Transcription,
    Turn,
    join_turns,
)
from calls.models import Call

_MOST_LEFT = 0.5  # if a larger share of the speech is left, the whole call is recognised
_WARM_UP_S = 1.0  # audio before an extent from which voice detection starts
_SHORTEST_S = VAD["min_speech_duration_ms"] / 1000
FindSpeech = Callable[[Channel], Iterable[Span]]


def speech_in(channel: Channel) -> Iterator[Span]:
    """Yield where there is speech, with the margin that recognition needs."""
    try:
        for each in utterances(channel):
            yield Span(each.begin_ms, each.end_ms)
    except ImportError:  # the provider will find out
        yield Span(0, channel.duration_ms)


@dataclass(frozen=True)
class _Side:
    """One channel: its live utterances, and what is left to recognise of it."""

    channel: Channel
    placed: tuple[Placed, ...]
    left: tuple[Extent, ...]
    remainder: Remainder | None

    @property
    def speaker(self) -> Speaker:
        return self.channel.speaker

    def ms(self, samples: int) -> int:
        return round(samples * 1000 / self.channel.rate)


@dataclass(frozen=True)
class HeardLive:
    """The live words of a call. ``rest`` is the audio that is left to recognise.

    It may be empty. The provider is asked in any case, so that a stage always makes one request: it
    may be down, or simulated failures may make it fail.
    """

    model: str
    audio: CallAudio
    sides: tuple[_Side, ...]

    @property
    def rest(self) -> CallAudio:
        left = (side.remainder.channel for side in self.sides if side.remainder)
        return CallAudio(tuple(left))

    @property
    def heard_ms(self) -> int:
        """How much speech was recognised live, of both sides."""
        return sum(side.ms(sum(each.known.length for each in side.placed)) for side in self.sides)

    @property
    def left_ms(self) -> int:
        """How much speech is left to recognise."""
        return sum(side.ms(sum(end - begin for begin, end in side.left)) for side in self.sides)

    def joined_with(self, rest: Transcription) -> Transcription:
        """Return the transcription of the whole call. ``rest`` is that of ``self.rest``."""
        speech = {side.speaker: _speech(side, rest) for side in self.sides}
        turns = join_turns(
            turn for side in self.sides for turn in _turns(side, rest, speech[side.speaker])
        )
        spoke = {turn.speaker for turn in turns}
        silent = (
            nothing_heard(side.channel, speech[side.speaker], heard=side.speaker in spoke)
            for side in self.sides
        )
        notes = [Skipped("transcribe", note) for note in silent if note]
        notes += [each for each in rest.skipped if not is_about_nothing(each.reason)]
        return replace(
            rest,
            turns=turns,
            speech={who: speech.get(who, ()) for who in SPEAKERS},
            duration_ms=self.audio.duration_ms,
            model=self.model,
            skipped=tuple(notes),
        )


def find_heard(call: Call, audio: CallAudio, *, model: str, language: str) -> HeardLive | None:
    """Return the live words of this model in this language, None if they are too few.

    Blocks: it looks for the utterances in the audio, and for speech in what is left.
    """
    if not audio.duration_ms or not may_reuse(call, model=model, language=language):
        return None
    known = load_known(call, rates={each.speaker: each.rate for each in audio.channels})
    return match(audio, known, model=model)


def match(
    audio: CallAudio,
    known: Mapping[Speaker, Sequence[Known]],
    *,
    model: str,
    find_speech: FindSpeech = speech_in,
) -> HeardLive | None:
    """Find the known utterances of each side in the audio."""
    found = [(each, *place_utterances(each, known[each.speaker])) for each in audio.channels]
    if not any(placed for _, placed, _ in found):
        return None
    heard = HeardLive(model, audio, tuple(_side(*each, find_speech) for each in found))
    return None if heard.left_ms > _MOST_LEFT * (heard.left_ms + heard.heard_ms) else heard


def _side(
    channel: Channel, placed: Sequence[Placed], extents: Sequence[Extent], find_speech: FindSpeech
) -> _Side:
    kept = _without_last_passage(placed, channel.rate)
    spoken = tuple(chain.from_iterable(_spoken(channel, extent, find_speech) for extent in extents))
    again = tuple((each.begin, each.end) for each in placed[len(kept) :])
    left = tuple(sorted((*spoken, *again)))
    if not left:
        return _Side(channel, kept, (), None)
    # Without times of words, those of the context could not be told from the others.
    has_times = all(each.known.words or not each.known.text for each in kept)
    return _Side(channel, kept, left, Remainder(channel, left, with_context=has_times))


def _without_last_passage(placed: Sequence[Placed], rate: int) -> tuple[Placed, ...]:
    """Leave out the last utterances, as many as are recognised again in one piece, if their words
    are provisional: nothing followed with which they could have been recognised again in time.
    """
    room, kept = WINDOW_S * rate, len(placed)
    while kept and placed[kept - 1].known.provisional:
        room -= placed[kept - 1].known.length
        if room < 0:
            break
        kept -= 1
    return tuple(placed[:kept])


def _spoken(channel: Channel, extent: Extent, find_speech: FindSpeech) -> Iterator[Extent]:
    """Yield where in an extent there is speech, with the margin that recognition needs."""
    begin, end = extent
    shortest = _SHORTEST_S * channel.rate
    first = max(0, begin - round(_WARM_UP_S * channel.rate))
    for span in find_speech(replace(channel, samples=channel.samples[first:end])):
        edges = (first + each * channel.rate // 1000 for each in (span.begin_ms, span.end_ms))
        own_begin, own_end = (min(max(edge, begin), end) for edge in edges)
        if own_end - own_begin >= shortest:
            yield own_begin, own_end


def _speech(side: _Side, rest: Transcription) -> tuple[Span, ...]:
    """Return when a side talks."""
    spans = list(_reported([span_of(each, side.channel.rate) for each in side.placed]))
    if side.remainder:
        for span in rest.speech.get(side.speaker, ()):
            spans += side.remainder.clipped(side.remainder.in_call(span))
    return tuple(sorted(spans, key=lambda span: span.begin_ms))


def _turns(side: _Side, rest: Transcription, speech: Sequence[Span]) -> Iterator[Turn]:
    passages = [heard_live(each, side.channel.rate) for each in side.placed if each.known.text]
    if side.remainder:
        own = (turn for turn in rest.turns if turn.speaker == side.speaker)
        passages += chain.from_iterable(heard_now(turn, side.remainder) for turn in own)
    return turns_of(side.speaker, passages, speech)
