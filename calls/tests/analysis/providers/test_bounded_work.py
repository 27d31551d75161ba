"""The work of the local provider is bounded by what it embeds, and by a budget."""

import asyncio
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.providers import ProviderError
from calls.analysis.providers.local import (
    budget,
    keywords,
    sentences,
    sentiment,
    summary,
    understanding,
)
from calls.analysis.providers.local.budget import Budget, OverBudget, Stopped, check_budget
from calls.analysis.providers.local.provider import LocalProvider
from calls.analysis.providers.local.sentences import (
    MAX_CHARACTERS,
    MAX_EMBEDDED,
    affordable,
    sample,
)
from calls.conversation import Turn


class CountingEmbedder:
    """Embeds nothing, and remembers what it was asked to embed."""

    def __init__(self):
        self.texts = []

    def embed(self, texts):
        self.texts += texts
        vectors = np.random.default_rng(0).normal(size=(len(texts), sentences.DIMENSIONS))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def counting(monkeypatch):
    fake = CountingEmbedder()
    for module in (summary, sentiment):
        monkeypatch.setattr(module, "embedder", lambda: fake)
    scorer = sentiment.trained_scorer(fake, sentiment.word_scorer())
    monkeypatch.setattr(sentiment, "_best", lambda: scorer)
    monkeypatch.setattr(understanding, "embedding_problem", lambda: "")
    summary._embed_prototypes.cache_clear()
    summary._embedded_prototypes(fake)
    fake.texts.clear()
    yield fake
    summary._embed_prototypes.cache_clear()


def understood(*texts):
    turns = [Turn("customer", at * 1000, at * 1000 + 900, text) for at, text in enumerate(texts)]
    return understanding.understand_locally(turns)


@pytest.mark.parametrize(
    "text",
    [
        ". " * 32_000,
        "? ! " * 9_000,
        "\u2026 " * 20_000,
        "- \u2014 . " * 8_000,
        "\U0001f600. " * 9_000,
    ],
    ids=ascii,
)
def test_a_packet_of_nothing_but_signs_embeds_nothing(counting, text):
    found = understood(text[:64_000])

    assert counting.texts == []
    assert found.summary == ""
    assert found.sentiments[0].label == "NEUTRAL"


@pytest.mark.parametrize("text", ["I want my money back. ", "Okay. ", "a. ", "12. "])
def test_a_repeated_sentence_is_embedded_once_for_each_purpose(counting, text):
    understood(text * 5_000)

    assert len(counting.texts) <= 2


def test_a_call_of_many_sentences_embeds_a_bounded_number_and_says_so(counting):
    found = understood(*(f"I have waited for parcel {n} since May." for n in range(6_000)))

    assert len(counting.texts) <= 2 * MAX_EMBEDDED
    assert len(found.sentiments) == 6_000
    assert found.summary
    assert "word lists scored 3,000 of its sentences" in found.skipped[0].reason


def test_long_sentences_use_up_the_bound_sooner(counting):
    words = " ".join(["parcel"] * 39)

    understood(*(f"{words} {n}." for n in range(1_500)))

    assert sum(map(len, counting.texts)) <= 2 * MAX_CHARACTERS + 1_000


def test_an_ordinary_call_is_embedded_completely(counting):
    texts = [f"My card number {n} is lost." for n in range(800)]

    found = understood(*texts)

    assert set(texts) <= set(counting.texts)
    assert found.skipped == ()


@given(st.lists(st.text(max_size=30), max_size=50), st.integers(1, 60))
def test_a_sample_is_in_order_and_spans_everything(items, most):
    found = sample(items, most)

    assert len(found) == min(len(items), most)
    if items and most > 1:
        assert found[0] == items[0]
        assert found[-1] == items[-1]


@given(st.lists(st.integers(0, 200_000), max_size=50))
def test_what_is_affordable_is_within_both_bounds(lengths):
    texts = ["x" * length for length in lengths]

    most = affordable(texts)

    assert 0 <= most <= min(len(texts), MAX_EMBEDDED)
    assert most == len(texts) or most <= max(1, MAX_CHARACTERS * len(texts) / sum(lengths))


@settings(max_examples=50)
@given(st.text(max_size=300))
def test_a_sentence_has_a_letter_or_a_digit_and_no_word_is_lost(text):
    found = sentences.split_sentences(text)

    assert all(any(sign.isalnum() for sign in sentence) for sentence in found)
    told = [word for word in text.split() if any(sign.isalnum() for sign in word)]
    kept = " ".join(found).split()
    assert [word for word in told if word not in kept] == []


@pytest.mark.parametrize("sign", ["\u65e5", "a"])
def test_an_endless_word_is_not_a_keyword_and_takes_no_time(sign):
    began = time.process_time()

    found = keywords.keywords([Turn("customer", 0, 1, sign * 60_000)])

    assert found == ()
    assert time.process_time() - began < 2


# Budgets
def exhausted(clock=(0, 0), memory=(0, 0)):
    times, sizes = iter(clock), iter(memory)
    return Budget(cpu_s=10, memory_mib=100, clock=lambda: next(times), memory=lambda: next(sizes))


@pytest.mark.parametrize(
    ("clock", "memory", "reason"),
    [
        ((5, 16), (0, 0), "more than 10 s of processor time"),
        ((5, 15), (2**20, 102 * 2**20), "more than 100 MiB of memory"),
    ],
)
def test_a_stage_that_is_over_its_budget_is_ended_with_the_reason(clock, memory, reason):
    with budget.spending(exhausted(clock, memory)), pytest.raises(OverBudget, match=reason):
        check_budget()


def test_a_stage_within_its_budget_continues():
    clock, memory = iter((5, 15)), iter((2**20, 101 * 2**20))

    with budget.spending(exhausted(clock, memory)):
        check_budget()
    check_budget()  # nothing is counted outside of a stage

    assert [*clock, *memory] == []  # both were looked at, and only inside of the stage


def test_the_memory_of_this_process_is_known_on_linux():
    assert budget.resident_bytes() > 2**20


async def test_a_call_that_exceeds_its_budget_fails_permanently_with_the_reason():
    provider = LocalProvider(cpu_limit_s=-1)
    turns = [Turn("customer", 0, 1, "My card is lost, and I want a new one today.")]

    with pytest.raises(ProviderError, match="of processor time") as failed:
        await provider.understand(turns, language="en")

    assert (failed.value.code, failed.value.transient) == ("over_budget", False)


async def test_the_thread_of_an_abandoned_call_is_free_at_once():
    provider, begun, ended = LocalProvider(), threading.Event(), threading.Event()

    def endless():
        begun.set()
        try:
            while True:
                check_budget()
        except Stopped:
            ended.set()
            raise

    task = asyncio.create_task(provider._run(provider._meaning, endless))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()

    assert await asyncio.to_thread(ended.wait, 10)
