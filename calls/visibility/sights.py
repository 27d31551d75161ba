"""What an account or a key sees, as a value.

A sight is a value: which agents' calls somebody sees, and which queues' calls without an agent.
It is read once for a request or a connection. Queries and the feed then take it as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from calls.keys.keyring import ApiClient
from calls.models import AgentName, Call, CallEvent, Team, TeamQueue

VIEW_ALL, VIEW_OWN = "calls.view_all_calls", "calls.view_own_calls"
Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True)
class Sight:
    """``agents`` holds every spelling of their names; None stands for all calls."""

    agents: frozenset[str] | None = None
    queues: frozenset[str] = frozenset()

    @property
    def is_all(self) -> bool:
        return self.agents is None

    def covers(self, agent: str, queue: str) -> bool:
        """Return whether it includes a call of this agent and queue."""
        if self.agents is None:
            return True
        return agent in self.agents if agent else queue in self.queues

    def condition(self, prefix: str = "") -> Q:
        """Return the condition on calls, or on rows that reach them by ``prefix``."""
        if self.agents is None:
            return Q()
        agents, queues = sorted(self.agents), sorted(self.queues)
        found = Q(**{f"{prefix}agent__in": agents})
        if queues:
            found |= Q(**{f"{prefix}agent": "", f"{prefix}queue__in": queues})
        return found

    def of(self, rows: Rows, prefix: str = "") -> Rows:
        """Narrow a queryset to the calls in sight, or to rows of such calls."""
        return rows if self.is_all else rows.filter(self.condition(prefix))

    def shows(self, event: CallEvent) -> bool:
        """Return whether it includes an event of the log. A deleted call belongs to nobody."""
        if self.is_all:
            return True
        if event.call is None:
            return event.type != "call_deleted"
        return self.covers(event.call.agent, event.call.queue)


EVERYTHING = Sight()
NOTHING = Sight(frozenset())


def sight_of(who: Any) -> Sight:
    """Return what a user or an API client sees."""
    if isinstance(who, ApiClient):
        return sight_of_teams(who.teams)
    if who is None or not who.is_authenticated:
        return NOTHING
    return EVERYTHING if who.has_perm(VIEW_ALL) else _sight_of_person(who)


def _sight_of_person(user: Any) -> Sight:
    mine = Team.members.through.objects.filter(team=OuterRef("pk"), user=user.pk)
    teams = dict(Team.objects.order_by().annotate(mine=Exists(mine)).values_list("pk", "mine"))
    own = frozenset(
        AgentName.objects.filter(agent__user=user.pk).values_list("spelling", flat=True)
    )
    if chosen := [pk for pk, is_mine in teams.items() if is_mine]:
        seen = _sight_of_teams(chosen)
        return Sight((seen.agents or frozenset()) | own, seen.queues)
    if own or user.has_perm(VIEW_OWN):
        return Sight(own)
    # Without teams, there is nothing to separate.
    return NOTHING if teams else EVERYTHING


def sight_of_teams(teams: Collection[int] | None) -> Sight:
    """Return what the teams see: nothing if they are gone. None stands for no limit."""
    return EVERYTHING if teams is None else _sight_of_teams(teams)


def _sight_of_teams(teams: Collection[int]) -> Sight:
    names = AgentName.objects.filter(agent__teams__in=teams).values_list("spelling", flat=True)
    queues = TeamQueue.objects.filter(team__in=teams).values_list("queue", flat=True)
    return Sight(frozenset(names), frozenset(queues))


def teams_of_call(agent: str, queue: str) -> set[int]:
    """Return the primary keys of the teams whose members see a call of this agent and queue."""
    found = Q(agents__names__spelling=agent) if agent else Q(queues__queue=queue)
    return set(Team.objects.filter(found).order_by().values_list("pk", flat=True))


def visible_calls(who: Any) -> QuerySet[Call]:
    return sight_of(who).of(Call.objects.all())


def may_see(who: Any, call: Call) -> bool:
    return sight_of(who).covers(call.agent, call.queue)
