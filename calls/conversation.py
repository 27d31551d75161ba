"""The values that the stages of an analysis pass on: plain data, no Django, no I/O.

Times are integer milliseconds from the start of the call. A speaker is ``"agent"`` or
``"customer"``. Metrics are defined as in Amazon Contact Lens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Speaker = Literal["agent", "customer"]
SPEAKERS: tuple[Speaker, Speaker] = ("agent", "customer")
Label = Literal["POSITIVE", "NEUTRAL", "NEGATIVE"]
SummaryKind = Literal["", "prose", "quotes"]
NEUTRAL_BELOW = 1.5  # of the absolute score; chosen by cross-validation on the seeds


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, [begin_ms, end_ms)."""

    begin_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.begin_ms


@dataclass(frozen=True, slots=True)
class Word:
    begin_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said before the other side spoke. ``words`` is empty for text calls."""

    speaker: Speaker
    begin_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """One side's audio on the timeline of the call: int16 mono samples at ``rate`` Hz."""

    speaker: Speaker
    samples: NDArray[np.int16]
    rate: int

    @property
    def duration_ms(self) -> int:
        return round(len(self.samples) * 1000 / self.rate)


TroubleKind = Literal[
    "wrong_codec", "silent_side", "one_way", "no_speech", "too_quiet", "clipping", "heavy_loss"
]


@dataclass(frozen=True, slots=True)
class SoundTrouble:
    """Something that is wrong with the sound of a call.

    ``speaker`` is the side that has it, empty for the whole call. ``track`` is the name of a track
    in a wrong format, ``declared`` that format, and ``fits`` the one in which it sounds like
    speech. ``percent`` tells how much of the sound it is.
    """

    kind: TroubleKind
    speaker: Speaker | Literal[""] = ""
    track: str = ""
    declared: str = ""
    fits: str = ""
    percent: float = 0


@dataclass(frozen=True, slots=True)
class CallAudio:
    """All channels of a call, padded to one length.

    ``missing`` holds the spans that were never received and are filled with silence.
    ``notes`` are sentences for people about problems (identical channels, unknown tracks...).
    ``troubles`` are those that show before words are looked for.
    ``received_ms`` counts neither them nor pauses of the sender; None if it is not known.
    """

    channels: tuple[Channel, ...]
    missing: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    received_ms: int | None = None
    troubles: tuple[SoundTrouble, ...] = ()

    @property
    def duration_ms(self) -> int:
        return max((channel.duration_ms for channel in self.channels), default=0)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part of the analysis that was skipped, and why. Pages show it."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transcription:
    """The result of ``transcribe``. ``speech`` holds the spans in which each side talks.

    ``request_ids`` are the provider's ids of its responses, if it has any.
    """

    turns: tuple[Turn, ...]
    speech: dict[Speaker, tuple[Span, ...]]
    duration_ms: int
    model: str
    skipped: tuple[Skipped, ...] = ()
    request_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentiment:
    """``score`` runs from -5 (negative) to +5 (positive)."""

    label: Label
    score: float


def label_for(score: float, *, neutral_below: float = NEUTRAL_BELOW) -> Label:
    """Return the label of a score from -5 to +5."""
    if abs(score) < neutral_below:
        return "NEUTRAL"
    return "POSITIVE" if score > 0 else "NEGATIVE"


@dataclass(frozen=True, slots=True)
class Understanding:
    """The result of ``understand``: one sentiment for each turn, in the same order.

    A sentiment is None where the provider cannot judge, as in a language that it does not know.
    ``unjudged_language`` is the language of a side of which nothing was judged for that reason.
    ``summary_kind`` tells a summary from quotes of the call.

    ``prompt`` is the version of the prompt and the questions.
    """

    sentiments: tuple[Sentiment | None, ...]
    summary: str
    keywords: tuple[str, ...]
    model: str
    insights: dict[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    prompt: str = ""
    request_ids: tuple[str, ...] = ()
    summary_kind: SummaryKind = ""
    unjudged_language: str = ""


def turn_as_json(turn: Turn) -> dict[str, Any]:
    return {
        "speaker": turn.speaker,
        "begin_ms": turn.begin_ms,
        "end_ms": turn.end_ms,
        "text": turn.text,
        "words": [[word.begin_ms, word.end_ms, word.text] for word in turn.words],
    }


def turns_from_json(turns: list[dict[str, Any]]) -> list[Turn]:
    return [
        Turn(
            speaker=turn["speaker"],
            begin_ms=turn["begin_ms"],
            end_ms=turn["end_ms"],
            text=turn["text"],
            words=tuple(Word(*word) for word in turn["words"]),
        )
        for turn in turns
    ]


JOIN_GAP_MS = 1500


def join_turns(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Sort turns by start, and join neighbours of one side that are less than 1.5 s apart."""
    joined: list[Turn] = []
    for turn in sorted(turns, key=lambda each: each.begin_ms):
        if joined and goes_on(joined[-1], turn):
            joined[-1] = _one(joined[-1], turn)
        else:
            joined.append(turn)
    return tuple(joined)


def goes_on(before: Turn, turn: Turn) -> bool:
    """Return whether neighbours are one turn: of one side, and less than 1.5 s apart."""
    return before.speaker == turn.speaker and turn.begin_ms - before.end_ms < JOIN_GAP_MS


def _one(before: Turn, turn: Turn) -> Turn:
    return replace(
        before,
        end_ms=max(before.end_ms, turn.end_ms),
        text=f"{before.text} {turn.text}",
        words=before.words + turn.words,
    )
