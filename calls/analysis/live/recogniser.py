"""Has the provider recognise utterances, several at once, alongside the listener's loop."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings

from calls.analysis.insights import load_insights
from calls.analysis.live.audio.channel import LiveUtterance
from calls.analysis.live.passages import Passage
from calls.analysis.providers import Provider, ProviderError
from calls.analysis.providers.registry import import_factory
from calls.conversation import CallAudio, Channel, Transcription
from calls.formats.plain_text import clean_text

log = logging.getLogger(__name__)

# Late words are of little use, so live transcription has a higher priority than analysis; but
# calls that nobody watches get only the remaining time.
NICE, REST_NICE = 6, 19
REQUESTS = 8  # at once, to a server
LIMIT_S = 30.0  # later words are useless in a live call
FAILURES = 3  # in a row: the provider is down
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
NO_MODEL = ("none", "null")


@dataclass(frozen=True, slots=True)
class Words:
    """What was recognised in an utterance: times in ms from the start of the call."""

    text: str
    words: list[list[Any]]
    model: str


Outcome = Words | ProviderError


class Recogniser:
    """``submit`` returns at once; ``done`` is called in another thread with the outcome."""

    def __init__(
        self,
        provider: Provider,
        *,
        slots: int,
        in_rest: Provider | None = None,
        warms_up: bool = False,
    ) -> None:
        self.slots = slots
        self._in_rest = in_rest or provider  # for what may wait
        self._is_cold = warms_up
        self.running = 0
        self._provider = provider
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="recogniser", daemon=True
        )
        self._thread.start()

    @property
    def hears(self) -> bool:
        """Whether this provider recognises anything at all."""
        return self._provider.name != "null"

    def warm_up(self) -> None:
        """Load the model before there are words, so that the first ones do not wait for it."""
        if self._is_cold:
            self._is_cold = False
            silence = Channel("agent", np.zeros(800, np.int16), 8000)
            for provider in {self._provider, self._in_rest}:
                work = provider.transcribe(CallAudio((silence,)), language="en")
                asyncio.run_coroutine_threadsafe(work, self._loop)

    def submit(
        self,
        utterance: LiveUtterance,
        *,
        language: str,
        done: Callable[[Outcome], None],
        may_wait: bool = False,
    ) -> None:
        """Recognise an utterance. Whoever handles the outcome lowers ``running``."""
        self.running += 1
        work = self._recognise(utterance, language, self._in_rest if may_wait else self._provider)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(lambda each: done(each.result()))

    @property
    def takes_cores(self) -> bool:
        """Whether speech is recognised on the cores of this machine."""
        return self._provider.name == "local"

    @property
    def hears_passages(self) -> bool:
        """Whether to recognise utterances again in one piece. A server would charge for that."""
        return self._provider.name == "local"

    def submit_passage(
        self, passage: Passage, *, done: Callable[[Transcription | ProviderError], None]
    ) -> None:
        """Recognise a passage. Whoever handles the outcome lowers ``running``."""
        self.running += 1
        work = self._transcribe(passage.audio, passage.language, self._in_rest)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(lambda each: done(each.result()))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _recognise(
        self, utterance: LiveUtterance, language: str, provider: Provider
    ) -> Outcome:
        channel = Channel(utterance.speaker, utterance.samples, utterance.rate)
        heard = await self._transcribe(channel, language, provider)
        if isinstance(heard, ProviderError):
            return heard
        return _words(heard, utterance.begin_ms)

    async def _transcribe(
        self, channel: Channel, language: str, provider: Provider
    ) -> Transcription | ProviderError:
        try:
            async with asyncio.timeout(LIMIT_S):
                return await provider.transcribe(CallAudio((channel,)), language=language)
        except ProviderError as error:
            return error
        except TimeoutError:
            return ProviderError(f"no response in {LIMIT_S:.0f} s", code="timeout", transient=True)
        except Exception as error:  # one utterance must not stop the recognition of all others
            return ProviderError(f"{type(error).__name__}", code="bug", transient=False)


class ProviderOutage:
    """Stops asking a provider that keeps failing, and logs one warning for a whole outage."""

    def __init__(self) -> None:
        self._failures = 0
        self._asks_at = 0.0
        self._pause_s = 0.0
        self._since: float | None = None

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def may_ask(self, clock: float, *, running: int) -> bool:
        """Whether the provider may be asked. While it is down, one utterance at a time may."""
        if self._failures < FAILURES:
            return True
        return clock >= self._asks_at and running == 0

    def note(self, outcome: Outcome, clock: float) -> None:
        if isinstance(outcome, Words):
            self._over(clock)
            return
        self._failures += 1
        if self._failures < FAILURES:
            return
        self._pause_s = min(2 * self._pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._asks_at = clock + max(self._pause_s, outcome.retry_after_s or 0.0)
        if self._since is None:
            self._since = clock
            # A server's message could repeat what it was sent.
            why = str(outcome) if outcome.code == "speech_unavailable" else outcome.code
            log.warning("live calls are not recognised: %s", why)

    def _over(self, clock: float) -> None:
        if self._since is not None:
            log.warning("live calls are recognised again after %.1f s", clock - self._since)
        self._failures, self._pause_s, self._since = 0, 0.0, None


def _words(heard: Transcription, begin_ms: int) -> Words:
    text = clean_text(" ".join(turn.text for turn in heard.turns))
    words: list[list[Any]] = [
        [word.begin_ms + begin_ms, word.end_ms + begin_ms, clean_text(word.text)]
        for turn in heard.turns
        for word in turn.words
    ]
    return Words(text, words, "" if heard.model in NO_MODEL else heard.model)


def from_settings() -> Recogniser:
    """Build the recogniser of this process. Call it after the fork: it loads the models.

    The chaos of the local profile is for the analysis, which tries again. Nobody waits for that in
    a live call.
    """
    if settings.AI_PROVIDER == "local":
        from calls.analysis.providers.local.provider import from_settings as local

        return Recogniser(
            local(load_insights, nice=NICE),
            slots=os.cpu_count() or 1,
            # Only the model has so low a priority. A thread of ours that is suspended while it
            # holds the interpreter's lock would stop the loop, which holds locks of the database.
            in_rest=local(load_insights, nice=NICE, model_nice=REST_NICE),
            warms_up=True,
        )
    provider = import_factory()(load_insights)
    return Recogniser(
        provider, slots=REQUESTS if provider.name == "openai" else os.cpu_count() or 1
    )
