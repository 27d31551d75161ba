"""The head of the call page: its title, tiles and alerts, what is folded, and the print view."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

from calls import services
from calls.alerts.services import acknowledge_alert
from calls.ingest.record import record_packets
from calls.models import Call
from calls.tests.factories import failed_call, packet
from supervisor.call.tiles import Tiles
from supervisor.tests.call.test_live_page import FIGURES
from supervisor.tests.factories import (
    analysed_call,
    heard_call,
    page_of,
    raise_alert,
    text_of,
)

pytestmark = pytest.mark.django_db
DESCRIBED = {
    "agent": "Daniel Reyes",
    "caller": "+44 20 7946 0112",
    "callee": "+44 20 7946 0000",
    "queue": "billing",
}


def title_of(response):
    html = response.content.decode()
    words = re.sub(r"<[^>]+>", " ", re.search(r"<h1.*?</h1>", html, re.DOTALL).group(0))
    return re.sub(r"\s+([,.])", r"\1", " ".join(words.split()))


# --- Who talks with whom --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("described", "title"),
    [
        (DESCRIBED, "Daniel Reyes with +44 20 7946 0112, billing"),
        (
            {**DESCRIBED, "direction": "inbound"},
            "Daniel Reyes ←, called by +44 20 7946 0112, billing",
        ),
        (
            {**DESCRIBED, "direction": "outbound"},
            "Daniel Reyes →, calling +44 20 7946 0000, billing",
        ),
        ({"caller": "+44 20 7946 0112"}, "Unknown agent with +44 20 7946 0112"),
        ({"agent": "Daniel Reyes"}, "Daniel Reyes with unknown customer"),
        ({"queue": "billing"}, "c-1"),
    ],
)
def test_the_title_names_the_people_on_the_phone(supervisor, described, title):
    services.start_call(call_id="c-1", **described)

    page = supervisor.get("/supervisor/calls/c-1/")

    assert title_of(page) == title
    assert "c-1" in text_of(page)


def test_the_arrow_is_said_in_words(supervisor):
    services.start_call(call_id="c-1", **DESCRIBED, direction="inbound")

    html = supervisor.get("/supervisor/calls/c-1/").content.decode()

    assert re.search(r'aria-hidden="true">←</span><span\s+class="sr">, called by</span>', html)
    assert "<title>Daniel Reyes called by +44 20 7946 0112, billing · Live" in html


# --- The tiles ------------------------------------------------------------------------------
def test_the_tiles_show_figures_of_the_conversation(supervisor):
    html = page_of(supervisor, analysed_call()).content.decode()

    tiles = re.search(r'<dl class="figures figures--call">.*?</dl>', html, re.DOTALL).group(0)
    assert re.findall(r"<dt>([^<]+)</dt>", tiles) == [
        "Length", "Customer sentiment", "Agent sentiment", "Talk share", "Interruptions", "Alerts",
    ]  # fmt: skip


def test_a_live_call_has_the_figures_so_far(supervisor):
    text = text_of(page_of(supervisor, heard_call(figures=FIGURES)))

    tiles = Tiles(FIGURES)
    assert tiles.agent_share is not None
    assert f"{tiles.agent_share} % agent" in text


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, (None, None, None, "")),
        ({"talk": {}}, (None, None, None, "")),
        ({"talk": {"agent": {"total_ms": 100}}}, (100, 0, None, "")),
        (
            {
                "talk": {"agent": {"total_ms": 100}, "customer": {"total_ms": 300}},
                "interruptions": {"count": 2, "by": {"agent": [{}, {}], "customer": []}},
            },
            (25, 75, 2, "agent 2"),
        ),
    ],
)
def test_unknown_figures_are_left_out(found, expected):
    tiles = Tiles(found)

    assert (
        tiles.agent_share, tiles.customer_share, tiles.interruptions, tiles.interrupters,
    ) == expected  # fmt: skip


# --- Alerts ---------------------------------------------------------------------------------
def test_an_alert_is_a_line_and_an_acknowledged_one_is_folded(operator):
    call = heard_call()
    first = raise_alert(call, name="Wants to cancel", offset_ms=9_000, quote="I am really angry.")
    acknowledge_alert(alert_id=raise_alert(call, name="Swears", number=2).pk, by="bob", note="Ok.")

    html = page_of(operator, call).content.decode()

    assert "1 open" in html
    line = html[html.index(f'id="alert-{first.pk}"') : html.index("1 closed</summary>")]
    assert 'data-moment="9000"' in line
    assert "Acknowledge" in line
    closed = html[html.index("1 closed</summary>") :]
    assert "Swears" in closed
    assert "Acknowledged by" in closed


# --- What stands back -----------------------------------------------------------------------
def test_everything_about_packets_is_in_one_closed_section(operator):
    html = page_of(operator, failed_call()).content.decode()

    before, technical = html.split('<details class="technical"')
    assert ">\n" in technical[: technical.index("<summary")]
    assert " open" not in technical[: technical.index("<summary")]
    for word in ("Packets", "Missing", "Duplicates", "Streams", "Attempts", "Decode again as…"):
        assert word in technical
    assert not re.search(r"Duplicates|Streams|Attempts|Decode again", before)


def test_a_finished_call_has_no_primary_button_and_rare_actions_are_in_a_menu(operator):
    html = page_of(operator, analysed_call()).content.decode()

    head = re.search(r'<header class="head">.*?</header>', html, re.DOTALL).group(0)
    assert "button--main" not in head
    menu = head[head.index('<details class="more"') :]
    assert all(label in menu for label in ("Reanalyse", "Swap speakers", "Print"))


def test_gaps_say_how_many_packets_are_still_missing(supervisor):
    record_packets([packet("gappy", number) for number in (1, 3, 5, 7, 9)])
    call = Call.objects.get(call_id="gappy")

    before = text_of(page_of(supervisor, call))
    record_packets([packet("gappy", number) for number in (2, 4, 6, 8)])
    after = text_of(page_of(supervisor, call))

    assert "4 gaps in the packets; 4 packets still missing" in before
    assert "4 gaps in the packets; all were filled later" in after


def test_a_call_without_retries_does_not_mention_attempts(supervisor):
    assert '<p class="why">' not in page_of(supervisor, analysed_call()).content.decode()


def test_trouble_with_the_sound_is_a_banner_that_says_what_to_do():
    trouble = {"kind": "clipping", "sentence": "It clips.", "action": "Turn it down"}

    html = render_to_string(
        "supervisor/call/_troubles.html", {"page": {"sound_troubles": [trouble]}}
    )

    assert "It clips." in html
    assert "Turn it down" in html


def test_quoted_sentences_are_labelled_as_quotes(supervisor):
    call = analysed_call()
    assert "Summary A dead line is repaired." in text_of(page_of(supervisor, call))


# --- On paper -------------------------------------------------------------------------------
def test_the_print_view_has_all_words_and_no_controls(operator):
    call = analysed_call()
    raise_alert(call, name="Wants to cancel")

    page = operator.get(f"/supervisor/calls/{call.call_id}/", {"print": "1"})

    html, text = page.content.decode(), text_of(page)
    assert not re.search(r"<(button|input|form|textarea|select|dialog)\b", html)
    for part in (call.call_id, "Opened", "Wants to cancel", "A dead line is repaired."):
        assert part in text
    for turn in call.analyses.get().turns:
        assert turn["text"] in text


def test_a_live_call_can_also_be_printed(supervisor):
    call = heard_call()

    page = supervisor.get(f"/supervisor/calls/{call.call_id}/", {"print": "1"})

    assert "I am really angry." in text_of(page)
    assert "4111" not in re.sub(r'nonce="[^"]*"', "", page.content.decode())
