"""Alerts in a real Chromium: they appear, sound, are acknowledged, and disappear."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from benchmarks.rig.waiting import answers, get, wait_until
from supervisor.tests.browser import running_site, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]

LONG_CALLS = """
from calls.models import AlertRule
AlertRule.objects.create(name="Too long", kind="long_call", severity=2, limit=1)
"""
CANCEL, LAWYER = "I want to cancel my contract.", "You will hear from my lawyer."


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of its own, because these tests count alerts."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def watched(site):
    """The site with a worker, whose watcher raises the alerts."""
    worker = site.worker()
    wait_until(lambda: answers(f"{site.address}/readyz"), what="the worker")
    yield site
    worker.terminate()
    worker.wait(timeout=30)


def open_alerts(page: Page, query: str = "") -> None:
    page.goto(f"/supervisor/alerts/{query}")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    page.evaluate("window.isSamePage = true")


def alert(page: Page, call_id: str):
    """The card of a call, which shows its id as nobody has said who is on the phone."""
    return page.locator(".case", has=page.get_by_role("link", name=call_id, exact=True))


def note_on(card):
    """Open the menu of the first alert and return its field for a note."""
    card.get_by_title("Note, assign").first.click()
    return card.get_by_label("Note (optional)").first


def test_an_alert_appears_is_acknowledged_with_a_note_and_leaves(watched, open_page):
    page, colleague = open_page(), open_page()
    open_alerts(page)
    open_alerts(colleague)

    watched.say("comes", CANCEL)
    expect(alert(page, "comes")).to_contain_text("Wants to cancel")
    expect(page.locator("#open-alerts [data-open]")).to_have_text(re.compile("[1-9]"))
    expect(page).to_have_title(re.compile(r"^\([1-9]\d*\) Alerts"))
    expect(alert(colleague, "comes")).to_be_visible()

    box = note_on(alert(page, "comes"))
    box.fill("Joined the call.")
    watched.say("also", CANCEL)  # the list is merged while somebody writes
    expect(alert(page, "also")).to_be_visible()
    expect(box).to_have_value("Joined the call.")
    box.press("Enter")

    expect(alert(page, "comes")).to_have_count(0)
    expect(alert(colleague, "comes")).to_have_count(0)
    colleague.get_by_role("link", name="All", exact=True).click()
    expect(alert(colleague, "comes")).to_contain_text("Acknowledged by ana")
    expect(alert(colleague, "comes")).to_contain_text("Joined the call.")
    assert page.evaluate("window.isSamePage")


def test_a_filtered_list_shows_only_matching_alerts(watched, open_page):
    page = open_page()
    open_alerts(page, "?severity=critical")

    watched.say("mild", CANCEL)
    watched.say("grave", LAWYER)

    expect(alert(page, "grave")).to_be_visible()
    expect(alert(page, "mild")).to_have_count(0)
    page.get_by_label("Rule").fill("Wants to cancel")
    page.get_by_label("Rule").press("Enter")
    expect(page).to_have_url(re.compile(r"\?severity=critical&rule=Wants\+to\+cancel$"))
    expect(page.get_by_role("heading", name="No matching alerts")).to_be_visible()


def test_alerts_are_handled_with_the_keyboard_alone(watched, open_page):
    for name in ("key-1", "key-2", "key-3"):
        watched.say(name, CANCEL)
        wait_until(lambda name=name: raised(watched, name), what=name)
    page = open_page()
    open_alerts(page, "?rule=Wants+to+cancel")

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(alert(page, "key-2").locator(".alert")).to_be_focused()
    page.keyboard.press("a")
    expect(alert(page, "key-2")).to_have_count(0)
    expect(alert(page, "key-1").locator(".alert")).to_be_focused()
    page.keyboard.press("u")
    expect(alert(page, "key-2")).to_be_visible()
    alert(page, "key-1").locator(".alert").focus()
    page.keyboard.press("t")
    expect(alert(page, "key-1")).to_contain_text("Assigned to ana")
    page.keyboard.press("x")
    expect(alert(page, "key-1").get_by_role("checkbox")).to_be_checked()
    page.get_by_role("button", name="Acknowledge selected (1)").press("Enter")
    page.get_by_role("button", name="Acknowledge 1 alert").press("Enter")

    expect(alert(page, "key-3")).to_be_visible()
    expect(alert(page, "key-1")).to_have_count(0)


def raised(site, call_id):
    return get(f"{site.address}/v1/alerts?call_id={call_id}")["results"]


def test_all_matching_alerts_are_acknowledged_at_once(watched, open_page):
    for number in range(3):
        watched.say(f"storm-{number}", LAWYER)
    page = open_page()
    open_alerts(page, "?rule=Threatens+legal+action")
    for number in range(3):
        expect(alert(page, f"storm-{number}")).to_be_visible()

    page.get_by_role("button", name=re.compile("Acknowledge all [0-9]+ matching")).click()
    expect(page.get_by_text("All that match: state is open, rule is Threatens")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Note").fill("A test of the line.")
    page.get_by_role("button", name=re.compile("Acknowledge [0-9]+ alerts")).click()

    expect(page.get_by_role("heading", name="No matching alerts")).to_be_visible()
    assert raised(watched, "storm-0")[0]["note"] == "A test of the line."
    assert violations(page) == []
    page.get_by_role("button", name="Undo").click()
    for number in range(3):
        expect(alert(page, f"storm-{number}")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_eight_alerts_fit_on_a_small_laptop(watched, open_page):
    for number in range(9):
        watched.say(f"fits-{number}", CANCEL)
        wait_until(lambda number=number: raised(watched, f"fits-{number}"), what="the alert")
    page = open_page(viewport={"width": 1366, "height": 768})

    open_alerts(page, "?rule=Wants+to+cancel")

    bottoms = [box["y"] + box["height"] for box in map(box_of, page.locator(".case").all()[:8])]
    assert bottoms[-1] <= 768


def box_of(locator):
    return locator.bounding_box()


def test_sound_is_off_by_default_and_follows_the_severity_once_on(watched, open_page):
    page = open_page()
    open_alerts(page)
    button = page.locator("#sound")
    expect(button).to_have_text("Sound off")
    watched.say("silent", CANCEL)
    expect(page.locator("#announce")).to_contain_text("Wants to cancel, call silent")
    assert page.evaluate("document.documentElement.dataset.sounded") is None

    button.click()
    expect(button).to_have_text("Sound on")
    expect(page.locator("html")).to_have_attribute("data-sounded", "notice")  # to try it
    watched.say("loud", LAWYER)

    expect(page.locator("html")).to_have_attribute("data-sounded", "critical")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    # A page that nobody has touched may make no noise, and says so.
    expect(button).to_have_text("Click to allow sound")
    button.click()
    expect(button).to_have_text("Sound on")
    button.click()
    expect(button).to_have_text("Sound off")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_alerts_page_is_never_wider_than_the_screen(watched, open_page, width):
    watched.say("w" * 100, f"{LAWYER} {CANCEL} It is the third time that I have to call about it.")
    wait_until(lambda: raised(watched, "w" * 100), what="the alert")
    page = open_page(viewport={"width": width, "height": 800})

    page.goto("/supervisor/alerts/?show=all")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_on_the_pages_of_alerts(watched, open_page, scheme):
    watched.say("axe-alert", CANCEL, LAWYER)
    wait_until(lambda: len(raised(watched, "axe-alert")) == 2, what="the alerts")
    page = open_page(color_scheme=scheme, reduced_motion="reduce")

    for path in (
        "/supervisor/alerts/",
        "/supervisor/alerts/?show=all",
        "/supervisor/alerts/?queue=x",
        "/supervisor/alerts/trends/",
    ):
        page.goto(path)
        assert violations(page) == []
    page.goto("/supervisor/calls/axe-alert/")
    assert violations(page) == []


def test_alerts_are_acknowledged_from_the_wallboard_by_click_and_by_key(watched, open_page):
    for name in ("quick-1", "quick-2"):
        watched.say(name, CANCEL, LAWYER)
        wait_until(lambda name=name: len(raised(watched, name)) == 2, what=name)
    page = open_page()
    page.goto("/supervisor/?q=quick-")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    page.evaluate("window.isSamePage = true")
    badge = page.locator("#call-quick-1 .alert-badge")
    expect(badge).to_contain_text("Threatens legal action")

    badge.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    note = note_on(dialog)
    note.fill("Listening in.")
    note.press("Enter")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_role("button", name="Acknowledge").first.click()
    expect(dialog).to_be_hidden()
    expect(badge).to_have_count(0)
    expect(page.locator("#call-quick-1 .c-call a")).to_be_focused()

    page.locator("#call-quick-2 .c-call a").first.focus()
    page.keyboard.press("a")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert page.evaluate("window.isSamePage")
    assert raised(watched, "quick-1")[0]["note"] == "Listening in."


def test_the_worst_alert_comes_to_the_top_of_the_wallboard(watched, open_page):
    watched.say("top-1", CANCEL)
    watched.say("top-2", "Hello?")
    page = open_page()
    page.goto("/supervisor/?q=top-")
    page.get_by_role("columnheader", name="Alerts and tags").get_by_role("link").click()
    calls = page.locator("#rows .c-call a")
    expect(calls).to_have_text(["top-1", "top-2"])

    watched.say("top-2", LAWYER, first=2)

    expect(calls).to_have_text(["top-2", "top-1"])


# Last: its rule raises an alert for every live call.
def test_a_snoozed_alert_leaves_and_one_of_a_call_that_ended_is_resolved(watched, open_page):
    watched.run("shell", "-c", LONG_CALLS)
    watched.say("late-1", "Hello?")
    watched.say("late-2", "Hello?")
    page = open_page()
    open_alerts(page, "?rule=Too+long")
    expect(alert(page, "late-2")).to_be_visible()

    alert(page, "late-2").get_by_text("Snooze", exact=False).first.click()
    page.get_by_role("button", name="15 minutes").locator("visible=true").click()
    expect(alert(page, "late-2")).to_have_count(0)
    watched.end("late-1")

    expect(alert(page, "late-1")).to_have_count(0)
    page.get_by_role("link", name="Resolved").click()
    expect(alert(page, "late-1")).to_contain_text("the call ended")
    page.get_by_role("link", name="Snoozed (1)").click()
    expect(alert(page, "late-2")).to_contain_text("Snoozed until")
