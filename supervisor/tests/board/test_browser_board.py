"""The wallboard in a real Chromium: moving rows, the state in its address, and crashes."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from playwright.sync_api import expect

from benchmarks.pages.sameness import find_differences
from benchmarks.rig.waiting import post
from supervisor.tests.browser import (
    WATCH_LABELS,
    log_in,
    open_board,
    row,
    running_site,
    violations,
    wait_for,
)

pytestmark = [pytest.mark.browser, pytest.mark.processes]
WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.shift += one.hadRecentInput ? 0 : one.value;
}).observe({type: "layout-shift", buffered: true});
"""


def calls_of(page):
    return page.locator("#rows .c-call a")


def test_a_new_call_moves_the_others_without_a_jump(site, open_page):
    for number in range(3):
        site.say(f"glide-{number}", "Hello?")
    page = open_page()
    page.add_init_script(WATCH_SHIFTS)
    open_board(page, "?q=glide-")
    expect(calls_of(page)).to_have_text(["glide-2", "glide-1", "glide-0"])

    site.say("glide-3", "Hello?")
    expect(calls_of(page)).to_have_text(["glide-3", "glide-2", "glide-1", "glide-0"])
    page.wait_for_timeout(400)  # until they have come to rest

    assert page.evaluate("shift") < 0.02


def test_rows_hold_still_under_the_pointer_and_show_waiting_updates(site, open_page):
    site.say("hold-1", "Hello?")
    page = open_page()
    open_board(page)
    expect(row(page, "hold-1")).to_be_visible()
    row(page, "hold-1").hover()

    site.say("hold-2", "Hello?")
    expect(page.get_by_role("button", name="1 new call")).to_be_visible()
    site.end("hold-1")

    button = page.get_by_role("button", name="The list has changed")
    expect(button).to_be_visible()
    expect(row(page, "hold-1")).to_contain_text("Waiting for AI")
    expect(row(page, "hold-2")).to_have_count(0)

    button.click()
    expect(row(page, "hold-2")).to_be_visible()
    expect(button).to_be_hidden()


def test_rows_that_were_held_move_when_the_pointer_leaves(site, open_page):
    site.say("leave-1", "Hello?")
    page = open_page()
    open_board(page, "?state=IN_PROGRESS&q=leave-")
    row(page, "leave-1").hover()

    site.say("leave-2", "Hello?")
    site.end("leave-1")
    expect(page.get_by_role("button", name="The list has changed")).to_be_visible()
    expect(row(page, "leave-1")).to_have_class(re.compile("is-gone"))
    page.mouse.move(2, 2)

    expect(calls_of(page)).to_have_text(["leave-2"])


def test_search_rows_and_order_are_chosen_by_keyboard_and_kept_in_the_address(site, open_page):
    for number in range(2):
        post(f"{site.address}/v1/call/typed-{number}/start", {"agent": f"Ana {number}"})
    page = open_page()
    open_board(page)

    page.keyboard.press("/")
    page.keyboard.type("typed-")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/supervisor/\?q=typed-$"))
    page.get_by_label("Rows per page").select_option("100")
    expect(page).to_have_url(re.compile(r"q=typed-&rows=100$"))
    page.get_by_role("columnheader", name="Agent and customer", exact=True).get_by_role(
        "link"
    ).press("Enter")
    expect(page).to_have_url(re.compile(r"sort=agent"))
    expect(calls_of(page)).to_have_text(["Ana 0", "Ana 1"])
    expect(page.locator("#where")).to_have_text("2 calls")

    page.reload()
    expect(calls_of(page)).to_have_text(["Ana 0", "Ana 1"])
    expect(page.get_by_label("Rows per page")).to_have_value("100")
    page.go_back()
    expect(calls_of(page)).to_have_text(["Ana 1", "Ana 0"])


def test_tabs_count_live(site, open_page):
    page = open_page()
    open_board(page)
    count = page.locator('.tabs__count[data-figure="live"]')
    before = int(count.inner_text())

    site.say("counted", "Hello?")

    expect(count).to_have_text(str(before + 1))


SPREAD = """() => {
  const all = [...document.querySelectorAll("#search > *, #where")];
  const parts = all.filter((one) => one.offsetTop);
  const ends = parts.map((one) => one.getBoundingClientRect().bottom);
  return Math.max(...ends) - Math.min(...ends);
}"""


def test_the_toolbar_fits_its_lines_and_the_chart_stays_open_or_closed(site, open_page):
    site.say("tagged", "Hello?")
    site.run(
        "shell", "-c", "from calls.annotations import *; add_tag(call_id='tagged', name='vip')"
    )
    page = open_page(viewport={"width": 1280, "height": 720})
    open_board(page, "?tag=vip")

    for width in (1280, 1366, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 720})
        assert page.evaluate(SPREAD) < 20, width  # of one line
        ends = page.locator(".tabs, .tools__end").evaluate_all(
            "(all) => all.map((one) => one.offsetTop)"
        )
        assert abs(ends[0] - ends[1]) < 12, width

    page.set_viewport_size({"width": 1280, "height": 720})
    open_board(page)
    tabs = page.locator(".tabs")
    assert tabs.evaluate("(tabs) => tabs.scrollWidth - tabs.clientWidth") == 0
    page.get_by_text("Last 30 minutes").click()
    expect(page.locator("#history")).to_have_attribute("open", "")
    page.reload()
    expect(page.locator("#history")).to_have_attribute("open", "")


