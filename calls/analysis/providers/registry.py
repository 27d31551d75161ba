"""Building the provider that the settings ask for."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from django.conf import settings
from django.utils.module_loading import import_string

from calls.analysis.insights import load_insights
from calls.analysis.providers import Provider, Questions
from calls.analysis.providers.catalogue import PROVIDERS
from calls.analysis.providers.chaos import ChaosProvider

log = logging.getLogger(__name__)

SPEECH_PACKAGES = ("faster_whisper", "ctranslate2", "av", "onnxruntime", "tokenizers")


def import_factory() -> Callable[[Questions], Provider]:
    """Import the chosen provider. The worker does so before it forks, to share the code."""
    factory: Callable[[Questions], Provider]
    factory = import_string(PROVIDERS[settings.AI_PROVIDER].factory)
    return factory


def missing_packages() -> tuple[str, ...]:
    """Return the packages for audio that the chosen provider needs and that are not installed."""
    if settings.AI_PROVIDER != "local":
        return ()
    return tuple(package for package in SPEECH_PACKAGES if find_spec(package) is None)


def warn_of_missing_packages() -> None:
    """Say at the start of a worker that audio calls will fail. Text calls do not need them."""
    if missing := missing_packages():
        log.warning(
            "packages are missing: %s. Audio calls fail until you run "
            "`pip install -r requirements-speech.txt`, or choose another AI_PROVIDER",
            ", ".join(missing),
        )


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
