"""What a rule found on a call before it is raised as an alert, and what waits for that."""

from __future__ import annotations

from dataclasses import dataclass, field

from calls.models import AlertRule, CallEvent

# Prefixes of the sources of what was found in a packet, and in what was heard of a live call.
PACKET_SOURCE, LIVE_SOURCE = "packet:", "live:"


@dataclass(frozen=True)
class AlertMatch:
    """What a rule found on a call.

    ``source`` names the place, so that it is raised only once. ``found_after_call`` is True if the
    match was found after the call ended. ``end_ms`` is the end of the turn, utterance or silence in
    which it was found. ``lasts`` is True for a condition that can end by itself, such as the
    silence of a live call: its alert is then resolved.
    """

    rule: AlertRule
    call_pk: int
    found: str
    source: str | None = None
    quote: str = ""
    speaker: str = ""
    offset_ms: int | None = None
    end_ms: int | None = None
    found_after_call: bool = False
    lasts: bool = False

    @property
    def offset_s(self) -> float | None:
        return None if self.offset_ms is None else self.offset_ms / 1000

    @property
    def has_place(self) -> bool:
        """Whether a rule that repeats compares places in the call instead of the current time."""
        return self.offset_ms is not None and (self.found_after_call or self.end_ms is not None)

    def distance_ms(self, offset_ms: int) -> int:
        """Return how far a moment of the call is from what was found, 0 if it is within."""
        begin_ms = self.offset_ms or 0
        end_ms = max(begin_ms, self.end_ms or 0)
        return max(begin_ms - offset_ms, offset_ms - end_ms, 0)


@dataclass
class Held:
    """What waits until calls that other transactions hold locked are free."""

    matches: list[AlertMatch] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.matches or self.events)
