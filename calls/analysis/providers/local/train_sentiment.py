"""Trains the sentiment weights: ``python -m calls.analysis.providers.local.train_sentiment``.

Multinomial logistic regression on ``data/seeds.json`` by gradient descent, in numpy, always
with the same result.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np

from calls.analysis.providers.local.sentences import MODEL_NAME, embedder
from calls.analysis.providers.local.sentiment import (
    DATA,
    LABELS,
    features,
    probabilities,
    word_scorer,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The least cross-validated log loss among 1e-3, 5e-4, 3e-4 and 1e-4.
PENALTY = 5e-4
STEPS = 1500
FOLDS = 5


def fit(rows: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights, shape (features, labels). The last row, the bias, goes unpenalised."""
    target = np.eye(len(LABELS))[truth]
    penalty = np.full((rows.shape[1], 1), PENALTY)
    penalty[-1] = 0.0
    weights = np.zeros((rows.shape[1], len(LABELS)))
    step = np.zeros_like(weights)
    for _ in range(STEPS):
        error = probabilities(rows, weights) - target
        slope = rows.T @ error / len(truth) + penalty * weights
        step = 0.9 * step - 0.5 * slope
        weights = weights + step
    return weights


def cross_validate(rows: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Return the share of seeds whose label the other folds predict."""
    fold = np.random.default_rng(0).permutation(len(truth)) % FOLDS
    right = 0
    for part in range(FOLDS):
        weights = fit(rows[fold != part], truth[fold != part])
        guess = probabilities(rows[fold == part], weights).argmax(axis=1)
        right += int((guess == truth[fold == part]).sum())
    return right / len(truth)


def read_seeds() -> tuple[list[str], NDArray[np.int64]]:
    """Return all seed sentences, and for each the index of its label in LABELS."""
    seeds: dict[str, list[str]] = json.loads((DATA / "seeds.json").read_text())
    texts = [text for label in LABELS for text in seeds[label]]
    truth = [index for index, label in enumerate(LABELS) for _ in seeds[label]]
    return texts, np.array(truth, np.int64)


def main() -> None:
    """Write ``data/sentiment.json`` and print how well the seeds predict each other.

    Raises EmbeddingError, or ValueError without VADER: both kinds of weights are shipped.
    """
    kind, vader = word_scorer()
    if kind != "vader":
        raise ValueError("vaderSentiment is not installed")
    texts, truth = read_seeds()
    weights: dict[str, list[list[float]]] = {}
    for name, scorer in ((MODEL_NAME, None), (f"{MODEL_NAME}+vader", vader)):
        rows = features(texts, embedder(), scorer)
        weights[name] = np.round(fit(rows, truth), 4).tolist()
        sys.stdout.write(f"{name}: {cross_validate(rows, truth):.1%} of {len(truth)} seeds\n")
    trained = {"embedding": MODEL_NAME, "labels": LABELS, "weights": weights}
    (DATA / "sentiment.json").write_text(json.dumps(trained) + "\n")


if __name__ == "__main__":
    main()
