"""Actions on many calls over REST."""

from __future__ import annotations

import uuid

import pytest

from calls.models import BulkAction, Call
from calls.tests.factories import archived_call, failed_call

pytestmark = pytest.mark.django_db


def test_an_action_on_many_calls_is_started_and_followed(api_with_key):
    failed_call("c-1")
    archived_call("c-2")
    api = api_with_key("supervise", "read")

    started = api.post("/v1/bulk", {"action": "retry", "call_ids": ["c-1", "c-2", "c-3"]})
    read = api.get(f"/v1/bulk/{started.json()['number']}").json()

    assert started.status_code == 201
    assert (read["done"], read["refused"], read["by"]) == (1, 2, "key test")
    assert {each["call_id"]: each["reason"] for each in read["refusals"]} == {
        "c-2": "A call that is archived cannot be retried.",
        "c-3": "There is no call c-3.",
    }
    assert [row["number"] for row in api.get("/v1/bulk").json()["results"]] == [read["number"]]


def test_an_action_takes_the_filters_of_the_list_of_calls(api):
    failed_call("c-1")
    archived_call("c-2")

    body = {"action": "tag", "tag": "Again", "filter": {"state": ["FAILED"], "dismissed": False}}
    answer = api.post("/v1/bulk", body).json()

    assert (answer["total"], answer["done"]) == (1, 1)
    assert [call.call_id for call in Call.objects.tagged("again")] == ["c-1"]


def test_calls_are_held_with_a_reason_and_found_by_their_hold(api):
    failed_call("c-1")
    archived_call("c-2")

    missing = api.post("/v1/bulk", {"action": "hold", "call_ids": ["c-1"]})
    held = api.post("/v1/bulk", {"action": "hold", "reason": "Case 1", "call_ids": ["c-1"]}).json()
    found = {
        wanted: [
            row["call_id"] for row in api.get("/v1/call", {"on_hold": wanted}).json()["results"]
        ]
        for wanted in ("true", "false")
    }
    released = api.post("/v1/bulk", {"action": "release", "filter": {"on_hold": True}}).json()

    assert (missing.status_code, missing.json()) == (
        400, {"reason": ["A reason has 1 to 300 characters."]}
    )  # fmt: skip
    assert (held["done"], held["reason"]) == (1, "Case 1")
    assert found == {"true": ["c-1"], "false": ["c-2"]}
    assert (released["total"], released["done"]) == (1, 1)


def test_a_repeated_request_with_a_token_starts_one_action(api):
    failed_call("c-1")
    body = {"action": "dismiss", "call_ids": ["c-1"], "token": str(uuid.uuid4())}

    numbers = {api.post("/v1/bulk", body).json()["number"] for _ in range(2)}

    assert len(numbers) == BulkAction.objects.count() == 1


def test_a_stopped_action_does_not_touch_the_remaining_calls(api):
    action = BulkAction.objects.create(kind="retry", by="ann", total=1)
    action.items.create(call_id="c-1")

    stopped = api.post(f"/v1/bulk/{action.pk}/stop").json()

    assert stopped["finished_at"]
    assert stopped["waiting"] == 1


@pytest.mark.parametrize("scopes", [("supervise",), ("read", "ingest")])
def test_deletion_in_bulk_needs_the_scope_of_deletion(api_with_key, scopes):
    archived_call("c-1")
    api = api_with_key(*scopes)

    answer = api.post("/v1/bulk", {"action": "delete", "call_ids": ["c-1"]})

    assert answer.status_code == 403
    assert Call.objects.exists()


def test_a_key_of_an_administrator_deletes_in_bulk(api_with_key):
    archived_call("c-1")

    answer = api_with_key("supervise", "admin").post(
        "/v1/bulk", {"action": "delete", "call_ids": ["c-1"]}
    )

    assert answer.json()["done"] == 1
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "explode", "call_ids": ["c-1"]}, "action"),
        ({"action": "retry"}, "call_ids"),
        ({"action": "retry", "call_ids": ["c-1"], "filter": {"queue": "x"}}, "call_ids"),
        ({"action": "retry", "call_ids": []}, "call_ids"),
        ({"action": "retry", "filter": {}}, "filter"),
        ({"action": "retry", "filter": {"colour": "red"}}, "filter"),
        ({"action": "retry", "filter": {"state": "BROKEN"}}, "filter"),
        ({"action": "retry", "filter": {"queue": {"a": 1}}}, "filter"),
        ({"action": "retry", "filter": {"queue": "nobody"}}, "filter"),
        ({"action": "retry", "filter": {"queue": "a\0"}}, "filter"),
        ({"action": "tag", "call_ids": ["c-1"]}, "name"),
        ({"action": "reanalyse", "call_ids": ["c-1"], "stage": "think"}, "stage"),
        ({"action": "retry", "call_ids": ["c-1"], "token": "x"}, "token"),
    ],
)
def test_a_mistake_is_named_with_its_field(api, body, field):
    answer = api.post("/v1/bulk", body)

    assert answer.status_code == 400, answer.content
    assert list(answer.json()) == [field]
    assert not BulkAction.objects.exists()


def test_an_unknown_bulk_action_is_404(api):
    assert api.get("/v1/bulk/99").status_code == 404
    assert api.post(f"/v1/bulk/{10**30}/stop").status_code == 404
