"""Queues alerts for the targets that want them, puts many into one digest, and sends.

The rows of an alert are created in its own transaction, so none is lost. A target gets each alert
once, unless a process dies after it has sent a message and before it has recorded that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from calls import events
from calls.models import Alert, NotificationDelivery, NotificationTarget
from calls.monitoring.log_context import ORIGIN
from calls.notifications.sender import send_notice
from calls.notifications.text import Notice, notice_of, test_notice
from calls.visibility import teams_of_call
from calls.webhooks.outbox import Outbox
from calls.webhooks.retry import Outcome

State = NotificationDelivery.State
MINUTE = timedelta(minutes=1)
MOST_MERGED = 1_000
# Sending an e-mail takes several steps, each of which may take its time-out.
CLAIM_S = 120


@dataclass(frozen=True)
class Envelope:
    """A message and where it goes."""

    kind: str
    address: str
    notice: Notice
    context: Mapping[str, str] = field(default_factory=dict)  # for the log


def queue_alert(alert: Alert, *, now: datetime) -> int:
    """Create a row for each target that wants the alert. Call inside its transaction."""
    wanted = [target for target in _targets_for(alert) if _wants(target, alert)]
    if any(target.teams is not None for target in wanted):
        teams = teams_of_call(alert.call.agent, alert.call.queue)
        wanted = [each for each in wanted if each.teams is None or teams & set(each.teams)]
    NotificationDelivery.objects.bulk_create(
        NotificationDelivery(target=target, alert=alert, next_attempt_at=now, created_at=now)
        for target in wanted
    )
    return len(wanted)


def _targets_for(alert: Alert) -> list[NotificationTarget]:
    targets = NotificationTarget.objects.filter(enabled=True, min_severity__lte=alert.severity)
    return list(targets.prefetch_related("rules"))


def _wants(target: NotificationTarget, alert: Alert) -> bool:
    rules = {rule.pk for rule in target.rules.all()}
    is_rule = not rules or alert.rule_id in rules
    return is_rule and (not target.queues or alert.call.queue in target.queues)


def send_test(target: NotificationTarget) -> Outcome:
    """Send a test message now. The target need not be saved."""
    return send_notice(target.kind, target.address, test_notice(target.name))


class NotificationOutbox(Outbox):
    name = "notifications"
    receivers, deliveries, receiver = NotificationTarget, NotificationDelivery, "target"
    claim_s = CLAIM_S
    health_fields = (*Outbox.health_fields, "last_result", "last_tried_at", "last_success_at")

    def queue(self) -> int:
        return 0  # alerts are queued when they are raised

    def take(self, receiver: Any, room: int, *, now: datetime) -> list[Any]:
        """Return the rows to send next, within the target's limit per minute."""
        # Locked, so that two couriers do not both send the rest of the minute.
        if not NotificationTarget.objects.select_for_update().filter(pk=receiver.pk).exists():
            return []
        sent = receiver.deliveries.filter(tried_at__gt=now - MINUTE).count()
        allowed = receiver.per_minute - sent
        due = super().take(receiver, MOST_MERGED, now=now) if allowed > 0 else []
        return _merged(due, allowed)[:room]

    def message_for(
        self, receiver: NotificationTarget, row: NotificationDelivery, *, now: datetime
    ) -> Envelope:
        told = NotificationDelivery.objects.filter(pk=row.pk) | row.merged.all()
        alerts = Alert.objects.filter(notifications__in=told.values("pk")).order_by("pk")
        found = list(alerts.select_related("call"))
        return Envelope(receiver.kind, receiver.address, notice_of(found), _context_of(found))

    async def send(self, message: Envelope) -> Outcome:
        return await asyncio.to_thread(send_notice, message.kind, message.address, message.notice)

    def disabled_event(self, receiver: NotificationTarget, reason: str) -> events.Payload:
        return events.NotificationTargetDisabled(target=receiver.name, reason=reason)

    def note(self, receiver: NotificationTarget, outcome: Outcome, *, now: datetime) -> None:
        receiver.last_result = (outcome.told or outcome.response)[:300]
        receiver.last_tried_at = now
        if outcome.is_success:
            receiver.last_success_at = now


OUTBOX = NotificationOutbox()


def _context_of(alerts: Sequence[Alert]) -> dict[str, str]:
    """Return the ids for the log, if all alerts are of one call."""
    calls = {alert.call_id: alert.call for alert in alerts}
    if len(calls) != 1:
        return {}
    (call,) = calls.values()
    return {name: getattr(call, name) for name in ("call_id", *ORIGIN)}


def _merged(due: list[NotificationDelivery], allowed: int) -> list[NotificationDelivery]:
    """Return at most ``allowed`` rows. Further rows become part of the last one.

    A row that was tried is not changed any more: its message may have arrived.
    """
    tried = [row for row in due if row.attempts]
    fresh = [row for row in due if not row.attempts]
    slots = max(1, allowed - len(tried))
    if len(fresh) > slots:
        digest, rest = fresh[slots - 1], [row.pk for row in fresh[slots:]]
        # A row among them may be a digest that was not sent yet.
        NotificationDelivery.objects.filter(digest__in=rest).update(digest=digest)
        NotificationDelivery.objects.filter(pk__in=rest).update(
            state=State.MERGED, digest=digest, next_attempt_at=None
        )
        fresh = fresh[:slots]
    return [*fresh, *tried][:allowed]
