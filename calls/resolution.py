"""Resolves alerts whose condition has ended with the state of their call.

The caller makes the change of the call and calls this in the same transaction. Conditions that
end while a call is live are in ``calls.alerts.endings``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from calls.events import Entry, log_entry
from calls.events.alerts import AlertResolved
from calls.models import Alert


def resolve_over(call_pks: Collection[int], *, now: datetime) -> list[Entry]:
    """Resolve alerts of locked calls that have been saved. Returns the entries for the log."""
    over = Alert.objects.over().filter(call__in=call_pks).select_related("call").order_by("pk")
    return resolve(((alert, alert.reason_over(alert.call)) for alert in over), now=now)


def resolve(alerts: Iterable[tuple[Alert, str]], *, now: datetime) -> list[Entry]:
    """Resolve alerts of locked calls, each for its reason. Returns the entries for the log."""
    entries, by_reason = [], dict[str, list[int]]()
    for alert, reason in alerts:
        alert.resolved_at, alert.resolved_reason, alert.snoozed_until = now, str(reason), None
        by_reason.setdefault(reason, []).append(alert.pk)
        entries.append(log_entry(alert.call, resolved_event(alert, reason)))
    for reason, pks in by_reason.items():
        Alert.objects.filter(pk__in=pks).update(
            resolved_at=now, resolved_reason=reason, snoozed_until=None
        )
    return entries


def resolved_event(alert: Alert, reason: str) -> AlertResolved:
    return AlertResolved(alert=alert.pk, rule=alert.name, severity=alert.level, reason=str(reason))
