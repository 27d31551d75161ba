"""The talk-time bar: the shares of agent, customer, both and silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TalkSplit:
    """The four shares of a call. ``agent_ms`` and ``customer_ms`` exclude time when both talk."""

    agent_ms: int
    customer_ms: int
    both_ms: int
    silence_ms: int

    @property
    def parts(self) -> list[tuple[str, str, int, float, float]]:
        """Name, label, ms, start and width of each share, on a bar of length 100."""
        shares = [
            ("agent", "Agent", self.agent_ms),
            ("both", "Both at once", self.both_ms),
            ("customer", "Customer", self.customer_ms),
            ("silence", "Silence", self.silence_ms),
        ]
        # 1: a call without audio would divide by zero.
        whole = sum(ms for _, _, ms in shares) or 1
        begin, parts = 0.0, []
        for name, label, ms in shares:
            width = 100 * ms / whole
            parts.append((name, label, ms, round(begin, 2), round(width, 2)))
            begin += width
        return parts


def split_talk(document: Mapping[str, Any]) -> TalkSplit | None:
    """Return the shares; None before the call was analysed."""
    if not document.get("talk"):
        return None
    agent, customer = (
        document["talk"].get(who, {}).get("total_ms", 0) for who in ("agent", "customer")
    )
    # The totals are stored and the overlap is computed here. Turns of one side may overlap each
    # other, so without the limit a share could become negative.
    both = min(_overlap_ms(document), agent, customer)
    silence = max(0, document["duration_ms"] - (agent + customer - both))
    return TalkSplit(agent - both, customer - both, both, silence)


def _overlap_ms(document: Mapping[str, Any]) -> int:
    """Return the ms during which turns of both sides overlap."""
    steps: list[tuple[int, int, int]] = []
    for turn in document["turns"]:
        side = 0 if turn["speaker"] == "agent" else 1
        steps += [(turn["begin_ms"], side, 1), (turn["end_ms"], side, -1)]
    talking, total, since = [0, 0], 0, 0
    # The order of steps at the same time does not matter: there are 0 ms between them.
    for at, side, step in sorted(steps):
        if all(talking):
            total += at - since
        talking[side] += step
        since = at
    return total
