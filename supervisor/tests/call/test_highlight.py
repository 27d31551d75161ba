"""From a search to a call: the page marks the words of the search."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from supervisor.tests.factories import analysed_call

pytestmark = pytest.mark.django_db
SEARCH = "/supervisor/search/"


def opened(client, call, **given):
    return client.get(reverse("supervisor:call", args=[call.call_id]), given)


def marks(response) -> list[str]:
    return re.findall(r'<mark class="sought">([^<]+)</mark>', response.content.decode())


def say(result, text) -> None:
    """Let the first turn of a transcript or analysis have this text."""
    result.turns[0] |= {"text": text, "words": []}
    result.save()


def bar(response) -> str:
    part = re.search(r'<section class="places".*?</section>', response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", part[0]).split()) if part else ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"q": "DEAD"}, ["dead", "dead", "dead"]),
        ({"q": "customer:dead"}, ["dead"]),
        ({"q": "dead", "speaker": "customer"}, ["dead"]),
        ({"q": "dead", "in": "summary"}, ["dead", "dead"]),
        ({"q": '"dead line"'}, ["dead line", "dead line"]),
        ({"q": "techn* -sorry"}, ["technician"] * 3),
        ({"q": "tech"}, []),
        ({"q": "-dead repaired"}, ["repaired"]),
    ],
)
def test_words_are_marked_by_the_rules_of_the_search(supervisor, given, expected):
    call = analysed_call()

    response = opened(supervisor, call, **given)

    assert marks(response) == expected
    places = f"{len(expected) or 'No'} match{'es' * (len(expected) != 1)} for"
    assert places in bar(response)


def test_a_search_leads_to_a_page_on_which_its_words_are_marked(supervisor):
    analysed_call("c-1")

    html = supervisor.get(SEARCH, {"q": "dead", "speaker": "", "in": ""}).content.decode()
    links = re.findall(r'href="(/supervisor/calls/c-1/[^"#]*)', html)

    assert len(links) == 3  # the call, its summary, a turn
    for link in links:
        assert len(marks(supervisor.get(link.replace("&amp;", "&")))) == 3


def test_a_search_of_one_side_marks_nothing_elsewhere(supervisor):
    analysed_call("c-1")

    html = supervisor.get(SEARCH, {"q": "dead", "speaker": "customer"}).content.decode()
    link = re.search(r'href="(/supervisor/calls/c-1/\?[^"#]*)', html)[1]

    assert marks(supervisor.get(link.replace("&amp;", "&"))) == ["dead"]


def test_without_a_search_nothing_is_marked_and_no_bar_is_shown(supervisor):
    response = opened(supervisor, analysed_call())

    assert marks(response) == []
    assert bar(response) == ""


@pytest.mark.parametrize("query", ["jane", '"to jane doe"', "example.com", "doe*"])
def test_only_what_is_shown_is_marked(visitor, query):
    reader, call = visitor("view_call", "view_unredacted"), analysed_call()
    say(call.transcripts.get(), "Write to jane.doe@example.com.")
    say(call.analyses.get(), "Write to [EMAIL].")

    hidden = opened(reader, call, q=query)
    shown = opened(reader, call, q=query, unredacted="1")

    assert (marks(hidden), len(marks(shown))) == ([], 1)
    assert "No matches" in bar(hidden)
    assert "1 match" in bar(shown)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"q": '"open'}, "A quotation mark is not closed."),
        ({"q": "-dead"}, "only excludes words"),
        ({"q": "dead", "speaker": "agent", "in": "summary"}, "Nobody says the summary"),
        ({"q": "dead", "in": "dreams"}, "“dreams” is not a valid choice."),
        ({"q": "a" * 301}, "longer than 300"),
    ],
)
def test_words_that_are_not_understood_are_explained(supervisor, given, reason):
    response = opened(supervisor, analysed_call(), **given)

    assert marks(response) == []
    assert "could not be understood" in bar(response)
    assert reason in bar(response)


def test_search_words_and_spoken_words_are_escaped(supervisor):
    call = analysed_call()
    say(call.analyses.get(), "<script>alert(1)</script> & <b>")

    html = opened(supervisor, call, q="<script>").content.decode()

    assert '&lt;<mark class="sought">script</mark>&gt;alert(1)' in html
    assert "“&lt;script&gt;”" in html
    assert "<script>" not in html


def test_other_views_of_the_call_keep_the_search_words_until_they_are_cleared(visitor):
    reader, call = visitor("view_call", "view_unredacted"), analysed_call()
    call.analyses.update(redactions=[{"kind": "EMAIL", "begin_ms": 0, "end_ms": 100}])

    html = opened(reader, call, q="dead", speaker="customer", t="5").content.decode()
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(\?[^"]*)"', html)]

    assert "?q=dead&speaker=customer&t=5&unredacted=1" in links
    assert "?t=5" in links
