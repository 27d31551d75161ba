"""Agents, queues and saved views in a real Chromium: updated without a reload, and kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from benchmarks.rig.waiting import post
from supervisor.tests.browser import WATCH_LABELS, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def start(site, call_id, **described):
    post(f"{site.address}/v1/call/{call_id}/start", described)


def card(page, name):
    return page.locator(f'#rows tr[data-name="{name}"]')


def open_live(page, path):
    page.goto(path)
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")


def test_agents_and_queues_appear_and_change_while_the_pages_are_open(site, open_page):
    start(site, "floor-1", agent="Zoe Floor", queue="floor one")
    agents, queues = open_page(), open_page()
    open_live(agents, "/supervisor/agents/?q=floor")
    open_live(queues, "/supervisor/queues/?q=floor")
    expect(card(agents, "Zoe Floor")).to_contain_text("On a call for")

    start(site, "floor-2", agent="Yan Floor", queue="floor two")
    site.end("floor-1")

    expect(card(agents, "Yan Floor")).to_contain_text("On a call for")
    expect(card(agents, "Zoe Floor")).to_contain_text("off call since")
    expect(card(queues, "floor two")).to_be_visible()
    expect(agents.locator("#sum")).to_have_text("1 on a call, 2 in all")


def test_the_page_of_an_agent_follows_the_call(site, open_page):
    start(site, "alone-1", agent="Xia Alone", queue="alone")
    page = open_page()
    open_live(page, "/supervisor/agent/?name=Xia+Alone")
    expect(page.locator("#now")).to_contain_text("On a call")

    site.end("alone-1")

    expect(page.locator("#now")).to_contain_text("Not on a call")
    expect(page.get_by_label("Latest calls")).to_contain_text("Unknown number")


def test_charts_name_only_days_of_their_range(site, open_page):
    start(site, "charted-1", agent="Ann Chart", queue="charted")
    page = open_page()
    page.add_init_script(WATCH_LABELS)
    open_live(page, "/supervisor/days/")
    expect(page.locator(".plot canvas")).to_have_count(3)
    wait_for(page, "window.labels.length > 10")

    # "Mon 30 Nov 2026" is "30 Nov" in a chart.
    table = page.locator("#days tbody th").all_inner_texts()
    days = {" ".join(day.split()[1:3]).lstrip("0") for day in table}
    named = {text for _, text, _, _ in page.evaluate("window.labels") if text[-3:].isalpha()}
    assert len(named) > 1
    assert named <= days


def test_a_view_of_a_list_is_saved_opened_and_deleted(site, open_page):
    page = open_page()
    page.goto("/supervisor/queues/?q=one&sort=worst")
    page.get_by_title("Saved views").click()
    page.get_by_label("Name of the view").fill("Mine on fire")
    page.locator(".views__form").get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved as “Mine on fire”.")).to_be_visible()
    expect(page.get_by_title("Saved views")).to_have_text("Mine on fire")

    page.goto("/supervisor/views/")
    page.get_by_role("link", name="Mine on fire").click()
    expect(page).to_have_url(f"{site.address}/supervisor/queues/?q=one&sort=worst")
    page.goto("/supervisor/views/")
    page.get_by_role("button", name="Delete Mine on fire").click()
    expect(page.get_by_text("“Mine on fire” deleted.")).to_be_visible()
