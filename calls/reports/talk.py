"""Talk shares, silence and interruptions, from stored analyses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calls.models import Analysis
from calls.reports.figures import Scope

# The figures of an analysis are in its JSON. Reading them costs too much to do it for every call
# of a large queue in a quarter of a year.
MOST_CALLS = 1000


@dataclass(frozen=True)
class TalkFigures:
    """Averages over the newest ``calls`` that were analysed; percentages of their whole length.

    ``is_capped`` says that there may be more calls than that.
    """

    calls: int = 0
    duration_ms: int = 0
    agent_ms: int = 0
    customer_ms: int = 0
    silence_ms: int = 0
    interruptions: int = 0
    is_capped: bool = False

    @property
    def agent_percent(self) -> float | None:
        return self._percent(self.agent_ms)

    @property
    def customer_percent(self) -> float | None:
        return self._percent(self.customer_ms)

    @property
    def silence_percent(self) -> float | None:
        """The share of stretches of at least 3 s in which nobody talks."""
        return self._percent(self.silence_ms)

    @property
    def interruptions_per_call(self) -> float | None:
        return self.interruptions / self.calls if self.calls else None

    def _percent(self, part_ms: int) -> float | None:
        return 100 * part_ms / self.duration_ms if self.duration_ms else None


def read_talk(scope: Scope) -> TalkFigures:
    """Read the newest analysis of each of the newest MOST_CALLS calls."""
    newest = list(scope.calls().order_by("-id").values_list("pk", flat=True)[:MOST_CALLS])
    analyses = Analysis.objects.filter(call__in=newest).order_by("version")
    # By call, in the order of versions: what is left is the newest.
    found: dict[Any, dict[str, Any]] = dict(analyses.values_list("call", "metrics"))
    measured = [metrics for metrics in found.values() if metrics.get("duration_ms")]
    return TalkFigures(
        calls=len(measured),
        duration_ms=sum(metrics["duration_ms"] for metrics in measured),
        agent_ms=sum(_talk_ms(metrics, "agent") for metrics in measured),
        customer_ms=sum(_talk_ms(metrics, "customer") for metrics in measured),
        silence_ms=sum(metrics["non_talk"]["total_ms"] for metrics in measured),
        interruptions=sum(metrics["interruptions"]["count"] for metrics in measured),
        is_capped=len(newest) == MOST_CALLS,
    )


def _talk_ms(metrics: dict[str, Any], speaker: str) -> int:
    spoken: int = metrics["talk"].get(speaker, {}).get("total_ms", 0)
    return spoken
