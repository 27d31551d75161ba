"""Erasures are started in the admin and over the API, by those who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from calls.holds.services import set_hold
from calls.keys import create_key
from calls.models import AuditEntry, Call, Erasure
from calls.tests.factories import archived_call, live_call

pytestmark = pytest.mark.django_db
NUMBER = "+49 30 5550199"


@pytest.fixture
def ana(client):
    user = User.objects.create_user("ana", is_staff=True)
    wanted = ["erase_call", "view_erasure"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(user)
    return client


@pytest.fixture
def sent(settings):
    settings.API_AUTH = "key"

    def headers(*scopes):
        _, plain = create_key(name="CRM", scopes=scopes)
        key = {"Authorization": f"Bearer {plain}"}
        return {"headers": key, "content_type": "application/json"}

    return headers


def customers_call(call_id):
    call = archived_call(call_id)
    Call.objects.filter(pk=call.pk).update(caller=NUMBER)
    return call


def test_the_admin_shows_what_it_would_erase_before_it_does(ana):
    customers_call("c-1"), customers_call("held")
    set_hold(call_id="held", reason="Case 4711")
    address = reverse("admin:calls_erasure_add")
    form = {"numbers": "0049305550199", "call_ids": "nowhere", "reason": "Request 17"}
    assert ana.get(address).status_code == 200

    preview = ana.post(address, form).content.decode()
    assert "Erase 1 call" in preview
    assert "Case 4711" in preview
    assert Call.objects.count() == 2

    page = ana.post(address, {**form, "confirm": "1"}, follow=True).content.decode()
    assert "Everything was erased." in page
    assert "1 held calls" in page
    assert Call.objects.get().call_id == "held"
    first, *_, last = AuditEntry.objects.filter(action="erase").order_by("id")
    assert (first.actor, first.details["step"], last.details["step"]) == (
        "ana",
        "asked",
        "finished",
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"numbers": "", "call_ids": ""}, "at least one"),
        ({"numbers": "anonymous"}, "withhold"),
        ({"reason": ""}, "required"),
        ({"reason": "x" * 301}, "300"),
    ],
)
def test_an_invalid_form_is_shown_again(ana, change, problem):
    form = {"numbers": "4711", "call_ids": "", "reason": "Request 17", **change}

    page = ana.post(reverse("admin:calls_erasure_add"), {**form, "confirm": "1"})

    assert page.status_code == 200
    assert problem in page.content.decode()
    assert not Erasure.objects.exists()


def test_erasing_needs_its_own_permission(client):
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_erasure"]))
    client.force_login(user)

    assert client.get(reverse("admin:calls_erasure_changelist")).status_code == 200
    assert client.get(reverse("admin:calls_erasure_add")).status_code == 403


def test_the_api_erases_and_says_how_far_it_is(client, sent):
    key = sent("admin")
    customers_call("c-1")
    live_call("c-2")
    body = {"numbers": [NUMBER], "call_ids": ["c-2"], "reason": "Request 17"}

    planned = client.post(reverse("erasures"), {**body, "dry_run": True}, **key)
    assert (planned.status_code, planned.json()["calls"]) == (200, 2)
    assert Call.objects.count() == 2

    started = client.post(reverse("erasures"), body, **key)
    assert started.status_code == 202
    assert started.json()["state"] == "running"
    assert started.json()["waiting"] == 1
    found = client.get(reverse("erasure", args=[started.json()["id"]]), **key).json()
    assert (found["counts"]["calls"], found["by"]) == (1, "key CRM")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "r"}, "numbers"),
        ({"numbers": ["12"], "reason": "r"}, "numbers"),
        ({"numbers": ["4711"]}, "reason"),
        ({"numbers": [4711], "reason": "r"}, "numbers"),
        ({"numbers": ["4711"], "reason": "r", "dry_run": "yes"}, "dry_run"),
    ],
)
def test_an_invalid_erasure_names_the_field(client, sent, body, field):
    answer = client.post(reverse("erasures"), body, **sent("admin"))

    assert answer.status_code == 400
    assert field in answer.json()


def test_other_scopes_may_not_erase(client, sent):
    body = {"numbers": [NUMBER], "reason": "Request 17"}

    assert client.post(reverse("erasures"), body, **sent("supervise", "read")).status_code == 403
