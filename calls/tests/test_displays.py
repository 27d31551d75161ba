"""Displays of the wall screen: the service, ``manage.py create_display``, and their limits."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from calls.displays import create_display, digest, find_display, note_seen, revoke_display
from calls.models import DisplayScreen, QueueThreshold, Team

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_display", *arguments, stdout=out)
    return out.getvalue()


def test_an_address_is_shown_once_and_only_the_digest_of_its_token_is_stored():
    shown = run("Floor 2", "--page", "calls", "--page", "overview", "--queue", "billing")

    (token,) = re.findall(r"http://localhost:8000/wall/([\w-]{43})/", shown)
    screen = DisplayScreen.objects.get()
    assert (screen.name, screen.digest) == ("Floor 2", digest(token))
    assert screen.pages == ["overview", "calls"]
    assert (screen.queues, screen.rotation_s, screen.customers) == (["billing"], 20, "masked")
    assert f"--revoke {screen.pk}" in shown
    assert find_display(token) == screen


def test_the_address_begins_with_that_of_the_site():
    shown = run("x", "--url", "https://calls.example.com/", "--seconds", "9", "--no-words")

    assert "https://calls.example.com/wall/" in shown
    screen = DisplayScreen.objects.get()
    assert (screen.rotation_s, screen.last_words) == (9, False)


def test_a_display_is_limited_to_teams_by_their_names():
    sales, north = Team.objects.create(name="Sales"), Team.objects.create(name="North")

    run("x", "--team", "sales", "--team", "North")

    assert DisplayScreen.objects.get().teams == [sales.pk, north.pk]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "NAME: This field cannot be blank"),
        (["  "], "NAME: This field cannot be blank"),
        (["x" * 101], "at most 100 characters"),
        (["x", "--page", "board"], "invalid choice: 'board'"),
        (["x", "--seconds", "4"], "--seconds: Ensure this value is greater than or equal to 5"),
        (["x", "--queue", "q" * 201], "--queue: The name of a queue has at most 200 characters"),
        (["x", *["--queue", "q"] * 97], "--queue: At most 96 queues, not 97"),
        (["x", "--team", "Nobody"], "--team: there is no team Nobody."),
        (["x", "--list"], "neither a name nor other options"),
        (["--list", "--seconds", "9"], "neither a name nor other options"),
        (["--revoke", "1"], "no display with the number '1'"),
        (["--revoke", "x"], "no display with the number 'x'"),
        (["--revoke", "9" * 30], "no display with the number"),
    ],
)
def test_mistakes_are_named(arguments, says):
    with pytest.raises(CommandError, match=re.escape(says)):
        run(*arguments)

    assert not DisplayScreen.objects.exists()


def test_displays_are_listed_and_revoked():
    assert "create_display NAME" in run("--list")
    screen, token = create_display(name="Lobby")

    assert "goes dark" in run("--revoke", str(screen.pk))

    assert find_display(token) is None
    assert re.search(r"revoked \d{4}.*never seen.*Lobby", run("--list"))
    with pytest.raises(CommandError, match="has been revoked since"):
        run("--revoke", str(screen.pk))
    assert not revoke_display(screen)


def test_a_display_is_seen_again_only_after_a_while():
    screen, _ = create_display(name="Lobby")
    begin = timezone.now()

    note_seen(screen, at=begin)
    screen.refresh_from_db()
    note_seen(screen, at=begin + timedelta(seconds=5))
    assert DisplayScreen.objects.get().seen_at == begin

    note_seen(screen, at=begin + timedelta(seconds=25))
    assert DisplayScreen.objects.get().seen_at == begin + timedelta(seconds=25)


@pytest.mark.parametrize("pages", [[], ["board"], "overview", None, [["overview"]]])
def test_pages_that_do_not_exist_are_refused(pages):
    with pytest.raises(ValidationError, match="pages"):
        create_display(name="x", pages=pages)


def test_red_must_begin_above_amber():
    threshold = QueueThreshold(queue="billing", alerts_amber=5, alerts_red=5, waiting_red=3)

    with pytest.raises(ValidationError) as refused:
        threshold.full_clean()

    assert refused.value.message_dict == {"alerts_red": ["Red must begin above amber, which is 5."]}


def test_a_share_is_at_most_100_percent():
    with pytest.raises(ValidationError, match="less than or equal to 100"):
        QueueThreshold(queue="billing", negative_share_red=101).full_clean()


def test_a_new_site_has_limits_that_do_not_depend_on_its_size():
    default = QueueThreshold.objects.get(queue="")

    assert default.limits("longest") == (15, 30)
    assert default.limits("negative_share") == (25, 50)
    assert default.limits("waiting") == (None, None)
