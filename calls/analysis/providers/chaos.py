"""An unreliable AI for rehearsal: any provider, made slow and flaky."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from calls.analysis.conversation import CallAudio, Transcription, Turn, Understanding
from calls.analysis.providers import Provider, ProviderError


class ChaosProvider:
    """Waits, then fails with a 503 or lets ``inner`` do the work.

    ``failure_rate`` is a probability, ``latency_s`` the shortest and the longest wait.
    """

    def __init__(
        self,
        inner: Provider,
        failure_rate: float,
        latency_s: tuple[float, float],
        rng: random.Random,
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

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        await self._misbehave()
        return await self._inner.transcribe(audio, language=language)

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        await self._misbehave()
        return await self._inner.understand(turns, language=language)

    async def _misbehave(self) -> None:
        await asyncio.sleep(self._rng.uniform(*self._latency_s))
        if self._rng.random() < self._failure_rate:
            raise ProviderError("503 Service Unavailable (chaos)", code="503", transient=True)
