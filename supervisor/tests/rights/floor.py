"""A floor with two teams, a call of each, and an account of each role."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection

from calls.models import Alert, AlertRule, Call, Team
from calls.people.agents import find_agent
from calls.services import start_call
from calls.tests.factories import live_call

GROUPS = import_module("calls.migrations.0041_groups")
PEOPLE = (
    "anonymous", "nobody", "Agent", "Supervisor", "Quality", "Operator", "Auditor", "staff",
    "superuser",
)  # fmt: skip


@dataclass(frozen=True)
class Floor:
    """The call and the alert of the team that the Supervisor and the Agent are in; and others."""

    own: Call
    other: Call
    own_alert: Alert
    other_alert: Alert
    users: dict[str, User]


def make_floor() -> Floor:
    class Editor:
        pass

    Editor.connection = connection  # type: ignore[attr-defined]
    GROUPS.create(apps, Editor)
    users = {name: _user(name) for name in PEOPLE if name != "anonymous"}
    own, other = _call("c-own", "Ann", "Sales"), _call("c-other", "Bob", "Billing")
    sales, billing = Team.objects.create(name="Sales"), Team.objects.create(name="Billing")
    ann, bob = find_agent("Ann"), find_agent("Bob")
    ann.teams.add(sales)
    bob.teams.add(billing)
    ann.user = users["Agent"]
    ann.save()
    sales.members.add(users["Supervisor"])
    sales.queues.create(queue="Sales")
    return Floor(own, other, _alert(own), _alert(other), users)


def _call(call_id: str, agent: str, queue: str) -> Call:
    live_call(call_id)
    return start_call(call_id=call_id, agent=agent, queue=queue, caller=f"+49{len(agent)}{call_id}")


def _alert(call: Call) -> Alert:
    rule = AlertRule.objects.filter(kind="words").first() or AlertRule.objects.create(
        name="Angry", kind="words", phrases="angry"
    )
    return Alert.objects.create(
        call=call, rule=rule, kind="words", name=f"Alert of {call}", severity=3, found="x",
        speaker="customer",
    )  # fmt: skip


def _user(name: str) -> User:
    user = User.objects.create(
        username=name, is_superuser=name == "superuser", is_staff=name in ("staff", "superuser")
    )
    if name in GROUPS.GROUPS:
        user.groups.add(Group.objects.get(name=name))
    return user


def grant(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)
