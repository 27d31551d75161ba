"""Listening on the page of a live call, in a real Chromium against a real server."""

from __future__ import annotations

import base64
import re
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from playwright.sync_api import expect

from benchmarks.rig.waiting import get, post
from supervisor.tests.browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]
FRAMES = 10  # of 20 ms in a packet
MEDIA = "audio/l16;rate=8000"


def sine(loudness):
    at = np.arange(160 * FRAMES) / 8000
    samples = np.round(loudness * 32_767 * np.sin(2 * np.pi * 200 * at)).astype("<i2")
    return base64.b64encode(samples.tobytes()).decode()


@contextmanager
def talking(site, call_id, *, agent=0.5, customer=0.05):
    """A live call in which both sides talk in real time until the end of the block."""
    over = threading.Event()
    sounds = [("agent", sine(agent)), ("customer", sine(customer))]

    def talk():
        begin, number = time.monotonic(), 0
        while not over.wait(max(0, begin + number * 0.02 * FRAMES - time.monotonic())):
            packets = [
                {
                    "sequence": 2 * number + side + 1, "timestamp": number * 0.02 * FRAMES,
                    "track": track, "data": sound, "media": MEDIA,
                }
                for side, (track, sound) in enumerate(sounds)
            ]  # fmt: skip
            with suppress(OSError):  # a test restarts the server
                post(f"{site.address}/v1/call/stream/{call_id}/batch", packets)
            number += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        wait_for_call(site, call_id)
        yield
    finally:
        over.set()
        thread.join()


def wait_for_call(site, call_id):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError):
            get(f"{site.address}/v1/call/{call_id}")
            return
    raise AssertionError("the call was not opened")


def open_call(page, call_id):
    page.goto(f"/supervisor/calls/{call_id}/")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")


def level(page, side):
    return page.evaluate(f"document.querySelector('[data-level={side}]').value")


def until(page, script):
    # Not wait_for_function, which needs eval: the page's policy forbids that.
    deadline = time.monotonic() + 20
    while not page.evaluate(script):
        assert time.monotonic() < deadline, script
        page.wait_for_timeout(50)


def test_a_click_plays_both_sides_and_the_page_shows_the_delay(site, open_page):
    with talking(site, "heard-1"):
        page = open_page()
        open_call(page, "heard-1")

        page.get_by_role("button", name="Listen").click()

        expect(page.locator("[data-state]")).to_have_text("Listening")
        until(page, "document.querySelector('[data-level=agent]').value > 0.6")
        until(page, "document.querySelector('[data-level=customer]').value > 0.2")
        assert level(page, "agent") > level(page, "customer")
        expect(page.locator("[data-behind]")).to_have_text(re.compile(r", \d\.\d s behind"))

        page.get_by_role("button", name="Stop listening").click()
        expect(page.get_by_role("button", name="Listen")).to_be_visible()
        expect(page.locator("[data-state]")).to_have_text("")


def test_the_widget_survives_the_updates_of_the_page(site, open_page):
    with talking(site, "heard-2"):
        page = open_page()
        open_call(page, "heard-2")
        page.get_by_role("button", name="Listen").click()
        expect(page.locator("[data-state]")).to_have_text("Listening")
        page.get_by_label("Customer, right").fill("20")
        page.get_by_role("button", name="Mute the agent").click()

        post(f"{site.address}/v1/call/heard-2/start", {"queue": "gold", "agent": "Ann"})
        expect(page.locator(".who")).to_contain_text("gold")

        expect(page.get_by_label("Customer, right")).to_have_value("20")
        expect(page.get_by_role("button", name="Mute the agent")).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(page.locator("[data-state]")).to_have_text("Listening")


def test_others_see_who_listens(site, open_page):
    with talking(site, "heard-3"):
        listener, other = open_page(), open_page("vic")
        open_call(listener, "heard-3")
        open_call(other, "heard-3")
        expect(other.get_by_role("button", name="Listen")).to_have_count(0)

        listener.get_by_role("button", name="Listen").click()
        expect(other.locator(".listen__who")).to_have_text(re.compile(r"ana\s+listens"))
        expect(other.locator(".timeline")).to_contain_text("ana started listening")

        listener.get_by_role("button", name="Stop listening").click()
        expect(other.locator(".listen__who")).to_have_count(0)
        expect(other.locator(".timeline")).to_contain_text("ana listened for")


def test_listening_survives_a_restart_of_the_server(site, open_page):
    with talking(site, "heard-4"):
        page = open_page()
        open_call(page, "heard-4")
        page.get_by_role("button", name="Listen").click()
        expect(page.locator("[data-state]")).to_have_text("Listening")

        site.crash()
        expect(page.locator("[data-state]")).to_have_text("Connecting")
        site.serve()

        expect(page.locator("[data-state]")).to_have_text("Listening")
        until(page, "document.querySelector('[data-level=agent]').value > 0.6")


def test_silence_is_announced_until_the_call_ends(site, open_page):
    page = open_page()
    with talking(site, "heard-5"):
        open_call(page, "heard-5")
        page.get_by_role("button", name="Listen").click()
        expect(page.locator("[data-state]")).to_have_text("Listening")
    expect(page.locator("[data-state]")).to_have_text("Silence: no packets arrive")

    site.end("heard-5")

    expect(page.locator("#listen")).to_have_count(0)


def test_a_text_call_has_no_listen_button(site, open_page):
    site.say("read-only", "Hello?")
    page = open_page()

    open_call(page, "read-only")

    expect(page.locator("#listen")).to_have_count(0)


def test_the_widget_is_accessible(site, open_page):
    with talking(site, "heard-6"):
        page = open_page()
        open_call(page, "heard-6")
        page.get_by_role("button", name="Listen").focus()
        page.keyboard.press("Enter")
        expect(page.locator("[data-state]")).to_have_text("Listening")

        assert violations(page) == []
