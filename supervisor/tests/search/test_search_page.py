"""The search page: hits, their links, and explanations of malformed queries."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from calls.annotations import add_note
from calls.models import Alert, Call, Tag
from calls.search.find import Search
from supervisor.search.over_time import read_over_time
from supervisor.search.read_model import SearchQuestion, read_search
from supervisor.tests.factories import analysed_call, page_of, text_of

pytestmark = pytest.mark.django_db
SEARCH = "/supervisor/search/"
DAY_ONE = datetime(2020, 1, 1, 12, tzinfo=UTC)


def found(response) -> list[str]:
    link = r'<h3 class="found__who"><a href="[^"]+"\s+title="([^"]+)"'
    ids = re.findall(link, response.content.decode())
    assert response.status_code == 200
    return ids


def test_the_search_page_needs_the_permission_to_see_calls(client, visitor):
    assert client.get(SEARCH).status_code == 302
    assert visitor().get(SEARCH).status_code == 403


def test_an_empty_search_page_shows_examples(supervisor, django_assert_max_num_queries):
    analysed_call()

    with django_assert_max_num_queries(10):
        response = supervisor.get(SEARCH)

    assert found(response) == []
    assert "Search for words" in text_of(response)
    assert 'href="/supervisor/search/" aria-current="page"' in response.content.decode()


def test_a_hit_shows_the_words_and_links_to_their_moment(supervisor):
    analysed_call("dead-line")

    response = supervisor.get(SEARCH, {"q": "customer:dead"})

    html = response.content.decode()
    assert found(response) == ["dead-line"]
    assert 'my line has been <mark class="sought">dead</mark> for three days.' in html
    link = re.search(r'href="(/supervisor/calls/dead-line/\?[^"]+&amp;t=[\d.]+#here)"', html)
    page = supervisor.get(link[1].partition("#")[0].replace("&amp;", "&")).content.decode()
    assert re.findall(r'<li id="here"\s+class="turn turn--customer turn--sought[^"]*"', page)
    assert page.count('id="here"') == 1
    assert "dead" in page.partition('id="here"')[2].partition("</li>")[0]


@pytest.mark.parametrize(
    ("query", "label"), [("repaired", "Summary"), ("today", "Insight: Next step")]
)
def test_a_hit_outside_the_turns_says_where_it_is_from(supervisor, query, label):
    analysed_call()

    html = supervisor.get(SEARCH, {"q": query, "in": "summary"}).content.decode()

    assert re.findall(r'"hit__origin"[^>]*>([^<]+)<', html) == [label]


def test_a_note_is_shown_with_its_author_and_a_link_to_it(supervisor):
    analysed_call("c-1")
    note = add_note(call_id="c-1", text="Promised a <b>voucher</b>.", by="bob")

    html = supervisor.get(SEARCH, {"q": "voucher"}).content.decode()

    link, label = re.search(r'"hit__origin" href="([^"]+)">(.+?)</', html, re.DOTALL).groups()
    assert re.sub("<[^>]+>", "", label) == "Note by bob"
    assert link.endswith(f"/c-1/?q=voucher&amp;list=search%3Fq%3Dvoucher#note-{note.pk}")
    page = supervisor.get(link.partition("#")[0]).content.decode()
    assert f'id="note-{note.pk}"' in page
    assert '&lt;b&gt;<mark class="sought">voucher</mark>&lt;/b&gt;' in page
    assert "1 match for" in page


@pytest.mark.parametrize("moment", ["nan", "inf", "-5", "x", "", "1e400"])
def test_an_invalid_time_marks_nothing(supervisor, moment):
    call = analysed_call()

    response = supervisor.get(reverse("supervisor:call", args=[call.call_id]), {"t": moment})

    assert response.status_code == 200
    assert 'id="here"' not in response.content.decode()
    assert 'id="here"' not in page_of(supervisor, call).content.decode()


def test_spoken_words_are_escaped(supervisor):
    call = analysed_call()
    analysis = call.analyses.get()
    analysis.turns[0]["text"] = "<script>alert(1)</script> & <img src=x onerror=alert(1)> [EMAIL]"
    analysis.save()
    from calls.search.index import words_of, write_entries

    write_entries([analysis], {call.pk: words_of(analysis)})

    html = supervisor.get(SEARCH, {"q": "script onerror"}).content.decode()

    script = '<mark class="sought">script</mark>'
    assert f"&lt;{script}&gt;alert(1)&lt;/{script}&gt; &amp; &lt;img" in html
    assert '<mark class="removed" title="Removed: email">email</mark>' in html
    assert "<script>alert" not in html
    assert "<img" not in html


def test_a_query_is_shown_as_it_was_written(supervisor):
    html = supervisor.get(SEARCH, {"q": '"><script>alert(1)</script>'}).content.decode()

    assert 'value="&quot;&gt;&lt;script&gt;' in html
    assert "<script>alert" not in html


@pytest.mark.parametrize(
    ("given", "label", "reason"),
    [
        ({"q": '"open'}, "Words", "A quotation mark is not closed"),
        ({"q": "-a"}, "Words", "only excludes words"),
        ({"q": "a", "speaker": "agent", "in": "summary"}, "Words", "Nobody says the summary"),
        ({"q": "a" * 500}, "Words", "longer than 300"),
        ({"speaker": "god"}, "Said by", "not a valid choice"),
        ({"in": "dreams"}, "Words in", "not a valid choice"),
        ({"from": "soon"}, "From", "is not a date"),
        ({"to": "9999-12-31"}, "To", "is not a date"),
        ({"min": "long"}, "Minimum minutes", "is not a number"),
        ({"min": "nan"}, "Minimum minutes", "Enter a number"),
        ({"max": "-1"}, "Maximum minutes", "greater than or equal to 0"),
        ({"state": "DANCING"}, "State", "valid choice"),
        ({"customer_trend": "up"}, "Customer trend", "valid choice"),
        ({"alert": "maybe"}, "Alert", "valid choice"),
        ({"q": "a", "before": "x"}, "Page", "incomplete"),
    ],
)
def test_an_invalid_value_is_explained(supervisor, given, label, reason):
    analysed_call()

    response = supervisor.get(SEARCH, given)

    assert found(response) == []
    shown = text_of(response)
    assert "This search could not be understood" in shown
    assert re.search(f"{label} .*{re.escape(reason)}", shown)


@pytest.mark.parametrize(
    ("given", "is_found"),
    [
        ({"queue": "billing"}, True),
        ({"queue": "sales"}, False),
        ({"agent": "ana"}, True),
        ({"state": "ARCHIVED"}, True),
        ({"state": "FAILED"}, False),
        ({"min": "10"}, True),
        ({"min": "10.1"}, False),
        ({"max": "10"}, True),
        ({"max": "0.5"}, False),
        ({"tag": "vip"}, True),
        ({"tag": "VIP"}, True),
        ({"tag": "vi"}, False),
        ({"alert": "open"}, True),
        ({"customer_sentiment": "POSITIVE"}, True),
        ({"from": "2026-01-31"}, False),
        ({"from": "2026-01-31", "tz": "Asia/Tokyo"}, True),
        ({"to": "2026-01-30"}, True),
        ({"to": "2026-01-30", "tz": "Asia/Tokyo"}, False),
        ({"from": "2026-01-30", "to": "2026-01-30", "tz": "Mars/Base"}, True),
    ],
)
def test_filters_and_days_in_the_zone_of_the_viewer(supervisor, given, is_found):
    call = analysed_call("c-1")
    Call.objects.filter(pk=call.pk).update(
        queue="billing", agent="ana", customer_sentiment="POSITIVE",
        opened_at=datetime(2026, 1, 30, 20, 0, tzinfo=UTC),
        ended_at=datetime(2026, 1, 30, 20, 1, tzinfo=UTC), duration=timedelta(minutes=10),
    )  # fmt: skip
    Tag.objects.create(call=call, name="vip")
    Alert.objects.create(call=call, name="x", kind="words", severity=1)

    for query in ("dead", ""):
        assert found(supervisor.get(SEARCH, {"q": query, **given})) == ["c-1"] * is_found


def test_the_address_holds_the_whole_query():
    asked = {"q": "a b", "speaker": "agent", "from": "2026-01-31", "tz": "Asia/Tokyo", "min": "5"}

    question = SearchQuestion.from_query({**asked, "queue": "", "other": "x", "before": "17"})

    assert question.address() == ("?q=a+b&speaker=agent&from=2026-01-31&tz=Asia%2FTokyo&min=5")
    assert SearchQuestion(query="a", zone="Asia/Tokyo").address() == "?q=a"


def test_pages_follow_each_other(supervisor, monkeypatch):
    monkeypatch.setattr("supervisor.search.read_model.PAGE_SIZE", 1)
    for name in ("c-1", "c-2"):
        analysed_call(name)

    first = supervisor.get(SEARCH, {"q": "dead", "speaker": "customer"})
    following = re.search(r'href="(\?[^"]+)" rel="next"', first.content.decode())
    second = supervisor.get(SEARCH + following[1].replace("&amp;", "&"))

    assert found(first) == ["c-2"]
    assert found(second) == ["c-1"]
    assert "First page" in text_of(second)
    assert "2 calls" in text_of(second)


def test_the_export_has_what_the_page_found(supervisor, settings):
    settings.API_AUTH = "key"
    analysed_call("c-1")

    html = supervisor.get(
        SEARCH, {"q": "dead", "max": "600", "from": "2020-01-01"}
    ).content.decode()
    address = re.search(r'href="(/v1/search\.csv\?[^"]+)"', html)[1].replace("&amp;", "&")
    response = supervisor.get(address)

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert response.status_code == 200
    assert [line.partition(",")[0] for line in lines] == ["\ufeffcall_id", "c-1", "c-1"]


def test_a_search_without_hits_suggests_another(supervisor):
    analysed_call()

    response = supervisor.get(SEARCH, {"q": "technic", "queue": "sales"})

    assert "Nothing found" in text_of(response)
    assert 'href="?q=technic%2A&amp;queue=sales"' in response.content.decode()
    assert 'href="?q=technic"' in response.content.decode()


def test_counting_stops_at_a_limit(supervisor, monkeypatch):
    analysed_call()
    monkeypatch.setattr("supervisor.search.read_model.COUNT_LIMIT", 0)

    page = read_search({"q": "dead"})

    assert (page.count, page.more_than) == (1, 0)
    monkeypatch.setattr(Search, "count", lambda self: 1001)
    monkeypatch.setattr("supervisor.search.read_model.COUNT_LIMIT", 1000)
    assert "More than 1,000 calls" in text_of(supervisor.get(SEARCH, {"q": "dead"}))


def test_more_calls_need_no_more_queries(supervisor, django_assert_num_queries):
    for _ in range(4):
        analysed_call()
    supervisor.get(SEARCH)

    # Session, user, permissions twice; open alerts, names to offer twice; calls, tags, analyses,
    # notes, holds, count; and PostgreSQL looks whether there are but few.
    with django_assert_num_queries(16 if connection.vendor == "postgresql" else 15):
        assert len(found(supervisor.get(SEARCH, {"q": "dead"}))) == 4


def test_an_agent_and_a_queue_are_found_by_a_part_of_their_names_in_page_and_table(supervisor):
    call = analysed_call("c-1")
    Call.objects.filter(pk=call.pk).update(agent="Priya Sharma", queue="billing")
    analysed_call("c-2")

    html = supervisor.get(SEARCH, {"agent": "priya", "queue": "BILL"}).content.decode()

    assert "/calls/c-1/" in html
    assert "/calls/c-2/" not in html
    assert "queue_contains=BILL&amp;agent_contains=priya" in html
    table = b"".join(supervisor.get("/v1/search.csv?q=dead&agent_contains=priya"))
    assert b"c-1" in table
    assert b"c-2" not in table


def test_a_found_call_is_named_by_the_people_on_the_phone(supervisor):
    call = analysed_call("c-1")
    people = {"agent": "Ann", "caller": "+44 20 7946 0112", "direction": "inbound"}
    Call.objects.filter(pk=call.pk).update(**people)

    text = text_of(supervisor.get(SEARCH, {"q": "dead"}))

    assert "Ann \N{LEFTWARDS ARROW} called by +44 20 7946 0112" in text


def test_found_calls_are_selected_and_acted_on_and_the_way_leads_back(operator):
    analysed_call("c-1")
    query = {"q": "dead", "agent": ""}

    page = operator.get(SEARCH, query).content.decode()
    form = {"action": "tag", "scope": "chosen", "call": ["c-1"], "list": "search?q=dead"}
    question = operator.post("/supervisor/bulk/ask/", form).content.decode()

    assert 'name="list" value="search?q=dead"' in page.replace("\n    type", " type")
    assert 'value="c-1" form="bulk"' in page
    assert "All matching" not in page
    assert "1 selected call." in question
    assert 'href="/supervisor/search/?q=dead">Cancel</a>' in question
    nothing = operator.post("/supervisor/bulk/ask/", {**form, "call": []})
    assert nothing["Location"] == "/supervisor/search/?q=dead"


def test_what_was_done_with_found_calls_leads_back_to_the_search(operator):
    analysed_call("c-1")
    form = {"action": "tag", "call": "c-1", "list": "search?q=dead", "tag": "outage"}

    done = operator.post("/supervisor/bulk/", {**form, "token": uuid4()}, follow=True)

    assert "Show it on the wallboard" in text_of(done)
    assert 'href="/supervisor/search/?q=dead">Back to the' in done.content.decode()


def test_people_who_cannot_act_select_nothing(supervisor):
    analysed_call("c-1")

    page = supervisor.get(SEARCH, {"q": "dead"}).content.decode()

    assert 'class="pick"' not in page
    assert "Make an alert rule" not in page


def test_a_search_leads_to_the_form_of_a_rule_that_watches_for_it(admin_client):
    call = analysed_call("c-1")
    Call.objects.filter(pk=call.pk).update(queue="billing")

    page = admin_client.get(SEARCH, {"q": "dead* -zebra", "queue": "billing"}).content.decode()
    link = re.search(r'href="([^"]+alertrule/add/[^"]+)"', page)[1].replace("&amp;", "&")
    form = admin_client.get(link).content.decode()

    assert link.endswith("?words=dead%2A+-zebra&queues=billing")
    assert re.search(r'<option value="words" selected', form)
    assert re.search(r"<textarea[^>]+name=\"phrases\"[^>]*>\s*dead\*</textarea>", form)
    assert re.search(r'<option value="not_said"\s+selected', form)
    assert re.search(r'<option value="billing" selected', form)


def test_a_search_is_counted_by_day_and_a_bar_leads_to_its_day(supervisor):
    for number, day in enumerate((1, 1, 3)):
        call = analysed_call(f"c-{number}")
        opened_at = datetime(2026, 3, day, 12, tzinfo=UTC)
        Call.objects.filter(pk=call.pk).update(opened_at=opened_at)

    plain = supervisor.get(SEARCH, {"q": "dead"}).content.decode()
    html = supervisor.get(SEARCH, {"q": "dead", "chart": "1"}).content.decode()

    bars = re.findall(r'<a href="([^"]+)"\s+aria-label="([^"]+)"><title>', html)
    assert [(link.replace("&amp;", "&"), " ".join(label.split())) for link, label in bars] == [
        ("?q=dead&from=2026-03-01&to=2026-03-01&chart=1", "Sun 01 Mar 2026: 2 calls"),
        ("?q=dead&from=2026-03-03&to=2026-03-03&chart=1", "Tue 03 Mar 2026: 1 call"),
    ]
    assert 'href="?q=dead&amp;chart=1"' in plain
    assert "over-time" not in plain


@pytest.mark.parametrize(
    ("days", "unit", "bars"), [(1, 1, 14), (62, 1, 62), (63, 7, 9), (400, 7, 58), (3000, 49, 62)]
)
def test_a_bar_stands_for_more_days_the_longer_the_time(days, unit, bars):
    for number, opened_at in enumerate((DAY_ONE, DAY_ONE + timedelta(days=days - 1))):
        Call.objects.create(call_id=f"c-{number}", opened_at=opened_at)

    found = read_over_time(Search(Call.objects.all(), None), UTC)

    assert (found.unit, len(found.bars)) == (unit, bars)
    assert [bar.calls for bar in found.bars if bar.calls] == ([2] if days == 1 else [1, 1])
    assert found.bars[-1].last >= (DAY_ONE + timedelta(days=days - 1)).date()


def test_the_calls_beside_a_found_one_are_found_by_the_same_words(supervisor):
    for number in range(1, 5):
        analysed_call(f"c-{number}")
    Call.objects.filter(call_id="c-2").update(queue="other")

    query = {"list": "search?q=dead&queue=", "q": "dead"}
    html = supervisor.get("/supervisor/calls/c-3/", query).content.decode()
    last = supervisor.get("/supervisor/calls/c-4/", query).content.decode()

    beside = re.findall(r'href="/supervisor/calls/(c-\d)/[^"]*" rel="(\w+)"', html)
    assert beside == [("c-4", "prev"), ("c-2", "next")]
    assert 'rel="prev"' not in last
