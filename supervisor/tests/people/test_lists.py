"""The lists of agents and queues: who is talking, today's figures, order and cost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.lifecycle import CallState
from calls.models import Call
from supervisor.tests.factories import raise_alert, text_of

pytestmark = pytest.mark.django_db
AGENTS, QUEUES = "/supervisor/agents/", "/supervisor/queues/"
ODD = "Zoë <b>& Söhne</b>/?#+ “x”"


@pytest.fixture(autouse=True)
def _noon(settings) -> None:
    """It is about noon in the time zone of the site, so that minutes ago were today."""
    settings.TIME_ZONE = f"Etc/GMT{timezone.now().hour - 12:+d}"


def talking(call_id, *, for_s=60, **fields):
    opened_at = timezone.now() - timedelta(seconds=for_s)
    return Call.objects.create(call_id=call_id, opened_at=opened_at, **fields)


def talked(call_id, *, lasted_s=90, ago=timedelta(0), **fields):
    ended_at = timezone.now() - ago
    return Call.objects.create(
        call_id=call_id,
        state=CallState.ARCHIVED,
        opened_at=ended_at - timedelta(seconds=lasted_s),
        ended_at=ended_at,
        **fields,
    )


def names(response):
    return re.findall(r' data-name="([^"]*)"', response.content.decode())


def row(response, name):
    """Return the text of a row."""
    text = response.content.decode()
    start = text.index(f'data-name="{name}"')
    return " ".join(re.sub(r"<[^>]+>", " ", text[start : text.index("</tr>", start)]).split())


@pytest.mark.parametrize("path", [AGENTS, QUEUES, "/supervisor/agent/", "/supervisor/queue/"])
def test_only_people_who_may_see_calls_see_agents_and_queues(client, visitor, path):
    assert client.get(path).url.startswith("/supervisor/login/")
    assert visitor().get(path).status_code == 403


def test_an_agent_on_a_call_shows_with_whom_and_how_it_goes(supervisor):
    talking(
        "live", agent="ana", caller="+4930123", queue="billing", customer_sentiment="NEGATIVE",
        customer_trend="worsening", agent_sentiment="POSITIVE",
    )  # fmt: skip

    page = supervisor.get(AGENTS)

    shown = row(page, "ana")
    assert re.search(r"On a call for 1:0\d", shown)
    assert "+4930123 billing Negative worsening Positive" in shown
    assert "/supervisor/calls/live/" in page.content.decode()


def test_the_customer_of_a_call_that_we_made_is_the_one_called(supervisor):
    talking("live", agent="ana", caller="100", callee="+4930123", direction="outbound")

    assert "+4930123" in row(supervisor.get(AGENTS), "ana")


def test_today_counts_calls_sentiment_handling_time_and_open_alerts(supervisor):
    talked("one", agent="ana", lasted_s=60, customer_sentiment="NEGATIVE")
    alerting = talked("two", agent="ana", lasted_s=120, customer_sentiment="POSITIVE")
    raise_alert(alerting)
    raise_alert(alerting, number=2, severity=1)
    talked("old", agent="ana", ago=timedelta(days=2), customer_sentiment="NEGATIVE")

    shown = row(supervisor.get(AGENTS), "ana")

    assert "2 open alerts, the worst critical" in shown
    assert shown.endswith("2 50 % negative 1:30")


def test_agents_without_a_call_today_are_still_listed(supervisor):
    talked("old", agent="ana", ago=timedelta(days=2))

    assert "no calls today" in row(supervisor.get(AGENTS), "ana")


def test_a_queue_shows_its_live_calls_the_longest_one_and_customer_sentiment(supervisor):
    talking("a", queue="billing", agent="ana", for_s=600, customer_sentiment="NEGATIVE")
    talking("b", queue="billing", agent="ben", for_s=30, customer_sentiment="POSITIVE")
    talked("c", queue="billing", lasted_s=45)

    shown = row(supervisor.get(QUEUES), "billing")

    assert re.search(r"2 Longest call: 10:0\d ana 1 negative 1 positive", shown)
    assert shown.endswith("3 1 50 % negative 0:45")


def test_talking_agents_come_first_and_calls_without_an_agent_last(supervisor):
    talked("1", agent="a idle")
    talking("2", agent="b short", for_s=10)
    talking("3", agent="c long", for_s=500)
    talking("4", for_s=900)

    assert names(supervisor.get(AGENTS)) == ["c long", "b short", "a idle", ""]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("worst", ["angry", "sad", "calm"]),
        ("calls", ["calm", "angry", "sad"]),
        ("negative", ["sad", "angry", "calm"]),
        ("handling", ["sad", "angry", "calm"]),
        ("alerts", ["angry", "calm", "sad"]),
        ("name", ["angry", "calm", "sad"]),
        ("nonsense", ["sad", "calm", "angry"]),
    ],
)
def test_a_list_is_sorted_on_request(supervisor, sort, expected):
    raise_alert(talked("1", agent="angry", lasted_s=90, customer_sentiment="NEUTRAL"))
    talking("2", agent="sad", customer_sentiment="NEGATIVE")
    talked("3", agent="calm", lasted_s=10, customer_sentiment="POSITIVE")
    talked("4", agent="calm", lasted_s=10, customer_sentiment="POSITIVE")
    talked("5", agent="sad", lasted_s=900) if sort == "handling" else None

    assert names(supervisor.get(AGENTS, {"sort": sort})) == expected


def test_a_search_finds_part_of_a_name_in_any_case(supervisor):
    talked("1", agent="Ana Lopez")
    talked("2", agent="Ben")

    assert names(supervisor.get(AGENTS, {"q": "LOP"})) == ["Ana Lopez"]
    assert "No name contains “x<y”" in text_of(supervisor.get(AGENTS, {"q": "x<y"})).replace(
        "&lt;", "<"
    )


def test_names_with_any_characters_link_to_their_page(supervisor):
    talked("1", agent=ODD, queue=ODD)

    for path in (AGENTS, QUEUES):
        link = re.search(
            r'href="(/supervisor/\w+/\?name=[^"]+)"', supervisor.get(path).content.decode()
        )
        page = supervisor.get(link[1])
        assert page.status_code == 200
        assert "Zoë &lt;b&gt;&amp; Söhne" in page.content.decode()


def test_a_long_list_has_pages(supervisor, monkeypatch):
    monkeypatch.setattr("supervisor.people.lists.PAGE_SIZE", 2)
    for number in range(3):
        talked(str(number), agent=f"agent {number}")

    first = supervisor.get(AGENTS, {"sort": "name"})
    second = supervisor.get(AGENTS, {"sort": "name", "page": "2"})

    assert names(first) == ["agent 0", "agent 1"]
    assert 'href="?sort=name&amp;page=2"' in first.content.decode()
    assert names(second) == ["agent 2"]
    assert 'href="?sort=name"' in second.content.decode()


@pytest.mark.parametrize("path", [AGENTS, QUEUES])
def test_a_list_takes_as_many_statements_for_many_calls_as_for_few(supervisor, path):
    def count():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert supervisor.get(path).status_code == 200
        return len(captured)

    talking("0", agent="agent", queue="queue")
    few = count()
    for number in range(1, 30):
        raise_alert(talking(str(number), agent=f"agent {number}", queue=f"queue {number}"))

    assert count() == few
