"""The figures of the conversation, for the tiles at the top of the call page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tiles:
    """``found`` holds the figures of a finished analysis, or those of a live call so far."""

    found: Mapping[str, Any]

    @property
    def agent_share(self) -> int | None:
        """The agent's share of the time in which somebody talks, in percent; None if nobody did."""
        agent, customer = self._talk_ms("agent"), self._talk_ms("customer")
        both = agent + customer
        return round(100 * agent / both) if both else None

    @property
    def customer_share(self) -> int | None:
        return None if self.agent_share is None else 100 - self.agent_share

    @property
    def interruptions(self) -> int | None:
        """How often one side interrupted the other; None if it is not known."""
        found = self.found.get("interruptions")
        return None if found is None else int(found.get("count", 0))

    @property
    def interrupters(self) -> str:
        """Who interrupted how often: agent 2, customer 1."""
        by = (self.found.get("interruptions") or {}).get("by", {})
        return ", ".join(f"{who} {_count(spans)}" for who, spans in by.items() if _count(spans))

    def _talk_ms(self, side: str) -> int:
        return int(self.found.get("talk", {}).get(side, {}).get("total_ms", 0))


def _count(spans: Any) -> int:
    return spans if isinstance(spans, int) else len(spans)
