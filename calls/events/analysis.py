"""The entries of the event log about the analysis: attempts, providers, pauses and findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class AttemptFinished:
    type: ClassVar[str] = "analysis_attempt"
    stage: str
    number: int
    outcome: str
    code: str = ""
    error: str = ""
    retry_at: str | None = None
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ProviderDown:
    """A provider keeps failing. Calls wait without using up attempts; one tries at ``probe_at``."""

    type: ClassVar[str] = "provider_down"
    provider: str
    stage: str
    failures: int
    error: str
    probe_at: str


@dataclass(frozen=True, kw_only=True)
class ProviderBack:
    """A provider has answered after being down for ``seconds``."""

    type: ClassVar[str] = "provider_back"
    provider: str
    stage: str
    down_since: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class AnalysisPaused:
    """Somebody paused the analysis. Calls are still received, and wait."""

    type: ClassVar[str] = "analysis_paused"
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AnalysisResumed:
    type: ClassVar[str] = "analysis_resumed"
    by: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SoundTroubles:
    """The audio problems that the analysis found; empty: there are none any more."""

    type: ClassVar[str] = "sound_troubles"
    kinds: list[str]


@dataclass(frozen=True, kw_only=True)
class LiveSentiment:
    """The sentiment of a side changed during the call. Empty: not known so far.

    ``unjudged_language`` is the language of a side whose sentiment is unknown because of it.
    """

    type: ClassVar[str] = "live_sentiment"
    agent_sentiment: str
    agent_trend: str
    customer_sentiment: str
    customer_trend: str
    unjudged_language: str = ""
