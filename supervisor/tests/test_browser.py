"""The pages in a real Chromium, against a real server: live changes appear without a reload."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from benchmarks.rig.waiting import post
from supervisor.tests.browser import open_board, row, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_call_appears_and_changes_without_a_reload(site, open_page):
    page = open_page()
    open_board(page, "?columns=packets,loss")
    page.evaluate("window.isSamePage = true")

    site.say("seen-live", "Hello?", "Is anybody there?")
    expect(row(page, "seen-live")).to_contain_text("Live")
    expect(row(page, "seen-live").locator('[data-count="packet_count"]')).to_have_text("2")

    site.say("seen-live", "Hello!", first=4)
    expect(row(page, "seen-live").locator('[data-count="packet_count"]')).to_have_text("3")
    expect(row(page, "seen-live").get_by_title("1 missing, 0 late")).to_have_text("25 %")

    site.end("seen-live")
    expect(row(page, "seen-live")).to_contain_text("Waiting for AI")
    assert page.evaluate("window.isSamePage")


def test_calls_enter_and_leave_a_filtered_board(site, open_page):
    page = open_page()
    open_board(page, "?state=IN_PROGRESS")

    site.say("comes-and-goes", "Hello?")
    expect(row(page, "comes-and-goes")).to_be_visible()

    site.end("comes-and-goes")
    expect(row(page, "comes-and-goes")).to_have_count(0)


def test_the_board_shows_a_lost_connection_and_catches_up(site, open_page):
    page = open_page()
    open_board(page)
    site.say("before-the-crash", "Hello?")
    expect(row(page, "before-the-crash")).to_be_visible()

    site.crash()
    expect(page.locator("#feed")).to_have_attribute("data-feed", "reconnecting")
    site.serve()
    site.end("before-the-crash")
    site.say("while-away", "Hello?")

    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    expect(row(page, "before-the-crash")).to_contain_text("Waiting for AI")
    expect(row(page, "while-away")).to_be_visible()


def test_filters_and_order_are_in_the_address_and_apply_to_live_changes(site, open_page):
    for name, queue in (("sorted-a", "gold"), ("sorted-b", "gold"), ("sorted-c", "tin")):
        post(f"{site.address}/v1/call/{name}/start", {"queue": queue, "agent": "Ana"})
    site.say("sorted-a", "One.", "Two.", "Three.")
    page = open_page()
    open_board(page, "?columns=packets")

    queue = page.get_by_role("combobox", name="Queue")
    queue.fill("gold")
    queue.press("Enter")
    expect(page).to_have_url(re.compile(r"queue=gold"))
    page.get_by_role("link", name="Packets", exact=True).click()
    expect(page).to_have_url(re.compile(r"queue=gold&sort=-packets|sort=-packets.*queue=gold"))
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    shown = "[...document.querySelectorAll('#rows > tr')].map((row) => row.dataset.call)"
    assert page.evaluate(shown) == ["sorted-a", "sorted-b"]

    post(f"{site.address}/v1/call/sorted-d/start", {"queue": "gold"})
    expect(page.locator("#rows > tr")).to_have_count(3)
    assert page.evaluate(shown) == ["sorted-a", "sorted-d", "sorted-b"]


def test_the_keyboard_moves_through_rows_and_opens_a_call(site, open_page):
    site.say("keys-1", "Hello?")
    site.say("keys-2", "Hello?")
    page = open_page()
    open_board(page, "?q=keys-")

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(row(page, "keys-1").get_by_role("link")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(page, "keys-2").get_by_role("link")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("j")
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("j$"))
    page.get_by_role("searchbox").blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/calls/keys-2/\?list=q%3Dkeys-$"))


def test_the_figures_follow_the_feed(site, open_page):
    page = open_page()
    open_board(page)
    live = page.locator('#figures [data-figure="live"]')
    before = int(live.inner_text())

    site.say("one-more", "Hello?")

    expect(live).to_have_text(str(before + 1))


def test_an_ended_session_is_shown_with_a_link_to_the_login(site, open_page):
    page = open_page()
    open_board(page)
    page.context.clear_cookies()

    site.say("after-the-session", "Hello?")

    link = page.get_by_role("link", name="Log in again")
    expect(link).to_have_attribute("href", "/supervisor/login/?next=%2Fsupervisor%2F")


def test_a_call_is_followed_to_its_transcript(site, open_page):
    page = open_page()
    site.say("followed", "I am angry, my line is dead.", "Write to jane.doe@example.com.")
    page.goto("/supervisor/calls/followed/")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    expect(page.get_by_role("heading", name="Live transcript")).to_be_visible()

    page.get_by_role("link", name="End call").click()
    page.get_by_role("dialog").get_by_role("button", name="End call").click()
    expect(page.get_by_text("The call was ended.")).to_be_visible()
    worker = site.worker()

    expect(page.locator(".head .pill--archived")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Transcript")).to_be_visible()
    expect(page.locator(".turn").first).to_contain_text("my line is dead")
    expect(page.locator("mark.removed").first).to_have_text("email")
    expect(page.get_by_text("requested by ana")).to_be_attached()
    worker.terminate()
    worker.wait(timeout=30)


def test_hostile_text_is_not_executed(site, open_page):
    page = open_page()
    open_board(page)
    body = {"agent": "<img src=x onerror='window.isHacked=1'>", "queue": "</td><script>"}
    post(f"{site.address}/v1/call/hostile/start", body)

    expect(row(page, "hostile")).to_contain_text("<img src=x")
    assert page.evaluate("window.isHacked") is None


def test_everything_works_without_javascript(site, open_page):
    site.say("no-script", "Hello?")
    page = open_page(java_script_enabled=False)

    page.goto("/supervisor/?q=no-script")
    page.get_by_role("link", name="no-script").click()
    page.get_by_role("link", name="End call").click()
    page.get_by_role("button", name="End call").click()

    expect(page.get_by_text("The call was ended.")).to_be_visible()


def test_the_theme_is_chosen_by_button_and_remembered(open_page):
    page = open_page(color_scheme="light")
    page.goto("/supervisor/")
    expect(page.locator("html")).to_have_attribute("data-theme", "auto")

    page.get_by_role("button", name="Change theme").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280, 1920])
def test_no_page_is_wider_than_the_screen(site, open_page, width):
    long_id = "x" * 100
    body = {"agent": "Maximiliane von und zu Hohenlohe-Waldenburg", "queue": "q" * 100}
    post(f"{site.address}/v1/call/{long_id}/start", body)
    page = open_page(viewport={"width": width, "height": 800})

    for path in ("/supervisor/", f"/supervisor/calls/{long_id}/", "/supervisor/login/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(site, open_page, analysed, scheme):
    site.say("axe-live", "My number is 020 7946 0000.")
    site.say("axe-gap", "Hello?", first=5)
    site.end("axe-gap")
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    visitor = open_page(color_scheme=scheme, storage_state=None)
    visitor.goto("/supervisor/login/")
    open_board(page)

    assert violations(visitor) == []
    assert violations(page) == []
    paths = (
        "/supervisor/?columns=packets,loss",
        "/supervisor/?q=none",
        "/supervisor/calls/nobody/",
    )
    alerts = "/supervisor/alerts/"
    for path in (*paths, alerts, "/supervisor/calls/axe-live/", f"/supervisor/calls/{analysed}/"):
        page.goto(path)
        assert violations(page) == []
