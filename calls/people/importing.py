"""Imports agents and their teams from CSV: all of a file, or nothing.

What a file would change is read without writing anything, so a preview holds up nobody. It is then
written with a few statements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from calls.audit.record import record_audit
from calls.models import Agent, AgentName, AuditAction, Team
from calls.models.people import key_of
from calls.people.agents import announce
from calls.people.csv_lines import Row, read_rows

TRIES = 3


@dataclass(frozen=True)
class Step:
    """What a line changes. ``name`` is that of the agent, which may be known by another one."""

    row: Row
    name: str
    is_new: bool = False
    joined: tuple[str, ...] = ()
    is_linked: bool = False

    @property
    def changes(self) -> bool:
        return self.is_new or bool(self.joined) or self.is_linked


@dataclass
class Imported:
    """What a file changed, or would change, and what is wrong with it by line."""

    steps: list[Step] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    new_teams: list[str] = field(default_factory=list)

    @property
    def new_agents(self) -> int:
        return sum(step.is_new for step in self.steps)

    @property
    def joined(self) -> int:
        return sum(len(step.joined) for step in self.steps)

    @property
    def linked(self) -> int:
        return sum(step.is_linked for step in self.steps)

    @property
    def changes(self) -> bool:
        return any(step.changes for step in self.steps)

    def __str__(self) -> str:
        return (
            f"{len(self.steps):,} agents read: {self.new_agents:,} new ones, "
            f"{len(self.new_teams):,} new teams, {self.joined:,} put into teams, "
            f"{self.linked:,} linked to accounts."
        )


def import_agents(text: str, *, dry_run: bool = False) -> Imported:
    """Create the agents and teams of a file, and add agents to teams.

    Teams are separated by semicolons. Nothing is removed. If a line has a problem, or in a dry
    run, nothing is changed.
    """
    for is_last in (False,) * (TRIES - 1) + (True,):
        known = _Known()
        done = known.plan(text)
        if done.problems or dry_run or not done.changes:
            break
        try:
            with transaction.atomic():
                known.store(done)
                announce()
                _audit(done)
            break
        except IntegrityError:
            # A call has named one of these agents meanwhile. The next plan knows it.
            if is_last:
                raise
    return done


def _audit(done: Imported) -> None:
    # Names of agents are in the set-up, not of calls.
    details = {"run": "import", "rows": len(done.steps)}
    record_audit(AuditAction.RUN, object_kind="agent", details=details)


class _Known:
    """The agents, teams and accounts that a file names, as they are stored now."""

    def plan(self, text: str) -> Imported:
        """Return what the file would change."""
        done = Imported()
        rows = list(read_rows(text, done.problems))
        self._read(rows)
        for row in rows:
            done.steps.append(self._step(row, done))
        return done

    def _read(self, rows: list[Row]) -> None:
        keys = {row.key for row in rows}
        names = list(AgentName.objects.filter(key__in=keys))
        pks = {name.agent_id for name in names}
        # One object for each agent, by whichever of its names the file knows it.
        known = Agent.objects.filter(Q(pk__in=pks) | Q(key__in=keys)).in_bulk()
        self.agents = {agent.key: agent for agent in known.values() if agent.key in keys}
        self.agents |= {name.key: known[name.agent_id] for name in names}
        self.spellings = {name.spelling for name in names}
        self.teams = {team.name.lower(): team for team in Team.objects.all()}
        accounts = {row.account for row in rows} - {""}
        self.users = {user.username: user for user in User.objects.filter(username__in=accounts)}
        owned = Agent.objects.filter(user__username__in=accounts)
        self.owners = dict(owned.values_list("user", "key"))
        members = Agent.teams.through.objects.filter(agent__in=list(known))
        found = members.values_list("agent__key", "team__name")
        self.members = {(key, name.lower()) for key, name in found}
        self.linked: dict[str, str] = {}

    def _step(self, row: Row, done: Imported) -> Step:
        known = self.agents.get(row.key)
        is_new = known is None
        agent = self.agents.setdefault(row.key, known or Agent(name=row.agent, key=row.key))
        joined = [
            self.teams[name.lower()].name for name in row.teams if self._joins(agent, name, done)
        ]
        is_linked = bool(row.account) and self._links(agent, row, done)
        return Step(row, agent.name, is_new, tuple(joined), is_linked)

    def _joins(self, agent: Agent, name: str, done: Imported) -> bool:
        key = name.lower()
        if key not in self.teams:
            self.teams[key] = Team(name=name)
            done.new_teams.append(name)
        if (agent.key, key) in self.members:
            return False
        self.members.add((agent.key, key))
        return True

    def _links(self, agent: Agent, row: Row, done: Imported) -> bool:
        """Return whether the line links the agent to another account than before."""
        user = self.users.get(row.account)
        if user is None:
            problem = f"there is no account {row.account}."
        elif self.owners.setdefault(user.pk, agent.key) != agent.key:
            problem = f"{row.account} belongs to another agent."
        elif self.linked.setdefault(agent.key, row.account) != row.account:
            problem = f"another line links this agent to {self.linked[agent.key]}."
        else:
            is_other = agent.user_id != user.pk
            agent.user = user
            return is_other
        done.problems.append(f"line {row.line}: account: {problem}")
        return False

    def store(self, done: Imported) -> None:
        """Write the plan. Raises IntegrityError if somebody has written a part of it meanwhile."""
        Agent.objects.bulk_create(agent for agent in self.agents.values() if agent.pk is None)
        Team.objects.bulk_create(team for team in self.teams.values() if team.pk is None)
        spelled = {step.row.agent: self.agents[step.row.key] for step in done.steps}
        AgentName.objects.bulk_create(
            AgentName(spelling=spelling, key=key_of(spelling), agent=agent)
            for spelling, agent in spelled.items()
            if spelling not in self.spellings
        )
        through = Agent.teams.through
        through.objects.bulk_create(
            (through(agent=agent, team=team) for agent, team in self._memberships(done.steps)),
            ignore_conflicts=True,
        )
        linked = {step.row.key for step in done.steps if step.is_linked}
        Agent.objects.bulk_update([self.agents[key] for key in linked], ["user"])

    def _memberships(self, steps: Iterable[Step]) -> Iterable[tuple[Agent, Team]]:
        for step in steps:
            for name in step.joined:
                yield self.agents[step.row.key], self.teams[name.lower()]
