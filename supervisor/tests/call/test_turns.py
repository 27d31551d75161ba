"""The turns of a transcript as HTML."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.analysis.results import transcript_document
from calls.models import Note
from calls.search.hits import Excerpt
from calls.tests.factories import live_call
from supervisor.templatetags.transcript import turn_items
from supervisor.tests.factories import analysed_call, page_of

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def turn(text="Good morning.", **given):
    usual = {"speaker": "customer", "begin_ms": 61_500, "end_ms": 63_000, "timing": "0,700,100,700"}
    return {**usual, "said": Excerpt(text), "sentiment": "NEGATIVE", "score": -2.5, **given}


def words_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_turn_that_can_be_played_says_when_who_said_what_and_how():
    item = turn_items([turn()], "/v1/recording")

    assert 'class="turn turn--customer" data-begin="61500" data-end="63000"' in item
    assert 'data-score="-2.5" data-timing="0,700,100,700"' in item
    assert 'data-seek="61500" href="/v1/recording#t=1:01" aria-label="Play from 1:01"' in item
    assert words_of(item) == "Customer 1:01 Negative Good morning."


def test_a_turn_without_a_recording_links_to_its_moment():
    item = turn_items([turn(sentiment=None, score=None)])

    assert 'href="#t=61.5" aria-label="Link to 1:01"' in item
    assert "data-timing" not in item
    assert "data-score" not in item
    assert words_of(item) == "Customer 1:01 Good morning."


def test_the_sought_turn_is_the_target_of_the_link():
    first, sought = re.findall("<li[^>]*>", turn_items([turn(), turn(is_sought=True)]))

    assert "turn--sought" not in first
    assert sought.startswith('<li id="here" class="turn turn--customer turn--sought"')


def test_words_of_a_turn_are_text_whatever_they_are():
    spoken = turn(f"My card is [CARD] {HOSTILE}")
    found = turn(said=Excerpt(HOSTILE, ((0, 8),)))

    html = turn_items([spoken, found], '/v1/"><script>')

    assert "<script" not in html
    assert "<img" not in html
    assert '<mark class="removed" title="Removed: card">card</mark>' in html
    assert '<mark class="sought">&lt;script&gt;</mark>' in html


def test_the_notes_of_a_turn_are_escaped():
    html = turn_items([turn(comments=[Note(pk=3, text=HOSTILE, author=HOSTILE)])])

    assert 'href="#note-3"' in html
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.django_db
def test_a_redacted_transcript_is_read_once():
    call = analysed_call()

    with CaptureQueriesContext(connection) as asked:
        document = transcript_document(call, redacted=True)

    assert document["turns"]
    [query] = [each["sql"] for each in asked if "calls_transcript" in each["sql"]]
    assert '"calls_transcript"."turns"' not in query
    assert '"calls_transcript"."speech"' not in query


@pytest.mark.django_db
def test_only_a_page_that_may_show_live_words_loads_their_styles(supervisor):
    archived = page_of(supervisor, analysed_call()).content.decode()
    live = page_of(supervisor, live_call("c-live")).content.decode()

    assert "call/live.css" not in archived
    assert "call/live.css" in live
