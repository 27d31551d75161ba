"""The read model of the alerts page: what was raised, newest first, open ones before all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from calls.models import Alert, Call

PAGE_SIZE = 50


@dataclass(frozen=True)
class AlertPage:
    """Up to PAGE_SIZE alerts. ``older`` is where the next ones are, or empty."""

    alerts: list[Alert]
    shows_all: bool
    open_count: int
    older: str


def read_alerts(query: Mapping[str, Any]) -> AlertPage:
    """Read the page that an address asks for; what makes no sense there is left out."""
    shows_all = query.get("show") == "all"
    alerts = Alert.objects.select_related("call")
    alerts = alerts.all() if shows_all else alerts.open()
    before = str(query.get("before", ""))
    if before.isascii() and before.isdigit() and len(before) < 19:
        alerts = alerts.filter(pk__lt=int(before))
    found = list(alerts.order_by("-id")[: PAGE_SIZE + 1])
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    older = {"show": "all" if shows_all else "open", "before": found[-1].pk} if more else {}
    return AlertPage(
        alerts=found,
        shows_all=shows_all,
        open_count=Alert.objects.open().count(),
        older=f"?{urlencode(older)}" if older else "",
    )


def alerts_of(call: Call) -> list[Alert]:
    """Return the alerts of a call, open ones first, then the newest."""
    return sorted(call.alerts.order_by("-id"), key=lambda alert: not alert.is_open)
