"""Custom fields: defined by administrators, sent with calls, shown, searched and exported."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.ingest.carriers.opening import open_stream
from calls.models import Call, CallEvent, CustomField, FieldValue
from calls.tests.admin.test_admin import text_of
from calls.tests.api.test_calls_csv import rows_of
from calls.tests.factories import archived_call, live_call

pytestmark = pytest.mark.django_db
LINK = "https://crm.example.com/1042"


@pytest.fixture(autouse=True)
def _fields(db):
    CustomField.objects.create(name="customer_id", label="Customer id", on_board=True)
    CustomField.objects.create(name="crm", label="CRM", kind="link", is_searched=False)
    CustomField.objects.create(name="value", label="Order value", kind="number")


def values(call_id="c-1"):
    return Call.objects.get(call_id=call_id).custom


def test_start_adds_and_changes_fields_and_keeps_the_others(api):
    api.post("/v1/call/c-1/start", {"fields": {"customer_id": " C-1 ", "crm": LINK}})

    answer = api.post("/v1/call/c-1/start", {"fields": {"customer_id": "C-2", "value": 12.5}})

    assert answer.status_code == 200
    assert values() == {"customer_id": "C-2", "crm": LINK, "value": "12.5"}


def test_put_sets_all_fields_and_removes_the_rest(api):
    api.post("/v1/call/c-1/start", {"fields": {"customer_id": "C-1", "crm": LINK}})

    answer = api.put("/v1/call/c-1/fields", {"value": 3, "crm": None})

    assert answer.json() == {"call_id": "c-1", "fields": {"value": "3"}}
    assert api.get("/v1/call/c-1").json()["fields"] == {"value": "3"}


def test_the_log_says_what_changed_and_a_repeated_request_says_nothing(api_with_key):
    live_call("c-1")
    api = api_with_key("ingest")

    for _ in range(2):
        api.put("/v1/call/c-1/fields", {"customer_id": "C-1"})

    event = CallEvent.objects.get(type="call_fields")
    assert event.data == {"fields": {"customer_id": "C-1"}, "by": "key test"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"colour": "red"}, "colour"),
        ({"crm": "javascript:alert(1)"}, "crm"),
        ({"crm": "https://"}, "crm"),
        ({"crm": "ftp://crm.example.com"}, "crm"),
        ({"value": "much"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"value": True}, "value"),
        ({"customer_id": ["C-1"]}, "customer_id"),
        ({"customer_id": "x" * 501}, "customer_id"),
        ({"customer_id": "a\0b"}, "customer_id"),
    ],
)
def test_an_invalid_value_is_named_and_nothing_is_stored(api, given, name):
    live_call("c-1")

    put = api.put("/v1/call/c-1/fields", {"customer_id": "C-1", **given})
    start = api.post("/v1/call/c-2/start", {"fields": given})

    assert (put.status_code, list(put.json())) == (400, [name])
    assert (start.status_code, list(start.json()["fields"])) == (400, [name])
    assert not FieldValue.objects.exists()
    assert not Call.objects.filter(call_id="c-2").exists()


def test_fields_of_an_unknown_call_are_404(api):
    assert api.put("/v1/call/c-1/fields", {}).status_code == 404


def test_every_route_says_to_options_what_it_allows(api):
    live_call("c-1")

    for name in ("fields", "speakers", "hold", "start"):
        answer = api.options(f"/v1/call/c-1/{name}")
        assert (answer.status_code, name) == (200, name)


def test_a_body_that_is_not_an_object_is_refused(api):
    live_call("c-1")

    assert api.put("/v1/call/c-1/fields", ["x"]).status_code == 400


def test_a_carriers_parameter_with_the_name_of_a_field_sets_its_value():
    said = {"customer_id": "C-1", "crm": "not a link", "token": "secret"}

    open_stream(call_id="c-1", name="", media="text/plain", description={}, said=said)

    assert values() == {"customer_id": "C-1"}


def test_calls_are_found_by_the_value_of_a_field(api):
    for call_id, value in (("c-1", "C-1"), ("c-2", "C-2")):
        api.post(f"/v1/call/{call_id}/start", {"fields": {"customer_id": value, "crm": LINK}})

    def found(query):
        return [call["call_id"] for call in api.get(f"/v1/call?{query}").json()["results"]]

    assert found("field=customer_id:C-2") == ["c-2"]
    assert found(f"field=customer_id:C-2&field=crm:{LINK}") == ["c-2"]
    assert found("field=customer_id:C-") == []
    assert found("field=nonsense") == []


def test_the_search_box_of_the_wallboard_finds_the_fields_that_are_searched(api, boss):
    api.post("/v1/call/c-1/start", {"fields": {"customer_id": "C-1042", "crm": LINK}})
    live_call("c-2")

    def shown(query):
        page = boss.get(reverse("supervisor:board"), {"q": query}).content.decode()
        return 'id="call-c-1"' in page

    assert shown("c-104")
    assert not shown("crm.example")


def test_the_wallboard_shows_the_fields_marked_for_it(api, boss):
    api.post("/v1/call/c-1/start", {"fields": {"customer_id": "C-1042", "value": 77.25}})

    page = text_of(boss.get(reverse("supervisor:board")))

    assert "C-1042" in page
    assert "77.25" not in page


def test_the_call_page_shows_fields_and_links_without_a_referrer(api, boss):
    archived_call("c-1")
    api.put("/v1/call/c-1/fields", {"customer_id": "<b>C</b>", "crm": LINK})

    page = boss.get(reverse("supervisor:call", args=["c-1"])).content.decode()

    assert "&lt;b&gt;C&lt;/b&gt;" in page
    assert f'href="{LINK}" rel="noopener noreferrer"' in " ".join(page.split())


def test_exports_have_the_fields(api):
    archived_call("c-1")
    live_call("c-2")
    api.put("/v1/call/c-1/fields", {"customer_id": "=C-1", "crm": LINK})

    rows = rows_of(api.get("/v1/calls.csv"))
    document = api.get("/v1/call/c-1/transcript").json()
    vcon = api.get("/v1/call/c-1/transcript?as=vcon").json()

    assert {row["call_id"]: row["field_crm"] for row in rows} == {"c-1": LINK, "c-2": ""}
    assert rows[1]["field_customer_id"] == "'=C-1"
    assert document["fields"] == {"customer_id": "=C-1", "crm": LINK}
    (found,) = [each for each in vcon["analysis"] if each["type"] == "fields"]
    assert found["body"] == document["fields"]


def test_the_number_of_queries_of_the_list_does_not_grow_with_calls(api, django_assert_num_queries):
    def ask():
        return api.get("/v1/call?limit=50")

    for at in range(2):
        api.post(f"/v1/call/c-{at}/start", {"fields": {"customer_id": "C"}})
    with django_assert_num_queries(3):
        ask()
    for at in range(2, 9):
        api.post(f"/v1/call/c-{at}/start", {"fields": {"customer_id": "C"}})

    with django_assert_num_queries(3):
        ask()


# --- The admin ---
def test_the_name_of_a_field_cannot_be_changed(boss):
    new = {"name": "order_no", "label": "Order", "kind": "text"}

    boss.post(reverse("admin:calls_customfield_add"), new)
    field = CustomField.objects.get(name="order_no")
    address = reverse("admin:calls_customfield_change", args=[field.pk])
    boss.post(address, {**new, "name": "other", "label": "Order number"})

    field.refresh_from_db()
    assert (field.name, field.label) == ("order_no", "Order number")


@pytest.mark.parametrize("name", ["Order", "1st", "", "a b", "x" * 41, "crm"])
def test_a_name_that_programs_could_not_use_is_refused(boss, name):
    boss.post(
        reverse("admin:calls_customfield_add"), {"name": name, "label": "Order", "kind": "text"}
    )

    assert CustomField.objects.count() == 3


def test_a_deleted_field_loses_its_values(api):
    api.post("/v1/call/c-1/start", {"fields": {"customer_id": "C-1", "crm": LINK}})

    CustomField.objects.get(name="crm").delete()

    assert values() == {"customer_id": "C-1"}


def test_the_number_of_fields_is_limited(boss):
    for at in range(17):
        CustomField.objects.create(name=f"f{at}", label="x")
    new = {"name": "more", "label": "More", "kind": "text"}

    page = text_of(boss.post(reverse("admin:calls_customfield_add"), new))

    assert "There are 20 fields already." in page
    assert CustomField.objects.count() == 20