MAKE_SAMPLES = """
from datetime import timedelta
from django.utils import timezone
from calls.models import MinuteSample
for ago in range(29):
    MinuteSample.objects.create(
        at=timezone.now() - timedelta(minutes=ago, seconds=3), seconds=60, live=3, packets=9_000,
        missing=0, archived=1, failed=0, live_packets=0, live_missing=0,
    )
"""


# The clock of the page is set forward, so that a time is due so many ms right of the left edge.
SET_CLOCK = """(() => {
  const now = Date.now, step = 600_000;
  const forward = step - (now() + %d) %% step;
  Date.now = () => now() + forward;
})();
"""


@pytest.mark.parametrize("from_the_edge_ms", [5_000, 60_000, 160_000])
def test_labels_of_the_charts_keep_apart_and_every_axis_has_some(site, open_page, from_the_edge_ms):
    site.run("shell", "-c", MAKE_SAMPLES)
    page = open_page()
    page.add_init_script(SET_CLOCK % from_the_edge_ms)
    page.add_init_script(WATCH_LABELS)
    open_board(page)

    page.get_by_text("Last 30 minutes").click()
    expect(page.locator(".plot canvas")).to_have_count(3)
    wait_for(page, "new Set(window.labels.map(([canvas]) => canvas)).size === 3")
    labels = page.evaluate("window.labels")

    charts = {number: [each[1:] for each in labels if each[0] == number] for number, *_ in labels}
    assert len(charts) == 3
    for chart in charts.values():
        times = {text for text, _, _ in chart if re.fullmatch(r"\d\d:\d\d", text)}
        values = {text for text, _, _ in chart if re.fullmatch(r"[\d,]+k?", text)}
        assert (len(times) > 1, len(values) > 1) == (True, True)
        assert [pair for pair in combinations(chart, 2) if are_on_top(*pair)] == []


def are_on_top(one, other):
    return one[0] != other[0] and abs(one[1] - other[1]) < 24 and abs(one[2] - other[2]) < 9


def test_a_phone_shows_calls_on_its_first_screen_and_filters_on_demand(site, open_page):
    body = {"agent": "Ana", "caller": "+44 20 7946 0112", "queue": "billing"}
    post(f"{site.address}/v1/call/on-a-phone/start", body)
    page = open_page(viewport={"width": 390, "height": 844})
    open_board(page, "?q=on-a-phone")

    card = row(page, "on-a-phone").bounding_box()
    assert card["y"] < 400  # below a notice that no worker is running
    assert card["height"] < 90
    expect(page.get_by_role("searchbox")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.get_by_label("Sort").select_option("agent")
    expect(page).to_have_url(re.compile(r"sort=agent"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_temporary_notices(site, open_page, scheme):
    call_id = f"axe-held-{scheme}"
    site.say(call_id, "Hello?")
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    open_board(page, f"?q={call_id}")
    row(page, call_id).hover()
    site.say(f"{call_id}-too", "Hello?")
    expect(page.locator("#waiting")).to_be_visible()
    assert violations(page) == []

    page.mouse.move(2, 2)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []

    page.keyboard.press("Escape")
    page.evaluate("""() => {
      document.getElementById("feed").dataset.feed = "stale";
      const notice = document.getElementById("notice");
      notice.textContent = "The newest changes could not be loaded.";
      notice.hidden = false;
    }""")
    assert violations(page) == []

    page.goto(f"/supervisor/calls/{call_id}/end/")
    assert violations(page) == []


# --- Crashes ------------------------------------------------------------------------------------
@pytest.fixture
def busy_site(tmp_path):
    """A site of its own that changes all the time, even while its server is down."""
    with running_site(tmp_path) as running:
        fill = running.start("-m", "benchmarks.pages.busy_site", "fill", "60", "10")
        assert fill.wait(60) == 0
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("crashes", [3])
def test_after_crashes_under_load_open_pages_match_fresh_ones(chromium, busy_site, crashes):
    context = chromium.new_context(base_url=busy_site.address)
    log_in(context.new_page())
    pages = []
    for query in ("", "?state=IN_PROGRESS", "?sort=-packets&rows=100"):
        pages.append(context.new_page())
        open_board(pages[-1], query)
    load = busy_site.start("-m", "benchmarks.pages.busy_site", "stir", "40", "600", log="stir")

    for _ in range(crashes):
        pages[0].wait_for_timeout(1500)  # of changes
        busy_site.crash()
        for page in pages:
            expect(page.locator("#feed")).to_have_attribute("data-feed", "reconnecting")
        busy_site.serve()
        for page in pages:
            expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
    assert load.poll() is None
    load.kill()
    load.wait()

    assert [find_differences(page) for page in pages] == [[], [], []]
    context.close()
