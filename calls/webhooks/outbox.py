"""Messages as rows: claimed, recorded and tried again, for every kind of receiver.

If a sender dies, its rows become due again, so a message may arrive twice but is never lost.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from calls import events
from calls.models import Delivery, Receiver
from calls.webhooks.retry import GONE, GiveUpDelivery, Outcome, RetryDelivery, decide, is_persistent

log = logging.getLogger(__name__)

AT_ONCE_EACH = 8
KEPT = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
State = Delivery.State


@dataclass(frozen=True)
class Claim:
    """A claimed delivery. The attempt's number and time fence off a sender that is too late."""

    pk: int
    receiver_pk: int
    attempt: int
    at: datetime
    message: Any


class Outbox(ABC):
    """Receivers of one kind and their deliveries.

    ``receiver`` names the foreign key of a delivery. A claim lasts ``claim_s``, which must be
    longer than an attempt takes: after this, the row of a dead sender is due again.
    """

    name: ClassVar[str]
    receivers: ClassVar[type[Any]]
    deliveries: ClassVar[type[Any]]
    receiver: ClassVar[str]
    claim_s: ClassVar[int]
    health_fields: ClassVar[tuple[str, ...]] = (
        "delivered_count", "failed_count", "given_up_count", "failing_since", "enabled",
        "disabled_reason",
    )  # fmt: skip

    @abstractmethod
    def queue(self) -> int:
        """Create rows for what is new. Returns how many."""

    @abstractmethod
    def message_for(self, receiver: Any, row: Any, *, now: datetime) -> Any:
        """Return what ``send`` needs. Called when a row is claimed."""

    @abstractmethod
    async def send(self, message: Any) -> Outcome:
        """Send once. Never raises: every failure is an outcome."""

    @abstractmethod
    def disabled_event(self, receiver: Any, reason: str) -> events.Payload:
        """Return the event about a receiver that was disabled."""

    def claim(self, *, limit: int, busy: Mapping[int, int], now: datetime) -> list[Claim]:
        """Claim due deliveries. ``busy``: the number of deliveries in progress by receiver.

        Each receiver has its own limit, so that one that hangs does not delay the others. One
        that is failing gets a single message at a time.
        """
        due = self.deliveries.objects.filter(
            Delivery.is_due(now), **{self.receiver: OuterRef("pk")}
        )
        waiting = self.receivers.objects.filter(Exists(due), enabled=True)
        claims: list[Claim] = []
        # Those with the fewest deliveries in progress first, so that all get a share.
        for receiver in sorted(waiting, key=lambda each: busy.get(each.pk, 0)):
            share = AT_ONCE_EACH if receiver.failing_since is None else 1
            room = min(share - busy.get(receiver.pk, 0), limit - len(claims))
            if room > 0:
                claims += self._claim(receiver, room, now=now)
        return claims

    def take(self, receiver: Any, room: int, *, now: datetime) -> list[Any]:
        """Return the rows to send next, locked. Called in a transaction."""
        # Two couriers do not wait for each other: each takes what the other has not locked.
        skip = connection.features.has_select_for_update_skip_locked
        due = receiver.deliveries.select_for_update(skip_locked=skip).filter(Delivery.is_due(now))
        return list(due.order_by("next_attempt_at", "pk")[:room])

    def _claim(self, receiver: Any, room: int, *, now: datetime) -> list[Claim]:
        with transaction.atomic():
            rows = self.take(receiver, room, now=now)
            self.deliveries.objects.filter(pk__in=[row.pk for row in rows]).update(
                next_attempt_at=now + timedelta(seconds=self.claim_s),
                attempts=F("attempts") + 1,
                tried_at=now,
            )
        # Read when the message is sent, so that what has changed applies to old messages as well.
        return [
            Claim(
                row.pk,
                receiver.pk,
                row.attempts + 1,
                now,
                self.message_for(receiver, row, now=now),
            )
            for row in rows
        ]

    def record(self, claim: Claim, outcome: Outcome, *, now: datetime, once: bool = False) -> None:
        """Record an attempt and what follows. Does nothing if another sender claimed the row.

        ``once``: a message that was not delivered is given up, not tried again.
        """
        decision = decide(outcome, attempt=claim.attempt)
        if once and isinstance(decision, RetryDelivery):
            decision = GiveUpDelivery(outcome.told)
        with transaction.atomic():
            # Locked, because its counters are read and written back below.
            locked = self.receivers.objects.select_for_update()
            receiver = locked.filter(pk=claim.receiver_pk).first()
            ours = self.deliveries.objects.filter(
                pk=claim.pk, attempts=claim.attempt, tried_at=claim.at, state=State.PENDING
            ).update(
                state=_state_after(decision),
                next_attempt_at=now + decision.wait
                if isinstance(decision, RetryDelivery)
                else None,
                delivered_at=now if decision is None else None,
                status_code=outcome.status,
                duration_ms=outcome.duration_ms,
                error=_error(outcome, decision),
                response=outcome.response,
            )
            if ours and receiver is not None:
                self.note(receiver, outcome, now=now)
                self._note_health(receiver, outcome, decision, now=now)

    def note(self, receiver: Any, outcome: Outcome, *, now: datetime) -> None:  # noqa: B027 (optional)
        """Note the outcome in other ``health_fields`` of the receiver, which is saved then."""

    def _note_health(
        self,
        receiver: Receiver,
        outcome: Outcome,
        decision: RetryDelivery | GiveUpDelivery | None,
        *,
        now: datetime,
    ) -> None:
        receiver.delivered_count += decision is None
        receiver.failed_count += decision is not None
        receiver.given_up_count += isinstance(decision, GiveUpDelivery)
        receiver.failing_since = None if decision is None else receiver.failing_since or now
        # A person may have disabled it meanwhile; then the reason is not ours to give.
        reason = _reason_to_disable(receiver, outcome, now=now) if receiver.enabled else ""
        if reason:
            receiver.enabled, receiver.disabled_reason = False, reason
        receiver.save(update_fields=list(self.health_fields))
        if reason:
            events.append([(events.NoCall(), self.disabled_event(receiver, reason))], at=now)
            log.error("%s: %s was disabled: %s", self.name, receiver, reason)

    def redeliver(self, *, delivery_pk: int) -> bool:
        """Queue a message again, with the same id, and count its attempts from zero."""
        # The same id shows the receiver that it may already have this message.
        again = self.deliveries.objects.filter(pk=delivery_pk).exclude(state=State.MERGED)
        due = {"state": State.PENDING, "next_attempt_at": timezone.now()}
        return bool(again.update(**due, attempts=0, error=""))

    def prune(self) -> int:
        """Remove finished deliveries older than KEPT. Returns how many."""
        over = self.deliveries.objects.exclude(state=State.PENDING)
        old = over.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
        pks = list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
        return int(self.deliveries.objects.filter(pk__in=pks).delete()[0]) if pks else 0


def _state_after(decision: RetryDelivery | GiveUpDelivery | None) -> State:
    if decision is None:
        return State.DELIVERED
    return State.GIVEN_UP if isinstance(decision, GiveUpDelivery) else State.PENDING


def _error(outcome: Outcome, decision: RetryDelivery | GiveUpDelivery | None) -> str:
    return (decision.reason if isinstance(decision, GiveUpDelivery) else outcome.told)[:300]


def _reason_to_disable(receiver: Receiver, outcome: Outcome, *, now: datetime) -> str:
    if outcome.status == GONE:
        return "The receiver says that it is gone (410)."
    if is_persistent(receiver.failing_since, now=now):
        since = f"{receiver.failing_since:%Y-%m-%d %H:%M} UTC"
        return f"Nothing has been delivered since {since}. The last: {outcome.told}"[:300]
    return ""
