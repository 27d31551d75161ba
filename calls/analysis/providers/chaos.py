"""A provider for rehearsals: wraps another one and makes it slow and flaky."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from calls.analysis.providers import Provider, ProviderError
from calls.conversation import CallAudio, Transcription, Turn, Understanding


class ChaosProvider:
    """Waits, then fails with a 503 or lets ``inner`` do the work.

    ``failure_rate`` is a probability, ``latency_s`` the shortest and the longest wait. With a
    ``seed``, the outcome depends only on the words of a conversation and on how often they were
    sent, so that a rehearsal can be repeated.
    """

    def __init__(
        self,
        inner: Provider,
        failure_rate: float,
        latency_s: tuple[float, float],
        rng: random.Random,
        seed: str = "",
    ) -> None:
        low, high = latency_s
        if not 0 <= failure_rate <= 1:
            raise ValueError(f"failure_rate is a probability from 0 to 1, not {failure_rate}")
        if not 0 <= low <= high:
            raise ValueError(f"latency_s is (shortest, longest) in seconds, not {latency_s}")
        self.name = f"chaos({inner.name})"
        self._inner = inner
        self._failure_rate = failure_rate
        self._latency_s = latency_s
        self._rng = rng
        self._seed = seed
        self._asked: Counter[str] = Counter()

    @property
    def speech_model(self) -> str:
        return self._inner.speech_model

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        await self._misbehave(self._rng)
        return await self._inner.transcribe(audio, language=language)

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        await self._misbehave(self._fate_of(turns) if self._seed else self._rng)
        return await self._inner.understand(turns, language=language)

    def _fate_of(self, turns: Sequence[Turn]) -> random.Random:
        words = fingerprint([turn.text for turn in turns])
        self._asked[words] += 1
        return fate(self._seed, words, self._asked[words])

    async def _misbehave(self, rng: random.Random) -> None:
        wait_s, fails = draw(rng, self._failure_rate, self._latency_s)
        await asyncio.sleep(wait_s)
        if fails:
            raise ProviderError("503 Service Unavailable (simulated)", code="503", transient=True)


def fingerprint(texts: Sequence[str]) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()


def fate(seed: str, words: str, attempt: int) -> random.Random:
    """Return the random generator for the ``attempt``-th request (from 1) about these words."""
    return random.Random(f"{seed}:{words}:{attempt}")  # noqa: S311 (chaos, not cryptography)


def draw(
    rng: random.Random, failure_rate: float, latency_s: tuple[float, float]
) -> tuple[float, bool]:
    """Return how many seconds a response takes, and whether it is a failure."""
    return rng.uniform(*latency_s), rng.random() < failure_rate
