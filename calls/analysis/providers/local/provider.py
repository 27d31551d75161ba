"""The embedded provider: everything on this machine, in threads, without a network."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from calls.analysis.providers import ProviderError, Questions, no_questions
from calls.analysis.providers.local.speech import transcribe
from calls.analysis.providers.local.speechmodel import SpeechUnavailable
from calls.conversation import CallAudio, Skipped, Transcription, Turn, Understanding

T = TypeVar("T")
NICE = 10  # a tenth of the share of a thread that answers packets
NO_ANSWERS = "The local provider answers no questions of the site's own:"


class LocalProvider:
    """Whisper for words, small models and rules for meaning.

    ``questions`` returns the enabled insights, which it cannot answer, and says so.
    ``max_parallel`` transcriptions run at once; each takes a core. Pools of its own rather
    than a semaphore: a cancelled call keeps its place until its thread is really done, and
    one provider serves any number of event loops.
    """

    name = "local"

    def __init__(
        self,
        *,
        max_parallel: int = 1,
        model_dir: str | Path | None = None,
        questions: Questions = no_questions,
    ) -> None:
        if max_parallel < 1:
            raise ValueError("max_parallel is at least 1")
        self._max_parallel = max_parallel
        self._model_dir = Path(model_dir) if model_dir else None
        self._questions = questions
        self._speech = ThreadPoolExecutor(
            max_parallel, thread_name_prefix="speech", initializer=give_way
        )
        # Of its own, so that a call which is almost done does not wait behind long recordings.
        self._meaning = ThreadPoolExecutor(1, thread_name_prefix="meaning", initializer=give_way)

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        work = partial(
            transcribe,
            audio,
            language=language,
            model_dir=self._model_dir,
            workers=self._max_parallel,
        )
        try:
            return await _run(self._speech, work)
        except SpeechUnavailable as error:
            raise ProviderError(str(error), code="speech_unavailable", transient=False) from error

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        from calls.analysis.providers.local.understanding import understand_locally

        found = await _run(self._meaning, partial(understand_locally, turns))
        unanswered = [name for name in await self._questions() if name not in found.insights]
        if not unanswered:
            return found
        skipped = Skipped("insights", f"{NO_ANSWERS} {', '.join(unanswered)}.")
        return replace(found, skipped=(*found.skipped, skipped))


def give_way() -> None:
    """Let whoever answers packets on this machine go first; it costs nothing where nobody does.

    Linux gives each thread a priority of its own, which the threads that it starts inherit:
    those of Whisper too, as the model is loaded in here.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        present = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(present, NICE))


async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
