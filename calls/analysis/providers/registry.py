"""Building the provider that the settings ask for."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import cache

from django.conf import settings

from calls.analysis.insights import load_insights
from calls.analysis.providers import Provider
from calls.analysis.providers.chaos import ChaosProvider
from calls.analysis.providers.local.provider import LocalProvider
from calls.analysis.providers.null import NullProvider
from calls.analysis.providers.openai.provider import OpenAIProvider


@cache
def get_provider() -> Provider:
    """Return the provider of this process. There is only one, as it keeps its models loaded."""
    provider = PROVIDERS[settings.AI_PROVIDER]()
    if settings.AI_CHAOS_FAILURE_RATE or settings.AI_CHAOS_LATENCY[1]:
        provider = ChaosProvider(
            provider,
            failure_rate=settings.AI_CHAOS_FAILURE_RATE,
            latency_s=settings.AI_CHAOS_LATENCY,
            rng=random.Random(),  # noqa: S311 (chaos, not cryptography)
            seed=settings.AI_CHAOS_SEED,
        )
    return provider


def _local() -> Provider:
    return LocalProvider(
        max_parallel=os.cpu_count() or 1,
        model_dir=settings.STT_MODEL_DIR or None,
        questions=load_insights,
    )


def _openai() -> Provider:
    return OpenAIProvider(
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        transcribe_model=settings.OPENAI_TRANSCRIBE_MODEL,
        chat_model=settings.OPENAI_CHAT_MODEL,
        timeout_s=settings.OPENAI_TIMEOUT,
        questions=load_insights,
    )


PROVIDERS: dict[str, Callable[[], Provider]] = {
    "local": _local,
    "openai": _openai,
    "null": NullProvider,
}
