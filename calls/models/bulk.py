"""Bulk actions: one action on many calls, and its outcome for each call."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.annotation import TAG_LENGTH
from calls.models.call import Stage
from calls.models.privacy.hold import REASON_LENGTH


class BulkAction(models.Model):
    """An action on many calls. ``calls.actions.bulk`` carries it out, one call at a time.

    ``token`` is created with the form, so that a form sent twice starts one action. ``query`` is
    the filter that selected the calls, in the form of the wallboard's address. ``?`` means every
    call; it is empty if the calls were selected one by one. ``seen_at`` is the last sign of life
    of the job that carries out the action.
    """

    class Kind(models.TextChoices):
        END = "end", "End"
        RETRY = "retry", "Retry"
        DISMISS = "dismiss", "Dismiss"
        REANALYSE = "reanalyse", "Reanalyse"
        TAG = "tag", "Tag"
        UNTAG = "untag", "Untag"
        HOLD = "hold", "Legal hold on"
        RELEASE = "release", "Release the legal hold on"
        ACKNOWLEDGE = "acknowledge", "Acknowledge alerts of"
        DELETE = "delete", "Delete"

    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    stage = models.CharField(max_length=16, choices=Stage.choices, blank=True, default="")
    tag = models.CharField(max_length=TAG_LENGTH, blank=True, default="")
    reason = models.CharField(max_length=REASON_LENGTH, blank=True, default="", db_default="")
    query = models.TextField(blank=True, default="")
    by = models.CharField(max_length=150)
    total = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    stopped_by = models.CharField(max_length=150, blank=True, default="")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # For the sweep, which looks for jobs that have died.
            models.Index(fields=["seen_at"], condition=Q(finished_at=None), name="bulk_unfinished")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.total:,} call{'' if self.total == 1 else 's'}"


class BulkItem(models.Model):
    """One call of a bulk action, by its id, because the call itself may be deleted."""

    class Outcome(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"

    action = models.ForeignKey(
        BulkAction, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    call_id = models.CharField(max_length=128)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["action", "call_id"], name="one_item_per_call")
        ]
        indexes = [models.Index(fields=["action", "outcome", "id"], name="bulk_item_by_outcome")]

    def __str__(self) -> str:
        return f"{self.call_id}: {self.outcome}"
