"""The search page in a real Chromium: keys, days, links to the moment, and axe."""

from __future__ import annotations

import re
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from benchmarks.rig.waiting import post
from supervisor.tests.browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]
SEARCH = "/supervisor/search/"
_numbers = count()


def test_found_words_link_to_their_moment(open_page, analysed):
    page: Page = open_page(timezone_id="Asia/Tokyo")
    page.goto(SEARCH)
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("customer:ang*")
    page.get_by_label("From").fill("2026-01-01")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"\?q=customer%3Aang\*&from=2026-01-01&tz=Asia%2FTokyo$"))
    expect(page.locator(".hit mark").first).to_have_text("angry")

    page.locator("a.hit__at").first.click()

    expect(page.locator("#here")).to_contain_text("I am angry")
    expect(page.locator("#here")).to_be_in_viewport()
    expect(page.locator(".turn--sought")).to_have_count(1)


def test_the_page_works_without_javascript(open_page, analysed):
    page = open_page(java_script_enabled=False)
    page.goto(SEARCH)
    page.get_by_label("Words to search for").fill('"line is dead"')
    page.get_by_role("button", name="Search").click()

    expect(page.locator(f'.found__who a[title="{analysed}"]')).to_have_count(1)
    page.locator(f'a.hit__at[href*="/{analysed}/"]').first.click()
    expect(page.locator("#here")).to_contain_text("my line is dead")


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_and_nothing_is_too_wide(open_page, analysed, scheme, width):
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    for query in (
        "",
        "?q=angry&min=0",
        "?q=%22open&from=soon",
        "?q=zebra&queue=x",
        "?state=ARCHIVED",
    ):
        page.goto(SEARCH + query)

        assert violations(page) == [], query
        assert page.evaluate("document.documentElement.scrollWidth") <= width, query


@pytest.fixture
def searched(site):
    """A live call with two notes."""
    call_id = f"searched-{next(_numbers)}"
    site.say(call_id, "Hello?")
    for text in ("A refund, please.", "I said: a refund!"):
        note(site, call_id, text)
    return call_id


@pytest.fixture
def marked(open_page, searched, analysed):
    """The open page of a call, with two words marked in its notes."""
    page = open_page()
    page.goto(f"/supervisor/calls/{searched}/?q=refund")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    return page


def note(site, call_id, text):
    post(f"{site.address}/v1/call/{call_id}/notes", {"text": text})


def test_keys_move_between_marked_words(marked):
    place, current = marked.locator(".places__at"), marked.locator("mark.sought[aria-current]")
    expect(marked.locator(".places")).to_contain_text("2 matches for “refund”")

    marked.get_by_role("button", name="Next").focus()
    for _ in range(2):
        marked.keyboard.press("Enter")
    expect(place).to_have_text("2 of 2")
    expect(marked.locator(".comment", has=current)).to_contain_text("I said")
    marked.keyboard.press("Enter")
    expect(place).to_have_text("1 of 2")
    marked.get_by_role("button", name="Previous").click()

    expect(place).to_have_text("2 of 2")
    expect(current).to_have_count(1)
    expect(current).to_be_in_viewport()


def test_new_words_are_marked_and_the_place_is_kept(marked, searched, site):
    marked.get_by_role("button", name="Next").click()

    note(site, searched, "Where is my refund?")

    expect(marked.locator(".places")).to_contain_text("3 matches")
    expect(marked.locator(".places__at")).to_have_text("1 of 3")
    expect(marked.locator(".comment", has=marked.locator("[aria-current]"))).to_contain_text(
        "please"
    )


def test_clearing_removes_the_marks_without_loading_another_page(marked, searched, site):
    marked.evaluate("window.isSamePage = true")

    marked.get_by_role("link", name="Clear").click()

    expect(marked.locator(".places")).to_have_count(0)
    expect(marked.locator("mark.sought")).to_have_count(0)
    assert marked.evaluate("window.isSamePage && location.search") == ""
    note(site, searched, "And another refund.")
    expect(marked.locator(".comments")).to_contain_text("another refund")
    expect(marked.locator("mark.sought")).to_have_count(0)


def test_marks_are_there_without_javascript(open_page, analysed):
    page = open_page(java_script_enabled=False)
    page.goto(f"/supervisor/calls/{analysed}/?q=customer:angry")

    expect(page.locator(".turn mark.sought")).to_have_text("angry")
    expect(page.get_by_role("button", name="Next")).to_have_count(0)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("mark.sought")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_where_words_are_marked(open_page, analysed, scheme, width):
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    for query in ("?q=angry+OR+line+OR+dead+OR+cust*", "?q=zebra", "?q=%22open"):
        page.goto(f"/supervisor/calls/{analysed}/{query}")

        assert violations(page) == [], query
        assert page.evaluate("document.documentElement.scrollWidth") <= width, query
