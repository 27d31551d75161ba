"""What people set for themselves: their preferences, and the views that they saved."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

VIEW_NAME_LENGTH = 60
VIEW_QUERY_LENGTH = 2000
QUEUE_LIMIT = 100


class Preferences(models.Model):
    """The settings of one person. Somebody without a row has the defaults."""

    class Dates(models.TextChoices):
        BRITISH = "en-GB", "28 Nov 2026, 21:02"
        AMERICAN = "en-US", "Nov 28, 2026, 9:02 PM"
        GERMAN = "de-DE", "28.11.2026, 21:02"
        FRENCH = "fr-FR", "28/11/2026, 21:02"
        ISO = "sv-SE", "2026-11-28, 21:02"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="preferences",
    )
    # Empty: that of the browser, and of the site where a page is made without a browser's help.
    time_zone = models.CharField(max_length=64, blank=True, default="")
    dates = models.CharField(max_length=8, choices=Dates.choices, default=Dates.BRITISH)
    # A browser in which somebody has clicked the sound button keeps that choice.
    alert_sound = models.BooleanField(default=False)
    alert_volume = models.PositiveSmallIntegerField(default=50, validators=[MaxValueValidator(100)])
    shortcuts = models.BooleanField(default=True)
    # Names of the wallboard's columns, in order. Empty: the usual ones.
    columns = models.JSONField(default=list, blank=True)
    # The names of "my queues".
    queues = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def offered_to(self, user_id: int) -> Self:
        """The views of this person, and those that others share."""
        return self.filter(Q(owner=user_id) | Q(shared=True))


class SavedView(models.Model):
    """A named query of a page: its filter, order and columns, as the address holds them."""

    class Page(models.TextChoices):
        BOARD = "board", "Wallboard"
        ALERTS = "alerts", "Alerts"
        SEARCH = "search", "Search"
        AGENTS = "agents", "Agents"
        QUEUES = "queues", "Queues"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    page = models.CharField(max_length=16, choices=Page.choices)
    name = models.CharField(max_length=VIEW_NAME_LENGTH)
    query = models.CharField(max_length=VIEW_QUERY_LENGTH, blank=True, default="")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="one_view_per_name")
        ]

    def __str__(self) -> str:
        return self.name
