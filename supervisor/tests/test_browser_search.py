"""The search page in a real Chromium: keys, days, the way to the moment, and axe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from supervisor.tests.browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]
SEARCH = "/supervisor/search/"


def test_words_are_found_and_lead_to_their_moment(open_page, analysed):
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

    expect(page.locator(".found__id", has_text=analysed)).to_have_count(1)
    page.locator(f'a.hit__at[href*="/{analysed}/"]').first.click()
    expect(page.locator("#here")).to_contain_text("my line is dead")


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
