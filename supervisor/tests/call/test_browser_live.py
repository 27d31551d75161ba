"""The page of a live call in a real Chromium: words that appear, change, scroll and stay."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from supervisor.tests.browser import running_site, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]

MAKE_CALLS = """
from supervisor.tests.factories import HEARD, heard_call, raise_alert
heard_call("short")
heard_call("long", utterances=[
    (("agent", "customer")[at % 2], at * 4_000, at * 4_000 + 3_000, f"Sentence {at}.", 0.0)
    for at in range(40)
])
heard_call("ending", utterances=[
    (("agent", "customer")[at % 2], at * 4_000, at * 4_000 + 3_000, f"Sentence {at}.", 0.0)
    for at in range(40)
])
raise_alert(heard_call("alerting"), offset_ms=9_000)
"""
# Another process changes what was heard, as a listener does.
CHANGE = """
from calls.models import LiveTranscription, LiveUtterance
from django.utils import timezone
row = LiveTranscription.objects.get(call__call_id={call_id!r})
row.revision += 1
def say(number, speaker, begin_ms, shown, score=None, text="secret"):
    LiveUtterance.objects.update_or_create(
        call=row.call, channel=speaker, number=number,
        defaults=dict(revision=row.revision, speaker=speaker, begin_ms=begin_ms,
            end_ms=begin_ms + 2_000, text=text, shown=shown, score=score,
            sentiment="NEGATIVE" if score else "", heard_at=timezone.now()))
