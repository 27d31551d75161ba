"""Agents are created by the first call that names them, and can be renamed and merged."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from calls.models import Agent, AgentName, AlertRule, AuditEntry, Call, Team
from calls.people.agents import AgentRefused, find_agent, merge_agents, rename_agent, rename_calls
from calls.services import describe_call, start_call

pytestmark = pytest.mark.django_db


def agent_of(call_id):
    return Call.objects.get(call_id=call_id).agent


def test_an_agent_is_created_by_the_first_call():
    start_call(call_id="c-1", agent="Ann Lee")

    assert Agent.objects.get().name == "Ann Lee"


@pytest.mark.parametrize("spelling", ["ann lee", "ANN  LEE", " Ann Lee ", "AnnLee", "\uff41nn lee"])
def test_case_and_spaces_do_not_make_another_agent(spelling):
    start_call(call_id="c-1", agent="Ann Lee")

    start_call(call_id="c-2", agent=spelling)

    assert Agent.objects.count() == 1
    assert agent_of("c-2") == "Ann Lee"


def test_a_call_without_an_agent_creates_none():
    start_call(call_id="c-1", queue="Sales")

    assert not Agent.objects.exists()


def test_a_corrected_name_creates_an_agent():
    start_call(call_id="c-1", agent="Ann")

    describe_call(call_id="c-1", agent="Bob")

    assert set(Agent.objects.values_list("name", flat=True)) == {"Ann", "Bob"}


def test_a_merged_name_belongs_to_the_remaining_agent(django_capture_on_commit_callbacks):
    start_call(call_id="c-1", agent="Ann Lee")
    start_call(call_id="c-2", agent="A. Lee")
    sales = Team.objects.create(name="Sales")
    ann, short = find_agent("Ann Lee"), find_agent("A. Lee")
    short.teams.add(sales)

    with django_capture_on_commit_callbacks(execute=True):
        merge_agents(ann, [short])
    start_call(call_id="c-3", agent="a.lee")

    assert [agent_of(call) for call in ("c-1", "c-2", "c-3")] == ["Ann Lee"] * 3
    assert list(ann.teams.all()) == [sales]
    assert Agent.objects.count() == 1


def test_two_agents_with_accounts_are_not_merged():
    ann, bob = find_agent("Ann"), find_agent("Bob")
    for agent in (ann, bob):
        agent.user = User.objects.create(username=agent.name)
        agent.save()

    with pytest.raises(AgentRefused, match="linked to accounts"):
        merge_agents(ann, [bob])

    assert AgentName.objects.get(spelling="Bob").agent == bob


def test_a_new_name_applies_to_old_and_new_calls_and_rules(django_capture_on_commit_callbacks):
    start_call(call_id="c-1", agent="Ann Lee")
    rule = AlertRule.objects.create(name="Ann", kind="silence", agents=["Ann Lee", "Bob"])

    with django_capture_on_commit_callbacks(execute=True):
        rename_agent(find_agent("Ann Lee"), "Ann Miller")
    start_call(call_id="c-2", agent="Ann Lee")

    rule.refresh_from_db()
    assert (agent_of("c-1"), agent_of("c-2")) == ("Ann Miller", "Ann Miller")
    assert rule.agents == ["Ann Miller", "Bob"]


def test_an_agent_cannot_take_the_name_of_another():
    find_agent("Bob")

    with pytest.raises(AgentRefused, match="Merge"):
        rename_agent(find_agent("Ann"), "bob")


def test_the_sweep_renames_calls_described_during_a_merge():
    ann, _ = find_agent("Ann"), find_agent("Anna")
    merge_agents(ann, [find_agent("Anna")])
    Call.objects.create(call_id="c-1", agent="Anna")

    assert rename_calls() == 1
    assert agent_of("c-1") == "Ann"


@pytest.fixture
def csv(tmp_path):
    def write(text):
        path = tmp_path / "agents.csv"
        path.write_text(text)
        return str(path)

    return write


def test_agents_teams_and_accounts_are_imported(csv, capsys):
    User.objects.create(username="ann")

    call_command("import_agents", csv("agent,teams,account\nAnn,Sales; North,ann\nBob,sales,\n"))

    ann = Agent.objects.get(name="Ann")
    assert ann.user.username == "ann"
    assert [team.name for team in ann.teams.all()] == ["North", "Sales"]
    assert list(Team.objects.get(name="Sales").agents.all()) == [ann, Agent.objects.get(name="Bob")]
    told = "2 agents read: 2 new ones, 2 new teams, 3 put into teams, 1 linked to accounts."
    assert told in capsys.readouterr().out
    assert AuditEntry.objects.filter(action="run", object_kind="agent").count() == 1


def test_a_dry_run_changes_nothing(csv, capsys):
    call_command("import_agents", csv("agent,teams\nAnn,Sales\n"), "--dry-run")

    assert not Agent.objects.exists()
    assert not Team.objects.exists()
    assert "Nothing was changed." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name\nAnn\n", "line 1: The first line names the columns"),
        ("agent,account\nAnn,zoe\n", "line 2: account: there is no account zoe."),
        ("agent,teams\nAnn\n", "line 2: 1 columns instead of 2."),
        (f"agent,teams\nBob,\nAnn,{'x' * 101}\n", "line 3: teams:"),
        ("agent,teams\n  ,Sales\n", "line 2: agent:"),
        ("", "line 1: The first line names the columns"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(csv, text, told):
    with pytest.raises(CommandError) as error:
        call_command("import_agents", csv(text))

    assert told in str(error.value)
    assert not Agent.objects.exists()


def test_the_admin_merges_by_name(boss, django_capture_on_commit_callbacks):
    start_call(call_id="c-1", agent="A. Lee")
    ann = find_agent("Ann Lee")
    form = {"name": "Ann Lee", "more_names": "A. Lee\nAnnie", "user": "", "teams": []}

    with django_capture_on_commit_callbacks(execute=True):
        answer = boss.post(f"/admin/calls/agent/{ann.pk}/change/", form)

    assert answer.status_code == 302
    assert agent_of("c-1") == "Ann Lee"
    assert set(ann.names.values_list("spelling", flat=True)) == {"Ann Lee", "A. Lee", "Annie"}


@pytest.mark.parametrize("path", ["agent/", "agent/add/", "team/", "team/add/"])
def test_the_admin_has_a_page_for_it(boss, path):
    find_agent("Ann")
    assert boss.get(f"/admin/calls/{path}").status_code == 200


def test_the_migration_creates_the_agents_of_stored_calls():
    for number, name in enumerate(["Ann  Lee", "ann lee", "Bob", ""]):
        Call.objects.create(call_id=f"c-{number}", agent=name)

    import_module("calls.migrations.0047_people").know_agents(
        apps, SimpleNamespace(connection=connection)
    )

    assert set(Agent.objects.values_list("name", flat=True)) == {"Ann Lee", "Bob"}
    assert AgentName.objects.filter(agent__key="annlee").count() == 3
