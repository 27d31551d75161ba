"""Finished bulk actions in the admin: who started them, on which calls, and what was refused."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.actions.bulk import AT_ONCE, start_bulk, stop_bulk
from calls.lifecycle import CallState
from calls.models import BulkAction
from calls.tests.admin.test_admin import HOSTILE, change, changelist, rows_in, text_of

pytestmark = pytest.mark.django_db
MANY = [f"c-{at}" for at in range(AT_ONCE + 5)]


def test_the_page_of_an_action_shows_who_did_what_to_which_calls_and_refusals(boss, call_in):
    call_in(CallState.FAILED, "failed")
    call_in(CallState.ARCHIVED, "archived")
    query = "?state=FAILED&tag=outage"
    action = start_bulk(kind="retry", call_ids=["failed", "archived"], by="ann", query=query)
    ContentType.objects.get_for_model(action)  # a process asks for it once

    with CaptureQueriesContext(connection) as queries:
        page = text_of(boss.get(change(action)))

    assert "Retry 2 calls" in page
    assert '<div class="readonly">ann</div>' in page
    assert '<a href="/supervisor/?state=FAILED&amp;tag=outage">' in page
    assert "1 done, 1 refused, 0 not done" in page
    assert ">archived<" in page
    assert "A call that is archived cannot be retried." in page
    assert ">failed<" not in page
    assert f"/supervisor/bulk/{action.pk}/" in page
    assert len(queries) <= 7


def test_the_list_shows_running_and_stopped_actions_and_refusals(boss, call_in):
    call_in(CallState.ARCHIVED, "archived")
    start_bulk(kind="tag", call_ids=["archived"], by="ann", tag="vip")
    start_bulk(kind="reanalyse", call_ids=["nowhere"], by="bob", stage="understand", query="?")
    stopped = start_bulk(kind="end", call_ids=MANY, by="bob")
    stop_bulk(action_pk=stopped.pk, by="eve")
    start_bulk(kind="end", call_ids=MANY, by="bob")

    page = text_of(boss.get(changelist("calls_bulkaction")))
    by_state = [
        rows_in(boss.get(changelist("calls_bulkaction"), {"standing": state}))
        for state in ("work", "finished", "stopped")
    ]
    of_ann = boss.get(changelist("calls_bulkaction"), {"q": "ann"})

    for text in ("Tag 1 call: vip", "Reanalyse 1 call: from understand on", "End 30 calls",
                 "no filter: every call", "Running", "Stopped by eve", "Finished"):  # fmt: skip
        assert text in page
    assert page.count(">Some calls<") == 1
    assert by_state == [1, 2, 1]
    assert rows_in(of_ann) == 1


def test_a_person_with_the_permission_sees_bulk_actions_and_their_refused_calls(person):
    action = start_bulk(kind="end", call_ids=["nowhere"], by="ann")

    page = text_of(person("view_bulkaction").get(change(action)))

    assert "There is no call nowhere." in page
    assert "_save" not in page


def test_without_the_permission_there_is_no_list(person):
    assert person("view_call").get(changelist("calls_bulkaction")).status_code == 403


def test_hostile_names_and_filters_are_escaped(boss):
    action = start_bulk(kind="end", call_ids=[HOSTILE], by=HOSTILE, query=f"?q={HOSTILE}")

    for address in (change(action), changelist("calls_bulkaction")):
        assert "<script>alert" not in text_of(boss.get(address))
    assert BulkAction.objects.count() == 1
