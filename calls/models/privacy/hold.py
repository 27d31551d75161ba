"""Legal holds: calls that must not be deleted."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.call import Call

REASON_LENGTH = 300
HELD_NUMBER_LENGTH = 200


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def active(self) -> Self:
        return self.filter(released_at=None)


class LegalHold(models.Model):
    """Keeps one call, or every call of a customer, from deletion until somebody releases it.

    A hold has a ``call`` or a ``number``, which is in the form of ``calls.customers``. A hold that
    was released stays as a record, and goes with its call.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="holds", null=True)
    number = models.CharField(max_length=HELD_NUMBER_LENGTH, blank=True, default="")
    reason = models.CharField(max_length=REASON_LENGTH)
    set_at = models.DateTimeField(default=timezone.now)
    set_by = models.CharField(max_length=150, blank=True, default="")
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=150, blank=True, default="")

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["call"],
                condition=Q(released_at=None) & Q(call__isnull=False),
                name="one_hold_per_call",
            ),
            models.UniqueConstraint(
                fields=["number"],
                condition=Q(released_at=None) & ~Q(number=""),
                name="one_hold_per_number",
            ),
        ]

    def __str__(self) -> str:
        return f"hold on {self.call.call_id if self.call else 'a customer'}"
