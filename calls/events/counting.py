"""Counts entries of the event log for ``/metrics``, once they are committed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calls.telemetry import catalogue


def count(entries: Iterable[tuple[Any, str]]) -> None:
    """Count payloads and the state of their call."""
    for payload, state in entries:
        catalogue.EVENTS.add(1, payload.type)
        match payload.type:
            case "state_change":
                catalogue.CALL_CHANGES.add(1, str(state))
            case "gap_detected":
                catalogue.GAPS.add()
                catalogue.MISSED.add(payload.received - payload.expected)
            case "late_packets":
                catalogue.LATE.add(payload.count)
