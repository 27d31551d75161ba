"""The wallboard's read model and its address: filters, order and choices."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.models import AlertRule, Call, MinuteSample
from calls.monitoring.samples import take_sample
from calls.tests.factories import live_call
from supervisor.board import read_model as board_read_model
from supervisor.board.history import read_history
from supervisor.figures import read_figures
from supervisor.live.pace import FeedPace
from supervisor.ordering import SORTS
from supervisor.selection import Filter
from supervisor.tests.factories import analysed_call, shown, text_of

pytestmark = pytest.mark.django_db
BOARD = "/supervisor/"


@pytest.fixture
def three_calls():
    now = timezone.now()
    for number, (agent, queue, packets, missing, mood) in enumerate(
        [
            ("Bo", "sales", 10, 5, "POSITIVE"),
            ("Al", "", 30, 0, ""),
            ("", "cards", 20, 1, "NEGATIVE"),
        ]
    ):
        Call.objects.create(
            call_id=f"c-{number}",
            agent=agent,
            queue=queue,
            packet_count=packets,
            missing_count=missing,
            customer_sentiment=mood,
            opened_at=now - timedelta(minutes=number),
        )


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-opened", ["c-0", "c-1", "c-2"]),
        ("opened", ["c-2", "c-1", "c-0"]),
        ("-duration", ["c-2", "c-1", "c-0"]),
        ("agent", ["c-1", "c-0", "c-2"]),
        ("-agent", ["c-0", "c-1", "c-2"]),
        ("queue", ["c-2", "c-0", "c-1"]),
        ("-packets", ["c-1", "c-2", "c-0"]),
        ("-loss", ["c-0", "c-2", "c-1"]),
        ("customer", ["c-2", "c-0", "c-1"]),
    ],
)
def test_sorting_by_a_column_puts_unknown_values_last(supervisor, three_calls, sort, expected):
    response = supervisor.get(BOARD, {"sort": sort, "columns": "packets,loss,queue,opened"})

    assert shown(response) == expected
    is_shown = sort.removeprefix("-") not in ("duration", "customer")
    assert is_shown == ('aria-sort="' in response.content.decode())


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS)])
def test_every_order_can_be_asked_for(supervisor, three_calls, sort):
    assert len(shown(supervisor.get(BOARD, {"sort": sort, "page": "1"}))) == 3


def test_a_bookmark_with_an_older_name_of_an_order_still_sorts():
    assert Filter.from_query({"sort": "-mood"}).sort == "-sentiment"


def test_other_orders_also_have_pages(supervisor):
    Call.objects.bulk_create(
        Call(call_id=f"c-{number}", packet_count=number) for number in range(60)
    )

    first = supervisor.get(BOARD, {"sort": "packets"})
    following = re.search(r'id="older" href="([^"]+)"', first.content.decode()).group(1)

    assert shown(first)[0] == "c-0"
    assert shown(supervisor.get(BOARD + following.replace("&amp;", "&")))[0] == "c-50"


def test_other_orders_sort_only_the_newest_calls(monkeypatch, three_calls):
    monkeypatch.setattr("supervisor.ordering.SORTED_LIMIT", 2)

    page = board_read_model.read_page(Filter.from_query({"sort": "packets"}))

    assert [row.call.call_id for row in page.rows] == ["c-2", "c-1"]


def test_queue_and_agent_are_offered_filtered_by_and_kept(supervisor, three_calls):
    response = supervisor.get(BOARD, {"queue": "sales", "agent": "Bo", "sort": "-loss"})

    html = response.content.decode()
    assert shown(response) == ["c-0"]
    assert 'name="queue" value="sales" list="queues"' in html
    assert '<option value="cards"></option>' in html
    assert 'href="?state=FAILED&amp;queue=sales&amp;agent=Bo&amp;sort=-loss"' in html


def test_a_queue_without_recent_calls_stays_selected(supervisor, three_calls):
    html = supervisor.get(BOARD, {"queue": "<gone>"}).content.decode()

    assert 'name="queue" value="&lt;gone&gt;"' in html


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "call_id"},
        {"sort": "--opened"},
        {"sort": "-packets", "page": "0"},
        {"page": "99999999999999999999"},
        {"sort": "loss", "page": "-1"},
        {"before": "²"},
        {"before": "9" * 30},
        {"queue": "\0", "agent": "\0"},
        {"q": "%_\\'\""},
        {"customer": "SAD"},
        {"bulk": "x"},
        {"bulk": "9" * 18},
        {"from": "yesteryear", "to": "2026-02-31"},
        {"from": "9999-12-31", "to": "0001-01-01"},
        {"from": "-9999", "tz": "Mars/Olympus"},
        {"columns": "nothing"},
        {"columns": "<b>"},
        {"before": "live-"},
        {"before": f"{'9' * 18}-1"},
        {"state": ["FAILED", "x"]},
    ],
)
@pytest.mark.parametrize("path", [BOARD, "/supervisor/rows"])
def test_an_invalid_address_is_not_an_error(supervisor, three_calls, path, query):
    assert supervisor.get(path, query).status_code == 200


def test_rows_without_ids_are_the_page(supervisor, three_calls):
    rows = supervisor.get("/supervisor/rows", {"sort": "-packets"})

    assert shown(rows) == ["c-1", "c-2", "c-0"]


def test_an_address_leaves_out_default_values():
    wanted = Filter.from_query({"state": "FAILED", "sort": "live", "page": "1", "q": " a b "})

    assert wanted.address() == "?state=FAILED&q=a+b"
    assert Filter.from_query({}).address() == "?"


def test_the_median_is_that_of_the_last_half_hour():
    now = timezone.now()
    for seconds in (10, 20, 90):
        analysed_call(f"c-{seconds}")
        Call.objects.filter(call_id=f"c-{seconds}").update(
            ended_at=now - timedelta(seconds=seconds), state_changed_at=now
        )
    analysed_call("long-ago")
    Call.objects.filter(call_id="long-ago").update(state_changed_at=now - timedelta(hours=1))

    assert read_figures().archive_s == 20


def test_without_archived_calls_there_is_no_median(supervisor):
    live_call()

    assert read_figures().archive_s is None
    assert "Median to archive \N{EN DASH}" in text_of(supervisor.get(BOARD))


def minutes_of(response):
    return re.findall(r'data-as="minute" title="[^"]+">(.{6})', response.content.decode())


def test_a_fresh_page_shows_the_last_half_hour_at_once(supervisor):
    now = timezone.now()
    for minute in (45, 20, 1):
        take_sample(now - timedelta(minutes=minute))

    page, part = supervisor.get(BOARD), supervisor.get("/supervisor/history")

    assert len(read_history()) == 2
    for response in (page, part):
        assert response.content.decode().count("data-at=") == 2
        # Samples are taken within a minute, and not at its start.
        assert all(re.match(r"\d\d:\d\d<", at) for at in minutes_of(response))


def test_without_a_sample_the_chart_says_when_it_begins(supervisor):
    assert not MinuteSample.objects.exists()

    assert "The chart starts once a worker has been running" in text_of(supervisor.get(BOARD))


def test_packets_a_second_come_from_counters():
    pace = FeedPace()

    pace.add([("old", 1000, False)], now=0.0)
    assert pace.per_s is None
    pace.add([("old", 1010, False), ("new", 10, True)], now=1.0)
    assert pace.per_s == 20
    pace.add([("old", 1000, False)], now=2.0)
    assert pace.per_s == 10
    for second in range(3, 15):
        pace.add([], now=float(second))
    assert pace.per_s == 0


def test_a_live_call_that_a_search_names_is_found_with_its_queue(supervisor):
    services.start_call(call_id="x-1", agent="Ana", queue="billing")

    assert shown(supervisor.get(BOARD, {"queue": "billing", "q": "x-"})) == ["x-1"]


def where(response):
    html = response.content.decode()
    text = re.search(r'id="where">(.*?)</p>', html, re.DOTALL).group(1)
    return " ".join(text.split()).replace("\N{EN DASH}", "-")


def test_a_page_shows_its_position_and_the_total(supervisor):
    Call.objects.bulk_create(Call(call_id=f"c-{number}") for number in range(60))

    first = supervisor.get(BOARD, {"rows": "25"})
    older = re.search(r'id="older" href="([^"]+)"', first.content.decode()).group(1)
    second = supervisor.get(BOARD + older.replace("&amp;", "&"))

    assert len(shown(first)) == len(shown(second)) == 25
    assert where(first) == "1-25 of 60"
    assert where(second) == "26-50 of 60"
    assert where(supervisor.get(BOARD, {"sort": "packets", "rows": "25", "page": "3"})) == (
        "51-60 of 60"
    )
    assert where(supervisor.get(BOARD, {"rows": "100"})) == "60 calls"


def test_a_search_is_not_counted_through_the_archive(supervisor):
    Call.objects.bulk_create(Call(call_id=f"c-{number}") for number in range(60))

    assert where(supervisor.get(BOARD, {"q": "c-"})) == "1-50"
    assert where(supervisor.get(BOARD, {"q": "c-1"})) == "11 calls"


def test_a_count_above_the_limit_is_shown_as_more_than(supervisor, monkeypatch):
    monkeypatch.setattr("supervisor.board.read_model.SORTED_LIMIT", 55)
    Call.objects.bulk_create(Call(call_id=f"c-{number}") for number in range(60))

    assert where(supervisor.get(BOARD)) == "1-50 of more than 55"


def test_the_number_of_rows_is_kept_by_every_link(supervisor, three_calls):
    html = supervisor.get(BOARD, {"rows": "250"}).content.decode()

    assert 'href="?state=FAILED&amp;rows=250"' in html
    assert re.search(r'<option value="250"\s+selected>250</option>', html)
    assert Filter.from_query({"rows": "251"}).size == 50


def test_tabs_count_the_calls_of_the_site_unless_a_filter_hides_some(supervisor, three_calls):
    whole, part = supervisor.get(BOARD), supervisor.get(BOARD, {"queue": "sales"})

    assert '<span class="tabs__count" data-figure="live">3</span>' in whole.content.decode()
    assert "tabs__count" not in part.content.decode()


def test_an_archived_call_shows_its_summary(supervisor):
    analysed_call("done")

    assert "Done: A dead line is repaired." in text_of(supervisor.get(BOARD))


def test_a_row_names_its_worst_open_alert(supervisor, three_calls):
    call = Call.objects.get(call_id="c-0")
    for severity, name in ((1, "Mild"), (3, "Grave"), (2, "Middling")):
        rule = AlertRule.objects.create(name=name, kind="words", severity=severity, phrases="x")
        raise_alerts([AlertMatch(rule, call.pk, found="x")], now=timezone.now())

    text = text_of(supervisor.get(BOARD))

    assert "Critical alert: Grave" in text
    assert "+2 , 3 alerts" in text
    assert "Middling" not in text
