"""Requests to a fake OpenAI-compatible server, and audio to send to it."""

import numpy as np
import pytest

from calls.analysis.providers import ProviderError
from calls.analysis.providers.openai.loudness import loud_spans
from calls.analysis.providers.openai.provider import OpenAIProvider
from calls.conversation import CallAudio, Channel, Turn

TURNS = (Turn("agent", 0, 1000, "Good evening."), Turn("customer", 1000, 2000, "My card is lost."))


def provider(server, **options):
    defaults = {
        "base_url": server.url,
        "api_key": "secret-key",
        "transcribe_model": "whisper-1",
        "chat_model": "small-talk",
        "speech": loud_spans,
    }
    return OpenAIProvider(**{**defaults, **options})


def tone(speaker="customer", seconds=4.0, rate=8000, level=3000):
    samples = level * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    return Channel(speaker, samples.astype(np.int16), rate)


def silence(speaker="agent", seconds=4.0, rate=8000):
    return Channel(speaker, np.zeros(round(seconds * rate), np.int16), rate)


CUSTOMER_ONLY = CallAudio((silence(), tone()))


async def hear(server, audio=CUSTOMER_ONLY, language="en", **options):
    return await provider(server, **options).transcribe(audio, language=language)


async def judge(server, **options):
    return await provider(server, **options).understand(TURNS, language="en")


async def failure(work):
    with pytest.raises(ProviderError) as caught:
        await work
    return caught.value
