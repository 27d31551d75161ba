"""All writes of webhooks: events become rows; rows are claimed, sent, and tried again.

Each endpoint has a position in the event log. It moves in the transaction that creates the rows, so
a process that dies loses nothing. If a sender dies, its rows become due again, so a message may
arrive twice but is never lost.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from calls import events
from calls.models import CallEvent, WebhookDelivery, WebhookEndpoint
from calls.models.webhook import new_secret
from calls.webhooks.messages import body_of, test_body, wanted_types
from calls.webhooks.retry import GONE, GiveUpDelivery, Outcome, RetryDelivery, decide, is_persistent
from calls.webhooks.sender import Message, send

log = logging.getLogger(__name__)

READ_LIMIT = 200
AT_ONCE_EACH = 8
CLAIM_S = 20  # longer than an attempt takes; after this, a dead sender's row is due again
ROTATION = timedelta(days=1)
HEALTH_FIELDS = [
    "delivered_count", "failed_count", "given_up_count", "failing_since", "enabled",
    "disabled_reason",
]  # fmt: skip
KEPT = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
State = WebhookDelivery.State


@dataclass(frozen=True)
class Claim:
    """A claimed delivery. The attempt's number and time fence off a sender that is too late."""

    pk: int
    endpoint_pk: int
    attempt: int
    at: datetime
    message: Message


def queue_messages() -> int:
    """Create rows for the new events, for every enabled endpoint. Returns how many."""
    head = events.head()
    behind = WebhookEndpoint.objects.filter(enabled=True, position__lt=head)
    return sum(_queue_for(pk) for pk in list(behind.values_list("pk", flat=True)))


def _queue_for(pk: int) -> int:
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        endpoints = WebhookEndpoint.objects.select_for_update(skip_locked=skip)
        endpoint = endpoints.filter(pk=pk, enabled=True).first()
        # READ_LIMIT events at a time: the transaction stays short, and the next step reads on.
        found = events.read(after=endpoint.position, limit=READ_LIMIT) if endpoint else []
        if endpoint is None or not found:
            return 0
        now = timezone.now()
        rows = [
            _row(endpoint, kind, event, now=now)
            for event in found
            for kind in wanted_types(endpoint, event)
        ]
        # Message ids follow from event and endpoint, so queueing twice makes no second message.
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


def claim_deliveries(*, limit: int, busy: Mapping[int, int], now: datetime) -> list[Claim]:
    """Claim due deliveries. ``busy``: the number of deliveries in progress by endpoint.

    Each endpoint has its own limit, so that one that hangs does not delay the others. One that is
    failing gets a single message at a time.
    """
    due = WebhookDelivery.objects.due(now=now).filter(endpoint=OuterRef("pk"))
    waiting = WebhookEndpoint.objects.filter(Exists(due), enabled=True)
    claims: list[Claim] = []
    # Endpoints with the fewest deliveries in progress first, so that all get a share of the limit.
    for endpoint in sorted(waiting, key=lambda each: busy.get(each.pk, 0)):
        share = AT_ONCE_EACH if endpoint.failing_since is None else 1
        room = min(share - busy.get(endpoint.pk, 0), limit - len(claims))
        if room > 0:
            claims += _claim(endpoint, room, now=now)
    return claims


def _claim(endpoint: WebhookEndpoint, room: int, *, now: datetime) -> list[Claim]:
    # Two couriers do not wait for each other: each takes the rows that the other has not locked.
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        due = endpoint.deliveries.select_for_update(skip_locked=skip).due(now=now)
        rows = list(due.order_by("next_attempt_at", "pk")[:room])
        WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            next_attempt_at=now + timedelta(seconds=CLAIM_S),
            attempts=F("attempts") + 1,
            tried_at=now,
        )
    # Read when the message is sent, so that a rotated secret applies to old messages as well.
    secrets = endpoint.secrets_at(now)
    return [
        Claim(
            row.pk,
            endpoint.pk,
            row.attempts + 1,
            now,
            Message(endpoint.url, secrets, row.message_id, row.body),
        )
        for row in rows
    ]


def record_outcome(claim: Claim, outcome: Outcome, *, now: datetime, once: bool = False) -> None:
    """Record an attempt and what follows. Does nothing if another sender claimed the row since.

    ``once``: a message that was not delivered is given up, not tried again.
    """
    decision = decide(outcome, attempt=claim.attempt)
    if once and isinstance(decision, RetryDelivery):
        decision = GiveUpDelivery(outcome.told)
    with transaction.atomic():
        # Locked, because its counters are read and written back below.
        endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=claim.endpoint_pk).first()
        ours = WebhookDelivery.objects.filter(
            pk=claim.pk, attempts=claim.attempt, tried_at=claim.at, state=State.PENDING
        ).update(
            state=_state_after(decision),
            next_attempt_at=now + decision.wait if isinstance(decision, RetryDelivery) else None,
            delivered_at=now if decision is None else None,
            status_code=outcome.status,
            duration_ms=outcome.duration_ms,
            error=(decision.reason if isinstance(decision, GiveUpDelivery) else outcome.told)[:300],
            response=outcome.response,
        )
        if ours and endpoint is not None:
            _note_health(endpoint, outcome, decision, now=now)


