"""In a real Chromium, the wallboard says at once that the analysis is held up, and why."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from supervisor.tests.browser import running_site, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]

MAKE_OUTAGE = """
from datetime import timedelta
from django.conf import settings
from calls.tests import one_call
from calls.tests.factories import attempt, claim, outage, spoken_call
from django.utils import timezone
from calls.models import WorkerHeartbeat
now = timezone.now()
WorkerHeartbeat.objects.create(name="w", started_at=now, seen_at=now + timedelta(days=1))
settings.AI_BREAKER_FAILURES = 1
spoken_call("waits")
lease = claim()
one_call.fail_attempt(lease, attempt(lease), outage())
spoken_call("behind")
"""
END_OUTAGE = "from calls.models import ProviderHealth; ProviderHealth.objects.all().delete()"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of its own, so that no other test's calls wait here."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


def test_an_outage_and_a_pause_come_and_go_without_a_reload(site, open_page):
    page = open_page()
    page.goto("/supervisor/")
    standing = page.locator("#analysis-status")
    expect(standing).to_contain_text("No worker is running.")

    site.run("shell", "-c", MAKE_OUTAGE)
    expect(standing).to_contain_text("fake has been down (transcription) since")
    expect(standing).to_contain_text("Calls waiting: 2.")
    expect(standing.locator(".countdown")).to_have_text(re.compile(r"in \d:\d\d"))
    expect(standing).not_to_contain_text("No worker")
    site.run("analysis", "pause", "--reason", "The bill is too high")
    expect(standing).to_contain_text("Analysis has been paused since")
    expect(standing).to_contain_text("The bill is too high")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    other = open_page()
    other.goto("/supervisor/calls/waits/")
    expect(other.locator("main")).to_contain_text("Analysis has been paused since")
    assert violations(other) == []

    site.run("analysis", "resume")
    expect(standing).not_to_contain_text("paused")
    other.reload()
    expect(other.locator("main")).to_contain_text("fake has been down since")
    site.run("shell", "-c", END_OUTAGE)
    expect(standing).to_be_hidden()
