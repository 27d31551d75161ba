"""The entries of the event log about alerts.

``rule`` and ``severity`` are those of the alert when it was raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class AlertRaised:
    """A rule matched. ``quote`` is redacted; ``offset_ms`` counts from the first packet."""

    type: ClassVar[str] = "alert_raised"
    alert: int
    rule: str
    kind: str
    severity: str
    found: str
    quote: str
    speaker: str
    offset_ms: int | None


@dataclass(frozen=True, kw_only=True)
class AlertAcknowledged:
    """A person acknowledged the alert."""

    type: ClassVar[str] = "alert_acknowledged"
    alert: int
    rule: str
    severity: str
    by: str
    note: str


@dataclass(frozen=True, kw_only=True)
class AlertResolved:
    """The condition of the alert has ended without anybody acting on it."""

    type: ClassVar[str] = "alert_resolved"
    alert: int
    rule: str
    severity: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AlertAssigned:
    """Somebody took the alert or gave it to a colleague. ``to`` is empty if it was given up."""

    type: ClassVar[str] = "alert_assigned"
    alert: int
    rule: str
    severity: str
    to: str
    by: str


@dataclass(frozen=True, kw_only=True)
class AlertSnoozed:
    """Somebody put the alert off. It is open again at ``until``."""

    type: ClassVar[str] = "alert_snoozed"
    alert: int
    rule: str
    severity: str
    until: str
    by: str


@dataclass(frozen=True, kw_only=True)
class AlertReopened:
    """The alert is open again. ``by`` is empty if its time to be snoozed is over."""

    type: ClassVar[str] = "alert_reopened"
    alert: int
    rule: str
    severity: str
    by: str
