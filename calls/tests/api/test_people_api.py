"""Agents and queues now, over REST."""

from __future__ import annotations

import pytest

from calls import services
from calls.models import Call
from calls.tests.factories import archived_call, live_call

pytestmark = pytest.mark.django_db


def described(call: Call, **description: str) -> Call:
    return services.start_call(call_id=call.call_id, **description)


@pytest.mark.parametrize("by", ["agent", "queue"])
def test_agents_and_queues_have_their_live_calls_and_the_figures_of_today(api, by):
    described(archived_call("over"), **{by: "Ana"})
    described(live_call("first"), **{by: "Ana"})
    described(live_call("second"), **{by: "Ana"})
    described(live_call("third"), **{by: "ben"})

    answer = api.get(f"/v1/{by}s").json()

    assert [row[by] for row in answer["results"]] == ["Ana", "ben"]
    ana = answer["results"][0]
    assert (ana["live_calls"], ana["calls"], ana["handled"]) == (["first", "second"], 3, 1)
    assert ana["live_since"] == Call.objects.get(call_id="first").opened_at.isoformat().replace(
        "+00:00", "Z"
    )


def test_pages_list_everybody_once(api):
    for name in "abcde":
        described(live_call(name), agent=name)
    url, found = "/v1/agents?limit=2", []

    while url:
        page = api.get(url).json()
        found += [row["agent"] for row in page["results"]]
        url = page["next"]

    assert found == list("abcde")
    assert page["count"] == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "offset=x"])
def test_a_page_that_is_not_valid_is_refused_by_name(api, query):
    answer = api.get(f"/v1/agents?{query}")

    assert (answer.status_code, list(answer.json())) == (400, [query.partition("=")[0]])


def test_the_number_of_queries_does_not_grow_with_agents(api, django_assert_max_num_queries):
    for name in "abcdef":
        described(live_call(name), agent=name)

    with django_assert_max_num_queries(8):
        api.get("/v1/agents")
