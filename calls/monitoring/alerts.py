"""Metrics and notes about alerts, webhooks and notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, Gauge

from calls import events
from calls.models import (
    Alert,
    CallEvent,
    NotificationDelivery,
    NotificationTarget,
    Severity,
    WebhookDelivery,
    WebhookEndpoint,
)

OUTCOMES = ("delivered", "failed", "given_up")


def find_notes() -> list[str]:
    """Return notes for operators about problems that do not affect calls."""
    return [
        f"{noun} {each.name} is disabled: {each.disabled_reason}"
        for noun, receivers in (
            ("Webhook", WebhookEndpoint.objects.all()),
            ("Notification target", NotificationTarget.objects.all()),
        )
        for each in receivers.filter(enabled=False).exclude(disabled_reason="")
    ]


def register(registry: CollectorRegistry) -> None:
    now = timezone.now()
    for state, text in (
        (Alert.State.OPEN, "Open alerts"),
        (Alert.State.SNOOZED, "Alerts that will be open again"),
    ):
        alerts = Gauge(f"callcenter_alerts_{state.value}", text, ["severity"], registry=registry)
        for level, count in by_severity(state).items():
            alerts.labels(level).set(count)
    for name, label, receivers in (
        ("webhook", "endpoint", WebhookEndpoint.objects.all()),
        ("notification", "target", NotificationTarget.objects.all()),
    ):
        _register_receivers(registry, name, label, receivers)
    for name, text, value in (
        ("webhook_waiting", "Messages waiting to be sent to enabled endpoints", waiting()),
        ("webhook_oldest_seconds", "Age of the oldest undelivered message", oldest_s(now)),
        ("notification_waiting", "Notifications waiting to be sent", _notifications().count()),
        ("notification_oldest_seconds", "Age of the oldest of them", _oldest_notification_s(now)),
    ):
        Gauge(f"callcenter_{name}", text, registry=registry).set(value)


def _register_receivers(
    registry: CollectorRegistry, name: str, label: str, receivers: QuerySet[Any]
) -> None:
    tries = Counter(
        f"callcenter_{name}_tries",
        f"Attempts at {name} deliveries; given_up counts messages",
        [label, "outcome"],
        registry=registry,
    )
    enabled = Gauge(
        f"callcenter_{name}_enabled", f"0: the {label} is disabled", [label], registry=registry
    )
    for receiver in receivers:
        enabled.labels(receiver.name).set(receiver.enabled)
        for outcome in OUTCOMES:
            tries.labels(receiver.name, outcome).inc(getattr(receiver, f"{outcome}_count"))


def _notifications() -> QuerySet[NotificationDelivery]:
    pending = NotificationDelivery.objects.filter(state=NotificationDelivery.State.PENDING)
    return pending.filter(target__enabled=True)


def _oldest_notification_s(now: datetime) -> float:
    oldest = _notifications().aggregate(at=Min("created_at"))["at"]
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


def by_severity(state: str) -> dict[str, int]:
    """Count the alerts of a state."""
    alerts = Alert.objects.in_state(state).order_by()
    counted = dict(alerts.values_list("severity").annotate(n=Count("pk")))
    # Zero instead of nothing: in Prometheus, a rule on a series that does not exist never fires.
    return {level.name.lower(): counted.get(level, 0) for level in Severity}


def waiting() -> int:
    return _pending().count()


def oldest_s(now: datetime) -> float:
    """Return how long the oldest message has been waiting, in the queue or in the event log."""
    queued = _pending().aggregate(at=Min("created_at"))["at"]
    # Both, because an event that no courier has read has no message yet.
    times = [at for at in (queued, _oldest_unread()) if at is not None]
    return max(0.0, (now - min(times)).total_seconds()) if times else 0.0


def _pending() -> QuerySet[WebhookDelivery]:
    pending = WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING)
    return pending.filter(endpoint__enabled=True)


def _oldest_unread() -> datetime | None:
    """Return the time of the first event that no courier has processed."""
    enabled = WebhookEndpoint.objects.filter(enabled=True)
    position = enabled.aggregate(at=Min("position"))["at"]
    if position is None or position >= events.head():
        return None
    return CallEvent.objects.filter(id__gt=position).values_list("at", flat=True).first()
