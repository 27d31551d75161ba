"""Sentiment of texts: by sentence embeddings, VADER, or a word list.

``train_sentiment`` makes the weights in ``data/sentiment.json``.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calls.analysis.providers.local.sentences import (
    Embedder,
    EmbeddingError,
    embedder,
    split_sentences,
)
from calls.conversation import NEUTRAL_BELOW, Label, Sentiment, label_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"
LABELS: tuple[Label, Label, Label] = ("NEGATIVE", "NEUTRAL", "POSITIVE")
# Scores of word lists are smaller. Chosen by cross-validation on the seeds, as NEUTRAL_BELOW is.
NEUTRAL_BELOW_FOR_WORDS = 1.0
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


def sentiment_model() -> str:
    """Return the model in use, such as all-MiniLM-L6-v2-int8+vader, vader or words."""
    return _best()[0]


def _scores(texts: Sequence[str], scorer: Scorer) -> list[float]:
    parts = [[text, *split_sentences(text)] for text in map(_readable, texts)]
    wanted = sorted({part for group in parts for part in group if part})
    known = dict(zip(wanted, scorer(wanted).tolist(), strict=True))
    return [_combined(group, known) for group in parts]


def _combined(group: list[str], known: dict[str, float]) -> float:
    whole, *sentences = group
    if not sentences:
        return 0.0
    weights = [len(sentence.split()) for sentence in sentences]
    mean = np.average([known[sentence] for sentence in sentences], weights=weights)
    # The embedding of a whole turn covers only its first MAX_TOKENS.
    return float(mean + known[whole]) / 2 if len(sentences) <= 4 else float(mean)


def _readable(text: str) -> str:
    """Return the text for the model, empty if it has no word."""
    # In capitals, "[CARD]" would count as shouting.
    plain = _PLACEHOLDER.sub(lambda match: match[1].lower().replace("_", " "), text)
    return plain.strip() if any(sign.isalnum() for sign in plain) else ""


def _best() -> tuple[str, Scorer]:
    with _loading:
        return _load_once()


@lru_cache(maxsize=1)
def _load_once() -> tuple[str, Scorer]:
    words = word_scorer()
    try:
        model = embedder()
    except EmbeddingError:
        return words
    return trained_scorer(model, words)


def word_scorer() -> tuple[str, Scorer]:
    """Return VADER with the lexicon of this package added, or that lexicon alone."""
    lexicon: dict[str, float] = json.loads((DATA / "lexicon.json").read_text())
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return "words", lambda texts: np.array([_lexicon_score(t, lexicon) for t in texts])
    vader: Any = SentimentIntensityAnalyzer()
    vader.lexicon.update(lexicon)
    return "vader", lambda texts: np.array(
        [5.0 * vader.polarity_scores(text)["compound"] for text in texts]
    )


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
