"""The provider that fails on purpose, and what it passes on to the one that it wraps."""

import asyncio
import random

import pytest

from calls.analysis.providers import ProviderError
from calls.analysis.providers.chaos import ChaosProvider
from calls.conversation import CallAudio, Transcription, Turn, Understanding

TURNS = (Turn("agent", 0, 1000, "Hello"),)
TRANSCRIPTION = Transcription(TURNS, {"agent": (), "customer": ()}, 1000, "fake")
UNDERSTANDING = Understanding((), "A greeting.", (), "fake")


class FakeProvider:
    name = "fake"

    def __init__(self) -> None:
        self.asked: list[tuple[object, str]] = []

    async def transcribe(self, audio, *, language):
        self.asked.append((audio, language))
        return TRANSCRIPTION

    async def understand(self, turns, *, language):
        self.asked.append((turns, language))
        return UNDERSTANDING


@pytest.fixture
def waits(monkeypatch):
    """The waits that were asked for, in seconds; none of them is waited."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return asked


def chaos(rate: float, latency=(1.0, 3.0), seed: int = 1) -> tuple[ChaosProvider, FakeProvider]:
    inner = FakeProvider()
    return ChaosProvider(inner, rate, latency, random.Random(seed)), inner


def test_the_name_shows_the_wrapped_provider():
    provider, _ = chaos(0.25)

    assert provider.name == "chaos(fake)"


async def test_without_failures_the_wrapped_provider_answers(waits):
    provider, inner = chaos(0.0)
    audio = CallAudio(())

    assert await provider.transcribe(audio, language="en") is TRANSCRIPTION
    assert await provider.understand(TURNS, language="fr") is UNDERSTANDING
    assert inner.asked == [(audio, "en"), (TURNS, "fr")]


@pytest.mark.parametrize("method", ["transcribe", "understand"])
async def test_a_failure_is_a_transient_503_and_asks_no_provider(waits, method):
    provider, inner = chaos(1.0)

    with pytest.raises(ProviderError, match="503 Service Unavailable") as caught:
        await getattr(provider, method)((), language="en")

    assert (caught.value.code, caught.value.transient) == ("503", True)
    assert caught.value.retry_after_s is None
    assert inner.asked == []
    assert len(waits) == 1


async def test_it_waits_within_the_limits_before_every_answer(waits):
    provider, _ = chaos(0.0)

    for _ in range(200):
        await provider.understand(TURNS, language="en")

    assert len(waits) == 200
    assert 1.0 <= min(waits) < 1.1
    assert 2.9 < max(waits) <= 3.0


async def test_it_fails_as_often_as_it_was_told(waits):
    provider, inner = chaos(0.25)

    for _ in range(2000):
        try:
            await provider.understand(TURNS, language="en")
        except ProviderError:
            continue

    assert 0.22 < 1 - len(inner.asked) / 2000 < 0.28


async def test_one_seed_gives_one_history(waits):
    async def history() -> list[bool]:
        provider, inner = chaos(0.5, seed=42)
        for _ in range(50):
            try:
                await provider.understand(TURNS, language="en")
            except ProviderError:
                inner.asked.append(("failed", ""))
        return [asked[0] == "failed" for asked in inner.asked]

    assert await history() == await history()


async def test_with_a_seed_the_same_words_have_the_same_outcome_in_any_order(waits):
    other = (Turn("agent", 0, 1000, "Goodbye"),)

    async def waits_for_turns(*asked):
        provider = ChaosProvider(FakeProvider(), 0.0, (1.0, 3.0), random.Random(), seed="again")
        waits.clear()
        for turns in asked:
            await provider.understand(turns, language="en")
        return [wait for wait, turns in zip(waits, asked, strict=True) if turns is TURNS]

    alone = await waits_for_turns(TURNS, TURNS)

    assert alone[0] != alone[1]
    assert await waits_for_turns(other, TURNS, other, TURNS) == alone


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_an_impossible_failure_rate_is_refused(rate):
    with pytest.raises(ValueError, match="failure_rate"):
        chaos(rate)


@pytest.mark.parametrize("latency", [(3.0, 1.0), (-1.0, 1.0)])
def test_an_impossible_latency_is_refused(latency):
    with pytest.raises(ValueError, match="latency_s"):
        chaos(0.25, latency)
