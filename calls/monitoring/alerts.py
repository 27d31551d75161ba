"""Metrics and notes about alerts and webhooks."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Min, QuerySet
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, Gauge

from calls import events
from calls.models import Alert, CallEvent, Severity, WebhookDelivery, WebhookEndpoint

OUTCOMES = ("delivered", "failed", "given_up")


def find_notes() -> list[str]:
    """Return notes for operators about problems that do not affect calls."""
    disabled = WebhookEndpoint.objects.filter(enabled=False).exclude(disabled_reason="")
    return [f"Webhook {each.name} is disabled: {each.disabled_reason}" for each in disabled]


def register(registry: CollectorRegistry) -> None:
    for state, text in (
        (Alert.State.OPEN, "Open alerts"),
        (Alert.State.SNOOZED, "Alerts that will be open again"),
    ):
        alerts = Gauge(f"callcenter_alerts_{state.value}", text, ["severity"], registry=registry)
        for level, count in by_severity(state).items():
            alerts.labels(level).set(count)
    tries = Counter(
        "callcenter_webhook_tries",
        "Attempts at webhook deliveries; given_up counts messages",
        ["endpoint", "outcome"],
        registry=registry,
    )
    enabled = Gauge(
        "callcenter_webhook_enabled", "0: the endpoint is disabled", ["endpoint"], registry=registry
    )
    for endpoint in WebhookEndpoint.objects.all():
        enabled.labels(endpoint.name).set(endpoint.enabled)
        for outcome in OUTCOMES:
            tries.labels(endpoint.name, outcome).inc(getattr(endpoint, f"{outcome}_count"))
    for name, text, value in (
        ("waiting", "Messages waiting to be sent to enabled endpoints", waiting()),
        ("oldest_seconds", "Age of the oldest undelivered message", oldest_s(timezone.now())),
    ):
        Gauge(f"callcenter_webhook_{name}", text, registry=registry).set(value)


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
