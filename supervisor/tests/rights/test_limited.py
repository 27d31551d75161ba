"""API keys and displays that are limited to teams."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from calls.displays import create_display
from calls.keys import create_key, ring
from calls.models import ApiKey, DisplayScreen, Team
from calls.visibility import EVERYTHING, NOTHING, Sight, sight_of_teams
from supervisor.tests.rights.floor import make_floor
from supervisor.wall.options import of_screen

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(settings):
    settings.API_AUTH = "key"
    ring.forget()
    yield make_floor()
    ring.forget()


def ask(client, path, *, teams, scopes=("read", "supervise", "ingest"), method="get"):
    _, plain = create_key(name="key", scopes=scopes, teams=teams)
    ring.forget()
    headers = {"authorization": f"Bearer {plain}"}
    return getattr(client, method)(path, headers=headers)


def sales():
    return Team.objects.get(name="Sales").pk


@pytest.mark.parametrize("path", ["/v1/call", "/v1/alerts", "/v1/search?state=IN_PROGRESS"])
def test_a_limited_key_reads_the_calls_of_its_teams(client, floor, path):
    page = ask(client, path, teams=[sales()]).content.decode()

    assert "c-own" in page
    assert "c-other" not in page


def test_a_limited_key_gets_404_for_calls_of_other_teams(client, floor):
    answer = ask(client, "/v1/call/c-other", teams=[sales()])

    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is no call c-other."}


def test_a_limited_key_acts_on_the_calls_of_its_teams_only(client, floor):
    path = f"/v1/alerts/{floor.other_alert.pk}/acknowledge"

    assert ask(client, path, teams=[sales()], method="post").status_code == 404


def test_a_key_whose_last_team_was_deleted_sees_nothing(client, floor):
    gone = sales()
    Team.objects.get(pk=gone).delete()

    answer = ask(client, "/v1/call", teams=[gone])

    assert answer.json()["results"] == []
    assert sight_of_teams([gone]) == NOTHING


def test_a_key_without_a_limit_sees_everything(client, floor):
    assert len(ask(client, "/v1/call", teams=None).json()["results"]) == 2
    assert sight_of_teams(None) == EVERYTHING


def test_the_command_limits_a_key_by_the_names_of_teams(floor, capsys):
    call_command("create_api_key", "CRM", "--scope", "read", "--team", "sales")

    assert ApiKey.objects.get().teams == [sales()]
    with pytest.raises(CommandError, match="there is no team Nowhere"):
        call_command("create_api_key", "CRM", "--team", "Nowhere")


def test_a_display_shows_the_calls_of_its_teams(client, floor):
    screen, token = create_display(name="hall", teams=[sales()], customers="full")

    client.get(f"/wall/{token}/")
    page = client.get(f"/supervisor/wall/{screen.pk}/").content.decode()

    assert of_screen(screen).sight == Sight(frozenset({"Ann"}), frozenset({"Sales"}))
    assert "Ann" in page
    assert "Bob" not in page


def test_saving_a_display_whose_team_was_deleted_does_not_open_it(client, floor):
    client.force_login(floor.users["superuser"], "django.contrib.auth.backends.ModelBackend")
    gone = sales()
    screen, _ = create_display(name="hall", teams=[gone])
    Team.objects.get(pk=gone).delete()
    form = {
        "name": "hall 2", "pages": ["overview"], "queues": "", "rotation_s": 20,
        "customers": "masked", "theme": "auto",
    }  # fmt: skip

    answer = client.post(f"/admin/calls/displayscreen/{screen.pk}/change/", form)

    assert answer.status_code == 302
    screen = DisplayScreen.objects.get()
    assert (screen.name, screen.teams) == ("hall 2", [gone])
