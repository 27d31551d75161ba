"""Tags and notes that people add to a call."""

from django.db import models
from django.utils import timezone

from calls.models.call import Call

TAG_LENGTH = 50
NOTE_LENGTH = 4000


class Tag(models.Model):
    """A label that somebody added to a call, to find it again."""

    # No index of its own: the constraint starts with the call.
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=TAG_LENGTH)
    added_at = models.DateTimeField(default=timezone.now, editable=False)
    added_by = models.CharField(max_length=150, blank=True, default="", editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["call", "name"], name="one_tag_per_name")]
        indexes = [models.Index(fields=["name", "-call"], name="call_by_tag")]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """A text that somebody wrote about a call, or about a moment of it."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=NOTE_LENGTH)
    # The moment that it is about, counted from the start of the call. NULL: the whole call.
    at_ms = models.PositiveIntegerField(null=True, editable=False)
    written_at = models.DateTimeField(default=timezone.now, editable=False)
    author = models.CharField(max_length=150, blank=True, default="", editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:50]

    @property
    def at_s(self) -> float | None:
        """The moment in seconds."""
        return None if self.at_ms is None else self.at_ms / 1000
