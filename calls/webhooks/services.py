"""All writes of webhooks: events become rows, and the outbox of the rows.

Each endpoint has a position in the event log. It moves in the transaction that creates the rows, so
a process that dies loses nothing.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from calls import events
from calls.models import CallEvent, WebhookDelivery, WebhookEndpoint
from calls.models.webhook import new_secret
from calls.monitoring.log_context import ORIGIN
from calls.webhooks.messages import body_of, call_id_in, test_body, wanted_types
from calls.webhooks.outbox import Claim, Outbox
from calls.webhooks.retry import Outcome
from calls.webhooks.sender import Message, send

READ_LIMIT = 200
CLAIM_S = 20  # longer than an attempt takes
ROTATION = timedelta(days=1)


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
        **{name: getattr(event.call, name, "") for name in ORIGIN},
        next_attempt_at=now,
        created_at=now,
    )


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
    message = OUTBOX.message_for(endpoint, delivery, now=now)
    outcome = send_now(message)
    claim = Claim(delivery.pk, endpoint.pk, 1, now, message)
    OUTBOX.record(claim, outcome, now=timezone.now(), once=True)
    return outcome


def try_unsaved(endpoint: WebhookEndpoint) -> Outcome:
    """Send a message of the type ``test`` to an endpoint that is not saved. Records nothing."""
    now = timezone.now()
    body = test_body(endpoint, now)
    return send_now(Message(endpoint.url, (endpoint.secret,), f"test_{uuid.uuid4().hex}", body))


def send_now(message: Message) -> Outcome:
    return async_to_sync(OUTBOX.send)(message)


class WebhookOutbox(Outbox):
    name = "webhooks"
    receivers, deliveries, receiver = WebhookEndpoint, WebhookDelivery, "endpoint"
    claim_s = CLAIM_S

    def queue(self) -> int:
        return queue_messages()

    def message_for(
        self, receiver: WebhookEndpoint, row: WebhookDelivery, *, now: datetime
    ) -> Message:
        context = {name: getattr(row, name) for name in ORIGIN}
        context["call_id"] = call_id_in(row.body)
        return Message(
            receiver.url, receiver.secrets_at(now), row.message_id, row.body, context=context
        )

    async def send(self, message: Message) -> Outcome:
        return await send(message, allowance=settings.WEBHOOK_ALLOW_PRIVATE)

    def disabled_event(self, receiver: WebhookEndpoint, reason: str) -> events.Payload:
        return events.WebhookDisabled(endpoint=receiver.name, reason=reason)


OUTBOX = WebhookOutbox()
