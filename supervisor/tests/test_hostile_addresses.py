"""No parameter in the address of a page causes a 500."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.tests.api.test_hostile_requests import VALUES, encoded
from calls.tests.factories import archived_call

pytestmark = pytest.mark.django_db
BOARD = [
    *("state", "q", "queue", "agent", "alert", "tag", "customer", "from", "to", "tz", "bulk"),
    *("sort", "before", "page", "rows", "columns", "mine"),
]
SEARCH = [
    *("q", "speaker", "in", "from", "to", "tz", "min", "max", "state", "tag", "alert"),
    *("chart", "before"),
]
PAGES = {
    "/supervisor/": BOARD,
    "/supervisor/rows": [*BOARD, "id"],
    "/supervisor/calls.csv": BOARD,
    "/supervisor/search/": SEARCH,
    "/supervisor/agents/": ["q", "sort", "page"],
    "/supervisor/queues/": ["q", "sort", "page"],
    "/supervisor/agent/": ["name", "days", "from", "to"],
    "/supervisor/queue/": ["name", "days", "from", "to"],
    "/supervisor/days/": ["days", "from", "to"],
    "/supervisor/alerts/": ["show", "severity", "rule", "queue", "call", "before"],
    "/supervisor/calls/hostile-1/": ["unredacted", "events", "q", "speaker", "in", "t", "list"],
    "/supervisor/calls/hostile-1/packets": [],
    "/supervisor/calls/hostile-1/waveform": ["unredacted"],
    "/supervisor/wall/": ["page", "queue", "seconds", "customers", "words", "theme"],
    f"/supervisor/wall/{2**64}/": ["page"],
    "/supervisor/bulk/": ["page"],
    f"/supervisor/bulk/{2**64}/": [],
    f"/supervisor/alerts/{2**64}/acknowledge/": [],
}


NULS = [
    *(f"{path}?{name}=%00a%00" for path, names in PAGES.items() for name in names),
    *("/supervisor/rows?id=a&id=%00", "/admin/calls/call/?q=%00", "/admin/calls/call/?agent=%00"),
    "/admin/calls/call/?state__exact=%00",
]
NO_PAGES = ["/supervisor/calls/a%00b/", "/supervisor/calls/%00/packets", "/wall/%00/", "/%00"]


@st.composite
def addresses(draw):
    path = draw(st.sampled_from(list(PAGES)))
    names = PAGES[path]
    chosen = draw(st.lists(st.sampled_from(names), max_size=4)) if names else []
    return f"{path}?{encoded([(name, draw(VALUES)) for name in chosen])}"


@pytest.fixture
def reader(operator):
    archived_call("hostile-1")
    operator.raise_request_exception = False
    return operator


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(address=addresses())
def test_a_page_accepts_any_address(reader, address):
    response = reader.get(address)

    b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code < 500


@pytest.mark.parametrize("address", NULS)
def test_a_nul_in_a_parameter_is_ignored(reader, address):
    assert reader.get(address).status_code < 500


@pytest.mark.parametrize("address", NO_PAGES)
def test_an_address_with_a_nul_is_not_found(reader, address):
    assert reader.get(address).status_code == 404


def test_a_nul_in_a_repeated_parameter_of_the_api_finds_nothing(reader):
    response = reader.get("/v1/call?field=a:%00&field=b:c")

    assert (response.status_code, response.json()["results"]) == (200, [])
