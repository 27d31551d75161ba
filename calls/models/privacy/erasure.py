"""Erasures: what is to be erased, and the ledger of what was."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils import timezone

from calls.models.call import CALL_ID_LENGTH


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)


class Erasure(models.Model):
    """One erasure. Once it is finished, it holds no personal data: only counts and keyed digests.

    ``numbers`` are the customers' numbers in plain, until then. ``counts`` grow with each step, in
    the transaction of the step.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=150, blank=True, default="")
    asked_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    numbers = models.JSONField(default=list)
    number_digests = models.JSONField(default=list)
    call_digests = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    is_again = models.BooleanField(default=False)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at"]
        permissions = [("erase_call", "Can erase personal data for good")]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"erasure of {self.asked_at:%Y-%m-%d %H:%M}"


class ErasureItem(models.Model):
    """A call that an unfinished erasure still has to erase.

    With ``files``, its rows are gone, and these stored files are not. The last item of a call is
    deleted when nothing of the call is left.
    """

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="items")
    call_id = models.CharField(max_length=CALL_ID_LENGTH)
    rows_are_gone = models.BooleanField(default=False)
    files = models.JSONField(default=list)
    is_done = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["erasure", "call_id"], name="one_item_per_erased_call")
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"
