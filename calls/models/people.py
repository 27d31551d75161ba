"""Agents, the names that calls give them, and the teams that agents and queues belong to."""

from __future__ import annotations

import unicodedata

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

AGENT_LENGTH = QUEUE_LENGTH = 200  # as in a call
TEAM_LENGTH = 100


def plain_name(text: str) -> str:
    """Return a name as it is shown: trimmed, with single spaces."""
    return " ".join(text.split())


def key_of(text: str) -> str:
    """Return what two spellings of the same name have in common: no spaces, no case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # A capital letter may fold to several signs.
    return "".join(folded.split())[:AGENT_LENGTH]


class Team(models.Model):
    """Its members see the calls of its agents, and calls of its queues that have no agent."""

    name = models.CharField(max_length=TEAM_LENGTH)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="call_teams",
        help_text="The accounts that see the calls of this team.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="team_by_name",
                violation_error_message="There is a team of this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class TeamQueue(models.Model):
    """A queue of a team, by the name that calls give it."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="queues")
    queue = models.CharField(max_length=QUEUE_LENGTH, help_text="Exactly as calls name it.")

    class Meta:
        ordering = ["queue"]
        verbose_name = "queue"
        constraints = [
            models.UniqueConstraint(fields=["team", "queue"], name="queue_of_team_once"),
        ]

    def __str__(self) -> str:
        return self.queue


class Agent(models.Model):
    """Somebody who talks to customers. ``names`` are all the names by which calls know them."""

    name = models.CharField(max_length=AGENT_LENGTH)
    key = models.CharField(max_length=AGENT_LENGTH, unique=True, editable=False)
    teams = models.ManyToManyField(Team, blank=True, related_name="agents")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="agent",
        verbose_name="account",
        help_text="The account of this agent, which sees the agent's own calls.",
    )
    seen_at = models.DateTimeField("first seen at", default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.name = plain_name(self.name)
        self.key = key_of(self.name)
        if not self.key:
            raise ValidationError({"name": "A name is needed."})
        holder = AgentName.objects.filter(key=self.key).select_related("agent").first()
        if holder is not None and holder.agent_id != self.pk:
            raise ValidationError(
                {"name": f"{holder.agent} has this name. Merge the two agents instead."}
            )


class AgentName(models.Model):
    """A spelling of an agent's name in calls. Names with the same ``key`` have the same agent."""

    spelling = models.CharField(max_length=AGENT_LENGTH, unique=True)
    key = models.CharField(max_length=AGENT_LENGTH, db_index=True, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="names")

    class Meta:
        ordering = ["spelling"]
        verbose_name = "name of an agent"
        verbose_name_plural = "names of agents"

    def __str__(self) -> str:
        return self.spelling
