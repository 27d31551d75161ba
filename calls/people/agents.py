"""Finds, renames and merges agents, and gives calls the right name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from calls import events
from calls.description import description_of
from calls.events.people import PeopleChanged
from calls.models import Agent, AgentName, AlertRule, Call
from calls.models.people import AGENT_LENGTH, key_of, plain_name

# Calls that are renamed in one transaction, so that none is locked for long.
AT_ONCE = 500


class AgentRefused(Exception):
    """The agents cannot be changed like this. The message says why."""


def named_properly(description: Mapping[str, str]) -> dict[str, str]:
    """Return a description of a call with the current name of its agent, if it has one.

    Call before the transaction that locks the call. An agent is created when it is first named.
    """
    spelling = description.get("agent", "")
    if not spelling or not key_of(spelling):
        return dict(description)
    return {**description, "agent": name_of(spelling[:AGENT_LENGTH])}


def name_of(spelling: str) -> str:
    """Return the name of the agent that calls know by this spelling."""
    known = AgentName.objects.filter(spelling=spelling).values_list("agent__name", flat=True)
    return known.first() or find_agent(spelling).name


def find_agent(spelling: str) -> Agent:
    """Return the agent of this name, whatever its case and spacing. Create it if it is new."""
    try:
        with transaction.atomic():
            return _find_or_create(spelling)
    except IntegrityError:
        # Another process saw the name first, and its row is there now.
        with transaction.atomic():
            return _find_or_create(spelling)


def _find_or_create(spelling: str) -> Agent:
    key = key_of(spelling)
    known = AgentName.objects.filter(key=key).select_related("agent").first()
    agent = known.agent if known else Agent.objects.filter(key=key).first()
    if agent is None:
        agent = Agent.objects.create(name=plain_name(spelling), key=key)
        _add_name(agent, agent.name)
    _add_name(agent, spelling)
    return agent


def _add_name(agent: Agent, spelling: str) -> None:
    AgentName.objects.get_or_create(
        spelling=spelling, defaults={"key": key_of(spelling), "agent": agent}
    )


def rename_agent(agent: Agent, name: str) -> Agent:
    """Give an agent another name. Calls with its old names get the new one soon.

    Raises AgentRefused if another agent has the name.
    """
    name = plain_name(name)[:AGENT_LENGTH]
    if not key_of(name):
        raise AgentRefused("A name is needed.")
    with transaction.atomic():
        agent = Agent.objects.select_for_update().get(pk=agent.pk)
        holder = AgentName.objects.filter(key=key_of(name)).select_related("agent").first()
        if holder is not None and holder.agent_id != agent.pk:
            raise AgentRefused(f"{holder.agent} has this name. Merge the two agents instead.")
        agent.name, agent.key = name, key_of(name)
        agent.save(update_fields=["name", "key"])
        _add_name(agent, name)
        _follow(agent)
    return agent


def merge_agents(into: Agent, others: Collection[Agent]) -> Agent:
    """Make one agent of several. It keeps the name of ``into`` and gets the teams of all.

    Their names stay known, so that new calls with them belong to the merged agent. Raises
    AgentRefused if two of them are linked to accounts.
    """
    pks = {agent.pk for agent in others} - {into.pk}
    with transaction.atomic():
        # In the order of keys, so that two merges wait for each other.
        rows = list(Agent.objects.select_for_update().filter(pk__in={*pks, into.pk}).order_by("pk"))
        kept = next((row for row in rows if row.pk == into.pk), None)
        gone = [row for row in rows if row.pk != into.pk]
        if kept is None or len(gone) < len(pks):
            raise AgentRefused("Somebody else has merged one of these agents meanwhile.")
        accounts = {row.user_id for row in rows if row.user_id is not None}
        if len(accounts) > 1:
            raise AgentRefused("Two of these agents are linked to accounts. Unlink one first.")
        AgentName.objects.filter(agent__in=gone).update(agent=kept)
        for agent in gone:
            kept.teams.add(*agent.teams.all())
        Agent.objects.filter(pk__in=pks).delete()
        kept.user_id = next(iter(accounts), None)
        kept.save(update_fields=["user"])
        _follow(kept)
    return kept


def _follow(agent: Agent) -> None:
    """Update everything that names the agent. Call in the transaction that changed the name."""
    old = set(agent.names.values_list("spelling", flat=True)) - {agent.name}
    for rule in AlertRule.objects.select_for_update().order_by("pk"):
        if old & set(rule.agents):
            renamed = (agent.name if each in old else each for each in rule.agents)
            rule.agents = list(dict.fromkeys(renamed))
            rule.save(update_fields=["agents"])
    announce()
    # Now for the calls of today; the sweep renames what is left.
    transaction.on_commit(lambda: rename_calls(limit=AT_ONCE))


def announce() -> None:
    """Tell open pages that people may see other calls than before."""
    with transaction.atomic():
        events.append([(events.NoCall(), PeopleChanged())], at=timezone.now())


def rename_calls(*, limit: int = 20 * AT_ONCE) -> int:
    """Give calls with an old name the current name. Return how many were renamed."""
    old = dict(
        AgentName.objects.exclude(spelling=F("agent__name")).values_list("spelling", "agent__name")
    )
    done = 0
    for spelling, name in old.items():
        while done < limit and (count := _rename_some(spelling, name, min(AT_ONCE, limit - done))):
            done += count
    return done


def _rename_some(spelling: str, name: str, limit: int) -> int:
    newest = Call.objects.filter(agent=spelling).order_by("-pk")
    pks = list(newest.values_list("pk", flat=True)[:limit])
    if not pks:
        return 0
    with transaction.atomic():
        # The order in which packets lock calls.
        calls = list(
            Call.objects.select_for_update().filter(pk__in=pks, agent=spelling).order_by("call_id")
        )
        Call.objects.filter(pk__in=[call.pk for call in calls]).update(agent=name)
        entries: list[tuple[events.CallRef, events.Payload]] = []
        for call in calls:
            call.agent = name
            # A message for each of last year's calls would help nobody.
            if call.is_live:
                entries.append((call, events.CallDescribed(**description_of(call))))
        events.append(entries, at=timezone.now())
    return len(pks)
