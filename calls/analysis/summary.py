"""What a call was about, in its own sentences, and its keywords. Nothing is invented.

A sentence is chosen because it means what a reason, an action or an outcome usually means
(sentence embeddings), or by its words where there are no embeddings.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from calls.analysis.conversation import Speaker, Turn
from calls.analysis.sentences import (
    MODEL_NAME,
    Embedder,
    EmbeddingError,
    embedder,
    split_sentences,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

Part = Literal["reason", "action", "outcome"]

DATA = Path(__file__).parent / "data"
MAX_KEYWORDS = 8
FEWEST_WORDS = 4
_LATER_IS_BETTER: dict[Part, float] = {"reason": -0.5, "action": 0.1, "outcome": 0.3}
# How alike a further sentence may be to what is already in the summary.
MMR_WEIGHT = 0.5

# What such sentences usually say, in any trade. The customer gives reasons, the agent acts.
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
        "It will be done by the end of the week.",
        "The problem is solved and everything works now.",
        "Someone will contact you about it tomorrow.",
        "That is fine, I accept the offer.",
        "I am not satisfied and I will complain.",
        "You will get a confirmation by message.",
        "It is sorted out, thank you.",
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
    """``parts`` holds reason, action and outcome, as far as they were said."""

    text: str
    parts: dict[str, str]
    model: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    speaker: Speaker
    # Where in the call, from 0 to 1.
    place: float
    text: str


def summarise(turns: Sequence[Turn]) -> Summary:
    """Return at most four sentences of the call: its reason, what was done, how it ended."""
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
    text = " ".join(f"{part.capitalize()}: {said}" for part, said in parts.items())
    return Summary(text, parts, model)


def _candidates(turns: Sequence[Turn]) -> list[_Sentence]:
    found = [
        _Sentence(turn.speaker, number / max(1, len(turns) - 1), sentence)
        for number, turn in enumerate(turns)
        for sentence in split_sentences(turn.text)
    ]
    long = [sentence for sentence in found if len(sentence.text.split()) >= FEWEST_WORDS]
    return long or found


def _choose(
    sentences: Sequence[_Sentence], scores: dict[Part, Scores], likeness: Scores
) -> dict[Part, list[int]]:
    """Return the sentences of each part: reason, action, outcome, then the best of the rest.

    Maximal marginal relevance: what resembles a chosen sentence loses.
    """
    chosen: dict[Part, list[int]] = {"reason": [], "action": [], "outcome": []}
    taken: list[int] = []
    for part in ("reason", "action", "outcome", None):
        options = [
            (float(values[place] - MMR_WEIGHT * _closest(likeness, place, taken)), place, name)
            for name, values in scores.items()
            if part in (name, None) and not (part is None and name == "outcome")
            for place in range(len(sentences))
            if place not in taken and np.isfinite(values[place])
        ]
        best = max(options, default=None)
        if best is None or (part is None and best[0] <= 0):
            continue
        chosen[best[2]].append(best[1])
        taken.append(best[1])
    return chosen


def _closest(likeness: Scores, place: int, taken: Sequence[int]) -> float:
    return float(likeness[place, list(taken)].max()) if taken else 0.0


def _allowed(part: Part, sentence: _Sentence) -> bool:
    """Tell who can say a part, and when: the customer why, the agent what, and at the end how."""
    question = sentence.text.endswith("?")
    if part == "reason":
        return sentence.speaker == "customer" and sentence.place <= 0.6
    if part == "action":
        return sentence.speaker == "agent" and not question and sentence.place > 0
    return not question and sentence.place >= 0.5


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

    def rate(self, sentences: Sequence[_Sentence]) -> tuple[dict[Part, Scores], Scores]:
        """Return how well each sentence fits each part, and how alike sentences are."""
        vectors = self.model.embed([sentence.text for sentence in sentences])
        if not sentences:
            return {}, np.zeros((0, 0))
        small_talk = (vectors @ self.embedded.small_talk.T).max(axis=1)
        # What the whole call is about counts too, not only the form of the sentence.
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
        return scores, (vectors @ vectors.T).astype(np.float64)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _best_two(likeness: NDArray[np.float32]) -> Scores:
    return np.asarray(np.sort(likeness, axis=1)[:, -2:].mean(axis=1), np.float64)


def _bonus(part: Part, sentences: Sequence[_Sentence]) -> Scores:
    """Return what the place in the call adds: reasons come early, outcomes late."""
    places = np.array([sentence.place for sentence in sentences])
    length = np.array([min(len(sentence.text.split()), 12) / 12 for sentence in sentences])
    return np.asarray(_LATER_IS_BETTER[part] * places + 0.15 * length)


_PATTERNS: dict[Part, str] = {
    "reason": (
        r"\b(?:not|never|nobody|n't|twice|again|lost|broken|down|wrong|late|problem|missing|"
        r"stolen|damaged|fault\w*|charged|cancel\w*|change|order\w*|refund|want|need|would "
        r"like|calling (?:about|because)|how (?:do|can) i)\b"
    ),
    "action": (
        r"\b(?:i will|i'll|i have|i've|i am \w+ing|i'm \w+ing|we will|we'll|you will|you'll|"
        r"will be|refund\w*|sent|send|block\w*|book\w*|correct\w*|chang\w*|offer|transfer\w*|"
        r"pass)\b"
    ),
    "outcome": (
        r"\b(?:will|tomorrow|today|within|days?|fine|fair|accept\w*|agree\w*|complain\w*|"
        r"works?|fixed|fixing|confirm\w*|receive|done|sorted|thank you for|unacceptable)\b"
    ),
}
_WORDS = {part: re.compile(pattern, re.IGNORECASE) for part, pattern in _PATTERNS.items()}
_PLEASANTRY = re.compile(
    r"thank you for calling|how can i help|anything else|my name is|good (?:morning|afternoon|"
    r"evening)|let me|sorry to hear|goodbye|thank(?:s| you)(?: so| very)? much|"
    r"thanks? (?:you )?for your",
    re.IGNORECASE,
)


def _rate_by_words(sentences: Sequence[_Sentence]) -> tuple[dict[Part, Scores], Scores]:
    """Rate sentences by telling words; the same shapes as with embeddings."""
    if not sentences:
        return {}, np.zeros((0, 0))
    scores = {part: _masked(part, sentences, _word_scores(part, sentences)) for part in _WORDS}
    return scores, _shared_words([item.text for item in sentences])


def _word_scores(part: Part, sentences: Sequence[_Sentence]) -> Scores:
    """Return telling words, less small talk, plus what the place in the call adds."""
    texts = [sentence.text for sentence in sentences]
    telling = np.array([min(3, len(_WORDS[part].findall(text))) / 3 for text in texts])
    small_talk = np.array([bool(_PLEASANTRY.search(text)) for text in texts], float)
    return np.asarray(telling - small_talk + _bonus(part, sentences))


def _shared_words(texts: Sequence[str]) -> Scores:
    sets = [set(_content_words(text)) for text in texts]
    return np.array([[len(one & two) / max(1, len(one | two)) for two in sets] for one in sets])


_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_PLACEHOLDER = re.compile(r"\[[A-Z_]+\]")
_STOP_WORDS = frozenset((DATA / "stop_words.txt").read_text().split())


def keywords(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Return at most eight words or short phrases, the most telling first, in lower case."""
    text = _PLACEHOLDER.sub(" ", " ".join(turn.text for turn in turns))
    if not text.strip():
        return ()
    phrases = _ranked_phrases(text) or _frequent_words(text)
    return tuple(_distinct(phrases))[:MAX_KEYWORDS]


def _ranked_phrases(text: str) -> list[str]:
    try:
        from rapid_textrank import extract_keywords
    except ImportError:
        return []
    found = extract_keywords(text, top_n=4 * MAX_KEYWORDS, language="en")
    return [" ".join(_content_words(phrase.text)) for phrase in found]


def _frequent_words(text: str) -> list[str]:
    words = _content_words(text)
    return [word for word, _ in Counter(words).most_common(2 * MAX_KEYWORDS)]


def _content_words(text: str) -> list[str]:
    return [
        word for word in _TOKEN.findall(text.lower()) if len(word) > 2 and word not in _STOP_WORDS
    ]


def _distinct(phrases: Sequence[str]) -> list[str]:
    """Drop what only repeats a part of a phrase before it."""
    kept: list[str] = []
    for phrase in phrases:
        words = {word.rstrip("s") for word in phrase.split()}
        known = [{word.rstrip("s") for word in before.split()} for before in kept]
        if words and not any(words <= before for before in known):
            kept.append(phrase)
    return kept