"""


FIRST_IN_VIEW = """() => {
  const turns = [...document.querySelectorAll("#live-words > .turn")];
  return turns.find((node) => node.offsetTop + node.offsetHeight > 700).dataset.begin;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running_site(tmp_path_factory.mktemp("site"), MAKE_CALLS) as running:
        yield running


@pytest.fixture
def open_call(open_page):
    def go(call_id, **options):
        page = open_page(**options)
        page.goto(f"/supervisor/calls/{call_id}/")
        expect(page.locator("#feed")).to_have_attribute("data-feed", "live")
        return page

    return go


def change(site, call_id, code):
    site.run("shell", "-c", CHANGE.format(call_id=call_id) + code + "\nrow.save()")


def is_at_end(page):
    return page.evaluate(
        """() => {
          const list = document.getElementById("live-words");
          return list.scrollHeight - list.clientHeight - list.scrollTop < 48;
        }"""
    )


def test_live_words_appear_and_change_in_place(site, open_call):
    page = open_call("short")
    expect(page.locator("#live-words .held")).to_have_count(1)
    first = page.locator(".turn", has_text="Good morning")
    first.evaluate("(node) => { node.dataset.kept = 'yes'; }")

    change(site, "short", """
say(1, "agent", 1_000, "Good evening, how can I help you?")
say(5, "customer", 15_000, "It is [CARD].")
say(6, "customer", 30_000, "You charged me twice.", score=-4.0)
row.partial = {"agent": "let me"}
row.behind_s = 3.2
row.figures = {"sentiment": {"overall": {"customer": {"label": "NEGATIVE", "score": -4.0}},
    "trend": {"customer": "worsening"}}, "silence_since_ms": None}
""")  # fmt: skip

    changed = page.locator(".turn", has_text="Good evening")
    expect(changed).to_have_attribute("data-kept", "yes")
    expect(page.locator("#live-words .held")).to_have_count(0)
    expect(page.locator("#live-words mark.removed")).to_have_text("card")
    new = page.locator(".turn", has_text="You charged me twice.")
    expect(new.locator(".sentiment")).to_have_text("Negative")
    expect(new.locator(".turn__time")).to_have_text("0:30")
    expect(page.locator("#live-words > .turn--partial")).to_contain_text("let me")
    expect(page.locator('[data-live="status"]')).to_have_text("Transcribing, 3 s behind")
    expect(page.locator('[data-live="mood-customer"]')).to_contain_text("worsening")


def test_screen_readers_announce_only_new_words(site, open_call):
    change(site, "alerting", "say(20, 'agent', 40_000, 'Old words.')")
    page = open_call("alerting")
    expect(page.locator(".turn", has_text="Old words.")).to_be_visible()
    log = page.get_by_role("log", name="New words of the call")
    expect(page.locator("#live-words > .turn")).to_have_count(5)

    change(site, "alerting", """
say(21, "customer", 50_000, None)
say(22, "agent", 60_000, "New words.")
row.partial = {"customer": "unfinished"}
""")  # fmt: skip

    expect(page.locator("#live-words")).to_contain_text("unfinished")
    expect(log.locator("p")).to_have_text(["Agent: New words."])


def test_the_list_follows_until_the_reader_scrolls_up(site, open_call):
    page = open_call("long", reduced_motion="reduce")
    jump = page.get_by_role("button", name="Jump to now")
    expect(page.locator(".turn", has_text="Sentence 39.")).to_be_in_viewport()
    expect(jump).to_be_hidden()
    change(site, "long", "say(41, 'customer', 170_000, 'Followed.')")
    expect(page.locator(".turn", has_text="Followed.")).to_be_in_viewport()

    page.locator("#live-words").evaluate("(list) => list.scrollTo(0, 100)")
    expect(jump).to_be_visible()
    change(site, "long", "say(42, 'agent', 180_000, 'Not followed.')")
    expect(page.locator(".turn", has_text="Not followed.")).to_be_attached()
    assert page.locator("#live-words").evaluate("(list) => list.scrollTop") == 100

    jump.click()
    expect(page.locator(".turn", has_text="Not followed.")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_a_key_jumps_to_now_unless_it_is_switched_off(open_call):
    page = open_call("long", reduced_motion="reduce")
    words = page.locator("#live-words")
    words.evaluate("(list) => list.scrollTo(0, 100)")
    jump = page.get_by_role("button", name="Jump to now")
    expect(jump).to_be_visible()

    page.keyboard.press("n")
    expect(jump).to_be_hidden()
    assert is_at_end(page)

    page.locator("#page-keys summary").click()
    page.get_by_label("Use these keys").uncheck()
    words.evaluate("(list) => list.scrollTo(0, 100)")
    expect(jump).to_be_visible()
    page.keyboard.press("n")
    assert not is_at_end(page)


def test_an_alert_links_to_its_moment(open_call):
    page = open_call("alerting")

    page.get_by_role("link", name="Go to 0:09").click()

    turn = page.locator(".turn.is-shown")
    expect(turn).to_contain_text("I am really angry.")
    expect(turn.get_by_role("link", name="Alert: Angry")).to_be_visible()
    assert page.url.endswith("/calls/alerting/")


def test_an_alert_that_is_raised_meanwhile_is_marked(site, open_call):
    page = open_call("short")

    site.run("shell", "-c", """
from calls.annotations import add_tag
from calls.models import Call
from supervisor.tests.factories import raise_alert
raise_alert(Call.objects.get(call_id="short"), offset_ms=6_000)
add_tag(call_id="short", name="vip", by="ana")
""")  # fmt: skip

    expect(page.locator(".turn--flagged")).to_contain_text("My line is dead.")


def test_the_words_stay_when_the_call_ends_and_the_place_when_it_is_transcribed(site, open_call):
    page = open_call("ending")
    words = page.locator("#live-words")
    words.evaluate("(list) => { list.dataset.kept = 'yes'; list.scrollTo(0, 700); }")
    top = page.evaluate(FIRST_IN_VIEW)

    site.end("ending")
    expect(page.get_by_text("The call has ended and is being analysed.")).to_be_visible()
    expect(words).to_have_attribute("data-kept", "yes")
    expect(words.locator(".turn")).to_have_count(40)

    site.run(
        "shell",
        "-c",
        """
from calls.tests import one_call
from calls.tests.factories import attempt, claim
lease = claim()
one_call.save_transcript(lease, attempt(lease), duration_ms=160_000, speech={}, turns=[
    dict(speaker=("agent", "customer")[at % 2], begin_ms=at * 4_000, end_ms=at * 4_000 + 3_000,
         text=f"Sentence {at}.", words=[]) for at in range(40)])
""",
    )

    expect(words).to_have_count(0)
    expect(page.locator(f'.turns > .turn[data-begin="{top}"]')).to_be_in_viewport()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("call_id", ["alerting", "long"])
def test_axe_finds_no_violation(open_call, call_id, scheme):
    page = open_call(call_id, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("#live-words > .turn").first).to_be_attached()

    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_page_is_not_wider_than_the_screen(open_call, width):
    page = open_call("alerting", viewport={"width": width, "height": 740})

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_reaches_the_button(open_call):
    page = open_call("long", viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    page.locator("#live").evaluate("(section) => section.scrollIntoView({ block: 'start' })")
    page.locator("#live-words").evaluate("(list) => list.scrollTo(0, 100)")

    jump = page.get_by_role("button", name="Jump to now")

    expect(jump).to_be_in_viewport()
    jump.click()
    expect(jump).to_be_hidden()
