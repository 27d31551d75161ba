"""The other calls of a customer: who counts as the same customer, and what finding them costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls import services
from calls.models import Call
from supervisor.call.other_calls import SHOWN, read_other_calls
from supervisor.tests.factories import text_of

pytestmark = pytest.mark.django_db
NUMBER = "+44 20 7946 0112"


def call(call_id, **fields):
    services.start_call(call_id=call_id, **fields)
    return Call.objects.get(call_id=call_id)


def found(of):
    other = read_other_calls(of)
    return other and [each.call_id for each in other.calls]


def test_calls_from_and_to_the_same_number_are_found_newest_first():
    inbound = call("inbound", caller=NUMBER, direction="inbound")
    call("unknown-direction", caller=NUMBER)
    outbound = call("outbound", caller="+1", callee=NUMBER, direction="outbound")
    call("another", caller="+44 20 7946 0113")
    call("to-us", caller="+1", callee=NUMBER, direction="inbound")
    call("from-us", caller=NUMBER, callee="+2", direction="outbound")

    assert found(inbound) == ["outbound", "unknown-direction"]
    assert found(outbound) == ["unknown-direction", "inbound"]


@pytest.mark.parametrize("caller", ["", "anonymous", "sip:anonymous@anonymous.invalid", "Unknown"])
def test_callers_with_withheld_numbers_are_not_the_same_customer(caller):
    call("c-1", caller=caller)

    assert read_other_calls(call("c-2", caller=caller)) is None


def test_finding_other_calls_uses_an_index():
    of = call("c-1", caller=NUMBER)
    Call.objects.bulk_create(
        Call(call_id=f"other-{n}", caller=f"+44{n}", callee=f"+45{n}") for n in range(2000)
    )

    with CaptureQueriesContext(connection) as caught:
        read_other_calls(of)
    reading = [query["sql"] for query in caught if 'FROM "calls_call"' in query["sql"]]

    assert len(reading) == 2
    for sql, index in zip(reading, ("call_by_caller", "call_by_callee"), strict=True):
        assert index in plan_of(sql)


def plan_of(sql):
    """Return how the database finds the rows of a query, as text."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE calls_call")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row) for row in cursor.fetchall())


def test_only_the_newest_are_shown_and_the_rest_is_a_link(supervisor):
    for number in range(SHOWN + 2):
        call(f"c-{number}", caller=NUMBER)

    page = supervisor.get("/supervisor/calls/c-0/")

    assert found(Call.objects.get(call_id="c-0")) == ["c-6", "c-5", "c-4", "c-3", "c-2"]
    assert "Other calls of this customer All calls" in text_of(page)
    assert 'href="/supervisor/?q=%2B44+20+7946+0112"' in page.content.decode()


def test_finding_other_calls_and_their_holds_takes_three_queries(django_assert_num_queries):
    first = call("c-1", caller=NUMBER)
    call("c-2", caller=NUMBER)

    with django_assert_num_queries(3):
        read_other_calls(first)
