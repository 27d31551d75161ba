"""What a rule found on a call, before it is raised as an alert."""

from __future__ import annotations

from dataclasses import dataclass

from calls.models import AlertRule

PACKET_SOURCE = "packet:"  # prefix of the source of words that were found in a packet


@dataclass(frozen=True)
class AlertMatch:
    """What a rule found on a call.

    ``source`` names the place, so that it is raised only once. ``found_after_call`` is True if
    the match was found after the call ended: a rule that repeats then compares offsets within
    the call instead of the current time.
    """

    rule: AlertRule
    call_pk: int
    found: str
    source: str | None = None
    quote: str = ""
    speaker: str = ""
    offset_ms: int | None = None
    found_after_call: bool = False

    @property
    def offset_s(self) -> float | None:
        return None if self.offset_ms is None else self.offset_ms / 1000
