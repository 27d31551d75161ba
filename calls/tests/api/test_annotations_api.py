"""Tags, notes and swapped speakers over HTTP: responses, permissions, filters and queries."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.management import call_command

from calls import annotations
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, Note
from calls.tests.audio import archived_text

pytestmark = pytest.mark.django_db


def add_tag(api, name, call_id="c-1"):
    return api.post(f"/v1/call/{call_id}/tags", {"name": name}, format="json")


def add_note(api, text, call_id="c-1"):
    return api.post(f"/v1/call/{call_id}/notes", {"text": text}, format="json")


def test_a_tag_is_added_listed_and_removed(api, call_in):
    call_in()

    first, again = add_tag(api, "Refund"), add_tag(api, "refund")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["name"] == "refund"
    listed = api.get("/v1/call/c-1/tags").json()["results"]
    assert [tag["name"] for tag in listed] == ["refund"]
    assert api.delete("/v1/call/c-1/tags/Refund").status_code == 204
    missing = api.delete("/v1/call/c-1/tags/refund")
    assert (missing.status_code, missing.json()) == (
        404,
        {"detail": "This call has no tag 'refund'."},
    )


def test_a_tag_with_a_slash_is_removed_by_its_escaped_name(api, call_in):
    call_in()
    add_tag(api, "billing/late fee")

    assert api.delete("/v1/call/c-1/tags/billing%2Flate%20fee").status_code == 204


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "required"),
        ({"name": 7}, "Must be a string, not integer."),
        ({"name": ""}, "1 to 50 characters"),
        ({"name": "a,b"}, "no comma"),
        ({"name": "4111 1111 1111 1111"}, "personal data"),
    ],
)
def test_an_invalid_tag_returns_the_field_and_the_rule(api, call_in, body, reason):
    call_in()

    answer = api.post("/v1/call/c-1/tags", body, format="json")

    assert answer.status_code == 400
    assert reason in answer.json()["name"][0]


def test_a_note_is_added_listed_and_deleted(api, call_in):
    call_in()

    added = add_note(api, "Card 4111 1111 1111 1111.")

    assert (added.status_code, added.json()["text"]) == (201, "Card [CARD].")
    (listed,) = api.get("/v1/call/c-1/notes").json()["results"]
    assert listed == added.json()
    assert api.delete(f"/v1/call/c-1/notes/{listed['id']}").status_code == 204
    assert api.delete(f"/v1/call/c-1/notes/{listed['id']}").status_code == 404
    assert api.delete(f"/v1/call/c-1/notes/{10**25}").status_code == 404


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (83_400, (201, 83_400)),
        (None, (201, None)),
        (-1, (400, ["The moment of a note is from 0 to 604,800,000 ms, which is a week."])),
        ("1:23", (400, ["Must be an integer, not string."])),
    ],
)
def test_the_moment_of_a_note_is_stored_or_refused_with_its_limits(api, call_in, at_ms, expected):
    call_in()
    body = {"text": "Hello.", "at_ms": at_ms}

    answer = api.post("/v1/call/c-1/notes", body, format="json")

    assert (answer.status_code, answer.json()["at_ms"]) == expected


@pytest.mark.parametrize("text", ["", "x" * 4001])
def test_an_invalid_note_returns_the_limit(api, call_in, text):
    call_in()

    answer = add_note(api, text)

    assert (answer.status_code, "1 to 4,000 characters" in answer.json()["text"][0]) == (400, True)


def test_an_unknown_call_returns_404_and_an_invalid_id_400(api):
    for path in ("tags", "notes"):
        assert api.get(f"/v1/call/nowhere/{path}").status_code == 404
        assert api.get(f"/v1/call/undefined/{path}").status_code == 400
    assert add_tag(api, "vip", "nowhere").status_code == 404
    assert add_note(api, "Hello.", "nowhere").status_code == 404
    swap = api.put("/v1/call/nowhere/speakers", {"swapped": True}, format="json")
    assert swap.status_code == 404


def test_reading_takes_one_scope_and_writing_another(api_with_key, call_in):
    call_in()
    reader, operator = api_with_key("read"), api_with_key("supervise")

    assert [reader.get(f"/v1/call/c-1/{path}").status_code for path in ("tags", "notes")] == [
        200
    ] * 2
    refused = [
        add_tag(reader, "vip"),
        add_note(reader, "Hello."),
        reader.delete("/v1/call/c-1/tags/vip"),
        reader.delete("/v1/call/c-1/notes/1"),
        reader.put("/v1/call/c-1/speakers", {"swapped": True}, format="json"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert add_tag(operator, "vip").json()["added_by"] == "key test"
    assert CallEvent.objects.get().data == {"tag": "vip", "by": "key test"}


def test_deleting_a_note_of_somebody_else_needs_a_permission(person, settings, call_in):
    settings.API_AUTH = "key"
    call_in()
    note = annotations.add_note(call_id="c-1", text="Mine.", by="bob")
    client = person("operate_call", "view_call")

    answer = client.delete(f"/v1/call/c-1/notes/{note.pk}")

    assert (answer.status_code, answer.json()["detail"]) == (403, "bob wrote this note.")
    boss = person_who_may_delete(client)
    assert boss.delete(f"/v1/call/c-1/notes/{note.pk}").status_code == 204
    assert not Note.objects.exists()


def person_who_may_delete(client):
    from django.contrib.auth.models import Permission, User

    user = User.objects.get(username="ann")
    user.user_permissions.add(Permission.objects.get(codename="delete_note"))
    return client


def test_speakers_are_swapped_and_repeating_it_changes_nothing(api):
    call = archived_text("c-1")

    answers = [api.put("/v1/call/c-1/speakers", {"swapped": True}, format="json") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    expected = {"call_id": "c-1", "swapped": True, "state": "COMPLETED"}
    assert [answer.json() for answer in answers] == [expected, expected]
    assert api.get("/v1/call/c-1").json()["speakers_swapped"] is True
    assert call.events.filter(type="speakers_swapped").count() == 1


@pytest.mark.parametrize("body", [{}, {"swapped": "true"}, {"swapped": 1}, {"swapped": None}])
def test_a_swap_without_a_direction_is_refused_by_the_api(api, call_in, body):
    call_in()

    answer = api.put("/v1/call/c-1/speakers", body, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["swapped"])
    assert Call.objects.get().speakers_swapped is False


def test_calls_are_found_by_their_tag_in_lists_and_tables(api, call_in):
    for number in range(3):
        call_in(CallState.FAILED, call_id=f"c-{number}")
    for call_id in ("c-0", "c-2"):
        add_tag(api, "Late fee", call_id)
    add_tag(api, "vip", "c-2")

    found = api.get("/v1/call?tag=LATE+FEE").json()["results"]

    assert [(call["call_id"], call["tags"], call["note_count"]) for call in found] == [
        ("c-2", ["late fee", "vip"], 0),
        ("c-0", ["late fee"], 0),
    ]
    assert api.get("/v1/call?tag=a,b").json()["results"] == []
    table = b"".join(api.get("/v1/calls.csv?tag=late+fee").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["call_id"], row["tags"]) for row in rows] == [
        ("c-2", "late fee, vip"),
        ("c-0", "late fee"),
    ]


def test_commands_select_calls_by_tag(call_in, capsys):
    for number in range(2):
        call_in(CallState.FAILED, call_id=f"c-{number}")
    annotations.add_tag(call_id="c-1", name="outage")

    call_command("retry_failed", "--tag", "outage")

    assert "1 calls changed" in capsys.readouterr().out
    assert list(Call.objects.order_by("pk").values_list("state", flat=True)) == [
        "FAILED",
        "COMPLETED",
    ]


def test_tags_and_notes_take_a_constant_number_of_queries(api, call_in, django_assert_num_queries):
    def fill(first):
        for number in range(first, first + 10):
            call_in(call_id=f"c-{number}")
            add_tag(api, "vip", f"c-{number}")
            add_note(api, "Hello.", f"c-{number}")

    fill(0)
    with django_assert_num_queries(3):
        api.get("/v1/call?limit=50")
    fill(10)
    with django_assert_num_queries(3):
        answer = api.get("/v1/call?limit=50").json()

    assert len(answer["results"]) == 20
    assert {(tuple(call["tags"]), call["note_count"]) for call in answer["results"]} == {
        (("vip",), 1)
    }
