"""Wall screens: the displays that show them, and the limits that colour their tiles."""

from __future__ import annotations

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

QUEUE_LENGTH = 200
QUEUES_LIMIT = 96  # eight pages of tiles
ROTATION_MIN_S, ROTATION_MAX_S = 5, 3600


class WallPage(models.TextChoices):
    """The pages of a wall screen, in the order in which they rotate."""

    OVERVIEW = "overview", "Overview: large figures of all queues together"
    QUEUES = "queues", "Queues: a tile for each queue"
    CALLS = "calls", "Calls: live calls with alerts, and the longest ones"


class Customers(models.TextChoices):
    """How a wall screen names customers."""

    HIDDEN = "hidden", "Hidden"
    MASKED = "masked", "Last three digits"
    FULL = "full", "Whole numbers and names"


def all_pages() -> list[str]:
    return [str(page) for page in WallPage.values]


class DisplayQuerySet(models.QuerySet["DisplayScreen"]):
    def valid(self) -> Self:
        return self.filter(revoked_at=None)


class DisplayScreen(models.Model):
    """A display that shows the wall screen without a login, and nothing else.

    Only the digest of its token is stored. The token is shown once, in the address to open.
    """

    class Theme(models.TextChoices):
        AUTO = "auto", "As the browser prefers"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    name = models.CharField(max_length=100, help_text="Where the display hangs: “Floor 2, north”.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    pages = models.JSONField(default=all_pages)
    queues = models.JSONField(default=list, blank=True)
    # As of an API key: the keys of teams. None: all calls, a list of deleted ones: no call.
    teams = models.JSONField(null=True, blank=True, default=None)
    rotation_s = models.PositiveSmallIntegerField(
        "seconds for each page",
        default=20,
        validators=[MinValueValidator(ROTATION_MIN_S), MaxValueValidator(ROTATION_MAX_S)],
    )
    customers = models.CharField(
        max_length=8,
        choices=Customers.choices,
        default=Customers.MASKED,
        help_text="On page Calls.",
    )
    last_words = models.BooleanField(
        "show what was said last",
        default=True,
        help_text="On page Calls: one line for each call, without personal data.",
    )
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.AUTO)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    seen_at = models.DateTimeField("last seen at", null=True, blank=True, editable=False)

    objects = DisplayQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        problems: dict[str, str] = {}
        if problem := _problem_with_pages(self.pages):
            problems["pages"] = problem
        else:
            self.pages = [page for page in WallPage.values if page in self.pages]
        if problem := _problem_with_queues(self.queues):
            problems["queues"] = problem
        if problems:
            raise ValidationError(problems)


def _problem_with_pages(pages: Any) -> str:
    if not isinstance(pages, list) or not pages or not set(map(str, pages)) <= set(WallPage.values):
        return f"Select at least one of: {', '.join(WallPage.values)}."
    return ""


def _problem_with_queues(queues: Any) -> str:
    if not isinstance(queues, list) or not all(isinstance(queue, str) for queue in queues):
        return "A list of names of queues is needed."
    if len(queues) > QUEUES_LIMIT:
        return f"At most {QUEUES_LIMIT} queues, not {len(queues)}. Leave it empty for all queues."
    if any(len(queue) > QUEUE_LENGTH for queue in queues):
        return f"The name of a queue has at most {QUEUE_LENGTH} characters."
    return ""


def _limit(name: str, *validators: Any) -> Any:
    return models.PositiveIntegerField(
        name, null=True, blank=True, validators=[MinValueValidator(1), *validators]
    )


class QueueThreshold(models.Model):
    """The values from which the tiles of a queue turn amber or red.

    The row with an empty queue is the default. A measure without limits in the row of a queue uses
    the default's.
    """

    # The names of the measures; each has an amber and a red limit.
    MEASURES = ("longest", "negative", "negative_share", "alerts", "waiting")

    queue = models.CharField(
        max_length=QUEUE_LENGTH,
        unique=True,
        blank=True,
        default="",
        help_text="The queue exactly as calls name it. Empty: the default for all queues.",
    )
    longest_amber = _limit("longest live call: amber from (minutes)")
    longest_red = _limit("longest live call: red from (minutes)")
    negative_amber = _limit("negative live calls: amber from")
    negative_red = _limit("negative live calls: red from")
    negative_share_amber = _limit("negative share: amber from (percent)", MaxValueValidator(100))
    negative_share_red = _limit("negative share: red from (percent)", MaxValueValidator(100))
    alerts_amber = _limit("open alerts: amber from")
    alerts_red = _limit("open alerts: red from")
    waiting_amber = _limit("calls waiting for AI: amber from")
    waiting_red = _limit("calls waiting for AI: red from")

    class Meta:
        ordering = ["queue"]

    def __str__(self) -> str:
        return self.queue or "Default"

    def limits(self, measure: str) -> tuple[int | None, int | None]:
        """Return from which value on a measure is amber and from which it is red."""
        return getattr(self, f"{measure}_amber"), getattr(self, f"{measure}_red")

    def clean(self) -> None:
        problems = {}
        for measure in self.MEASURES:
            amber, red = self.limits(measure)
            if amber is not None and red is not None and red <= amber:
                problems[f"{measure}_red"] = f"Red must begin above amber, which is {amber}."
        if problems:
            raise ValidationError(problems)
