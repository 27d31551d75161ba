"""Rights in a real Chromium: who may see and act, and what an open page says when they end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from benchmarks.rig.waiting import wait_until
from supervisor.tests.browser import give_name, log_in, open_board, row, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]

GRANT = (
    "from django.contrib.auth.models import Permission, User;"
    "User.objects.get(username='sam').user_permissions"
    ".{}(Permission.objects.get(codename='view_call'))"
)
END_SESSIONS = "from django.contrib.sessions.models import Session; Session.objects.all().delete()"


def test_a_viewer_sees_no_actions_and_is_refused(site, open_page):
    site.say("looked-at", "Hello?")
    page = open_page("vic")
    page.goto("/supervisor/calls/looked-at/")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")

    expect(page.get_by_role("link", name="End call")).to_have_count(0)
    expect(page.get_by_role("button", name="End call")).to_have_count(0)
    answer = page.goto("/supervisor/calls/looked-at/end/")
    assert answer.status == 403
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    posted = page.request.post(
        f"{site.address}/supervisor/calls/looked-at/end/",
        form={"csrfmiddlewaretoken": token},
        headers={"Referer": site.address},
    )
    assert posted.status == 403
    page.goto("/supervisor/?q=looked-at")
    expect(row(page, "looked-at")).to_contain_text("Live")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_user_without_permission_is_told_which_one_is_missing(open_page, scheme):
    page = open_page("sam", color_scheme=scheme)

    for path in ("/supervisor/", "/supervisor/alerts/", "/supervisor/calls/any/"):
        assert page.goto(path).status == 403
        expect(page.get_by_role("heading", name="You don't have access")).to_be_visible()
    expect(page.get_by_text("calls.view_call")).to_be_visible()
    assert violations(page) == []


def test_an_open_page_shows_that_a_permission_was_withdrawn(site, open_page):
    site.run("shell", "-c", GRANT.format("add"))
    page = open_page("sam")
    open_board(page)

    site.run("shell", "-c", GRANT.format("remove"))
    site.say("after-the-permission", "Hello?")

    expect(page.locator("#feed")).to_have_attribute("data-feed", "forbidden")
    expect(page.locator("#feed")).to_contain_text("Not allowed")
    expect(row(page, "after-the-permission")).to_have_count(0)


def test_after_an_ended_session_the_login_leads_back_to_the_same_board(site, open_page):
    site.say("expired-1", "Hello?")
    page = open_page(storage_state=None)
    log_in(page, "vic")
    open_board(page, "?state=IN_PROGRESS&q=expired-")

    site.run("shell", "-c", END_SESSIONS)
    site.logins.clear()
    site.say("expired-2", "Hello?")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "logged-out")
    page.get_by_role("link", name="Log in again").click()
    give_name(page, "vic")

    expect(page).to_have_url(re.compile(r"\?state=IN_PROGRESS&q=expired-$"))
    expect(row(page, "expired-2")).to_be_visible()
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")


def test_the_feed_of_a_call_page_closes_with_the_session_too(site, open_page):
    site.say("expired-call", "Hello?")
    page = open_page(storage_state=None)
    log_in(page, "vic")
    page.goto("/supervisor/calls/expired-call/")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")

    page.context.clear_cookies()
    site.end("expired-call")

    link = page.get_by_role("link", name="Log in again")
    wait_until(lambda: link.count() or page.wait_for_timeout(50), what="the way back")
    assert "next=%2Fsupervisor%2Fcalls%2Fexpired-call%2F" in link.get_attribute("href")
