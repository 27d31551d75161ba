"""The columns of the wallboard, and what a row shows."""

from __future__ import annotations

import re

import pytest

from calls.models import Call
from calls.tests.factories import live_call
from supervisor.board.columns import COLUMNS, shown_columns
from supervisor.templatetags.look import customer_of, halves
from supervisor.tests.factories import raise_alert, text_of

BOARD = "/supervisor/"


def names(columns):
    return [column.name for column in columns]


@pytest.mark.parametrize("given", [[], ["nothing"], [""]])
def test_without_a_choice_the_usual_columns_are_shown(given):
    usual = [column.name for column in COLUMNS if column.is_usual]

    assert names(shown_columns(given)) == usual


def test_chosen_columns_are_in_the_order_of_the_board_beside_those_always_shown():
    assert names(shown_columns(["loss", "queue", "x"])) == ["state", "call", "queue", "loss"]


@pytest.mark.django_db
def test_columns_are_chosen_in_the_address_and_in_a_form(supervisor):
    live_call("c-1")

    for query in ({"columns": "queue,loss"}, {"columns": ["call", "queue", "loss"]}):
        html = supervisor.get(BOARD, query).content.decode()
        row = re.search(r'<tr role="row" id="call-.*?</tr>', html, re.DOTALL)[0]
        cells = re.findall(r'class="c-(\w+)"', row)

        assert cells == ["state", "call", "queue", "loss"]
        assert re.findall(r'scope="col" class="c-(\w+)"', html) == cells


@pytest.mark.django_db
def test_links_and_forms_keep_the_columns(supervisor):
    live_call("c-1")

    html = supervisor.get(BOARD, {"columns": "queue"}).content.decode()

    assert 'href="?state=FAILED&amp;columns=queue"' in html
    assert html.count('<input type="hidden" name="columns" value="queue">') == 2
    assert 'href="/supervisor/calls/c-1/?list=columns%3Dqueue"' in html


@pytest.mark.django_db
def test_a_row_begins_with_the_agent_then_the_customer_then_the_id(supervisor):
    Call.objects.create(call_id="a-long-call-id-12345678", agent="Ana", caller="+4420")
    Call.objects.create(call_id="nobody-knows")
    Call.objects.create(call_id="no-agent", caller="+4421")

    text = text_of(supervisor.get(BOARD))

    assert "Ana +4420 a-long-call-id- 12345678" in text
    assert "Agent unknown +4421" in text
    assert 'title="a-long-call-id-12345678"' in supervisor.get(BOARD).content.decode()


@pytest.mark.parametrize(
    ("direction", "expected"), [("", "caller"), ("inbound", "caller"), ("outbound", "callee")]
)
def test_the_customer_is_the_party_that_is_not_the_agent(direction, expected):
    assert customer_of(Call(caller="caller", callee="callee", direction=direction)) == expected


def test_a_call_id_is_cut_before_its_end():
    assert halves("demo-double-charge-12345678") == ("demo-double-charge-", "12345678")
    assert halves("short") == ("", "short")


@pytest.mark.django_db
def test_a_failed_call_with_a_warning_has_the_marks_of_both(supervisor):
    call = Call.objects.create(call_id="c-1", state="FAILED")
    raise_alert(call, severity=2)

    html = supervisor.get(BOARD).content.decode()

    classes = re.search(r'class="(row [^"]*)"', html, re.DOTALL)[1].split()
    assert classes == ["row", "row--failed", "row--alert", "row--alert-warning"]
