"""Reports over the API: ranges, filters, tables, and refusals that name the parameter."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from calls.models import Call

pytestmark = pytest.mark.django_db
MARCH = "from=2026-03-01&to=2026-03-31"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def floor():
    for number, (agent, queue, sentiment) in enumerate(
        [
            ("Zoë", "billing", "NEGATIVE"),
            ("ana", "billing", ""),
            ("ana", "sales & more", "POSITIVE"),
            ("", "", ""),
        ]
    ):
        Call.objects.create(
            call_id=f"c-{number}",
            agent=agent,
            queue=queue,
            customer_sentiment=sentiment,
            opened_at=NOON + timedelta(days=number),
            ended_at=NOON + timedelta(days=number, seconds=100 * number),
        )


def results(api, path):
    response = api.get(f"/v1/reports/{path}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_agents_are_listed_by_name_with_their_figures(api, floor):
    response = api.get(f"/v1/reports/agents?{MARCH}").json()

    assert (response["from"], response["to"]) == ("2026-03-01", "2026-03-31")
    assert response["time_zone"] == "UTC"
    assert [each["agent"] for each in response["results"]] == ["", "ana", "Zoë"]
    assert response["results"][1] == {
        "agent": "ana",
        "calls": 2,
        "handled": 2,
        "average_handling_s": 150.0,
        "customer_positive": 1,
        "customer_neutral": 0,
        "customer_negative": 0,
        "negative_percent": 0.0,
        "agent_positive": 0,
        "agent_neutral": 0,
        "agent_negative": 0,
        "alerts": 0,
    }


def test_reports_can_be_limited_to_one_name_of_any_characters_or_to_none(api, floor):
    found = results(api, f"queues?{MARCH}&queue=sales+%26+more")
    unknown = results(api, f"queues?{MARCH}&agent=")

    assert [each["queue"] for each in found] == ["sales & more"]
    assert [each["calls"] for each in unknown] == [1]


def test_days_are_those_of_the_time_zone(api, floor):
    days = results(api, "days?from=2026-03-10&to=2026-03-12&tz=Pacific/Auckland")

    assert [(each["day"], each["calls"]) for each in days] == [
        ("2026-03-10", 0),
        ("2026-03-11", 1),
        ("2026-03-12", 1),
    ]


@pytest.mark.parametrize("by", ["agents", "queues", "days"])
def test_every_report_is_also_a_csv_table(api, floor, by):
    response = api.get(f"/v1/reports/{by}.csv?{MARCH}", HTTP_ACCEPT="text/csv")
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert response["Content-Disposition"] == f'attachment; filename="{by}.csv"'
    listed = results(api, f"{by}?{MARCH}")
    assert [row["calls"] for row in rows] == [str(each["calls"]) for each in listed]
    assert list(rows[0]) == list(listed[0])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=March", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-03-02&to=2026-03-01", "to"),
        ("from=2020-01-01", "from"),
        ("tz=Mars/Base", "tz"),
        ("agent=" + "a" * 201, "agent"),
        ("queue=%00", "queue"),
    ],
)
def test_a_refusal_names_the_parameter(api, query, field):
    response = api.get(f"/v1/reports/days?{query}")

    assert response.status_code == 400
    assert set(response.json()) == {field}


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("ingest", 403)])
def test_reports_need_the_scope_read(api_with_key, scope, status):
    assert api_with_key(scope).get("/v1/reports/agents").status_code == status
