"""The event log: its entries and its name."""

import uuid

from django.db import models

from calls.models.call import Call
from calls.models.fields import JSONField


class CallEvent(models.Model):
    """One entry of the event log. ``id`` is the offset; ids become visible in order."""

    id = models.BigAutoField(primary_key=True)
    # Null for events that belong to no call. The index below begins with the call.
    call = models.ForeignKey(
        Call, on_delete=models.CASCADE, related_name="events", null=True, db_index=False
    )
    type = models.CharField(max_length=32)
    state = models.CharField(max_length=16, blank=True, default="")
    data = JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["call", "id"], name="event_by_call")]

    def __str__(self) -> str:
        return f"{self.type} at offset {self.id}"


class EventLog(models.Model):
    """The name of the event log. A reader that knows another epoch has read another log."""

    epoch = models.UUIDField(default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return str(self.epoch)
