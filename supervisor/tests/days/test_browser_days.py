"""The day of four people, in a real Chromium: on each page, in light and dark, from phone to desk.

Each page must have no violation that axe-core finds, no text that is cut without a title, nothing
wider than the screen, and a layout that stands still.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from supervisor.tests.browser import cut_texts, running_site, violations
from supervisor.tests.test_browser_axe import OF_SWAGGER_UI, STAND_STILL

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]

MAKE_DAY = "from supervisor.tests.days.rows import make_day; make_day()"
DAYS = {
    "supervisor": (
        "/supervisor/",
        "/supervisor/?state=IN_PROGRESS",
        "/supervisor/agents/",
        "/supervisor/agent/?name=Priya+Shah",
        "/supervisor/queues/",
        "/supervisor/queue/?name=billing",
        "/supervisor/days/",
        "/supervisor/calls/heard-0/",
        "/supervisor/alerts/",
        "/supervisor/wall/",
        "/supervisor/account/",
        "/supervisor/account/password/",
        "/supervisor/account/second-factor/",
        "/supervisor/calls/analysed-0/hold/",
    ),
    "quality analyst": (
        "/supervisor/search/?q=line",
        "/supervisor/search/?q=nothing-at-all",
        "/supervisor/calls/analysed-0/",
        "/supervisor/calls/analysed-1/",
        "/supervisor/alerts/trends/",
        "/supervisor/views/",
        "/supervisor/bulk/",
    ),
    "operator": (
        "/supervisor/?state=FAILED",
        "/supervisor/calls/failed-for-good/",
        "/admin/",
        "/admin/calls/call/",
        "/admin/calls/webhookdelivery/",
        "/supervisor/account/settings/",
        "/supervisor/?hold=1",
        "/admin/calls/legalhold/",
        "/admin/calls/auditentry/",
    ),
    "integrator": (
        "/docs",
        "/admin/calls/apikey/",
        "/admin/calls/apikey/add/",
        "/admin/calls/webhookendpoint/add/",
        "/admin/calls/notificationtarget/add/",
        "/admin/calls/customfield/add/",
        "/admin/calls/agent/import/",
        "/admin/calls/erasure/add/",
        "/admin/doctor/",
        "/supervisor/calls/analysed-0/delete/",
    ),
}
ACCOUNTS = {
    "supervisor": "sue", "quality analyst": "quinn", "operator": "otto", "integrator": "ana",
}  # fmt: skip
WATCH_SHIFTS = """
window.shift = 0;
window.moved = new Set();
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        window.shift += entry.value;
        for (const {node} of entry.sources)
            window.moved.add(`${node?.nodeName}.${node?.className}`);
    }
}).observe({type: "layout-shift", buffered: true});
"""
MOST_SHIFT = 0.05


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running_site(tmp_path_factory.mktemp("site"), MAKE_DAY) as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366, 1440, 1920])
@pytest.mark.parametrize("person", DAYS)
def test_each_page_of_a_working_day_is_accessible(open_page, person, width, scheme):
    paths, who = DAYS[person], ACCOUNTS[person]
    page = open_page(who=who, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.add_init_script(STAND_STILL)
    page.add_init_script(WATCH_SHIFTS)
    found = {}

    for path in paths:
        page.goto(path)
        expect(page.locator("h1").first).to_be_visible()
        without = OF_SWAGGER_UI if path == "/docs" else ()
        found[path] = [
            *violations(page, without=without),
            *(f"cut: {each}" for each in cut_texts(page)),
            *_spill(page, width),
            *_shift(page),
        ]

    assert "\n".join(f"{path}: {each}" for path, those in found.items() for each in those) == ""


@pytest.mark.parametrize("path", ["/supervisor/days/", "/supervisor/queue/?name=billing"])
def test_names_are_not_cut_to_make_room_for_alerts_on_a_phone(open_page, path):
    page = open_page(who="ana", viewport={"width": 390, "height": 800})
    page.goto(path)

    names = page.locator(".listed__who", has_text="Priya Shah")

    cut = names.evaluate_all("all => all.filter((name) => name.scrollWidth > name.clientWidth)")
    assert names.count() > 1
    assert cut == []


def test_a_found_call_is_selected_beside_its_name_on_a_phone(open_page):
    page = open_page(who="ana", viewport={"width": 390, "height": 800})
    page.goto("/supervisor/search/?q=line")
    heads = page.locator(".found__head", has_text="Maximiliane")

    box, name = (heads.first.locator(of).bounding_box() for of in (".pick__box", ".found__who"))

    assert box["x"] + box["width"] <= name["x"]
    assert box["y"] < name["y"] + name["height"]
    assert name["y"] < box["y"] + box["height"]


def _spill(page, width):
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [f"{wide} px wide"] if wide > width else []


def _shift(page):
    shift, moved = page.evaluate("[window.shift, [...window.moved].join(' ')]")
    return [f"moves by {shift:.3f}: {moved}"] if shift > MOST_SHIFT else []
