"""The call page in a real Chromium: the player, its words and keys, the maps and charts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from supervisor.tests.browser import WATCH_LABELS, running_site, violations, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.processes]

MAKE_CALLS = """
from calls.tests.audio import archived_audio
from calls.tests.factories import failed_call
from supervisor.tests.factories import analysed_call
archived_audio("spoken", seconds=20, missing=(9, 10, 30))
analysed_call("written")
failed_call("failed")
analysed_call("short")
from calls.models import Analysis
analysis = Analysis.objects.get(call__call_id="short")
last = max(turn["end_ms"] for turn in analysis.turns)
for turn in analysis.turns:
    for end in ("begin_ms", "end_ms"):
        turn[end] = turn[end] * 5000 // last
analysis.save()
"""
# How many points of each half of the waveform are not empty.
PAINTED = """() => {
  const shadow = document.querySelector("[data-wave] > div").shadowRoot;
  return [...shadow.querySelectorAll(".canvases canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, at) => at % 4 === 3 && value > 0).length;
  });
}"""
SPOKEN = "[...CSS.highlights.get('spoken-word')].map(String)"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of its own, so that no other call is due when these are analysed."""
    with running_site(tmp_path_factory.mktemp("site"), MAKE_CALLS) as running:
        yield running


@pytest.fixture(scope="module")
def spoken(site):
    return "/supervisor/calls/spoken/"


@pytest.fixture
def page(open_page, spoken):
    page = open_page()
    page.goto(spoken)
    expect(page.locator(".has-wave")).to_be_visible()
    return page


def state(page, name):
    return page.evaluate(f"document.getElementById('player').{name}")


def click_word(page, text):
    place = page.evaluate(
        """(text) => {
          const turn = document.querySelector(".turn__text");
          turn.scrollIntoView({ block: "center" });  // the mouse clicks only what is in view
          const node = turn.firstChild;
          const range = new Range();
          range.setStart(node, node.data.indexOf(text));
          range.setEnd(node, node.data.indexOf(text) + text.length);
          const { x, y, width, height } = range.getBoundingClientRect();
          return [x + width / 2, y + height / 2];
        }""",
        text,
    )
    page.mouse.click(*place)


def test_the_waveform_of_both_sides_is_drawn(page):
    painted = page.evaluate(PAINTED)

    assert len(painted) >= 2
    assert all(count > 100 for count in painted)


def test_a_clicked_word_is_played_and_marked(page):
    click_word(page, "number")

    # The words begin at 2.0, 2.25, 2.5 s.
    wait_for(page, f"{SPOKEN}.includes('number') || player.currentTime > 2.75")
    assert 2.5 <= state(page, "currentTime") < 3.5
    assert not state(page, "paused")
    expect(page.locator(".turn[aria-current]")).to_have_count(1)


def test_the_mark_follows_the_sound(page):
    click_word(page, "number")
    wait_for(page, "player.currentTime > 2.5 && !player.seeking")
    page.get_by_role("button", name="Pause").click()

    page.evaluate("player.currentTime = 2.3")
    wait_for(page, f"{SPOKEN}.join() === 'card'")

    page.evaluate("player.currentTime = 2.8")
    wait_for(page, f"{SPOKEN}.join() === 'is'")

    page.evaluate("player.currentTime = 8")
    wait_for(page, f"{SPOKEN}.length === 0")
    expect(page.locator(".turn[aria-current]")).to_have_count(0)


def test_words_marked_by_a_search_are_played_and_marked_one_by_one(page):
    page.goto(page.url + "?q=%22card+number+is%22")
    expect(page.locator(".has-wave")).to_be_visible()
    mark = page.locator("mark.sought").first
    expect(mark).to_have_text("card number is")

    mark.click()
    wait_for(page, "player.currentTime > 2.5 && !player.seeking")
    page.get_by_role("button", name="Pause").click()
    page.evaluate("player.currentTime = 2.8")
    wait_for(page, f"{SPOKEN}.join() === 'is'")

    page.get_by_role("link", name="Clear").click()
    expect(page.locator("mark.sought")).to_have_count(0)
    page.evaluate("player.currentTime = 2.3")
    wait_for(page, f"{SPOKEN}.join() === 'card'")


