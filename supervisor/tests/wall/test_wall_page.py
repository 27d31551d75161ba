"""The page of the wall screen, and what a display may see with its cookie."""

from __future__ import annotations

import logging
import re

import pytest
from django.db import Error as DatabaseError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from callcenter.log_format import HideTokens
from calls.displays import create_display, revoke_display
from calls.models import DisplayScreen, QueueThreshold
from supervisor.tests.factories import text_of
from supervisor.tests.wall.floors import alert, call, full_floor, hear
from supervisor.wall import access, views

pytestmark = pytest.mark.django_db
WALL = "/supervisor/wall/"


def display(**fields):
    """A browser that has opened the address of a new display, and that display."""
    screen, token = create_display(name="Lobby", **fields)
    client = Client()
    client.get(f"/wall/{token}/")
    return client, screen


def page_of(screen):
    return reverse("supervisor:wall-display", args=[screen.pk])


def test_visitors_are_sent_to_the_login(client):
    assert client.get(WALL).url == f"/supervisor/login/?next={WALL}"
    assert client.get("/supervisor/wall/7/").url == "/supervisor/login/?next=/supervisor/wall/7/"


def test_people_need_the_permission_to_see_calls(visitor):
    assert visitor("add_packet").get(WALL).status_code == 403


def test_the_pages_show_figures_queues_and_calls(supervisor):
    long = call("a", "billing", minutes=40, agent="Priya", caller="+44 20 7946 0123")
    alert(long, 3, name="Wants to cancel")
    hear(long, "I want my money back. Write to [EMAIL].")

    page = text_of(supervisor.get(WALL))

    assert "Longest call Act now 40:00" in page
    assert "1 critical" in page
    assert "Priya Customer: ••• 123" in page
    assert "critical: Wants to cancel" in page
    assert "Customer: I want my money back. Write to email ." in page
    assert "7946" not in page


def test_a_tile_names_its_level_in_words(supervisor):
    QueueThreshold.objects.create(queue="billing", longest_amber=1, longest_red=50)
    call("a", "billing", minutes=40)

    html = supervisor.get(WALL, {"page": "queues"}).content.decode()

    assert re.search(r'class="queue tile--amber".*?Watch', html, re.DOTALL)
    assert "Act now" not in html


def test_an_empty_floor_says_so(supervisor):
    page = text_of(supervisor.get(WALL))

    assert "nobody is talking" in page
    assert "No queue has had a call today." in page
    assert "No live calls." in page


def test_mistakes_in_the_address_are_named(supervisor):
    page = supervisor.get(WALL, {"seconds": "1"}).content.decode()

    assert "seconds: a number from 5 to 3600 is needed." in page


@pytest.mark.parametrize("calls", [12, 600])
def test_the_page_takes_a_constant_number_of_queries(supervisor, calls):
    full_floor(calls=calls)

    with CaptureQueriesContext(connection) as captured:
        supervisor.get(WALL)

    assert (
        len(captured) == 12
    )  # session, user, preferences, two for the permission, and those of the screen


def test_the_address_with_the_token_redirects_to_one_without_it():
    screen, token = create_display(name="Lobby", pages=["overview"], theme="dark")
    client = Client()

    opened = client.get(f"/wall/{token}/")

    assert (opened.status_code, opened.url) == (302, page_of(screen))
    assert opened["Referrer-Policy"] == "no-referrer"
    assert "no-store" in opened["Cache-Control"]
    cookie = opened.cookies[access.COOKIE]
    assert token not in cookie.value
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        page_of(screen),
        True,
        "Lax",
    )
    assert int(cookie["max-age"]) == 400 * 24 * 3600
    shown = client.get(opened.url)
    assert 'data-theme="dark"' in shown.content.decode()
    assert "Lobby" in shown.content.decode()
    assert shown.cookies[access.COOKIE]["max-age"] == cookie["max-age"]
    assert DisplayScreen.objects.get().seen_at


def test_the_slash_at_the_end_may_be_missing():
    screen, token = create_display(name="Lobby")

    assert Client().get(f"/wall/{token}").url == page_of(screen)


def test_the_cookie_needs_https_where_logins_do(settings):
    settings.SESSION_COOKIE_SECURE = True
    _, token = create_display(name="Lobby")

    assert Client().get(f"/wall/{token}/").cookies[access.COOKIE]["secure"]


@pytest.mark.parametrize("token", ["x", "%ED%A0%80", "a" * 4000])
def test_an_unknown_token_is_refused_without_a_trace(client, token, caplog):
    caplog.set_level(logging.DEBUG)

    refused = client.get(f"/wall/{token}/")

    assert refused.status_code == 404
    assert "This address is not valid" in text_of(refused)
    assert refused["Referrer-Policy"] == "no-referrer"
    assert access.COOKIE not in refused.cookies


def test_a_token_is_not_logged_during_a_database_outage(client, monkeypatch, caplog):
    def fail(token):
        raise DatabaseError

    monkeypatch.setattr(views, "find_display", fail)
    caplog.handler.addFilter(HideTokens())  # as the handler of the settings has it

    answer = client.get("/wall/secret/")

    assert answer.status_code == 503
    assert "/wall/…/" in caplog.text
    assert "secret" not in caplog.text
    assert "secret" not in answer.content.decode()


def test_every_handler_of_the_log_hides_tokens(settings):
    handlers = settings.LOGGING["handlers"].values()

    assert all("hide_tokens" in handler["filters"] for handler in handlers)


def test_a_revoked_display_is_refused_at_once():
    client, screen = display()
    revoke_display(screen)

    refused = client.get(page_of(screen))

    assert refused.status_code == 403
    assert "This display was revoked" in text_of(refused)


def test_a_display_sees_nothing_else():
    client, screen = display()
    call("a")
    other, _ = create_display(name="Other")
    # As a browser would that ignores the path of the cookie.
    client.cookies[access.COOKIE]["path"] = "/"

    for path in (WALL, page_of(other), "/supervisor/", "/supervisor/calls/a/", "/admin/"):
        answer = client.get(path)
        assert answer.status_code in (302, 403), path
    assert client.get(page_of(screen)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/call", "/v1/call/a", "/v1/events"])
def test_a_display_cannot_use_the_api(settings, path):
    settings.API_AUTH = "key"
    client, _ = display()
    client.cookies[access.COOKIE]["path"] = "/"

    assert client.get(path).status_code == 401


def test_a_forged_cookie_is_refused():
    screen, _ = create_display(name="Lobby")
    client = Client()
    client.cookies[access.COOKIE] = f"{screen.pk}.{screen.digest[:16]}:forged"

    assert client.get(page_of(screen)).status_code == 403


def test_a_display_shows_only_what_its_settings_allow():
    call("a", "billing", caller="+44 20 7946 0123")
    call("b", "retention", agent="Kim")
    client, screen = display(queues=["billing"], customers="hidden", last_words=False)

    page = client.get(page_of(screen), {"queue": "retention", "customers": "full"})

    assert "Kim" not in text_of(page)
    assert "0123" not in page.content.decode()
    assert "queue: “retention” is not one of billing." in page.content.decode()
    assert "<form" not in page.content.decode()


def test_people_may_see_the_screen_of_a_display(supervisor):
    screen, _ = create_display(name="Lobby")

    assert "Lobby" in supervisor.get(page_of(screen)).content.decode()
    assert DisplayScreen.objects.get().seen_at is None

    revoke_display(screen)
    assert supervisor.get(page_of(screen)).status_code == 404