def _state_after(decision: RetryDelivery | GiveUpDelivery | None) -> State:
    if decision is None:
        return State.DELIVERED
    return State.GIVEN_UP if isinstance(decision, GiveUpDelivery) else State.PENDING


def _note_health(
    endpoint: WebhookEndpoint,
    outcome: Outcome,
    decision: RetryDelivery | GiveUpDelivery | None,
    *,
    now: datetime,
) -> None:
    endpoint.delivered_count += decision is None
    endpoint.failed_count += decision is not None
    endpoint.given_up_count += isinstance(decision, GiveUpDelivery)
    endpoint.failing_since = None if decision is None else endpoint.failing_since or now
    # A person may have disabled it meanwhile; then the reason is not ours to give.
    reason = _reason_to_disable(endpoint, outcome, now=now) if endpoint.enabled else ""
    if reason:
        endpoint.enabled, endpoint.disabled_reason = False, reason
    endpoint.save(update_fields=HEALTH_FIELDS)
    if reason:
        told = events.WebhookDisabled(endpoint=endpoint.name, reason=reason)
        events.append([(events.NoCall(), told)], at=now)
        log.error("webhook endpoint %s was disabled: %s", endpoint.name, reason)


def _reason_to_disable(endpoint: WebhookEndpoint, outcome: Outcome, *, now: datetime) -> str:
    if outcome.status == GONE:
        return "The receiver answered that it is gone (410)."
    if is_persistent(endpoint.failing_since, now=now):
        since = f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
        return f"Nothing has been delivered since {since}. The last: {outcome.told}"[:300]
    return ""


def rotate_secret(*, endpoint_pk: int) -> WebhookEndpoint:
    """Set a new secret. For ROTATION, messages are signed with the old secret as well."""
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_pk)
        replace_secret(endpoint, new_secret())
        endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint


def replace_secret(endpoint: WebhookEndpoint, secret: str, *, old: str = "") -> None:
    """Set a new secret, and keep the old one for ROTATION. Does not save the endpoint."""
    endpoint.previous_secret = old or endpoint.secret
    endpoint.previous_secret_until = timezone.now() + ROTATION
    endpoint.secret = secret


def redeliver(*, delivery_pk: int) -> bool:
    """Queue a message again, with the same id, and count its attempts from zero."""
    # The same id tells the receiver that it may have this message already.
    return bool(
        WebhookDelivery.objects.filter(pk=delivery_pk).update(
            state=State.PENDING, next_attempt_at=timezone.now(), attempts=0, error=""
        )
    )


def queue_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Queue a message of the type ``test``, due at once."""
    now = timezone.now()
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        message_id=f"test_{uuid.uuid4().hex}",
        type="test",
        body=test_body(endpoint, now),
        next_attempt_at=now,
    )


def send_test(endpoint: WebhookEndpoint) -> Outcome:
    """Send a message of the type ``test`` now, once, and record it. Waits for the receiver.

    Do not call this in a transaction. If the process dies meanwhile, the courier sends it again.
    """
    now = timezone.now()
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        message_id=f"test_{uuid.uuid4().hex}",
        type="test",
        body=test_body(endpoint, now),
        attempts=1,
        tried_at=now,
        next_attempt_at=now + timedelta(seconds=CLAIM_S),
    )
    secrets = endpoint.secrets_at(now)
    message = Message(endpoint.url, secrets, delivery.message_id, delivery.body)
    outcome = send_now(message)
    claim = Claim(delivery.pk, endpoint.pk, 1, now, message)
    record_outcome(claim, outcome, now=timezone.now(), once=True)
    return outcome


def try_unsaved(endpoint: WebhookEndpoint) -> Outcome:
    """Send a message of the type ``test`` to an endpoint that is not saved. Records nothing."""
    now = timezone.now()
    body = test_body(endpoint, now)
    return send_now(Message(endpoint.url, (endpoint.secret,), f"test_{uuid.uuid4().hex}", body))


def send_now(message: Message) -> Outcome:
    return async_to_sync(send)(message, allowance=settings.WEBHOOK_ALLOW_PRIVATE)


def prune_deliveries() -> int:
    """Remove finished deliveries older than KEPT. Returns how many."""
    over = WebhookDelivery.objects.exclude(state=State.PENDING)
    old = over.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    return WebhookDelivery.objects.filter(pk__in=pks).delete()[0] if pks else 0
