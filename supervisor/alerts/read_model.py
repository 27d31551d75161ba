"""The read model of the alerts page: the filter in its address, and the alerts that match it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import QuerySet

from calls.models import Alert, AlertRule, Call, Severity, WebhookEndpoint
from supervisor.figures import COUNTED

PAGE_SIZE = 50
NAME_LENGTH = 200
# The list of queues offers those of so many newest alerts. DISTINCT over all would read them all.
CHOICES_FROM = 2_000
LEVELS = [(level.name.lower(), level.label) for level in reversed(Severity)]
# Query parameters of the address, by the field of AlertSelection.
NAMES = {
    "shows_all": "show",
    "severity": "severity",
    "rule": "rule",
    "queue": "queue",
    "call": "call",
    "before": "before",
}


@dataclass(frozen=True)
class AlertSelection:
    """The alerts that the address of the page asks for."""

    shows_all: bool = False
    severity: str = ""
    rule: str = ""
    queue: str = ""
    call: str = ""
    before: int | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read the address. Ignore invalid values."""
        severity = str(query.get("severity", ""))
        before = str(query.get("before", ""))
        # isascii: "²" is a digit as well, but not for int(). 18 digits fit any key of 64 bits.
        is_number = before.isascii() and before.isdigit() and len(before) < 19
        return cls(
            shows_all=query.get("show") == "all",
            severity=severity if severity in dict(LEVELS) else "",
            rule=_text(query, "rule"),
            queue=_text(query, "queue"),
            call=_text(query, "call"),
            before=int(before) if is_number else None,
        )

    @property
    def narrows(self) -> bool:
        return bool(self.severity or self.rule or self.queue or self.call)

    def apply(self, alerts: QuerySet[Alert]) -> QuerySet[Alert]:
        """Filter the alerts, without paging."""
        if not self.shows_all:
            alerts = alerts.filter(acknowledged_at=None)
        if self.severity:
            alerts = alerts.filter(severity=Severity[self.severity.upper()])
        if self.rule:
            alerts = alerts.filter(name=self.rule)
        if self.queue:
            alerts = alerts.filter(call__queue=self.queue)
        if self.call:
            alerts = alerts.filter(call__call_id=self.call)
        return alerts

    def address(self, **changes: Any) -> str:
        """Return the query string with these changes. Leave out default values."""
        wanted, usual = replace(self, **changes), type(self)()
        named = {
            name: "all" if value is True else value
            for field, name in NAMES.items()
            if (value := getattr(wanted, field)) != getattr(usual, field)
        }
        return f"?{urlencode(named)}" if named else "?"

    @property
    def open_address(self) -> str:
        return self.address(shows_all=False, before=None)

    @property
    def all_address(self) -> str:
        return self.address(shows_all=True, before=None)

    @property
    def cleared_address(self) -> str:
        return type(self)(shows_all=self.shows_all).address()


def _text(query: Mapping[str, Any], name: str) -> str:
    # PostgreSQL cannot store or compare a text with a NUL.
    return str(query.get(name, "")).replace("\0", "").strip()[:NAME_LENGTH]


@dataclass(frozen=True)
class AlertPage:
    """Up to PAGE_SIZE alerts. ``older`` is the address of the next page, or empty."""

    wanted: AlertSelection
    alerts: list[Alert]
    open_count: int
    older: str
    rules: list[str]
    queues: list[str]

    @property
    def newest(self) -> int:
        return self.alerts[0].pk if self.alerts else 0


def read_alerts(wanted: AlertSelection) -> AlertPage:
    alerts = wanted.apply(Alert.objects.select_related("call"))
    if wanted.before is not None:
        alerts = alerts.filter(pk__lt=wanted.before)
    # One more than the page shows tells whether there is a next page, without a count.
    found = list(alerts.order_by("-id")[: PAGE_SIZE + 1])
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    narrowed = replace(wanted, shows_all=False).apply(Alert.objects.order_by())
    return AlertPage(
        wanted=wanted,
        alerts=found,
        # Counting a slice stops at its end, however many alerts are open.
        open_count=narrowed[:COUNTED].count(),
        older=wanted.address(before=found[-1].pk) if more else "",
        rules=_offer(AlertRule.objects.values_list("name", flat=True), wanted.rule),
        queues=_offer(_queues(), wanted.queue),
    )


def _queues() -> QuerySet[Any, Any]:
    newest = Alert.objects.order_by("-id").values_list("call__queue", flat=True)
    return newest[:CHOICES_FROM]


def _offer(names: Any, chosen: str) -> list[str]:
    return sorted({*names, chosen} - {""}, key=str.casefold)


def numbers_of(wanted: AlertSelection, *, up_to: int, limit: int) -> list[int]:
    """Return the ids of matching open alerts. ``up_to`` leaves out any raised after the page."""
    fitting = replace(wanted, shows_all=False).apply(Alert.objects.filter(pk__lte=up_to))
    return list(fitting.order_by("-id").values_list("pk", flat=True)[:limit])


def alerts_of(call: Call) -> list[Alert]:
    """Return the alerts of a call, open ones first, then the newest."""
    return sorted(call.alerts.order_by("-id"), key=lambda alert: not alert.is_open)


def disabled_webhooks() -> list[WebhookEndpoint]:
    """Return the endpoints that were disabled automatically because deliveries failed."""
    # An endpoint that a person has switched off has no reason.
    return list(WebhookEndpoint.objects.filter(enabled=False).exclude(disabled_reason=""))
