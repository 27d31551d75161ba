"""Building the provider that the settings ask for."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from calls.analysis.insights import load_insights
from calls.analysis.providers import Provider, Questions
from calls.analysis.providers.catalogue import PROVIDERS
from calls.analysis.providers.chaos import ChaosProvider


def import_factory() -> Callable[[Questions], Provider]:
    """Import the chosen provider. The worker does so before it forks, to share the code."""
    factory: Callable[[Questions], Provider]
    factory = import_string(PROVIDERS[settings.AI_PROVIDER].factory)
    return factory


@cache
def get_provider() -> Provider:
    """Return the provider of this process. There is only one, as it keeps its models loaded."""
    provider = import_factory()(load_insights)
    if settings.AI_CHAOS_FAILURE_RATE or settings.AI_CHAOS_LATENCY[1]:
        provider = ChaosProvider(
            provider,
            failure_rate=settings.AI_CHAOS_FAILURE_RATE,
            latency_s=settings.AI_CHAOS_LATENCY,
            rng=random.Random(),  # noqa: S311 (chaos, not cryptography)
            seed=settings.AI_CHAOS_SEED,
        )
    return provider
