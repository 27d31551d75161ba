"""How figures of a range compare with those of the range before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from calls.reports.figures import Figures
from calls.reports.talk import TalkFigures
from supervisor.templatetags.look import brief, grouped, span

Kind = Literal["count", "seconds", "percent", "number"]
# A change by less than this share of the earlier value does not count.
STEADY = 0.005
UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True)
class Tile:
    """A figure of the range and of the range before. ``is_bad`` says what growth means."""

    label: str
    kind: Kind
    value: float | None
    before: float | None
    is_bad: bool = False
    note: str = ""

    @property
    def text(self) -> str:
        return _TEXTS[self.kind](self.value) if self.value is not None else UNKNOWN

    @property
    def before_text(self) -> str:
        return _TEXTS[self.kind](self.before) if self.before is not None else UNKNOWN

    @property
    def direction(self) -> str:
        """``up``, ``down``, ``same``, or empty if there is nothing to compare with."""
        if self.value is None or self.before is None:
            return ""
        if abs(self.value - self.before) <= STEADY * abs(self.before):
            return "same"
        return "up" if self.value > self.before else "down"

    @property
    def tone(self) -> str:
        """``better`` or ``worse`` for figures whose growth is bad, otherwise empty."""
        if not self.is_bad:
            return ""
        return {"up": "worse", "down": "better"}.get(self.direction, "")


_TEXTS: dict[Kind, Callable[[float], str]] = {
    "count": lambda value: grouped(round(value)),
    "seconds": span,
    "percent": lambda value: f"{brief(value)} %",
    "number": brief,
}


def tiles(now: Figures, before: Figures, talk: TalkFigures, talk_before: TalkFigures) -> list[Tile]:
    """Return the figures at the top of the page. Those of talk are left out if there are none."""
    found = [
        Tile("Calls", "count", now.calls, before.calls),
        Tile("Average handling", "seconds", now.average_handling_s, before.average_handling_s),
        Tile("Negative", "percent", now.negative_percent, before.negative_percent, is_bad=True),
        Tile("Alerts", "count", now.alerts, before.alerts, is_bad=True),
    ]
    if not talk.calls:
        return found
    note = f"of the newest {talk.calls} analysed calls" if talk.is_capped else ""
    pairs: list[tuple[str, Kind, float | None, float | None]] = [
        ("Agent talks", "percent", talk.agent_percent, talk_before.agent_percent),
        ("Long silences", "percent", talk.silence_percent, talk_before.silence_percent),
        (
            "Interruptions a call",
            "number",
            talk.interruptions_per_call,
            talk_before.interruptions_per_call,
        ),
    ]
    return found + [
        Tile(label, kind, value, earlier, note=note) for label, kind, value, earlier in pairs
    ]