def test_keyboard_shortcuts_play_and_seek(page):
    page.keyboard.press("Space")
    wait_for(page, "!player.paused")
    page.keyboard.press("k")
    wait_for(page, "player.paused")
    page.evaluate("player.currentTime = 6")

    page.keyboard.press("ArrowRight")
    assert state(page, "currentTime") == pytest.approx(11, abs=0.1)
    page.keyboard.press("ArrowLeft")
    assert state(page, "currentTime") == pytest.approx(6, abs=0.1)
    page.keyboard.press("l")
    assert state(page, "currentTime") == pytest.approx(20, abs=1.1)
    page.keyboard.press("p")
    assert state(page, "currentTime") == pytest.approx(2, abs=0.1)
    page.keyboard.press("Shift+>")
    assert state(page, "playbackRate") == 1.25


def test_keyboard_shortcuts_can_be_switched_off_permanently(page):
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Use these keys").uncheck()
    page.reload()
    expect(page.locator(".has-wave")).to_be_visible()

    page.keyboard.press("k")

    assert state(page, "paused")
    page.evaluate("localStorage.clear()")


def test_the_player_works_where_the_browser_blocks_storage(open_page, spoken):
    page = open_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } })"
    )
    page.goto(spoken)
    expect(page.locator(".has-wave")).to_be_visible()

    page.keyboard.press("k")
    wait_for(page, "!player.paused")
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("k")

    assert not state(page, "paused")


def test_a_focused_field_keeps_its_keys(page):
    page.locator("[data-speed]").focus()
    page.keyboard.press("k")

    assert state(page, "paused")


def test_the_buttons_play_and_choose_the_speed(page):
    page.locator("[data-speed]").select_option("2")
    page.get_by_role("button", name="Play").click()

    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert state(page, "playbackRate") == 2
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_a_click_on_the_waveform_seeks(page):
    box = page.locator("[data-wave]").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)

    wait_for(page, "player.currentTime > 0 && !player.seeking")
    assert state(page, "currentTime") == pytest.approx(10, abs=0.7)
    assert state(page, "paused")


def test_muted_stretches_are_shown(page):
    expect(page.locator(".speaker-timeline__muted rect")).to_have_count(1)
    expect(page.get_by_text("Muted: personal data")).to_be_visible()


def test_the_packet_map_shows_a_gap(page):
    page.get_by_role("heading", name="Technical").click()
    gap = page.locator("rect.lane__missing")

    assert gap.count() == 2
    assert gap.first.bounding_box()["width"] > 3
    assert "all missing" in gap.first.text_content()


def test_the_sentiment_is_drawn(open_page, spoken):
    page = open_page()
    page.goto("/supervisor/calls/written/")

    painted = """(() => {
      const canvas = document.querySelector("[data-chart] canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value > 0);
    })()"""
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    wait_for(page, painted)
    page.locator("[data-chart] .u-over").hover()
    expect(page.locator(".chart__value")).to_have_text(re.compile(r"^0:\d\d · Agent .*Customer "))


@pytest.mark.parametrize("call_id", ["written", "short"])
def test_no_label_of_an_axis_is_there_twice(open_page, call_id):
    page = open_page()
    page.add_init_script(WATCH_LABELS)
    page.goto(f"/supervisor/calls/{call_id}/")
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    wait_for(page, "window.labels.length")

    places = {(text, x, y) for _, text, x, y in page.evaluate("window.labels") if text}

    texts = [text for text, _, _ in places]
    assert sorted(set(texts)) == sorted(texts)
    assert {"\N{MINUS SIGN}5", "0", "+5", "0:00"} <= set(texts)
    assert len(texts) > 5


def test_player_and_transcript_are_above_the_fold_of_a_laptop(open_page, spoken):
    page = open_page(viewport={"width": 1366, "height": 768})
    page.goto(spoken)
    expect(page.locator(".has-wave")).to_be_visible()

    player, words = (page.locator(each).bounding_box() for each in (".controls", ".turn >> nth=0"))

    assert player["y"] + player["height"] < 500
    assert words["y"] + words["height"] < 768


