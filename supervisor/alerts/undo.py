"""Taking back what a user has just acknowledged. The session remembers it for a short time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from calls.alerts.handling import undo_acknowledgement

_KEY = "acknowledged"
# How long a page offers it. Without JavaScript it stays on the page, so it works for longer.
OFFERED = timedelta(seconds=10)
POSSIBLE = timedelta(minutes=1)


@dataclass(frozen=True)
class Undo:
    """What can be taken back: how many alerts, and the name of the first of them."""

    count: int
    name: str
    until: datetime


def remember(request: HttpRequest, alert_ids: Sequence[int], *, name: str, at: datetime) -> None:
    """Remember what the user has acknowledged, instead of what they did before."""
    if alert_ids:
        request.session[_KEY] = {"alerts": list(alert_ids), "name": name, "at": at.isoformat()}


def offer(request: HttpRequest) -> Undo | None:
    """Return what the page offers to take back."""
    known = _recall(request, OFFERED)
    if known is None:
        return None
    return Undo(len(known["alerts"]), known["name"], _time(known) + OFFERED)


def take_back(request: HttpRequest) -> int | None:
    """Reopen what the user has just acknowledged. Returns how many; None if it is too late."""
    known = _recall(request, POSSIBLE)
    if known is None:
        return None
    del request.session[_KEY]
    by = request.user.get_username()
    return undo_acknowledgement(alert_ids=known["alerts"], by=by, at=_time(known))


def _recall(request: HttpRequest, for_time: timedelta) -> dict[str, Any] | None:
    known: dict[str, Any] | None = request.session.get(_KEY)
    if known is None or timezone.now() > _time(known) + for_time:
        return None
    return known


def _time(known: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(known["at"])
