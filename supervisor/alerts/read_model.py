"""The read model of the alerts page: the alerts that match its address, by call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from calls.models import Alert, Call, WebhookEndpoint
from supervisor.alerts.selection import AlertSelection, Offers
from supervisor.figures import COUNTED

PAGE_SIZE = 50
TABS = (
    ("open", "Open", True),
    ("mine", "Mine", True),
    ("snoozed", "Snoozed", True),
    ("acknowledged", "Acknowledged", False),
    ("resolved", "Resolved", False),
    ("all", "All", False),
)


@dataclass(frozen=True)
class Tab:
    """A choice of alerts by their state. ``count`` is None where nobody needs it."""

    name: str
    label: str
    address: str
    count: int | None
    is_current: bool

    @property
    def counted(self) -> str:
        return f"{COUNTED}+" if self.count == COUNTED else str(self.count)


@dataclass(frozen=True)
class Case:
    """The alerts of one call that are on the page, newest first."""

    call: Call
    alerts: list[Alert]

    @property
    def customer(self) -> str:
        """Who is on the other side: whom the agent called, or who called."""
        is_outbound = self.call.direction == Call.Direction.OUTBOUND
        return self.call.callee if is_outbound else self.call.caller

    @property
    def name(self) -> str:
        """The name of the call for people: its agent, its customer, or its id."""
        return self.call.agent or self.customer or self.call.call_id


@dataclass(frozen=True)
class AlertPage:
    """Up to PAGE_SIZE alerts. ``older`` is the address of the next page, or empty."""

    wanted: AlertSelection
    alerts: list[Alert]
    tabs: list[Tab]
    older: str
    offers: Offers

    @property
    def cases(self) -> list[Case]:
        return group(self.alerts)

    @property
    def matching(self) -> int:
        """How many alerts of this list can be acknowledged, up to COUNTED."""
        return next((tab.count or 0 for tab in self.tabs if tab.is_current), 0)

    @property
    def matching_text(self) -> str:
        return next((tab.counted for tab in self.tabs if tab.is_current), "")

    @property
    def newest(self) -> int:
        return max((alert.pk for alert in self.alerts), default=0)


def group(alerts: Iterable[Alert]) -> list[Case]:
    """Put the alerts of a call together, in the order of their first ones."""
    cases: dict[int, Case] = {}
    for alert in alerts:
        cases.setdefault(alert.call_id, Case(alert.call, [])).alerts.append(alert)
    return list(cases.values())


def read_alerts(wanted: AlertSelection, offers: Offers) -> AlertPage:
    alerts = wanted.apply(Alert.objects.select_related("call"))
    if wanted.before is not None:
        alerts = alerts.filter(pk__lt=wanted.before)
    # One more than the page shows: it reveals whether there is a next page, without a count.
    found = list(alerts.order_by("-id")[: PAGE_SIZE + 1])
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    return AlertPage(
        wanted=wanted,
        alerts=found,
        tabs=[_tab(wanted, *tab) for tab in TABS],
        older=wanted.address(before=found[-1].pk) if more else "",
        offers=offers,
    )


def _tab(wanted: AlertSelection, name: str, label: str, is_counted: bool) -> Tab:
    shown = wanted.showing(name)
    # Counting a slice stops at its end, however many alerts there are.
    count = shown.apply(Alert.objects.order_by())[:COUNTED].count() if is_counted else None
    return Tab(name, label, shown.address(), count, name == wanted.show)


def matching_alerts(wanted: AlertSelection, *, up_to: int) -> QuerySet[Alert]:
    """Return matching alerts that nobody has handled. ``up_to`` leaves out newer ones."""
    unhandled = Alert.objects.unhandled().filter(pk__lte=up_to)
    return wanted.apply(unhandled).order_by("-id")


def alerts_of(call: Call) -> list[Alert]:
    """Return the alerts of a call, open ones first, then the newest."""
    return sorted(call.alerts.order_by("-id"), key=lambda alert: not alert.is_open)


def disabled_webhooks() -> list[WebhookEndpoint]:
    """Return the endpoints that were disabled automatically because deliveries failed."""
    # An endpoint that a person has switched off has no reason.
    return list(WebhookEndpoint.objects.filter(enabled=False).exclude(disabled_reason=""))
