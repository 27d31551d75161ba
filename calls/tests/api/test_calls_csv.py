"""Lists of calls as CSV: all of them, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest

from calls.exports.clean import cell
from calls.exports.table import COLUMNS, ROWS_AT_ONCE
from calls.lifecycle import CallState
from calls.models import Call

pytestmark = pytest.mark.django_db


def text_of(response):
    streaming = getattr(response, "streaming", False)
    return (b"".join(response.streaming_content) if streaming else response.content).decode()


def rows_of(response):
    return list(csv.DictReader(io.StringIO(text_of(response), newline="")))


def test_the_table_has_every_matching_call_newest_first(api, call_in):
    for number in range(3):
        call_in(CallState.FAILED, f"f-{number}", queue="billing")
    call_in(CallState.FAILED, "other", queue="sales")

    rows = rows_of(api.get("/v1/calls.csv?state=FAILED&queue=billing"))

    assert [row["call_id"] for row in rows] == ["f-2", "f-1", "f-0"]
    assert tuple(rows[0]) == (*COLUMNS, "tags")
    assert rows[0]["state"] == "FAILED"


def test_an_empty_table_has_its_header(api):
    assert text_of(api.get("/v1/calls.csv")).strip() == ",".join([*COLUMNS, "tags"])


@pytest.mark.parametrize("name", ["calls", "search", "alerts"])
def test_a_table_starts_with_a_byte_order_mark_for_those_who_ask(api, name):
    plain, marked = (
        text_of(api.get(f"/v1/{name}.csv?bom={wanted}")) for wanted in ("false", "true")
    )

    assert marked == "\ufeff" + plain
    assert api.get(f"/v1/{name}.csv?bom=perhaps").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+A44",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\x00=1",
        "\uff1d1",
        "\uff0b1",
    ],
)
def test_no_cell_starts_like_a_formula(text):
    assert cell(text).startswith("'")
    assert "\n" not in cell(text)


@pytest.mark.parametrize(("value", "shown"), [(None, ""), (0, "0"), (-1, "-1"), ("a=1", "a=1")])
def test_other_cells_are_shown_as_they_are(value, shown):
    assert cell(value) == shown


def test_hostile_descriptions_stay_in_their_cells(api, call_in):
    nasty = '=HYPERLINK("http://evil",\r\n"x"),;\u2028'
    call_in(CallState.FAILED, agent=nasty, last_error='@"a","b"\nc')

    (row,) = rows_of(api.get("/v1/calls.csv"))

    assert row["agent"] == '\'=HYPERLINK("http://evil", "x"),;'
    assert row["last_error"] == '\'@"a","b" c'


def test_a_long_table_takes_two_queries_for_each_block_and_two_more(api, django_assert_num_queries):
    Call.objects.bulk_create(Call(call_id=f"c-{n}") for n in range(2 * ROWS_AT_ONCE + 1))

    with django_assert_num_queries(9):
        rows = rows_of(api.get("/v1/calls.csv"))

    assert len({row["call_id"] for row in rows}) == 2 * ROWS_AT_ONCE + 1


def test_the_table_needs_the_scope_to_read(api_with_key):
    assert api_with_key("ingest", "supervise").get("/v1/calls.csv").status_code == 403
    assert api_with_key().get("/v1/calls.csv").status_code in (401, 403)


def test_the_table_refuses_an_invalid_filter(api):
    response = api.get("/v1/calls.csv?state=DANCING")

    assert response.status_code == 400
    assert "state" in response.json()


def test_a_call_may_be_named_like_the_table(api, call_in):
    call_in(call_id="calls.csv")

    assert api.get("/v1/call/calls.csv").json()["call_id"] == "calls.csv"
