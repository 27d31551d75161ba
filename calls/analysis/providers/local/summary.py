"""Summarising a call: choosing its most telling sentences. Nothing is invented.

Sentences are chosen for their similarity to typical reasons, actions and outcomes (by embeddings),
or by their words if there are no embeddings.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from calls.analysis.providers.local.budget import check_budget
from calls.analysis.providers.local.keywords import content_words
from calls.analysis.providers.local.prose import Said, Told, quote, tell
from calls.analysis.providers.local.reported import Reported, report
from calls.analysis.providers.local.sentences import (
    MODEL_NAME,
    Embedder,
    EmbeddingError,
    affordable,
    embedder,
    split_sentences,
)
from calls.analysis.providers.local.telling_words import (
    ASKED_BACK,
    CALLS_ABOUT,
    NO_END,
    PLEASANTRY,
    WORDS,
    Part,
)
from calls.conversation import Speaker, SummaryKind, Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    # Returns how similar each sentence is to the one at this place.
    Likeness = Callable[[int], Scores]
FEWESTWORDS = 4
PARTS: tuple[Part, ...] = ("reason", "action", "outcome", "next_step")
_LATER_IS_BETTER: dict[Part, float] = {
    "reason": -0.3, "action": 0.1, "outcome": 0.5, "next_step": 0.2,
}  # fmt: skip
# Callers give their reason in their first turn, or after small talk.
_OPENING = (0.45, 0.3)
# An agent who says this has called the customer, and states the reason.
_AGENT_CALLS = 2.0
# The least score of an optional part.
_LEAST: dict[str | None, float] = {None: 0.0, "next_step": 0.35}
# How much less a sentence in prose may say than the best one, which cannot be rewritten.
GIVES_WAY = 0.15
# Sentences of a call in a language that is not known here.
QUOTED = 2
# How similar a further sentence may be to those already chosen.
MMR_WEIGHT = 0.5
# Typical sentences of any trade. The caller gives reasons, the agent acts.
_PROTOTYPES: dict[Part, tuple[str, ...]] = {
    "reason": (
        "There is a problem and it does not work.",
        "Something is missing, damaged or wrong and I want it put right.",
        "I have been charged the wrong amount.",
        "I would like to change, cancel or order something.",
        "I need information about my account.",
        "It has not arrived and I have been waiting for it.",
        "I am calling because something has happened.",
    ),
    "action": (
        "I have changed it for you on the system.",
        "I am sending you a new one.",
        "You will receive the refund in a few days.",
        "I have booked an appointment for you.",
        "I will pass this to another department.",
        "I have stopped it now and nothing more can happen.",
        "I found the cause of the problem.",
        "I can offer you a discount.",
    ),
    "outcome": (
        "The problem is solved and everything works now.",
        "That is fine, I accept the offer.",
        "I am not satisfied and I will complain.",
        "Cancel it, I want my money back.",
        "It is sorted out, thank you.",
        "That helps me a lot, I am relieved.",
        "No, I will leave it as it is.",
    ),
    "next_step": (
        "Someone will contact you about it tomorrow.",
        "You will get a letter within two weeks.",
        "It will be delivered on Friday morning.",
        "The technician comes between eight and ten.",
        "The money should be there in a few days.",
        "Please send us the form and call again on Monday.",
        "It starts at the beginning of next month.",
    ),
}
_SMALL_TALK = (
    "Hello, thank you for calling, my name is Anna.",
    "How can I help you today?",
    "Is there anything else I can do for you?",
    "Can you give me your number, please?",
    "Thank you very much, goodbye.",
    "Let me have a look, one moment please.",
    "I am sorry to hear that.",
    "I understand.",
)
_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Summary:
    """``parts`` holds reason, action, outcome and next step as they were said, if they were."""

    text: str
    kind: SummaryKind
    parts: dict[str, str]
    model: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    speaker: Speaker
    # Position in the call, from 0 to 1.
    place: float
    # Number of earlier turns of this side.
    own: int
    text: str

    def said(self, reported: Reported | None = None) -> Said:
        return Said(self.place, self.speaker, self.text, reported)

    @property
    def is_agents_reason(self) -> bool:
        """Return whether an agent says why they called the customer: "I'm calling about..."."""
        is_early = self.speaker == "agent" and self.own <= len(_OPENING)
        is_said = CALLS_ABOUT.search(self.text) is not None and not self.text.endswith("?")
        return is_early and is_said


def summarise(turns: Sequence[Turn]) -> Summary:
    """Return at most five sentences: why, what was done, how it ended, what comes next."""
    sentences = _candidates(turns)
    try:
        scorer = _Prototypes(_embedded_prototypes(embedder()), embedder())
        model = MODEL_NAME
        scores, likeness = scorer.rate(sentences)
    except EmbeddingError:
        model = "words"
        scores, likeness = _rate_by_words(sentences)
    chosen = _choose(sentences, scores, likeness)
    parts: dict[str, str] = {
        part: " ".join(sentences[place].text for place in sorted(places))
        for part, places in chosen.items()
        if places
    }
    told = _told(sentences, scores, likeness, chosen)
    return Summary(told.text, told.kind, parts, model)


def quote_opening(turns: Sequence[Turn]) -> Summary:
    """Return the first sentences of the customer, for a call that cannot be understood here."""
    sentences = [each for each in _candidates(turns) if each.speaker == "customer"]
    told = quote([each.said() for each in sentences[:QUOTED]])
    return Summary(told.text, told.kind, {}, "quotes")


def _told(
    sentences: Sequence[_Sentence],
    scores: dict[Part, Scores],
    likeness: Likeness,
    chosen: dict[Part, list[int]],
) -> Told:
    """Return the summary in prose if its reason can be told in it, or else quotes.

    A sentence that cannot be rewritten is replaced by one with almost the same score.
    """
    reported = [report(each.text, each.speaker) for each in sentences]
    can = np.array([each is not None for each in reported], np.bool_)
    clear = np.array([each is not None and each.is_clear for each in reported], np.bool_)
    masked = {
        part: np.where(clear if part == "reason" else can, values, -np.inf)
        for part, values in scores.items()
    }
    retold = _choose(sentences, masked, likeness) if can.any() else {}
    kept = {
        part: _almost_as_good(scores[part], places, chosen[part]) for part, places in retold.items()
    }
    if kept.get("reason"):
        places = {place for each in kept.values() for place in each}
        return tell([sentences[place].said(reported[place]) for place in places])
    quoted = {place for each in chosen.values() for place in each}
    return quote([sentences[place].said() for place in quoted])


def _almost_as_good(values: Scores, places: Sequence[int], best: Sequence[int]) -> list[int]:
    """Return those places that score almost as much as the best ones, in the order of scores."""
    found = sorted(places, key=lambda place: -values[place])
    ideal = sorted(best, key=lambda place: -values[place])
    pairs = zip(found, ideal, strict=False)
    return [one for one, other in pairs if values[one] >= values[other] - GIVES_WAY]


def _candidates(turns: Sequence[Turn]) -> list[_Sentence]:
    before: Counter[Speaker] = Counter()
    found: list[_Sentence] = []
    for number, turn in enumerate(turns):
        place = number / max(1, len(turns) - 1)
        found += [
            _Sentence(turn.speaker, place, before[turn.speaker], sentence)
            for sentence in split_sentences(turn.text)
        ]
        before[turn.speaker] += 1
    # A repeated sentence counts once. ``found`` is in the order of the call.
    once = list({(each.speaker, each.text): each for each in reversed(found)}.values())[::-1]
    long = [sentence for sentence in once if len(sentence.text.split()) >= FEWESTWORDS]
    return _most_telling(long or once)


def _most_telling(sentences: list[_Sentence]) -> list[_Sentence]:
    """Return as many sentences as may be embedded: those with the best words for any part."""
    most = affordable([sentence.text for sentence in sentences])
    if len(sentences) <= most:
        return sentences
    check_budget()
    best = np.max([_masked(p, sentences, _word_scores(p, sentences)) for p in PARTS], axis=0)
    kept = np.sort(np.argsort(-best, kind="stable")[:most])
    return [sentences[place] for place in kept]


def _choose(
    sentences: Sequence[_Sentence], scores: dict[Part, Scores], likeness: Likeness
) -> dict[Part, list[int]]:
    """Return the sentences of each of PARTS, then the best reason or action of the rest.

    Maximal marginal relevance: sentences that resemble a chosen one lose.
    """
    chosen: dict[Part, list[int]] = {part: [] for part in PARTS}
    taken: list[int] = []
    closest = np.zeros(len(sentences))
    # Choose the next step before the action: "you will get it on Friday" is both.
    for part in ("reason", "next_step", "action", "outcome", None):
        options = [
            (float(values[place] - MMR_WEIGHT * closest[place]), place, name)
            for name, values in scores.items()
            if part == name or (part is None and name in ("reason", "action"))
            for place in range(len(sentences))
            if place not in taken and np.isfinite(values[place])
        ]
        best = max(options, default=None)
        if best is None or (part in (None, "next_step") and best[0] <= _LEAST[part]):
            continue
        chosen[best[2]].append(best[1])
        similar = likeness(best[1])
        closest = np.maximum(closest, similar) if taken else similar
        taken.append(best[1])
    return chosen


def _allowed(part: Part, sentence: _Sentence) -> bool:
    """Return whether a sentence may be this part of the summary.

    The caller gives the reason, the agent the action, and the outcome comes late in the call.
    """
    question = sentence.text.endswith("?")
    if part == "reason":
        by_caller = sentence.speaker == "customer" or sentence.is_agents_reason
        return by_caller and sentence.place <= 0.6
    if part == "outcome":
        return not question and sentence.place >= 0.6
    earliest = 0.4 if part == "next_step" else 0.01
    return sentence.speaker == "agent" and not question and sentence.place >= earliest


def _masked(part: Part, sentences: Sequence[_Sentence], values: Scores) -> Scores:
    """Return the scores with minus infinity where a sentence cannot be this part."""
    allowed = np.array([_allowed(part, sentence) for sentence in sentences], np.bool_)
    return np.where(allowed, values, -np.inf)


@dataclass(frozen=True, slots=True)
class _Embedded:
    parts: dict[Part, NDArray[np.float32]]
    small_talk: NDArray[np.float32]


def _embedded_prototypes(model: Embedder) -> _Embedded:
    with _loading:
        return _embed_prototypes(model)


@lru_cache(maxsize=1)
def _embed_prototypes(model: Embedder) -> _Embedded:
    parts = {part: model.embed(texts) for part, texts in _PROTOTYPES.items()}
    return _Embedded(parts, model.embed(_SMALL_TALK))


@dataclass(frozen=True, slots=True)
class _Prototypes:
    embedded: _Embedded
    model: Embedder

    def rate(self, sentences: Sequence[_Sentence]) -> tuple[dict[Part, Scores], Likeness]:
        """Return how well each sentence fits each part, and how similar the sentences are."""
        vectors = self.model.embed([sentence.text for sentence in sentences])
        if not sentences:
            return {}, _alike
        small_talk = (vectors @ self.embedded.small_talk.T).max(axis=1)
        # The topic of the whole call counts too, not only the form of the sentence.
        topic = vectors @ _unit(vectors.mean(axis=0))
        by_words = {part: _word_scores(part, sentences) for part in _PROTOTYPES}
        scores = {
            part: _masked(
                part,
                sentences,
                _best_two(vectors @ prototypes.T)
                - 0.5 * small_talk
                + 0.3 * topic
                + 0.3 * by_words[part],
            )
            for part, prototypes in self.embedded.parts.items()
        }
        return scores, lambda place: (vectors @ vectors[place]).astype(np.float64)


def _alike(place: int) -> Scores:
    return np.zeros(0)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _best_two(likeness: NDArray[np.float32]) -> Scores:
    return np.asarray(np.sort(likeness, axis=1)[:, -2:].mean(axis=1), np.float64)


def _bonus(part: Part, sentences: Sequence[_Sentence]) -> Scores:
    """Return the bonus for the position in the call: reasons come early, outcomes late."""
    places = np.array([sentence.place for sentence in sentences])
    length = np.array([min(len(sentence.text.split()), 12) / 12 for sentence in sentences])
    bonus = np.asarray(_LATER_IS_BETTER[part] * places + 0.15 * length)
    if part == "reason":
        bonus += [_opening_bonus(sentence) for sentence in sentences]
    if part == "outcome":
        # The customer has the last word on the outcome.
        bonus += [
            0.15 * (sentence.speaker == "customer") - 0.4 * bool(NO_END.search(sentence.text))
            for sentence in sentences
        ]
    return bonus


def _opening_bonus(sentence: _Sentence) -> float:
    if sentence.is_agents_reason:
        return _AGENT_CALLS
    asked_back = -0.3 if ASKED_BACK.search(sentence.text) else 0.0
    return (_OPENING[sentence.own] if sentence.own < len(_OPENING) else 0.0) + asked_back


def _rate_by_words(sentences: Sequence[_Sentence]) -> tuple[dict[Part, Scores], Likeness]:
    """Rate sentences by their words. Returns the same shapes as with embeddings."""
    if not sentences:
        return {}, _alike
    scores = {part: _masked(part, sentences, _word_scores(part, sentences)) for part in WORDS}
    return scores, _shared_words([item.text for item in sentences])


def _word_scores(part: Part, sentences: Sequence[_Sentence]) -> Scores:
    """Return matching words, minus small talk, plus the bonus for the position."""
    texts = [sentence.text for sentence in sentences]
    telling = np.array([min(3, len(WORDS[part].findall(text))) / 3 for text in texts])
    small_talk = np.array([bool(PLEASANTRY.search(text)) for text in texts], float)
    return np.asarray(telling - small_talk + _bonus(part, sentences))


def _shared_words(texts: Sequence[str]) -> Likeness:
    sets = [set(content_words(text)) for text in texts]

    def shared(place: int) -> Scores:
        own = sets[place]
        return np.array([len(own & each) / max(1, len(own | each)) for each in sets])

    return shared
