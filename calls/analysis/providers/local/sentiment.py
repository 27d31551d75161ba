"""Sentiment of texts: by sentence embeddings, VADER, or a word list.

``train_sentiment`` makes the weights in ``data/sentiment.json``.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calls.analysis.providers.local.budget import check_budget
from calls.analysis.providers.local.sentences import (
    Embedder,
    EmbeddingError,
    affordable,
    embedder,
    has_words,
    sample,
    split_sentences,
)
from calls.conversation import NEUTRAL_BELOW, Label, Sentiment, label_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"
LABELS: tuple[Label, Label, Label] = ("NEGATIVE", "NEUTRAL", "POSITIVE")
# Scores of word lists are smaller. Chosen by cross-validation on the seeds, as NEUTRAL_BELOW is.
NEUTRAL_BELOW_FOR_WORDS = 1.0
# A turn of more sentences is scored by its sentences alone. An embedding covers MAX_TOKENS.
MAX_WHOLE = 4
_PLACEHOLDER = re.compile(r"\[([A-Z_]+)\]")
_WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)?")
_NEGATIONS = frozenset({"not", "no", "never", "nobody", "cannot", "without", "hardly"})
_loading = threading.Lock()
Scorer = Callable[[Sequence[str]], "NDArray[np.float64]"]


def score_sentiment(texts: Sequence[str]) -> list[Sentiment]:
    """Return the sentiment of each text, in order. Safe to call from several threads.

    The score is half that of the whole text, half that of its sentences, so that one strong
    sentence in a long turn neither disappears nor decides alone.
    """
    name, scorer = _best()
    below = NEUTRAL_BELOW_FOR_WORDS if name in ("vader", "words") else NEUTRAL_BELOW
    return [
        Sentiment(label_for(score, neutral_below=below), round(score, 2))
        for score in _scores(texts, scorer)
    ]


def count_scored_by_words(texts: Sequence[str]) -> int:
    """Return how many sentences ``score_sentiment`` leaves to word lists, as they are too many."""
    wanted = _distinct(_parts(text) for text in texts)
    return len(wanted) - affordable(wanted)


def sentiment_model() -> str:
    """Return the model in use, such as all-MiniLM-L6-v2-int8+vader, vader or words."""
    return _best()[0]


def _scores(texts: Sequence[str], scorer: Scorer) -> list[float]:
    parts = [_parts(text) for text in texts]
    wanted = _distinct(parts)
    chosen = sample(wanted, affordable(wanted))
    known = dict(zip(chosen, scorer(chosen).tolist(), strict=True))
    rest = [text for text in wanted if text not in known]
    if rest:
        known.update(zip(rest, _words()[1](rest).tolist(), strict=True))
    return [_combined(group, known) for group in parts]


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is scored of a text. ``whole`` is empty for a text of many sentences."""

    whole: str
    sentences: list[str]


def _parts(text: str) -> _Parts:
    readable = _readable(text)
    sentences = split_sentences(readable)
    return _Parts(readable if len(sentences) <= MAX_WHOLE else "", sentences)


def _distinct(parts: Iterable[_Parts]) -> list[str]:
    texts = (text for each in parts for text in (each.whole, *each.sentences) if text)
    return list(dict.fromkeys(texts))


def _combined(parts: _Parts, known: dict[str, float]) -> float:
    if not parts.sentences:
        return 0.0
    weights = [len(sentence.split()) for sentence in parts.sentences]
    mean = np.average([known[sentence] for sentence in parts.sentences], weights=weights)
    return float(mean + known[parts.whole]) / 2 if parts.whole else float(mean)


def _readable(text: str) -> str:
    """Return the text for the model, empty if it has no word."""
    # In capitals, "[CARD]" would count as shouting.
    plain = _PLACEHOLDER.sub(lambda match: match[1].lower().replace("_", " "), text)
    return plain.strip() if has_words(plain) else ""


def _best() -> tuple[str, Scorer]:
    with _loading:
        return _load_once()


@lru_cache(maxsize=1)
def _load_once() -> tuple[str, Scorer]:
    words = _words()
    try:
        model = embedder()
    except EmbeddingError:
        return words
    return trained_scorer(model, words)


@lru_cache(maxsize=1)
def _words() -> tuple[str, Scorer]:
    return word_scorer()


def word_scorer() -> tuple[str, Scorer]:
    """Return VADER with the lexicon of this package added, or that lexicon alone."""
    lexicon: dict[str, float] = json.loads((DATA / "lexicon.json").read_text())
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return "words", _each(lambda text: _lexicon_score(text, lexicon))
    vader: Any = SentimentIntensityAnalyzer()
    vader.lexicon.update(lexicon)
    return "vader", _each(lambda text: 5.0 * vader.polarity_scores(text)["compound"])


def _each(score: Callable[[str], float]) -> Scorer:
    def scores(texts: Sequence[str]) -> NDArray[np.float64]:
        found = np.zeros(len(texts))
        for place, text in enumerate(texts):
            check_budget()
            found[place] = score(text)
        return found

    return scores


def _lexicon_score(text: str, lexicon: dict[str, float]) -> float:
    words = _WORD.findall(text.lower())
    total = sum(
        lexicon[word] * (-0.6 if _negated(words[max(0, place - 3) : place]) else 1.0)
        for place, word in enumerate(words)
        if word in lexicon
    )
    # VADER's normalisation, so that long texts stay on the scale.
    return 5.0 * total / math.sqrt(total * total + 15.0)


def _negated(before: list[str]) -> bool:
    return any(word in _NEGATIONS or word.endswith(("n't", "n\u2019t")) for word in before)


def trained_scorer(model: Embedder, words: tuple[str, Scorer]) -> tuple[str, Scorer]:
    """Return the scorer that weighs embeddings and, if it is VADER, the word score."""
    trained = json.loads((DATA / "sentiment.json").read_text())
    vader = words[1] if words[0] == "vader" else None
    name = trained["embedding"] + ("+vader" if vader else "")
    weights = np.array(trained["weights"][name])

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        share = probabilities(features(texts, model, vader), weights)
        positive, negative = LABELS.index("POSITIVE"), LABELS.index("NEGATIVE")
        return 5.0 * (share[:, positive] - share[:, negative])

    return name, score


def features(texts: Sequence[str], model: Embedder, vader: Scorer | None) -> NDArray[np.float64]:
    """Return one row for each text: the embedding, VADER's compound (if any), and 1."""
    columns = [model.embed(texts).astype(np.float64)]
    if vader is not None:
        columns.append(vader(texts).reshape(-1, 1) / 5.0)
    return np.hstack([*columns, np.ones((len(texts), 1))])


def probabilities(rows: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax of rows @ weights: one column for each of LABELS."""
    scores = rows @ weights
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
