"""The figures of a call so far, as its page shows them: sentiment, talk time and silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calls.conversation import SPEAKERS
from supervisor.templatetags.look import span_ms, took


@dataclass(frozen=True)
class LiveFigures:
    """``found`` is ``LiveTranscription.figures`` of a call transcribed up to ``heard_ms``."""

    found: Mapping[str, Any]
    heard_ms: int

    @property
    def sides(self) -> list[dict[str, str]]:
        sentiment = self.found.get("sentiment", {})
        return [
            {
                "who": side,
                "label": side.title(),
                "sentiment": sentiment.get("overall", {}).get(side, {}).get("label", ""),
                "trend": sentiment.get("trend", {}).get(side, ""),
            }
            for side in SPEAKERS
        ]

    def talk_ms(self, side: str) -> int:
        return int(self.found.get("talk", {}).get(side, {}).get("total_ms", 0))

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The shares of a bar of length 100. If both talk at once, the bar counts it twice."""
        agent, customer = self.talk_ms("agent"), self.talk_ms("customer")
        parts = {
            "agent": agent,
            "customer": customer,
            "silence": max(0, self.heard_ms - agent - customer),
        }
        whole, begin, drawn = sum(parts.values()) or 1, 0.0, []
        for name, ms in parts.items():
            width = round(100 * ms / whole, 2)
            drawn.append({"name": name, "label": name.title(), "begin": begin, "width": width})
            begin = round(begin + width, 2)
        return drawn

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Name, label and text of the other figures. live_figures.js writes the same texts."""
        return [
            ("talk-agent", "Agent", self._talk("agent")),
            ("talk-customer", "Customer", self._talk("customer")),
            ("interruptions", "Interruptions", self._interruptions()),
            ("silence", "Long silences", self._silence()),
        ]

    def _talk(self, side: str) -> str:
        talk = self.found.get("talk", {}).get(side)
        if not talk:
            return "\N{EN DASH}"
        return f"{span_ms(talk['total_ms'])} · {talk['words_per_minute']} words per minute"

    def _interruptions(self) -> str:
        found = self.found.get("interruptions", {})
        count = found.get("count", 0)
        return f"{count} · {took(found['total_ms'])} in total" if count else str(count)

    def _silence(self) -> str:
        found, since = self.found.get("non_talk", {}), self.found.get("silence_since_ms")
        total, longest = found.get("total_ms", 0), found.get("longest_ms", 0)
        text = f"{span_ms(total)} in total, longest {span_ms(longest)}" if total else "none"
        return text if since is None else f"{text} · silent since {span_ms(since)}"
