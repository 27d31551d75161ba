"""The admin in a real Chromium: figures that update themselves, and buttons without a reload."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.processes]
FRESH = """<div id="health" class="health"><p role="status">Everything is running.</p>
<form class="pause"><label for="pause-reason">Reason (optional)</label>
<input type="text" id="pause-reason" name="reason"></form></div>"""


def test_the_home_page_updates_itself_and_says_when_it_cannot(open_page):
    page = open_page()
    page.goto("/admin/")
    expect(page.get_by_role("status")).to_contain_text("Needs attention now: Workers")
    reason = page.get_by_label("Reason (optional)")
    reason.fill("The bill")

    page.route("**/admin/health/", lambda route: route.fulfill(body=FRESH))
    expect(page.get_by_role("status")).to_have_text("Everything is running.")
    page.unroute("**/admin/health/")
    page.route("**/admin/health/", lambda route: route.abort("connectionfailed"))

    expect(page.locator("#health-place.is-stale")).to_be_attached()
    expect(reason).to_have_value("The bill")


def test_a_webhook_is_tested_from_its_form_and_a_new_key_can_be_copied(open_page):
    page = open_page()

    page.goto("/admin/calls/webhookendpoint/add/")
    page.get_by_label("URL").fill("http://10.0.0.1/hook")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status")).to_contain_text("10.0.0.1 is not a public address.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_url_error")).to_contain_text("10.0.0.1 is not a public address.")

    page.goto("/admin/calls/apikey/add/")
    page.get_by_label("Name").fill("PBX")
    page.get_by_label("Send packets").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".copy")).to_have_text(re.compile("Copied|Selected"))
