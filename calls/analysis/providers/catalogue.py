"""The providers that AI_PROVIDER can name. The settings read it, so it imports nothing of Django.

To add a provider, add its folder and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def _no_problem(settings: Mapping[str, Any]) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One provider.

    ``factory`` is the dotted path of a function that takes Questions and builds the provider from
    the settings. Only the chosen one is imported, because a provider can be heavy.
    ``recordings(cores)`` is the default of AI_AUDIO_CONCURRENCY. ``problem(settings)`` says what
    the settings lack, or returns "".
    """

    factory: str
    recordings: Callable[[int], int] = lambda cores: 2 * cores
    problem: Callable[[Mapping[str, Any]], str] = _no_problem


def _lacks_key(settings: Mapping[str, Any]) -> str:
    if "//api.openai.com/" in settings["OPENAI_BASE_URL"] and not settings["OPENAI_API_KEY"]:
        return "AI_PROVIDER=openai needs OPENAI_API_KEY, or an OPENAI_BASE_URL."
    return ""


PROVIDERS = {
    "local": Choice(factory="calls.analysis.providers.local.provider.from_settings"),
    "openai": Choice(
        factory="calls.analysis.providers.openai.provider.from_settings",
        recordings=lambda cores: 32,  # the server hears them, so cores do not count
        problem=_lacks_key,
    ),
    "null": Choice(factory="calls.analysis.providers.null.from_settings"),
}
