"""Actions in a real Chromium: tags, notes, swapped speakers, and many calls at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from supervisor.tests.browser import open_board, row, running_site, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]

MAKE_CALLS = """
from calls.tests.audio import archived_audio
from calls.tests.factories import failed_call, live_call
from supervisor.tests.factories import analysed_call
archived_audio("spoken", seconds=20)
analysed_call("written")
failed_call("wrong-number")
for number in range(4):
    failed_call(f"failed-{number}")
    live_call(f"live-{number}")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of its own, because these tests act on every call that a filter finds."""
    with running_site(tmp_path_factory.mktemp("site"), MAKE_CALLS) as running:
        yield running


@pytest.fixture(scope="module")
def calls(site):
    return "/supervisor/calls/"


def open_call(page, address):
    page.goto(address)
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")


def test_a_tag_and_a_note_appear_for_everybody_without_a_reload(open_page, calls):
    mine, other, board = open_page(), open_page(), open_page()
    for page in (mine, other):
        open_call(page, f"{calls}written/")
    open_board(board)
    mine.evaluate("window.isSamePage = true")

    mine.get_by_label("New tag").fill("Late Fee")
    mine.get_by_role("button", name="Add", exact=True).click()
    mine.get_by_label("New note").fill("Pays by card 4111 1111 1111 1111.")
    mine.get_by_role("button", name="Add note").click()

    for page in (mine, other):
        expect(page.locator(".tagging .tag")).to_have_text(re.compile("late fee"))
        expect(page.locator(".comment__text")).to_have_text("Pays by card card.")
    expect(row(board, "written").locator(".tag")).to_have_text("late fee")
    expect(mine.get_by_label("New note")).to_have_value("")
    assert mine.evaluate("window.isSamePage")
    mine.get_by_text("Delete the note").click()
    mine.get_by_role("button", name="Delete permanently").click()
    mine.get_by_role("button", name="Remove tag late fee").click()
    for page in (mine, other):
        expect(page.locator(".comment")).to_have_count(0)
        expect(page.locator(".tagging .tag")).to_have_count(0)
    expect(row(board, "written").locator(".tag")).to_have_count(0)


def test_a_note_being_written_survives_changes_by_others(site, open_page, calls):
    page, other = open_page(), open_page()
    for each in (page, other):
        open_call(each, f"{calls}live-0/")
    page.get_by_label("New note").fill("Half a sen")

    other.get_by_label("New tag").fill("vip")
    other.get_by_role("button", name="Add", exact=True).click()

    expect(page.locator(".tagging .tag")).to_have_count(1)
    expect(page.get_by_label("New note")).to_have_value("Half a sen")


def test_speakers_are_swapped_after_a_question(open_page, calls):
    page = open_page()
    open_call(page, f"{calls}spoken/")
    expect(page.locator(".turn--customer")).to_have_count(1)

    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Swap speakers").click()
    page.get_by_role("dialog").get_by_role("button", name="Swap speakers").click()

    expect(page.get_by_text("Agent and customer have been swapped.")).to_be_visible()
    expect(page.locator(".turn--agent")).to_have_count(1)
    expect(page.locator(".turn--customer")).to_have_count(0)
    expect(page.locator(".has-wave")).to_be_visible()


def test_the_stage_of_a_reanalysis_is_chosen_in_the_dialog(open_page, calls, site):
    page = open_page()
    open_call(page, f"{calls}written/")

    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Reanalyse").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(re.compile("Keep the transcript")).check()
    dialog.get_by_role("button", name="Reanalyse").click()

    expect(page.get_by_text("The call is being analysed again.")).to_be_visible()
    found = site.run(
        "shell", "-c", "from calls.models import Call; "
        "print(Call.objects.get(call_id='written').first_stage)",
    )  # fmt: skip
    assert "understand" in str(found)


def test_a_dismissed_call_leaves_the_failed_tab_on_every_open_page(open_page, calls):
    page, board = open_page(), open_page()
    open_call(page, f"{calls}wrong-number/")
    open_board(board, "?state=FAILED&q=wrong-")
    expect(row(board, "wrong-number")).to_be_visible()

    page.get_by_role("link", name="Dismiss").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It no longer counts as failed")
    assert violations(page) == []
    dialog.get_by_role("button", name="Dismiss").click()

    expect(page.get_by_text("The call was dismissed")).to_be_visible()
    expect(page.locator(".head .pill")).to_have_text("Dismissed")
    expect(page.get_by_role("link", name="Dismiss")).to_have_count(0)
    expect(page.get_by_role("link", name="Retry")).to_be_visible()
    expect(row(board, "wrong-number")).to_have_count(0)


def test_selected_rows_stay_selected_and_can_be_tagged(site, open_page, calls):
    page = open_page()
    open_board(page, "?state=IN_PROGRESS&columns=packets")
    expect(page.locator("#bulk")).to_be_hidden()
    page.get_by_label("Select live-1", exact=True).check()
    page.get_by_label("Select live-2", exact=True).check()
    expect(page.locator("#picked")).to_have_text("2 selected")
    site.say("live-1", "Something new.", first=9)
    expect(row(page, "live-1").locator("[data-count=packet_count]")).to_have_text("5")
    expect(page.get_by_label("Select live-1", exact=True)).to_be_checked()

    page.get_by_label("Action for the calls").select_option("tag")
    page.get_by_role("button", name=re.compile("^Selected")).click()
    page.get_by_label("Tag").fill("Checked")
    page.get_by_role("button", name="Tag 2 calls").click()

    expect(page.locator("#bulk-done")).to_have_text("2")
    open_board(page, "?tag=checked")
    expect(page.locator("#rows tr")).to_have_count(2)


def test_all_matching_calls_are_retried_without_javascript(open_page, calls):
    page = open_page(java_script_enabled=False)
    page.goto("/supervisor/?state=FAILED&q=failed-")
    page.get_by_label("Action for the calls").select_option("retry")
    page.get_by_role("button", name="All matching…").click()
    expect(page.get_by_text("All 4 calls that match the filter:")).to_be_visible()
    expect(page.get_by_text("state is Failed")).to_be_visible()
    page.get_by_role("button", name="Retry 4 calls").click()

    expect(page.locator("#bulk-done")).to_have_text("4")
    expect(page.get_by_text(re.compile("Finished at"))).to_be_visible()


def test_the_progress_of_a_bulk_action_updates_automatically(site, open_page, calls):
    made = "from calls.tests.factories import live_call\nfor n in range(40): live_call(f'many-{n}')"
    site.run("shell", "-c", made)
    page = open_page()
    open_board(page, "?q=many-")
    page.get_by_label("Select all shown").check()
    page.get_by_label("Action for the calls").select_option("end")
    page.get_by_role("button", name="All matching…").click()
    page.get_by_role("button", name="End 40 calls").click()
    expect(page.get_by_text("Running: 0 of 40")).to_be_visible()

    worker = site.worker()

    expect(page.locator("#bulk-done")).to_have_text("40", timeout=60_000)
    expect(page.get_by_text(re.compile("Finished at"))).to_be_visible()
    worker.terminate()
    worker.wait(timeout=30)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(open_page, calls, scheme):
    page = open_page(color_scheme=scheme)
    open_call(page, f"{calls}live-3/")
    page.get_by_label("New tag").fill(scheme)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("New note").fill(f"Hello in {scheme}.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".comment", has_text=f"Hello in {scheme}.")).to_be_visible()
    assert violations(page) == []
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Swap speakers").click()
    assert violations(page) == []
    open_board(page, "?q=live-")
    page.get_by_label("Select all shown").check()
    expect(page.locator("#bulk")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Action for the calls").select_option("untag")
    with page.expect_navigation():
        page.get_by_role("button", name="All matching…").click()
    assert violations(page) == []
    page.get_by_label("Tag").fill("no such tag")
    page.get_by_role("button", name=re.compile("Remove tag from")).click()
    expect(page.get_by_text("Reasons for refusal")).to_be_visible()
    assert violations(page) == []
    with page.expect_navigation():
        page.get_by_role("link", name="Bulk actions").click()
    assert violations(page) == []
