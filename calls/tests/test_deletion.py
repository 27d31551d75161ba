"""Deleting a call: what is removed, what stays, and who may do it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from calls.deletion import delete_call
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import BulkAction, Call, CallEvent, Packet, Recording
from calls.services import CallNotFound, NotPossible
from calls.tests.admin.test_admin import changelist, text_of
from calls.tests.factories import archived_call, failed_call, live_call, packet

pytestmark = pytest.mark.django_db
OVER = {CallState.ARCHIVED, CallState.FAILED}


def test_a_deleted_call_leaves_nothing_but_an_event_that_names_it():
    archived_call("c-1")

    delete_call(call_id="c-1", by="ann")

    assert not Call.objects.exists()
    assert not Packet.objects.exists()
    event = CallEvent.objects.get()
    assert (event.type, event.call) == ("call_deleted", None)
    assert event.data == {"deleted": "c-1", "reason": "requested", "by": "ann"}


def test_files_of_a_deleted_call_are_removed_after_the_commit(
    django_capture_on_commit_callbacks,
):
    call = archived_call("c-1")
    name = default_storage.save("recordings/2026-01-31/c-1.wav", ContentFile(b"RIFF"))
    Recording.objects.create(
        call=call,
        file=name,
        size=4,
        sha256="0",
        duration_ms=1,
        version=1,
        created_at=call.opened_at,
    )

    with django_capture_on_commit_callbacks() as callbacks:
        delete_call(call_id="c-1")
    assert default_storage.exists(name)
    for callback in callbacks:
        callback()

    assert not default_storage.exists(name)


@pytest.mark.parametrize("state", CallState)
def test_only_a_finished_call_can_be_deleted(call_in, state):
    call_in(state)

    if state in OVER:
        delete_call(call_id="c-1")
    else:
        with pytest.raises(
            NotPossible, match=f"A call that is {CallState(state).in_words} cannot be deleted."
        ):
            delete_call(call_id="c-1")

    assert Call.objects.exists() == (state not in OVER)


def test_an_unknown_call_cannot_be_deleted():
    with pytest.raises(CallNotFound):
        delete_call(call_id="c-1")


def test_a_packet_that_comes_after_the_deletion_opens_a_new_call():
    archived_call("c-1")
    delete_call(call_id="c-1")

    record_packets([packet("c-1", 9)])

    call = Call.objects.get(call_id="c-1")
    assert (call.state, call.packet_count) == ("IN_PROGRESS", 1)
    assert not call.transcripts.exists()


# --- The API ---
def test_a_call_is_deleted_over_the_api_once(api_with_key):
    failed_call("c-1")
    api = api_with_key("admin")

    answers = [api.delete("/v1/call/c-1").status_code for _ in range(2)]

    assert answers == [204, 404]
    assert CallEvent.objects.get().data["by"] == "key test"


def test_a_live_call_is_not_deleted_over_the_api(api):
    live_call("c-1")

    answer = api.delete("/v1/call/c-1")

    assert (answer.status_code, answer.json()["state"]) == (409, "IN_PROGRESS")


def test_a_key_without_the_scope_admin_deletes_nothing(api_with_key):
    archived_call("c-1")

    assert api_with_key("read", "ingest", "supervise").delete("/v1/call/c-1").status_code == 403
    assert Call.objects.exists()


def test_a_person_needs_the_permission_to_delete_over_the_api(client, settings):
    settings.API_AUTH = "key"
    archived_call("c-1")
    user = User.objects.create(username="ann")
    user.user_permissions.set(Permission.objects.filter(codename="operate_call"))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    refused = client.delete("/v1/call/c-1")
    user.user_permissions.set(Permission.objects.filter(codename="delete_call"))
    done = client.delete("/v1/call/c-1")

    assert refused.json() == {"detail": "Your account lacks the permission calls.delete_call."}
    assert (refused.status_code, done.status_code) == (403, 204)


# --- The pages ---
def test_the_page_of_a_call_asks_before_it_is_deleted_and_leads_to_the_list(person):
    archived_call("c-1")
    client = person("view_call", "operate_call", "delete_call")
    address = reverse("supervisor:delete", args=["c-1"])
    assert address in client.get(reverse("supervisor:call", args=["c-1"])).content.decode()

    question = text_of(client.get(address))
    answer = client.post(address, follow=True)

    assert "Delete this call for good?" in question
    assert answer.redirect_chain[-1][0] == reverse("supervisor:board")
    assert "The call was deleted." in text_of(answer)
    assert not Call.objects.exists()


def test_nobody_deletes_a_call_without_the_permission(person):
    archived_call("c-1")
    client = person("view_call", "operate_call")
    address = reverse("supervisor:delete", args=["c-1"])

    page = client.get(reverse("supervisor:call", args=["c-1"])).content.decode()
    board = client.get(reverse("supervisor:board")).content.decode()

    assert address not in page
    assert 'value="delete"' not in board
    assert client.post(address).status_code == 403
    assert client.post(reverse("supervisor:bulk-ask"), {"action": "delete"}).status_code == 403
    assert client.post(reverse("supervisor:bulks"), {"action": "delete"}).status_code == 403


def test_calls_are_deleted_in_bulk_and_the_report_says_so(person):
    archived_call("c-1")
    live_call("c-2")
    client = person("view_call", "operate_call", "delete_call")
    chosen = {"action": "delete", "scope": "chosen", "call": ["c-1", "c-2"]}
    question = client.post(reverse("supervisor:bulk-ask"), chosen)

    token = str(question.context["token"])
    report = text_of(
        client.post(reverse("supervisor:bulks"), {**chosen, "token": token}, follow=True)
    )

    assert "will be deleted for good" in text_of(question)
    assert "A call that is live cannot be deleted." in report
    assert "on the wallboard" not in report
    assert [call.call_id for call in Call.objects.all()] == ["c-2"]
    assert BulkAction.objects.get().kind == "delete"


# --- The admin ---
def test_the_admin_asks_before_calls_are_deleted(person):
    archived_call("c-1")
    client = person("view_call", "operate_call", "delete_call")
    data = {"action": "delete", "_selected_action": [Call.objects.get().pk]}

    question = text_of(client.post(changelist("calls_call"), data))
    assert Call.objects.exists()
    done = client.post(changelist("calls_call"), {**data, "confirmed": "yes"}, follow=True)

    assert "Delete 1 call for good?" in question
    assert "c-1" in question
    assert "1 call deleted." in text_of(done)
    assert not Call.objects.exists()


def test_the_admin_offers_no_deletion_without_the_permission(person):
    archived_call("c-1")
    client = person("view_call", "operate_call")
    data = {"action": "delete", "_selected_action": [Call.objects.get().pk], "confirmed": "yes"}

    client.post(changelist("calls_call"), data)

    assert Call.objects.exists()
