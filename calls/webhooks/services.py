"""Every write of webhooks: events become rows, rows are taken, tried, and tried again.

The log is read by a position for each endpoint, moved in the transaction that makes the rows: a
process that dies loses nothing. A row that is being sent is due again if its sender dies, so a
message may come twice, never not at all.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from calls import events
from calls.models import CallEvent, WebhookDelivery, WebhookEndpoint
from calls.webhooks.messages import body_of, wanted_types
from calls.webhooks.retry import GONE, GiveUp, Outcome, Retry, decide, is_persistent
from calls.webhooks.sender import Message

log = logging.getLogger(__name__)

READ_LIMIT = 200
CLAIM_S = 60
KEPT = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
State = WebhookDelivery.State


@dataclass(frozen=True)
class Claim:
    """A delivery in the hands of a sender; ``attempt`` is its number and its fence."""

    pk: int
    endpoint_pk: int
    attempt: int
    message: Message


def queue_messages() -> int:
    """Make rows of what is new in the log, for every enabled endpoint. Returns how many."""
    head = events.head()
    behind = WebhookEndpoint.objects.filter(enabled=True, position__lt=head)
    return sum(_queue_for(pk) for pk in list(behind.values_list("pk", flat=True)))


def _queue_for(pk: int) -> int:
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        endpoints = WebhookEndpoint.objects.select_for_update(skip_locked=skip)
        endpoint = endpoints.filter(pk=pk, enabled=True).first()
        found = events.read(after=endpoint.position, limit=READ_LIMIT) if endpoint else []
        if endpoint is None or not found:
            return 0
        now = timezone.now()
        rows = [
            _row(endpoint, kind, event, now=now)
            for event in found
            for kind in wanted_types(endpoint, event)
        ]
        WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
        WebhookEndpoint.objects.filter(pk=pk).update(position=found[-1].id)
    return len(rows)


def _row(
    endpoint: WebhookEndpoint, kind: str, event: CallEvent, *, now: datetime
) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint=endpoint,
        message_id=f"{kind}_{event.id}_{endpoint.pk}",
        type=kind,
        body=body_of(kind, event),
        next_attempt_at=now,
        created_at=now,
    )


def claim_deliveries(*, limit: int, busy: Collection[int] = (), now: datetime) -> list[Claim]:
    """Take due deliveries, except those of endpoints that have their hands full."""
    due = WebhookDelivery.objects.due(now=now).exclude(endpoint__in=busy)
    rows = due.select_related("endpoint").order_by("next_attempt_at")[:limit]
    return [claim for row in rows if (claim := _claim(row, now=now))]


def _claim(row: WebhookDelivery, *, now: datetime) -> Claim | None:
    # Whoever changes the row first has it: the time that was read is compared.
    mine = WebhookDelivery.objects.filter(
        pk=row.pk, state=State.PENDING, next_attempt_at=row.next_attempt_at
    ).update(
        next_attempt_at=now + timedelta(seconds=CLAIM_S),
        attempts=F("attempts") + 1,
        tried_at=now,
    )
    endpoint = row.endpoint
    message = Message(endpoint.url, endpoint.secret, row.message_id, row.body)
    return Claim(row.pk, endpoint.pk, row.attempts + 1, message) if mine else None


def record_outcome(claim: Claim, outcome: Outcome, *, now: datetime) -> None:
    """Write how a try went and what follows. A sender that was taken for dead changes nothing."""
    decision = decide(outcome, attempt=claim.attempt)
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=claim.endpoint_pk).first()
        ours = WebhookDelivery.objects.filter(
            pk=claim.pk, attempts=claim.attempt, state=State.PENDING
        ).update(
            state=_state_after(decision),
            next_attempt_at=now + decision.wait if isinstance(decision, Retry) else None,
            delivered_at=now if decision is None else None,
            status_code=outcome.status,
            duration_ms=outcome.duration_ms,
            error=(decision.reason if isinstance(decision, GiveUp) else outcome.told)[:300],
        )
        if ours and endpoint is not None:
            _note_health(endpoint, outcome, now=now)


def _state_after(decision: Retry | GiveUp | None) -> State:
    if decision is None:
        return State.DELIVERED
    return State.GIVEN_UP if isinstance(decision, GiveUp) else State.PENDING


def _note_health(endpoint: WebhookEndpoint, outcome: Outcome, *, now: datetime) -> None:
    if outcome.is_success:
        if endpoint.failing_since is not None:
            endpoint.failing_since = None
            endpoint.save(update_fields=["failing_since"])
        return
    endpoint.failing_since = endpoint.failing_since or now
    if outcome.status == GONE:
        _disable(endpoint, "The receiver said that it is gone (410).")
    elif is_persistent(endpoint.failing_since, now=now):
        since = f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
        _disable(endpoint, f"Nothing was delivered since {since}. The last: {outcome.told}")
    endpoint.save(update_fields=["failing_since", "enabled", "disabled_reason"])


def _disable(endpoint: WebhookEndpoint, reason: str) -> None:
    endpoint.enabled, endpoint.disabled_reason = False, reason[:300]
    log.error("webhook endpoint %s is disabled: %s", endpoint.name, reason)


def redeliver(*, delivery_pk: int) -> bool:
    """Send a message again, with its old id and a fresh count of attempts."""
    return bool(
        WebhookDelivery.objects.filter(pk=delivery_pk).update(
            state=State.PENDING, next_attempt_at=timezone.now(), attempts=0, error=""
        )
    )


def queue_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Make a message of the type ``test``, due at once."""
    now = timezone.now()
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        message_id=f"test_{uuid.uuid4().hex}",
        type="test",
        body=f'{{"type": "test", "timestamp": "{now.isoformat()}", "data": {{}}}}',
        next_attempt_at=now,
    )


def prune_deliveries() -> int:
    """Remove what is over and older than KEPT. Returns how many rows."""
    over = WebhookDelivery.objects.exclude(state=State.PENDING)
    old = over.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    return WebhookDelivery.objects.filter(pk__in=pks).delete()[0] if pks else 0
