"""What is added to a call: tags and notes by people, and the values of custom fields.

An administrator defines a custom field for what else a site wants to know, such as a customer id.
"""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from calls.models.call import Call

TAG_LENGTH = 50
NOTE_LENGTH = 4000
FIELD_NAME = r"[a-z][a-z0-9_]{0,39}"
FIELD_NAME_RULE = "1 to 40 small letters, digits and underscores, beginning with a letter"
VALUE_LENGTH = 500
MOST_FIELDS = 20


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


class CustomField(models.Model):
    """A field that an administrator defined. Its name is part of what programs send."""

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        LINK = "link", "Link"

    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(rf"\A{FIELD_NAME}\Z", f"A name is {FIELD_NAME_RULE}.")],
        help_text=f"What programs call it, such as customer_id: {FIELD_NAME_RULE}. It cannot be "
        "changed later.",
    )
    label = models.CharField(
        max_length=60, help_text="What people read on the page of a call: “Customer id”."
    )
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.TEXT)
    is_searched = models.BooleanField(
        "searched", default=True, help_text="The search box of the wallboard finds its values."
    )
    on_board = models.BooleanField(
        "on the wallboard", default=False, help_text="The row of a call shows it."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        # Each field is a column in tables, and a line on the page of a call.
        if self._state.adding and CustomField.objects.count() >= MOST_FIELDS:
            raise ValidationError(f"There are {MOST_FIELDS} fields already. Delete one first.")


class FieldValue(models.Model):
    """The value of a custom field in a call, as text."""

    call = models.ForeignKey(
        Call, on_delete=models.CASCADE, related_name="field_values", db_index=False
    )
    field = models.ForeignKey(
        CustomField, on_delete=models.CASCADE, to_field="name", related_name="values_of_calls"
    )
    value = models.CharField(max_length=VALUE_LENGTH)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["call", "field"], name="one_value_per_field")
        ]
        indexes = [models.Index(fields=["field", "value", "-call"], name="call_by_field_value")]

    def __str__(self) -> str:
        return f"{self.field_id}={self.value}"
