"""The state machine of a call, on one page. What else happens at a transition is in services.

    IN_PROGRESS --complete--> COMPLETED --start_analysis--> PROCESSING_AI --archive--> ARCHIVED
                                  ^                               |                        |
                                  |                               +--fail--> FAILED        |
                                  +------------------retry-------------------+             |
                                  +-----------------reanalyse------------------------------+

A call that waits for its next attempt stays in PROCESSING_AI. Transitions change this one row
and nothing else, so that a transaction can be rolled back without a trace.
"""

from django.db import models
from django_fsm import ConcurrentTransitionMixin, FSMField, transition


class CallState(models.TextChoices):
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    COMPLETED = "COMPLETED", "Completed"
    PROCESSING_AI = "PROCESSING_AI", "Processing"
    ARCHIVED = "ARCHIVED", "Archived"
    FAILED = "FAILED", "Failed"


class CallLifecycle(ConcurrentTransitionMixin, models.Model):
    """A protected ``state``: only transitions move it, and two at once cannot both win."""

    state = FSMField(
        default=CallState.IN_PROGRESS, choices=CallState.choices, protected=True, editable=False
    )

    class Meta:
        abstract = True

    @transition(field=state, source=CallState.IN_PROGRESS, target=CallState.COMPLETED)
    def complete(self) -> None:
        """The last packet is expected to be here: the call ended, or fell silent."""

    @transition(field=state, source=CallState.COMPLETED, target=CallState.PROCESSING_AI)
    def start_analysis(self) -> None:
        """A worker took the call."""

    @transition(field=state, source=CallState.PROCESSING_AI, target=CallState.ARCHIVED)
    def archive(self) -> None:
        """Every stage has its result."""

    @transition(field=state, source=CallState.PROCESSING_AI, target=CallState.FAILED)
    def fail(self) -> None:
        """A stage used up its attempts, or failed for good."""

    @transition(field=state, source=CallState.FAILED, target=CallState.COMPLETED)
    def retry(self) -> None:
        """Somebody wants another round."""

    @transition(field=state, source=CallState.ARCHIVED, target=CallState.COMPLETED)
    def reanalyse(self) -> None:
        """Somebody wants a new analysis of a call that has one."""
