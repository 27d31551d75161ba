"""Every state and transition of a call. The services do the rest of the work at a transition.

    IN_PROGRESS --complete--> COMPLETED --start_analysis--> PROCESSING_AI --archive--> ARCHIVED
                                  ^                               |                        |
                                  |                               +--fail--> FAILED        |
                                  +------------------retry-------------------+             |
                                  +-----------------reanalyse------------------------------+

A call that waits for its next attempt stays in PROCESSING_AI. A transition changes only the row
of the call, so that rolling back the transaction undoes all of it.
"""

from django.db import models
from django_fsm import ConcurrentTransitionMixin, FSMField, transition


class CallState(models.TextChoices):
    """The states, under the names that people read."""

    IN_PROGRESS = "IN_PROGRESS", "Live"
    COMPLETED = "COMPLETED", "Waiting for AI"
    PROCESSING_AI = "PROCESSING_AI", "Being analysed"
    ARCHIVED = "ARCHIVED", "Archived"
    FAILED = "FAILED", "Failed"

    @property
    def in_words(self) -> str:
        """The name within a sentence."""
        return f"{self.label[0].lower()}{self.label[1:]}"


class CallLifecycle(ConcurrentTransitionMixin, models.Model):
    """A protected ``state``. Only transitions change it, and only one of two at once wins."""

    state = FSMField(
        default=CallState.IN_PROGRESS, choices=CallState.choices, protected=True, editable=False
    )

    class Meta:
        abstract = True

    @transition(field=state, source=CallState.IN_PROGRESS, target=CallState.COMPLETED)
    def complete(self) -> None:
        """The call was ended, or has been silent for too long."""

    @transition(field=state, source=CallState.COMPLETED, target=CallState.PROCESSING_AI)
    def start_analysis(self) -> None:
        """A worker claimed the call."""

    @transition(field=state, source=CallState.PROCESSING_AI, target=CallState.ARCHIVED)
    def archive(self) -> None:
        """Every stage has its result."""

    @transition(field=state, source=CallState.PROCESSING_AI, target=CallState.FAILED)
    def fail(self) -> None:
        """A stage used up its attempts, or failed permanently."""

    @transition(field=state, source=CallState.FAILED, target=CallState.COMPLETED)
    def retry(self) -> None:
        """Somebody, or the automatic retry, asked for another round."""

    @transition(field=state, source=CallState.ARCHIVED, target=CallState.COMPLETED)
    def reanalyse(self) -> None:
        """Somebody asked for a new analysis of a call that has one."""
