"""The page of the admin that imports agents: a preview, errors by line, then the import."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from calls.models import Agent, AgentName, AuditEntry, CallEvent, Team
from calls.people.agents import find_agent, merge_agents
from calls.people.importing import import_agents

pytestmark = pytest.mark.django_db
PAGE = "/admin/calls/agent/import/"
LINES = "agent,teams,account\nAnn Lee,Sales; North,lee\nBob,sales,\n"


@pytest.fixture(autouse=True)
def _account():
    User.objects.create_user("lee")


def text_of(response):
    html = response.content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("content-main") :]).split())


def upload(data):
    content = data if isinstance(data, bytes) else data.encode()
    return {"file": SimpleUploadedFile("agents.csv", content)}


def lines_of(response):
    """Return the lines that the preview sends again."""
    return re.search(
        r"<textarea name=\"text\" hidden>(.*?)</textarea>", response.content.decode(), re.DOTALL
    )[1]


def test_a_file_is_previewed_and_then_imported(boss):
    preview = boss.post(PAGE, upload(LINES))
    assert not Agent.objects.exists()
    assert "New agents 2 New teams 2 Put into teams 3 Linked to accounts 1" in text_of(preview)
    assert "New teams: Sales, North . Are they" in text_of(preview)

    done = boss.post(PAGE, {"text": lines_of(preview), "confirm": "1"}, follow=True)

    assert "2 agents read: 2 new ones, 2 new teams, 3 put into teams" in done.content.decode()
    ann = Agent.objects.get(name="Ann Lee")
    assert {team.name for team in ann.teams.all()} == {"Sales", "North"}
    assert ann.user.username == "lee"
    entry = AuditEntry.objects.get(action="run")
    assert entry.details == {"run": "import", "rows": 2}
    assert CallEvent.objects.filter(type="people_changed").exists()


def test_pasted_lines_are_as_good_as_a_file(boss):
    boss.post(PAGE, {"text": LINES.replace("\n", "\r\n"), "confirm": "1"})

    assert set(Agent.objects.values_list("name", flat=True)) == {"Ann Lee", "Bob"}


def test_wrong_lines_are_named_together_and_nothing_is_imported(boss):
    text = "agent,teams,account\nAnn,Sales,zoe\nBob\n,Sales,\nCyd,,\n"

    page = boss.post(PAGE, {"text": text, "confirm": "1"})

    told = text_of(page)
    assert "Nothing was imported. Correct 3 lines" in told
    assert "Line 2: account: there is no account zoe." in told
    assert "Line 3: 1 columns instead of 3." in told
    assert "Line 4: agent: 1 to 200 characters are needed." in told
    assert not Agent.objects.exists()
    assert "Cyd" in page.content.decode(), "what was pasted is still there to correct"


def test_a_file_that_changes_nothing_says_so(boss):
    import_agents(LINES)

    page = boss.post(PAGE, upload(LINES))

    assert "This would change nothing." in text_of(page)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "Choose a file, or paste its lines."),
        ({"text": LINES, **upload(LINES)}, "Choose a file, or paste its lines."),
        (upload("agent\nJos\u00e9\n".encode("latin-1")), "This is not UTF-8."),
        (upload(b"agent\n" + b"x" * 1024 * 1024), "Use manage.py import_agents."),
        (upload('agent\n"Ann'), "This is not CSV"),
    ],
)
def test_a_file_that_is_not_a_list_of_agents_is_refused_with_the_reason(boss, form, told):
    page = boss.post(PAGE, form)

    assert page.status_code == 200
    assert told in text_of(page)


@pytest.mark.parametrize("lacking", ["add_agent", "change_agent", "add_team"])
def test_importing_needs_the_permissions_for_what_it_changes(person, lacking):
    everything = {"add_agent", "change_agent", "add_team", "view_agent"}

    client = person(*(everything - {lacking}))

    assert client.get(PAGE).status_code == 403
    assert "Import from CSV" not in client.get("/admin/calls/agent/").content.decode()


def test_the_lists_of_agents_and_teams_link_to_the_import(boss):
    for model in ("agent", "team"):
        assert PAGE in boss.get(f"/admin/calls/{model}/").content.decode()
    assert boss.get(PAGE).status_code == 200


def test_an_agent_is_known_by_each_of_its_names_and_keeps_its_name():
    ann = find_agent("Ann Lee")
    merge_agents(ann, [find_agent("A. Lee")])

    found = import_agents("agent,teams\nA. LEE,Sales\nann lee,Sales; North\nAnn Lee,north\n")

    assert (found.new_agents, found.joined) == (0, 2)
    assert [step.name for step in found.steps] == ["Ann Lee"] * 3
    assert Agent.objects.get() == ann
    assert {team.name for team in ann.teams.all()} == {"Sales", "North"}
    assert AgentName.objects.get(spelling="A. LEE").agent == ann


def test_two_lines_cannot_link_one_agent_to_two_accounts_or_two_agents_to_one():
    User.objects.create_user("bob")

    found = import_agents("agent,account\nAnn,lee\nann,bob\nCyd,lee\n")

    assert found.problems == [
        "line 3: account: another line links this agent to lee.",
        "line 4: account: lee belongs to another agent.",
    ]


def test_an_import_takes_as_many_queries_for_many_lines(django_assert_max_num_queries):
    lines = "".join(f"Agent {n},Team {n % 7}\n" for n in range(300))

    with django_assert_max_num_queries(20):
        import_agents(f"agent,teams\n{lines}")

    assert (Agent.objects.count(), Team.objects.count()) == (300, 7)