def test_a_link_to_a_moment_leads_there_and_a_note_is_written_about_it(open_page, spoken):
    page = open_page()
    page.goto(f"{spoken}#t=2.5")
    expect(page.locator(".has-wave")).to_be_visible()
    expect(page.locator(".turn--sought")).to_have_count(1)
    assert state(page, "currentTime") == pytest.approx(2.5, abs=0.1)

    page.keyboard.press("c")
    expect(page.get_by_label("New note")).to_be_focused()
    expect(page.get_by_label("At", exact=True)).to_have_value("0:02.5")
    page.keyboard.type("Said too fast.")
    page.get_by_role("button", name="Add note").click()

    expect(page.locator(".mark--note")).to_have_count(1)
    expect(page.locator(".turn__flags .alert-badge--note")).to_have_count(1)
    expect(page.locator(".turn--sought")).to_have_count(1)
    page.evaluate("player.currentTime = 15")
    page.locator(".mark--note a").click()
    assert state(page, "currentTime") == pytest.approx(2.5, abs=0.1)
    page.locator(".turn >> nth=0").hover()
    page.get_by_role("button", name="Copy link to this turn").click()
    expect(page.locator("[data-copied]")).to_have_text(re.compile(r"copied$|#t=\d"))


def test_keys_open_the_next_and_previous_call_and_can_be_switched_off(open_page, spoken):
    page = open_page()
    page.goto("/supervisor/calls/written/?list=")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")

    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(r"/calls/spoken/\?list=$"))
    expect(page.locator(".has-wave")).to_be_visible()
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("[")

    expect(page).to_have_url(re.compile(r"/calls/spoken/\?list=$"))
    page.evaluate("localStorage.clear()")


def test_the_technical_section_is_closed_and_remembers_its_state(open_page, spoken):
    page = open_page()
    page.goto(spoken)
    expect(page.get_by_role("heading", name="Attempts")).to_be_hidden()

    page.get_by_role("heading", name="Technical").click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    page.reload()

    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()


def test_a_merge_leaves_the_running_player_alone(site, page):
    page.evaluate("window.kept = player; player.loop = true")
    page.get_by_role("button", name="Play").click()
    wait_for(page, "player.currentTime > 0.2")

    site.run("shell", "-c", "from calls.ingest.record import record_packets as r;"
             "from calls.tests.factories import packet; r([packet('spoken', 99)])")  # fmt: skip

    expect(page.get_by_text("1 late packet, after the call had ended")).to_be_attached()
    assert page.evaluate("kept === player && !player.paused")


def test_an_alert_is_acknowledged_without_stopping_the_recording(site, page):
    raise_alert = (
        "from calls.models import *; Alert.objects.create(call=Call.objects.get(call_id='spoken'),"
        "rule=AlertRule.objects.first(), name='Threat to leave', severity=2)"
    )
    site.run("shell", "-c", raise_alert)
    page.reload()
    expect(page.locator(".has-wave")).to_be_visible()
    page.evaluate("window.kept = player; player.loop = true")
    page.get_by_role("button", name="Play").click()
    wait_for(page, "player.currentTime > 0.2")

    page.locator(".alert-line summary", has_text="Threat to leave").click()
    page.get_by_label("Note on Threat to leave").fill("Called back.")
    page.get_by_role("button", name="Acknowledge Threat to leave").click()

    expect(page.locator(".alert.is-over")).to_contain_text("Called back.")
    assert page.evaluate("kept === player && !player.paused")
    heading = page.locator("#h-alerts")
    expect(heading).to_be_focused()
    # And stays there when the page is merged the next time, which takes the mark away.
    heading.evaluate("(node) => node.setAttribute('data-before', '')")
    site.say("spoken", "words", first=98)
    expect(heading).not_to_have_attribute("data-before", "")
    expect(heading).to_be_focused(timeout=2_000)


def test_the_packet_map_and_the_counters_of_a_live_call_grow(site, open_page):
    site.say("read-along", "My line is dead.")
    page = open_page()
    page.goto("/supervisor/calls/read-along/")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")

    site.say("read-along", "Write to jane.doe@example.com.", first=5)

    expect(page.locator("rect.lane__missing")).to_have_count(1)
    expect(page.locator('[data-count="packet_count"]').first).to_have_text("2")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(site, open_page, spoken, scheme):
    site.say("axe-waiting", "Hello?", first=3)
    site.end("axe-waiting")
    page = open_page(color_scheme=scheme, reduced_motion="reduce")

    for path in ("spoken/", "written/", "failed/", "axe-waiting/", "spoken/packets"):
        page.goto(f"/supervisor/calls/{path}")
        if path == "spoken/":
            expect(page.locator(".has-wave")).to_be_visible()
            page.get_by_role("heading", name="Technical").click()
        assert violations(page) == [], path
    page.goto("/supervisor/calls/spoken/?print=1")
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_not_wider_than_the_screen(open_page, spoken, width):
    page = open_page(viewport={"width": width, "height": 800})

    page.goto(spoken)
    expect(page.locator(".has-wave")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
