"""The wall screen in a real Chromium: large, stable, and honest about being live."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from supervisor.tests.browser import running_site, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]
TOKEN = "the-token-of-the-lobby"
MAKE_FLOOR = f"""
from datetime import timedelta
from django.utils import timezone
from calls.displays import create_display, digest
from calls.models import Call, DisplayScreen
from supervisor.tests.wall.floors import full_floor
full_floor()
Call.objects.filter(call_id="floor-0").update(opened_at=timezone.now() - timedelta(hours=11))
create_display(name="The lobby on the second floor, beside the entrance of the canteen")
DisplayScreen.objects.update(digest=digest({TOKEN!r}))
"""
FULL_HD, ULTRA_HD = {"width": 1920, "height": 1080}, {"width": 3840, "height": 2160}
FIGURE_PX, ROW_PX = 24, 18
COLOURS = ("color-contrast",)
# Texts with their size, and whatever does not fit: cut without a title, or larger than its box.
LOOK = """
() => {
  const isCounted = (node) => node.checkVisibility() && !node.closest(".sr, svg, details, #lost");
  const seen = [...document.querySelectorAll("body *")].filter(isCounted);
  const isText = (node) => node.nodeType === 3 && node.data.trim();
  const FIGURES = ".tile__figure, .queue dd, .talk__since, .wall__clock";
  const isFigure = (node) => Boolean(node.closest(FIGURES));
  const sizes = (wanted) => seen
    .filter((node) => [...node.childNodes].some(isText) && isFigure(node) === wanted)
    .map((node) => parseFloat(getComputedStyle(node).fontSize));
  const name = (node) => `${node.className} ${node.textContent.trim().slice(0, 40)}`;
  const isBlock = (node) => getComputedStyle(node).display !== "inline";
  const isWide = (node) => isBlock(node) && node.scrollWidth > node.clientWidth + 1;
  const boxes = document.querySelectorAll("html, main, .tile, .queue, .talk, .talks, .tiles");
  const isOutside = (node) => {
    const box = node.getBoundingClientRect();
    return box.right > innerWidth + 1 || box.bottom > innerHeight + 1;
  };
  return {
    figures: sizes(true),
    rows: sizes(false),
    cut: seen.filter((node) => isWide(node) && !node.closest("[title]")).map(name),
    high: [...boxes].filter((node) => node.scrollHeight > node.clientHeight + 1).map(name),
    outside: seen.filter(isOutside).map(name),
  };
}
"""
# Two screens with other calls in each.
TWO_SCREENS = """
[0, 1].map((which) => {
  const copy = document.getElementById("main").cloneNode(true);
  copy.querySelectorAll(".talk").forEach((row, at) => {
    row.id += which;
    if (at % 2 === which) row.remove();
  });
  return copy.innerHTML;
})
"""
PAGES = ("overview", "queues", "calls")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of its own, whose floor is full."""
    with running_site(tmp_path_factory.mktemp("site"), MAKE_FLOOR) as running:
        yield running


def open_display(open_page, query="", **options):
    page = open_page(storage_state=None, **options)
    page.goto(f"/wall/{TOKEN}/")
    if query:
        page.goto(page.url + query)
    return page


def turn_to(page, name):
    page.locator(f'[data-step="{name}"] a').click()
    expect(page.locator(f"#{name}")).to_be_visible()


@pytest.mark.parametrize(("screen", "factor"), [(FULL_HD, 1), (ULTRA_HD, 2)], ids=["1080p", "4K"])
def test_everything_is_large_enough_and_fits(open_page, screen, factor):
    page = open_display(open_page, viewport=screen)
    expect(page.locator("#feed")).to_have_text("Live")

    for name in PAGES:
        turn_to(page, name)
        found = page.evaluate(LOOK)
        assert min(found["figures"]) >= FIGURE_PX * factor, name
        assert min(found["rows"]) >= ROW_PX * factor, name
        assert (found["cut"], found["high"], found["outside"]) == ([], [], []), name
        assert len(found["figures"]) >= 8
    assert page.locator(".queue").count() == 12
    assert page.locator(".talk").count() == 10


@pytest.mark.slow
def test_axe_finds_nothing_on_any_page_in_both_schemes(open_page):
    page = open_page(viewport=FULL_HD)
    page.goto("/supervisor/wall/?seconds=3600")
    expect(page.locator("#feed")).to_have_text("Live")

    for name in PAGES:
        turn_to(page, name)
        page.emulate_media(color_scheme="light")
        assert violations(page) == [], name
        page.emulate_media(color_scheme="dark")
        assert violations(page, rules=COLOURS) == [], name
    page.get_by_text("Settings").click()
    assert violations(page) == []


