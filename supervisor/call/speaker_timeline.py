"""Who speaks when, as bars of a timeline of fixed width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 1000.0
THINNEST = 1.5  # a thinner bar would be invisible
AGENT_TOP, CUSTOMER_TOP, BAR_HEIGHT = 6, 44, 30  # of a timeline that is 80 high
_TOLD: Mapping[Any, str] = {"NEGATIVE": "negative", "POSITIVE": "positive"}


@dataclass(frozen=True)
class Bar:
    """A span of the call, in units of the timeline (0 to WIDTH)."""

    x: float
    width: float
    sentiment: str = ""  # of a turn, unless it is neutral


@dataclass(frozen=True)
class SpeakerTimeline:
    duration_ms: int
    agent: list[Bar]
    customer: list[Bar]
    silences: list[Bar]
    interruptions: list[Bar]
    muted: list[Bar]

    @property
    def sentiments(self) -> set[str]:
        """The sentiments that the bars of turns show."""
        return {bar.sentiment for bar in (*self.agent, *self.customer)} - {""}

    @property
    def agent_paths(self) -> dict[str, str]:
        return paths_of(self.agent, AGENT_TOP)

    @property
    def customer_paths(self) -> dict[str, str]:
        return paths_of(self.customer, CUSTOMER_TOP)


def draw_speaker_timeline(document: Mapping[str, Any]) -> SpeakerTimeline:
    turns = document["turns"]
    # 1: a call without audio lasts 0 ms, and the scale divides by it.
    duration_ms = max([document["duration_ms"], 1, *(turn["end_ms"] for turn in turns)])
    silences = document.get("non_talk", {}).get("instances", ())
    interruptions = document.get("interruptions", {}).get("by", {})
    return SpeakerTimeline(
        duration_ms=duration_ms,
        agent=bars_of((turn for turn in turns if turn["speaker"] == "agent"), duration_ms),
        customer=bars_of((turn for turn in turns if turn["speaker"] == "customer"), duration_ms),
        silences=bars_of(silences, duration_ms),
        interruptions=bars_of(
            (span for spans in interruptions.values() for span in spans), duration_ms
        ),
        muted=bars_of(document.get("redactions", ()), duration_ms),
    )


def bars_of(spans: Iterable[Mapping[str, Any]], duration_ms: int) -> list[Bar]:
    """Return the spans as bars of a timeline that lasts ``duration_ms``."""
    scale = WIDTH / duration_ms
    return [
        Bar(
            x=round(span["begin_ms"] * scale, 2),
            width=round(max(THINNEST, (span["end_ms"] - span["begin_ms"]) * scale), 2),
            sentiment=_TOLD.get(span.get("sentiment"), ""),
        )
        for span in spans
    ]


def paths_of(bars: Iterable[Bar], top: int) -> dict[str, str]:
    """Return one SVG path for the bars of each sentiment.

    An hour of talk has hundreds of bars. As elements of their own, they would slow down the page.
    """
    paths: dict[str, list[str]] = {}
    for bar in bars:
        drawn = f"M{bar.x} {top}h{bar.width}v{BAR_HEIGHT}h-{bar.width}z"
        paths.setdefault(bar.sentiment, []).append(drawn)
    return {sentiment: "".join(drawn) for sentiment, drawn in paths.items()}
