"""The embedded provider: runs all models in threads of this process, without a network."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from calls.analysis.providers import ProviderError, Questions, no_questions
from calls.analysis.providers.local.budget import Budget, OverBudget, spending
from calls.analysis.providers.local.speech import transcribe
from calls.analysis.providers.local.speechmodel import SpeechUnavailable, name_model
from calls.conversation import CallAudio, Skipped, Transcription, Turn, Understanding
from calls.process import NICE, give_way

T = TypeVar("T")
CPU_PER_AUDIO = 2.5  # as the time limit of the stage
NO_ANSWERS = "The local provider does not answer this site's own questions:"


class LocalProvider:
    """Whisper for words, small models and rules for meaning.

    ``questions`` returns the enabled insights, which it cannot answer; ``skipped`` says so.
    ``max_parallel`` transcriptions run at once, one core each. They run in a thread pool rather
    than under a semaphore: a cancelled call keeps its place until its thread has finished, and
    one provider can serve several event loops.
    Each stage may use ``cpu_limit_s`` of processor time, or 2.5 times the length of its audio, and
    ``memory_limit_mib`` of memory. Its threads give way to others by ``nice``, and those
    of the speech model by ``model_nice``, if that is given.
    """

    name = "local"

    def __init__(
        self,
        *,
        max_parallel: int = 1,
        model_dir: str | Path | None = None,
        questions: Questions = no_questions,
        cpu_limit_s: float = 120,
        memory_limit_mib: float = 2048,
        nice: int = NICE,
        model_nice: int | None = None,
    ) -> None:
        if max_parallel < 1:
            raise ValueError("max_parallel must be at least 1")
        self._max_parallel = max_parallel
        self._model_dir = Path(model_dir) if model_dir else None
        self._questions = questions
        self._cpu_limit_s, self._memory_limit_mib = cpu_limit_s, memory_limit_mib
        self._model_nice = nice if model_nice is None else model_nice
        starting = partial(give_way, nice)
        self._speech = ThreadPoolExecutor(
            max_parallel, thread_name_prefix="speech", initializer=starting
        )
        # A separate pool, so that a call that is almost done does not wait behind long recordings.
        self._meaning = ThreadPoolExecutor(1, thread_name_prefix="meaning", initializer=starting)

    @property
    def speech_model(self) -> str:
        return name_model(self._model_dir)

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        work = partial(
            transcribe,
            audio,
            language=language,
            model_dir=self._model_dir,
            workers=self._max_parallel,
            nice=self._model_nice,
        )
        try:
            cpu_s = CPU_PER_AUDIO * audio.duration_ms / 1000
            return await self._run(self._speech, work, cpu_s=cpu_s)
        except SpeechUnavailable as error:
            raise ProviderError(str(error), code="speech_unavailable", transient=False) from error

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        from calls.analysis.providers.local.understanding import understand_locally

        work = partial(understand_locally, turns, language=language)
        found = await self._run(self._meaning, work)
        unanswered = [name for name in await self._questions() if name not in found.insights]
        if not unanswered:
            return found
        skipped = Skipped("insights", f"{NO_ANSWERS} {', '.join(unanswered)}.")
        return replace(found, skipped=(*found.skipped, skipped))

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T], *, cpu_s: float = 0) -> T:
        """Work in a thread within the budget. Raises ProviderError if that is used up."""
        budget = Budget(cpu_s=max(self._cpu_limit_s, cpu_s), memory_mib=self._memory_limit_mib)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(pool, partial(_spend, budget, work))
        except OverBudget as error:
            raise ProviderError(str(error), code="over_budget", transient=False) from error
        finally:
            budget.stop()  # if the call was given up, its thread is for the next one


def _spend(budget: Budget, work: Callable[[], T]) -> T:
    with spending(budget):
        return work()


def from_settings(
    questions: Questions, *, nice: int = NICE, model_nice: int | None = None
) -> LocalProvider:
    """Build the provider that the settings describe."""
    return LocalProvider(
        max_parallel=os.cpu_count() or 1,
        model_dir=settings.STT_MODEL_DIR or None,
        questions=questions,
        cpu_limit_s=settings.AI_CPU_LIMIT,
        memory_limit_mib=settings.AI_MEMORY_LIMIT,
        nice=nice,
        model_nice=model_nice,
    )