def test_pages_rotate_pause_and_stay_in_place_on_updates(site, open_page):
    page = open_display(open_page, "?seconds=5", viewport=FULL_HD)
    expect(page).not_to_have_url(f"/{TOKEN}")
    progress = page.locator("#progress")

    expect(page.locator("#overview")).to_be_visible()
    expect(progress).to_have_js_property("value", 2)
    expect(page.locator("#queues")).to_be_visible()

    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#calls")).to_be_visible()
    site.say("news", "Hello?")
    expect(page.locator("#overview .tile__figure").first).to_have_text("301")
    expect(page.locator("#calls")).to_be_visible()
    expect(progress).to_have_js_property("value", 0)


def test_no_animation_runs(open_page):
    page = open_display(open_page, viewport=FULL_HD, reduced_motion="no-preference")
    expect(page.locator("#feed")).to_have_text("Live")

    assert page.evaluate("document.getAnimations().length") == 0


class Played:
    """The server's side of every socket that a page opens."""

    def __init__(self, page):
        self.page, self.sockets = page, []
        page.clock.install()
        page.route_web_socket("**/supervisor/wall/*/feed", self._open)
        page.goto(f"/wall/{TOKEN}/")
        self.release = page.locator("body").get_attribute("data-release")
        self.wait_for_sockets(1)

    def _open(self, socket):
        self.sockets.append(socket)

    def say(self, **message):
        self.sockets[-1].send(json.dumps({"at": "2026-11-29T14:02:30Z", **message}))

    def wait_for_sockets(self, number):
        for _ in range(2000):
            if len(self.sockets) >= number:
                return
            self.page.wait_for_timeout(10)
        raise AssertionError(f"{len(self.sockets)} sockets")


@pytest.fixture
def played(open_page):
    return Played(open_page(storage_state=None, viewport=FULL_HD, timezone_id="Asia/Tokyo"))


def test_a_lost_connection_is_shown_in_large_letters_until_it_is_back(played):
    page = played.page
    played.say(type="hello", release=played.release, heartbeat_s=10)
    expect(page.locator("#feed")).to_have_text("Live")
    expect(page.locator("#clock")).to_have_text("14:02")  # of the server, in the zone of the site

    played.sockets[-1].close()
    page.clock.fast_forward(6_000)

    lost = page.get_by_role("alert")
    expect(lost).to_have_text("Not live since 14:02. Reconnecting.")
    assert (
        page.evaluate("parseFloat(getComputedStyle(document.getElementById('lost')).fontSize)")
        >= 48
    )
    played.wait_for_sockets(2)
    played.say(type="hello", release=played.release, heartbeat_s=10)
    expect(lost).to_be_hidden()


def test_a_connection_on_which_nothing_arrives_is_given_up(played):
    played.say(type="hello", release=played.release, heartbeat_s=10)
    expect(played.page.locator("#feed")).to_have_text("Live")

    played.page.clock.run_for(27_000)

    played.wait_for_sockets(2)
    expect(played.page.get_by_role("alert")).to_contain_text("Not live since")


def test_a_revoked_display_shows_nothing_any_more(played):
    played.say(type="hello", release=played.release, heartbeat_s=10)

    played.sockets[-1].close(code=4403)

    expect(played.page.get_by_role("alert")).to_contain_text("This screen was revoked")
    expect(played.page.locator("main")).to_be_empty()
    assert played.page.locator("h1").inner_text() != ""


def test_the_page_is_loaded_again_after_a_release(played):
    page = played.page
    page.evaluate("document.body.dataset.release = 'old'")

    played.say(type="hello", release=played.release, heartbeat_s=10)

    played.wait_for_sockets(2)
    expect(page.locator("body")).to_have_attribute("data-release", played.release)


def test_days_of_updates_leak_neither_nodes_nor_memory(played):
    page = played.page
    screens = page.evaluate(TWO_SCREENS)
    steps = page.locator("#steps").inner_html()
    cdp = page.context.new_cdp_session(page)

    def after(messages):
        for number in range(messages):
            played.say(type="wall", screen=screens[number % 2], steps=steps, seconds=20)
        played.say(type="wall", screen=screens[0], steps=steps, seconds=messages)
        expect(page.locator("#progress")).to_have_js_property("max", messages)
        cdp.send("HeapProfiler.collectGarbage")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        heap = cdp.send("Runtime.getHeapUsage")["usedSize"]
        return nodes, heap, cdp.send("Memory.getDOMCounters")["nodes"]

    nodes, heap, kept = after(30)
    more_nodes, more_heap, more_kept = after(300)

    assert more_nodes == nodes
    assert more_kept < 1.2 * kept
    assert more_heap < 1.2 * heap
